import numpy as np
import pytest
from scipy.stats import mannwhitneyu
from sklearn.metrics import roc_auc_score

from synth_core.study.stats import auc, delong_test, proportion_interval

# The ovarian cancer data of DeLong et al. 1988 (43 patients with all three tests), as printed in the SAS/STAT User's
# Guide, "Comparing Receiver Operating Characteristic Curves": albumin, total protein, K-G score, benefit.
OVARIAN = np.fromstring(
    """3.0 5.8 10 0 3.2 6.3 5 1 3.9 6.8 3 1 2.8 4.8 6 0 3.2 5.8 3 1 0.9 4.0 5 0 2.5 5.7 8 0 1.6 5.6 5 1 3.8 5.7 5 1
    3.7 6.7 6 1 3.2 5.4 4 1 3.8 6.6 6 1 4.1 6.6 5 1 3.6 5.7 5 1 4.3 7.0 4 1 3.6 6.7 4 0 2.3 4.4 6 1 4.2 7.6 4 0
    4.0 6.6 6 0 3.5 5.8 6 1 3.8 6.8 7 1 3.0 4.7 8 0 4.5 7.4 5 1 3.7 7.4 5 1 3.1 6.6 6 1 4.1 8.2 6 1 4.3 7.0 5 1
    4.3 6.5 4 1 3.2 5.1 5 1 2.6 4.7 6 1 3.3 6.8 6 0 1.7 4.0 7 0 3.7 6.1 5 1 3.3 6.3 7 1 4.2 7.7 6 1 3.5 6.2 5 1
    2.9 5.7 9 0 2.1 4.8 7 1 2.8 6.2 8 0 4.0 7.0 7 1 3.3 5.7 6 1 3.7 6.9 5 1 3.6 6.6 5 1""",
    sep=" ",
).reshape(-1, 4)
ALBUMIN, PROTEIN, SCORE, BENEFIT = OVARIAN[:, 0], OVARIAN[:, 1], 10 - OVARIAN[:, 2], OVARIAN[:, 3]


def test_areas_and_errors_of_the_ovarian_data() -> None:
    """ROC Association Statistics of the same page: Mann–Whitney area and standard error."""
    assert auc(ALBUMIN, BENEFIT)[:2] == pytest.approx((0.7366, 0.0927), abs=6e-5)
    assert auc(PROTEIN, BENEFIT)[:2] == pytest.approx((0.6478, 0.1000), abs=6e-5)
    assert auc(SCORE, BENEFIT)[:2] == pytest.approx((0.7258, 0.1028), abs=6e-5)


def test_delong_on_the_ovarian_data() -> None:
    """ROC Contrast Estimation of the same page: estimate, standard error, χ² and its p."""
    found = delong_test(ALBUMIN, SCORE, BENEFIT)
    assert (found.difference, found.error) == pytest.approx((0.0108, 0.0953), abs=6e-5)
    assert (found.z**2, found.p) == pytest.approx((0.0127, 0.9102), abs=6e-5)
    found = delong_test(PROTEIN, SCORE, BENEFIT)
    assert (found.difference, found.error) == pytest.approx((-0.0780, 0.1046), abs=6e-5)
    assert (found.z**2, found.p) == pytest.approx((0.5554, 0.4561), abs=6e-5)
    assert found.interval == pytest.approx((-0.0780 - 1.96 * 0.1046, -0.0780 + 1.96 * 0.1046), abs=2e-4)


def test_components_equal_those_of_all_pairs() -> None:
    """Eq. 4 of the paper, from the kernel of all pairs instead of ranks; the K-G score is full of ties."""
    x, y = SCORE[BENEFIT == 1], SCORE[BENEFIT == 0]
    kernel = (np.sign(np.subtract.outer(x, y)) + 1) / 2
    variance = kernel.mean(1).var(ddof=1) / len(x) + kernel.mean(0).var(ddof=1) / len(y)
    assert auc(SCORE, BENEFIT).error == pytest.approx(np.sqrt(variance))


def ratings(seed: int, shift: float, n: int = 80) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = np.arange(n) % 2 == 1
    return np.clip(np.round(rng.normal(3.5 + shift * truth, 1.5)), 1, 6), truth


def test_auc_agrees_with_scipy_and_sklearn() -> None:
    values, truth = ratings(0, 0.8)
    u = mannwhitneyu(values[truth], values[~truth]).statistic
    assert auc(values, truth).value == pytest.approx(u / (40 * 40))
    assert auc(values, truth).value == pytest.approx(roc_auc_score(truth, values))


def test_interval_covers_at_its_level() -> None:
    expected = np.mean([auc(*ratings(seed, 0.8, 4000)).value for seed in range(5)])
    intervals = [auc(*ratings(seed, 0.8)).interval for seed in range(300)]
    covered = np.mean([low <= expected <= high for low, high in intervals])
    assert 0.91 <= covered <= 0.985


def test_complete_separation_has_an_honest_interval() -> None:
    truth = np.arange(20) % 2 == 1
    value, error, (low, high) = auc(truth * 5 + 1, truth)
    assert (value, error, high) == (1.0, 0.0, 1.0)
    assert low == pytest.approx(proportion_interval(10, 10, "exact").low)
    assert auc(-1.0 * truth, truth).interval == pytest.approx((0.0, 1 - low))


def test_all_scores_alike_are_chance_without_error() -> None:
    value, error, interval = auc(np.full(20, 3), np.arange(20) % 2)
    assert (value, error) == (0.5, 0.0)
    assert interval == (0.5, 0.5)


def test_a_single_item_of_a_kind_says_nothing_of_the_error() -> None:
    value, error, interval = auc([1, 2, 3, 2], [0, 0, 0, 1])
    assert value == pytest.approx(0.5)
    assert np.isnan(error)
    assert interval == (0, 1)
    assert np.isnan(delong_test([1, 2, 3], [3, 2, 1], [0, 0, 1]).p)


def test_scores_of_the_same_order_do_not_differ() -> None:
    found = delong_test(SCORE, SCORE**3, BENEFIT)
    assert (found.difference, found.error, found.z, found.p) == pytest.approx((0, 0, 0, 1), abs=1e-9)


def test_opposite_perfect_orders_have_no_error_to_test_with() -> None:
    truth = np.arange(8) % 2
    found = delong_test(truth, -truth, truth)
    assert found.difference == 1
    assert np.isnan(found.p)


def test_delong_keeps_its_level() -> None:
    rng = np.random.default_rng(5)
    truth = np.arange(60) % 2

    def p() -> float:
        shared = truth + rng.normal(size=60)
        return delong_test(shared + rng.normal(size=60), shared + rng.normal(size=60), truth).p

    assert 0.02 <= np.mean([p() <= 0.05 for _ in range(400)]) <= 0.085


def test_what_has_no_roc_is_refused() -> None:
    with pytest.raises(ValueError, match="both real and synthetic"):
        auc([1, 2], [True, True])
    with pytest.raises(ValueError, match="same items"):
        auc([1, 2, 3], [0, 1])
    with pytest.raises(ValueError, match="score for each"):
        auc([1, np.nan], [0, 1])
    with pytest.raises(ValueError, match=r"0 \(real\) or 1"):
        auc([1, 2], [1, 2])
