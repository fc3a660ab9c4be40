"""`python -m benchmarks`: every benchmark, one after the other."""

from benchmarks import edf, raters

if __name__ == "__main__":
    edf.main()
    raters.main()
