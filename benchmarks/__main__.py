"""`python -m benchmarks`: every benchmark, one after the other."""

from benchmarks import campaign, edf, evaluation, raters

if __name__ == "__main__":
    edf.main()
    evaluation.main()
    raters.main()
    campaign.main()
