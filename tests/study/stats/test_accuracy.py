import numpy as np
import pytest
from scipy.stats import norm

from synth_core.study.stats import accuracy_parts, mrmc_accuracy, mrmc_equivalence, proportion_interval
from synth_core.study.stats.components import error_parts
from tests.study.stats.test_reliability import SHROUT_FLEISS


def cells_of(table: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rater, item = np.nonzero(~np.isnan(table))
    return table[rater, item], rater, item, np.zeros_like(item)


def test_error_parts_follow_the_published_analysis_of_variance() -> None:
    """Shrout and Fleiss 1979, Table 3: mean squares 11.24 between targets, 32.49 between judges, 1.02 residual."""
    parts = error_parts(*cells_of(SHROUT_FLEISS))
    targets, judges, residual, n = 11.24, 32.49, 1.02, 24
    assert parts.total == pytest.approx((judges + targets - residual) / n, abs=2e-3)
    assert parts.between_raters == pytest.approx(judges / n, abs=1e-3)
    assert parts.rater == pytest.approx((judges - residual) / n, abs=1e-3)
    assert parts.item == pytest.approx((targets - residual) / n, abs=1e-3)
    assert parts.residual == pytest.approx(residual / n, abs=1e-3)


def mean_squares(table: np.ndarray) -> tuple[float, float, float]:
    raters, items = table.shape
    rows, columns = table.mean(axis=1, keepdims=True), table.mean(axis=0, keepdims=True)
    rest = table - rows - columns + table.mean()
    return (
        items * rows.var() * raters / (raters - 1),
        raters * columns.var() * items / (items - 1),
        np.sum(rest**2) / ((raters - 1) * (items - 1)),
    )


def study(
    rng: np.random.Generator, raters: int, items: int, d: float, rater: float, item: float, lean: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Right answers at a known d′, and the class of each item; raters lean to one answer by `lean`, spread 0.3."""
    classes = np.arange(items) % 2
    leaning = (lean + 0.3 * rng.normal(size=(raters, 1))) * np.where(classes, 1, -1)
    evidence = d / 2 + rater * rng.normal(size=(raters, 1)) + item * rng.normal(size=(1, items)) + leaning
    return (evidence + rng.normal(size=(raters, items)) > 0).astype(float), classes


def expected(d: float, rater: float, item: float, lean: float = 0.0) -> float:
    spread = np.sqrt(1 + rater**2 + item**2 + 0.3**2)
    return float(np.mean([norm.cdf((d / 2 + side * lean) / spread) for side in (-1, 1)]))


@pytest.mark.parametrize("seed", range(4))
def test_complete_tables_give_the_closed_form(seed: int) -> None:
    table, _ = study(np.random.default_rng(seed), 5, 40, 0.8, 0.4, 0.5)
    by_rater, by_item, rest = mean_squares(table)
    estimate, error, interval = mrmc_accuracy(table)
    assert estimate == table.mean()
    assert error**2 == pytest.approx((by_rater + by_item - rest) / table.size)
    assert interval.low < estimate < interval.high


def test_intervals_hold_their_level() -> None:
    rng = np.random.default_rng(2)
    truth = expected(0.6, 0.3, 0.5)
    found = [mrmc_accuracy(study(rng, 6, 40, 0.6, 0.3, 0.5)[0]) for _ in range(400)]
    covered = np.mean([low <= truth <= high for _, _, (low, high) in found])
    assert 0.92 <= covered <= 0.98
    naive = [proportion_interval(round(one.estimate * 240), 240) for one in found]
    assert np.mean([low <= truth <= high for low, high in naive]) < 0.85


def test_strata_take_the_leaning_of_raters_out_of_the_error() -> None:
    rng = np.random.default_rng(3)
    truth = expected(0.5, 0.2, 0.3, 0.6)
    tables = [study(rng, 6, 40, 0.5, 0.2, 0.3, 0.6) for _ in range(300)]
    plain = [mrmc_accuracy(table) for table, _ in tables]
    within = [mrmc_accuracy(table, strata=classes) for table, classes in tables]
    assert np.median([one.error for one in within]) < 0.92 * np.median([one.error for one in plain])
    assert 0.92 <= np.mean([low <= truth <= high for _, _, (low, high) in within]) <= 0.98


def test_half_of_the_cells_missing_still_cover() -> None:
    rng = np.random.default_rng(4)
    truth = expected(0.6, 0.3, 0.5)

    def holed() -> np.ndarray:
        return np.where(rng.random((8, 50)) < 0.5, study(rng, 8, 50, 0.6, 0.3, 0.5)[0], np.nan)

    covered = np.mean([low <= truth <= high for _, _, (low, high) in (mrmc_accuracy(holed()) for _ in range(300))])
    assert 0.915 <= covered <= 0.985


def test_a_missing_cell_changes_little_and_an_unseen_item_nothing() -> None:
    table, _ = study(np.random.default_rng(5), 6, 40, 0.6, 0.3, 0.5)
    holed = table.copy()
    holed[0, 0] = np.nan
    assert mrmc_accuracy(holed).error == pytest.approx(mrmc_accuracy(table).error, rel=0.05)
    wider = np.concatenate([table, np.full((6, 3), np.nan)], axis=1)
    wider = np.concatenate([wider, np.full((1, 43), np.nan)])
    assert mrmc_accuracy(wider)[:2] == pytest.approx(mrmc_accuracy(table)[:2])
    assert mrmc_accuracy(wider).interval == pytest.approx(mrmc_accuracy(table).interval)


def test_items_of_their_own_for_each_rater_are_raters_alone() -> None:
    """Then the spread of the raters' means is the whole error: s² / J."""
    rng = np.random.default_rng(6)
    table = np.where(np.arange(60) % 6 == np.arange(6)[:, None], rng.random((6, 60)) < 0.6, np.nan)
    means = np.nanmean(table, axis=1)
    assert mrmc_accuracy(table).error == pytest.approx(np.sqrt(means.var(ddof=1) / 6))


def test_raters_who_answer_alike_leave_the_items() -> None:
    answers = np.arange(30) % 3 > 0
    table = np.tile(answers, (4, 1))
    assert mrmc_accuracy(table).error == pytest.approx(np.sqrt(answers.var(ddof=1) / 30))
    parts = accuracy_parts(table)
    assert (parts.rater, parts.residual) == pytest.approx((0, 0), abs=1e-12)


@pytest.mark.parametrize("table", [np.array([[1, 0, 1, 1]]), np.array([[1], [0], [1]]), np.array([[1.0, np.nan]])])
def test_one_rater_or_one_item_says_nothing_of_others(table: np.ndarray) -> None:
    estimate, error, interval = mrmc_accuracy(table)
    assert estimate == np.nanmean(table)
    assert np.isnan(error)
    assert interval == (0, 1)
    assert mrmc_equivalence(table, 0.1).p == 1


def test_mean_squares_that_leave_nothing_give_the_error_of_independent_answers() -> None:
    """Each rater right once and each item once: no spread of raters or items, all of it residual."""
    estimate, error, (low, high) = mrmc_accuracy(np.eye(4))
    assert error == pytest.approx(np.sqrt(0.25 * 0.75 / 15))
    assert 0 < low < estimate < high < 1


def test_all_right_or_all_wrong_has_no_error_but_an_honest_interval() -> None:
    right = mrmc_accuracy(np.ones((4, 30)))
    assert right[:2] == (1, 0)
    assert right.interval == proportion_interval(4, 4, "exact")
    assert mrmc_accuracy(np.zeros((4, 3))).interval == proportion_interval(0, 3, "exact")


def test_equivalence_holds_where_the_interval_lies_within_the_margins() -> None:
    rng = np.random.default_rng(7)
    verdicts = set()
    for _ in range(60):
        table, _ = study(rng, 12, 60, 0.1, 0.1, 0.2)
        p, (low, high) = mrmc_equivalence(table, 0.08)
        assert (p <= 0.05) == (low >= 0.42 and high <= 0.58)
        assert (low, high) == mrmc_accuracy(table, 0.9).interval
        verdicts.add(p <= 0.05)
    assert verdicts == {True, False}


def test_what_is_no_table_of_answers_is_refused() -> None:
    with pytest.raises(ValueError, match="raters × items"):
        mrmc_accuracy([1, 0, 1])
    with pytest.raises(ValueError, match="NaN"):
        mrmc_accuracy([[0.5, 1], [1, 0]])
    with pytest.raises(ValueError, match="at least one answer"):
        mrmc_accuracy([[np.nan, np.nan]])
    with pytest.raises(ValueError, match="one stratum for each"):
        mrmc_accuracy([[1, 0], [1, 1]], strata=[0])
