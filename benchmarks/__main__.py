"""`python -m benchmarks`: every benchmark, one after the other."""

from benchmarks import raters

if __name__ == "__main__":
    raters.main()
