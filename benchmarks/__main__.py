"""`python -m benchmarks`: every benchmark, one after the other."""

from benchmarks import edf, evaluation, raters

if __name__ == "__main__":
    edf.main()
    evaluation.main()
    raters.main()
