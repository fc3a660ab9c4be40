import numpy as np
import pytest
from scipy.stats import binom, binomtest

from synth_core.study.stats import (
    equivalence_sample_size,
    equivalence_to_chance,
    proportion_interval,
    rope_probability,
)

# Newcombe 1998, Stat. Med. 17:857, Table I: methods 3 (score) and 5 (Clopper–Pearson).
NEWCOMBE = [
    (81, 263, (0.2553, 0.3662), (0.2527, 0.3676)),
    (15, 148, (0.0624, 0.1605), (0.0578, 0.1617)),
    (0, 20, (0.0, 0.1611), (0.0, 0.1684)),
    (1, 29, (0.0061, 0.1718), (0.0009, 0.1776)),
]


@pytest.mark.parametrize(("k", "n", "score", "exact"), NEWCOMBE)
def test_intervals_of_newcombe(k: int, n: int, score: tuple[float, float], exact: tuple[float, float]) -> None:
    assert proportion_interval(k, n, "wilson", 0.95) == pytest.approx(score, abs=6e-5)
    assert proportion_interval(k, n, "clopper-pearson", 0.95) == pytest.approx(exact, abs=6e-5)
    mirrored = proportion_interval(n - k, n)
    assert mirrored == pytest.approx((1 - score[1], 1 - score[0]), abs=6e-5)


def test_nothing_and_everything_right_reach_the_ends() -> None:
    for method in ("wilson", "exact"):
        assert proportion_interval(0, 12, method).low == 0
        assert proportion_interval(12, 12, method).high == 1
    assert proportion_interval(12, 12, "exact").low == pytest.approx(0.025 ** (1 / 12))


def test_equivalence_is_the_larger_of_two_one_sided_tests() -> None:
    k, n, margin = 152, 300, 0.1
    above = binomtest(k, n, 0.4, alternative="greater").pvalue
    below = binomtest(k, n, 0.6, alternative="less").pvalue
    p, interval = equivalence_to_chance(k, n, margin)
    assert p == pytest.approx(max(above, below))
    assert p < 0.05
    assert interval == proportion_interval(k, n, "clopper-pearson", 0.9)


@pytest.mark.parametrize("n", [17, 60, 214])
def test_equivalence_holds_where_the_interval_lies_within_the_margins(n: int) -> None:
    for k in range(n + 1):
        p, (low, high) = equivalence_to_chance(k, n, 0.13)
        assert (p <= 0.05) == (low >= 0.37 and high <= 0.63)


def test_few_answers_at_chance_and_many_wrong_ones_are_no_equivalence() -> None:
    assert equivalence_to_chance(5, 10, 0.1).p > 0.05
    assert equivalence_to_chance(30, 300, 0.1).p > 0.99
    assert equivalence_to_chance(0, 1, 0.1).interval == pytest.approx((0, 0.95))


def power(n: int, margin: float, alpha: float) -> float:
    k = np.arange(n + 1)
    passing = (binom.sf(k - 1, n, 0.5 - margin) <= alpha) & (binom.cdf(k, n, 0.5 + margin) <= alpha)
    return float(binom.pmf(k, n, 0.5)[passing].sum())


@pytest.mark.parametrize(
    ("margin", "alpha", "wanted"), [(0.1, 0.05, 0.8), (0.15, 0.05, 0.9), (0.2, 0.025, 0.8), (0.45, 0.05, 0.5)]
)
def test_power_never_falls_again_from_the_stable_number_on(margin: float, alpha: float, wanted: float) -> None:
    n = equivalence_sample_size(margin, alpha, wanted)
    assert power(n - 1, margin, alpha) < wanted
    assert all(power(more, margin, alpha) >= wanted for more in range(n, 3 * n + 60))


def test_some_smaller_number_reaches_the_power_and_the_next_one_loses_it() -> None:
    stable = equivalence_sample_size(0.1, 0.05, 0.8)
    assert any(power(n, 0.1, 0.05) >= 0.8 for n in range(1, stable))


def test_posterior_mass_near_chance() -> None:
    assert rope_probability(0, 0, 0.1) == pytest.approx(0.2)
    # Beta(2, 1) has the distribution function x²
    assert rope_probability(1, 1, 0.1) == pytest.approx(0.6**2 - 0.4**2)
    assert rope_probability(500, 1000, 0.1) > 0.999
    assert rope_probability(900, 1000, 0.1) < 1e-9


@pytest.mark.parametrize(("k", "n"), [(3, 2), (-1, 4), (0, 0), (1.5, 4), (float("nan"), 4)])
def test_impossible_counts_are_refused(k: float, n: int) -> None:
    for call in (proportion_interval, lambda k, n: equivalence_to_chance(k, n, 0.1)):
        with pytest.raises(ValueError, match="0 ≤ k ≤ n"):
            call(k, n)  # type: ignore[operator]


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="margin"):
        equivalence_to_chance(1, 2, 0.5)
    with pytest.raises(ValueError, match="one of wilson"):
        proportion_interval(1, 2, "wald")
    with pytest.raises(ValueError, match="confidence level"):
        proportion_interval(1, 2, level=95)
    with pytest.raises(ValueError, match="power"):
        equivalence_sample_size(0.1, 0.05, 1)
    with pytest.raises(ValueError, match="wider"):
        equivalence_sample_size(1e-4, 0.05, 0.8)
