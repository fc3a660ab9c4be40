import numpy as np
import pytest
from scipy.stats import binomtest, mannwhitneyu, norm
from sklearn.metrics import roc_auc_score

from synth_core.errors import InvalidSetting
from synth_core.study.statistics import (
    auc,
    auc_interval,
    clopper_pearson,
    equivalence_to_chance,
    signal_detection,
    wilson,
)


@pytest.mark.parametrize(("k", "n"), [(0, 10), (10, 10), (7, 20), (594, 1000)])
def test_intervals_agree_with_scipy(k: int, n: int) -> None:
    for ours, method in ((wilson(k, n), "wilson"), (clopper_pearson(k, n), "exact")):
        theirs = binomtest(k, n).proportion_ci(0.95, method=method)
        assert ours == pytest.approx((k / n, theirs.low, theirs.high))


def test_equivalence_is_the_larger_of_two_one_sided_tests() -> None:
    k, n, margin = 152, 300, 0.1
    above = binomtest(k, n, 0.4, alternative="greater").pvalue
    below = binomtest(k, n, 0.6, alternative="less").pvalue
    assert equivalence_to_chance(k, n, margin) == pytest.approx(max(above, below))
    assert equivalence_to_chance(k, n, margin) < 0.05


def test_few_answers_at_chance_and_many_wrong_ones_are_no_equivalence() -> None:
    assert equivalence_to_chance(5, 10, 0.1) > 0.05
    assert equivalence_to_chance(30, 300, 0.1) > 0.99


def test_signal_detection_of_known_normals() -> None:
    n = 10**7
    hits, false_alarms = round(n * norm.cdf(1.5 - 0.2)), round(n * norm.cdf(-0.2))
    d_prime, criterion = signal_detection(hits, n, false_alarms, n)
    assert d_prime == pytest.approx(1.5, abs=1e-3)
    assert criterion == pytest.approx(0.2 - 1.5 / 2, abs=1e-3)


def test_perfect_raters_have_a_finite_d_prime() -> None:
    assert signal_detection(20, 20, 0, 20).d_prime == pytest.approx(2 * norm.ppf(20.5 / 21))


def ratings(seed: int, shift: float, n: int = 80) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = np.arange(n) % 2 == 1
    return np.clip(np.round(rng.normal(3.5 + shift * truth, 1.5)), 1, 6), truth


def test_auc_agrees_with_scipy_and_sklearn() -> None:
    values, truth = ratings(0, 0.8)
    u = mannwhitneyu(values[truth], values[~truth]).statistic
    assert auc(values, truth) == pytest.approx(u / (40 * 40))
    assert auc(values, truth) == pytest.approx(roc_auc_score(truth, values))


def test_auc_interval_covers_at_its_level() -> None:
    expected = np.mean([auc(*ratings(seed, 0.8, 4000)) for seed in range(5)])
    intervals = [auc_interval(*ratings(seed, 0.8)) for seed in range(300)]
    covered = np.mean([low <= expected <= high for _, low, high in intervals])
    assert 0.91 <= covered <= 0.985


def test_auc_interval_stays_inside_and_is_honest_when_separation_is_complete() -> None:
    truth = np.arange(20) % 2 == 1
    value, low, high = auc_interval(truth * 5 + 1, truth)
    assert (value, high) == (1.0, 1.0)
    assert low == pytest.approx(clopper_pearson(10, 10).low)
    values, truth = ratings(3, 2.5, 12)
    assert 0 <= auc_interval(values, truth).low <= auc_interval(values, truth).high <= 1


def test_impossible_counts_are_refused() -> None:
    for call in (lambda: wilson(3, 2), lambda: clopper_pearson(0, 0), lambda: equivalence_to_chance(1, 2, 0.5)):
        with pytest.raises(InvalidSetting):
            call()
    with pytest.raises(InvalidSetting, match="both real and synthetic"):
        auc([1, 2], [True, True])
