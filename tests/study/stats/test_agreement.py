import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from synth_core.study.stats import fleiss_kappa, gwet_ac1, krippendorff_alpha, weighted_kappa

NAN = float("nan")

# Fleiss' κ in its most copied worked example (Wikipedia, "Fleiss' kappa"): 14 raters, 10 items, 5 categories.
TABLE = [
    *([0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1]),
    *([7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7]),
]

# Krippendorff 2011, Computing Krippendorff's Alpha-Reliability, example C: four observers, twelve units.
CODERS = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, NAN, NAN, NAN],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NAN, 3],
    [NAN, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NAN],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NAN],
]

# Gwet's irrCAC, cont3x3abstractors: 100 abstracts by two abstractors; Cohen's κ 0.7964094, AC1 0.8493305.
PAIRS = [("ectopic", "ectopic", 13), ("aiu", "aiu", 20), ("aiu", "niu", 7), ("niu", "aiu", 4), ("niu", "niu", 56)]
ABSTRACTORS = [[a for a, _, n in PAIRS for _ in range(n)], [b for _, b, n in PAIRS for _ in range(n)]]


def test_fleiss_kappa_of_the_worked_example() -> None:
    assert fleiss_kappa(TABLE) == pytest.approx(0.210, abs=6e-4)


def test_fleiss_kappa_by_hand() -> None:
    """Two raters, two items: one agreed, one not. P = ½, shares ¾ and ¼, Pₑ = 10/16, κ = (½ − ⅝) / (1 − ⅝) = −⅓."""
    assert fleiss_kappa([[2, 0], [1, 1]]) == pytest.approx(-1 / 3)
    assert fleiss_kappa([[3, 0], [0, 3]]) == 1


def test_fleiss_kappa_is_not_defined_for_one_rater_or_one_category() -> None:
    assert np.isnan(fleiss_kappa([[1, 0], [0, 1]]))
    assert np.isnan(fleiss_kappa([[4, 0], [4, 0]]))
    assert fleiss_kappa([[2, 1]]) < 0  # a single item tells nothing apart


def test_unequal_numbers_of_raters_are_refused() -> None:
    with pytest.raises(ValueError, match="equally many"):
        fleiss_kappa([[2, 0], [1, 0]])
    with pytest.raises(ValueError, match="counts raters"):
        fleiss_kappa([[0.5, 0.5]])


@pytest.mark.parametrize(
    ("level", "alpha"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849), ("ratio", 0.797)]
)
def test_alpha_of_krippendorff(level: str, alpha: float) -> None:
    assert krippendorff_alpha(CODERS, level) == pytest.approx(alpha, abs=6e-4)  # type: ignore[arg-type]


def test_alpha_takes_names_at_the_nominal_level_only() -> None:
    names = [[None if cell != cell else f"class {cell}" for cell in row] for row in CODERS]
    assert krippendorff_alpha(names) == pytest.approx(krippendorff_alpha(CODERS))
    with pytest.raises(ValueError, match="numbers"):
        krippendorff_alpha(names, "ordinal")


def test_numbers_are_the_same_however_they_are_written() -> None:
    assert krippendorff_alpha([[1, 2.0, None], [1.0, 2, 3]]) == 1
    assert krippendorff_alpha([["1", "2"], ["1", "3"]], "interval") == krippendorff_alpha([[1, 2], [1, 3]], "interval")


def test_alpha_where_nothing_can_be_said() -> None:
    assert np.isnan(krippendorff_alpha([[1, 1, 1], [1, 1, 1]]))
    assert np.isnan(krippendorff_alpha([[1, 2, 3]], "interval"))
    assert np.isnan(krippendorff_alpha([[1, NAN], [NAN, 2]]))
    with pytest.raises(ValueError, match="nominal, ordinal"):
        krippendorff_alpha(CODERS, "rank")  # type: ignore[arg-type]


def test_guessing_raters_do_not_agree() -> None:
    guesses = np.random.default_rng(0).integers(0, 2, (6, 400))
    table = np.stack([(guesses == value).sum(axis=0) for value in (0, 1)], axis=1)
    for value in (krippendorff_alpha(guesses), fleiss_kappa(table), gwet_ac1(guesses)):
        assert abs(value) < 0.05


def test_ac1_of_gwet() -> None:
    assert gwet_ac1(ABSTRACTORS) == pytest.approx(0.8493305, abs=6e-8)


def test_ac1_with_missing_ratings_by_hand() -> None:
    """Item 1 is agreed, item 2 not, item 3 has one rating. pₐ = ½; shares of "a": 1, ½, 1, mean ⅚.

    pₑ = (⅚ · ⅙ · 2) / (2 − 1) = 5/18, AC1 = (½ − 5/18) / (1 − 5/18) = 4/13.
    """
    assert gwet_ac1([["a", "a", "a"], ["a", "b", None]]) == pytest.approx(4 / 13)


def test_ac1_is_not_taken_in_by_prevalence() -> None:
    answers = np.ones((2, 100))
    answers[0, :4], answers[1, 4:8] = 0, 0  # 92 % agreement, nearly all of one category
    assert gwet_ac1(answers) > 0.9
    assert weighted_kappa(*answers, None) < 0


def test_ac1_counts_categories_that_nobody_chose_when_told() -> None:
    assert gwet_ac1(ABSTRACTORS, categories=5) > gwet_ac1(ABSTRACTORS)
    assert gwet_ac1([[1, 1], [1, 1]]) == 1
    assert np.isnan(gwet_ac1([[1, 2, 1]]))
    with pytest.raises(ValueError, match="3 categories occur"):
        gwet_ac1(ABSTRACTORS, categories=2)


def test_unweighted_kappa_of_gwets_table() -> None:
    assert weighted_kappa(*ABSTRACTORS, None) == pytest.approx(0.7964094, abs=6e-8)


def test_weighted_kappa_by_hand() -> None:
    """Fleiss 1981, Statistical Methods for Rates and Proportions, p. 213: 100 people, three diagnoses, two raters.

    κ = (0.89 − 0.66) / (1 − 0.66). Linear disagreement is (1 + 2·4 + 5 + 1) / 100 = 0.15 where chance gives
    (80·5 + 80·15·2 + 10·80 + 10·15 + 10·80·2 + 10·5) / 100² = 0.54, so κ_w = 1 − 0.15 / 0.54.
    """
    counts = np.array([[75, 1, 4], [5, 4, 1], [0, 0, 10]])
    a, b = (np.repeat(index.ravel(), counts.ravel()) for index in np.indices(counts.shape))
    assert weighted_kappa(a, b, "none") == pytest.approx(0.23 / 0.34)
    assert weighted_kappa(a, b, "linear") == pytest.approx(1 - 0.15 / 0.54)


@pytest.mark.parametrize("weights", ["linear", "quadratic", None])
def test_weighted_kappa_agrees_with_sklearn(weights: str | None) -> None:
    rng = np.random.default_rng(1)
    a = rng.integers(1, 7, 80)
    b = np.clip(a + rng.integers(-1, 2, 80), 1, 6)
    assert weighted_kappa(a, b, weights) == pytest.approx(cohen_kappa_score(a, b, weights=weights))


def test_a_step_that_nobody_chose_still_counts() -> None:
    a, b = [1, 2, 5, 6, 6, 1], [2, 2, 6, 6, 5, 1]
    known = cohen_kappa_score(a, b, weights="quadratic", labels=range(1, 7))
    assert weighted_kappa(a, b, "quadratic") == pytest.approx(known)
    assert known != pytest.approx(cohen_kappa_score(a, b, weights="quadratic"))


def test_weighted_kappa_where_nothing_can_be_said() -> None:
    assert np.isnan(weighted_kappa([2, 2], [2, 2]))
    assert np.isnan(weighted_kappa([], []))
    assert np.isnan(weighted_kappa([1, NAN], [NAN, 2]))
    assert weighted_kappa([1, 2, NAN], [1, 2, 2]) == 1
    with pytest.raises(ValueError, match="linear, quadratic"):
        weighted_kappa([1, 2], [1, 2], "cubic")
    with pytest.raises(ValueError, match="same items"):
        weighted_kappa([1, 2], [1, 2, 3])
    with pytest.raises(ValueError, match="numbers"):
        weighted_kappa(["a", "b"], ["a", "a"], "linear")
