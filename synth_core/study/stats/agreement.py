"""Whether raters give the same items the same answers.

Low agreement is what guessing raters show, and κ is low too where nearly all answers are the same (the prevalence
paradox): AC1 stands beside it for that. NaN means that the data cannot say.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from krippendorff import alpha
from numpy.typing import ArrayLike

from synth_core.errors import InvalidSetting
from synth_core.study.stats.ratings import check_ratings, counts_of

Level = Literal["nominal", "ordinal", "interval", "ratio"]
WEIGHTS = {"linear": 1, "quadratic": 2}  # powers of the distance


def fleiss_kappa(table: ArrayLike) -> float:
    """κ of categories by any raters, equally many an item: Fleiss 1971, Psychol. Bull. 76:378.

    Parameters
    ----------
    table : (items, categories); how many raters put the item into the category.

    Returns
    -------
    NaN with one rater an item, and where all answers are of one category: 0 / 0.

    Raises
    ------
    InvalidSetting (a ValueError) : for counts below 0 or not whole, and where items have different numbers of ratings
        (`krippendorff_alpha` takes those).
    """
    counts = np.asarray(table, dtype=np.float64)
    if counts.ndim != 2 or not counts.size or not (counts >= 0).all() or not (counts == np.round(counts)).all():
        raise InvalidSetting("Fleiss' κ needs a table of items × categories that counts raters.")
    raters = counts.sum(axis=1)
    if not (raters == raters[0]).all() or raters[0] == 0:
        raise InvalidSetting("Fleiss' κ needs equally many ratings of each item. Use Krippendorff's α for others.")
    n = raters[0]
    with np.errstate(invalid="ignore", divide="ignore"):
        observed = ((np.sum(counts**2, axis=1) - n) / (n * (n - 1))).mean()
        expected = np.sum((counts.sum(axis=0) / counts.sum()) ** 2)
        return float((observed - expected) / (1 - expected))


def krippendorff_alpha(ratings: ArrayLike, level: Level = "nominal") -> float:
    """α of any number of raters, with ratings missing: Krippendorff 2011, Computing Krippendorff's Alpha-Reliability.

    Parameters
    ----------
    ratings : (raters, items), NaN where missing. Names instead of numbers for the nominal level only.
    level : how far apart two ratings are: "nominal", "ordinal", "interval" or "ratio".

    Returns
    -------
    NaN where no item has two ratings, and where all ratings that can be paired are the same: 0 / 0.
    """
    if level not in ("nominal", "ordinal", "interval", "ratio"):
        raise InvalidSetting(f"The level is nominal, ordinal, interval or ratio. Got {level!r} instead.")
    numbers = check_ratings(ratings, named=level == "nominal")
    paired = numbers[:, (~np.isnan(numbers)).sum(axis=0) > 1]
    if len(np.unique(paired[~np.isnan(paired)])) < 2:
        return float("nan")
    return float(alpha(paired, level_of_measurement=level))


def gwet_ac1(ratings: ArrayLike, categories: int | None = None) -> float:
    """AC1, which the prevalence of a category distorts less than κ: Gwet 2008, Br. J. Math. Stat. Psychol. 61:29.

    Agreement is over the items with two ratings or more, prevalence over all that have any.

    Parameters
    ----------
    ratings : (raters, items) of numbers or names, NaN where missing.
    categories : how many there are to choose from; without it, how many occur.

    Returns
    -------
    1 where all ratings are the same, whatever the number of categories; NaN where no item has two ratings.
    """
    counts = counts_of(check_ratings(ratings, named=True))
    choices = counts.shape[1] if categories is None else categories
    if choices < counts.shape[1]:
        raise InvalidSetting(
            f"{counts.shape[1]} categories occur in the ratings, but only {choices} are said to exist."
        )
    raters = counts.sum(axis=1)
    several = raters > 1
    if not several.any():
        return float("nan")
    pairs = np.sum(counts * (counts - 1), axis=1)[several] / (raters * (raters - 1))[several]
    if counts.shape[1] == 1:
        return 1.0
    prevalence = (counts[raters > 0] / raters[raters > 0, None]).mean(axis=0)
    expected = np.sum(prevalence * (1 - prevalence)) / (choices - 1)
    return float((pairs.mean() - expected) / (1 - expected))


def weighted_kappa(a: ArrayLike, b: ArrayLike, weights: str | None = "linear") -> float:
    """κ of two series of ratings in which near misses count in part: Cohen 1968, Psychol. Bull. 70:213.

    For the hidden repeats of a rater, or for two raters. Distances are those of the ratings themselves, so that a step
    that nobody chose still counts as a step.

    Parameters
    ----------
    a, b : (items,); items with a NaN in either are left out.
    weights : "linear" or "quadratic" in the distance of the ratings; None, "none" or "unweighted" for Cohen's κ of
        1960, which takes names as well.

    Returns
    -------
    NaN without any pair, and where both series hold one and the same rating: 0 / 0.
    """
    plain = weights is None or weights.lower() in ("none", "unweighted", "nominal")
    if not plain and str(weights).lower() not in WEIGHTS:
        raise InvalidSetting(f"Weights are linear, quadratic or none. Got {weights!r} instead.")
    if np.ndim(a) != 1 or np.shape(a) != np.shape(b):
        raise InvalidSetting(f"Two series of the same items are compared. Got shapes {np.shape(a)} and {np.shape(b)}.")
    if not np.size(a):
        return float("nan")
    both = check_ratings([list(a), list(b)], named=plain)  # type: ignore[arg-type]
    first, second = both[:, ~np.isnan(both).any(axis=0)]
    if not len(first):
        return float("nan")
    apart = np.abs(np.subtract.outer(first, second))  # every pair of items: what chance would give
    cost = (apart > 0).astype(float) if plain else apart ** WEIGHTS[str(weights).lower()]
    with np.errstate(invalid="ignore"):
        return float(1 - np.diag(cost).mean() / cost.mean())
