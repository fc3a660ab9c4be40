import numpy as np
import pytest
from scipy.stats import norm, t

from synth_core.study.stats import equivalence_power, simulated_power


@pytest.mark.parametrize(
    ("raters", "items", "margin", "rater", "item", "accuracy"),
    [(8, 60, 0.1, 0.0025, 0.01, 0.5), (4, 50, 0.15, 0.0025, 0.02, 0.5), (12, 40, 0.12, 0.005, 0.01, 0.54)],
)
def test_formula_and_simulation_agree(
    raters: int, items: int, margin: float, rater: float, item: float, accuracy: float
) -> None:
    by_formula = equivalence_power(raters, items, margin, rater, item, accuracy=accuracy)
    simulated = simulated_power(
        raters, items, margin, rater, item, accuracy=accuracy, studies=400, rng=np.random.default_rng(1)
    )
    assert 0.2 < by_formula < 0.98
    assert simulated == pytest.approx(by_formula, abs=0.07)


def test_known_variance_is_the_textbook_case() -> None:
    """Only items vary, so that the error is known: power = 2 Φ(m / σ − z) − 1 (Schuirmann 1987)."""
    error = np.sqrt(0.09 / 100)
    expected = 2 * norm.cdf(0.1 / error - norm.isf(0.05)) - 1
    assert equivalence_power(10, 100, 0.1, 0, 0.09, 0) == pytest.approx(expected)


def test_only_raters_vary_is_a_one_sample_t_test() -> None:
    """Power of two one-sided t tests at a true accuracy on the margin is the chance that one of them errs: α."""
    assert equivalence_power(10, 100, 0.2, 0.0025, 0, 0, accuracy=0.7) == pytest.approx(0.05, abs=2e-3)
    far = equivalence_power(10, 100, 0.2, 0.0025, 0, 0)
    half = t.isf(0.05, 9) * 0.05 / np.sqrt(10)
    assert far == pytest.approx(2 * norm.cdf((0.2 - half) / (0.05 / np.sqrt(10))) - 1, abs=1e-6)


def test_one_rater_has_no_power_and_more_raters_have_more() -> None:
    assert equivalence_power(1, 300, 0.1, 0.0025, 0.01) == 0
    assert equivalence_power(20, 1, 0.1, 0.0025, 0.01) == 0
    powers = [equivalence_power(raters, 60, 0.1, 0.0025, 0.01) for raters in (2, 4, 8, 16, 32)]
    assert powers == sorted(powers)
    assert powers[0] < 0.3
    assert powers[-1] > 0.9


def test_items_alone_do_not_help_against_the_spread_of_raters() -> None:
    assert equivalence_power(3, 100_000, 0.1, 0.02, 0.01) < 0.25


def test_impossible_variances_are_refused() -> None:
    with pytest.raises(ValueError, match=r"at most 0\.25"):
        equivalence_power(5, 50, 0.1, 0.2, 0.1)
    with pytest.raises(ValueError, match="0 or more"):
        equivalence_power(5, 50, 0.1, -0.01, 0.1)
    with pytest.raises(ValueError, match="1 or more"):
        equivalence_power(0, 50, 0.1, 0.01, 0.01)
    with pytest.raises(ValueError, match="margin"):
        equivalence_power(5, 50, 0.6, 0.01, 0.01)
