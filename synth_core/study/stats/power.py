"""How likely a study is to show equivalence to chance, by its raters and items.

Variances are those of the chance of a right answer: a rater variance of 0.0025 means that raters differ by a standard
deviation of 5 points. A study of one rater shows nothing about others, whatever its number of items.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import chi2, norm, t

from synth_core.errors import InvalidSetting
from synth_core.study.stats.accuracy import mrmc_equivalence
from synth_core.study.stats.interval import check_alpha, check_margin

QUANTILES = (np.arange(2000) + 0.5) / 2000


def equivalence_power(
    raters: int,
    items: int,
    margin: float,
    rater_variance: float,
    item_variance: float,
    residual_variance: float | None = None,
    *,
    alpha: float = 0.05,
    accuracy: float = 0.5,
) -> float:
    """Power of `mrmc_equivalence` for all raters × all items, from normal theory.

    The squared error is σ²rater / J + σ²item / K + σ²residual / (J K). The part that raters' means show is estimated
    with J − 1 degrees of freedom, as in the test itself; power is the mean over what that estimate may be.

    Parameters
    ----------
    residual_variance : of a single answer; without it, what is left of accuracy (1 − accuracy).
    accuracy : the true one.

    Returns
    -------
    0 with one rater or one item, for which no error can be estimated.

    Raises
    ------
    InvalidSetting (a ValueError) : for variances below 0, or larger together than answers of 0 and 1 can have.
    """
    residual = _check(raters, items, rater_variance, item_variance, residual_variance, accuracy)
    check_margin(margin)
    check_alpha(alpha)
    if raters < 2 or items < 2:
        return 0.0
    shown = rater_variance / raters + residual / (raters * items)  # by the spread of raters' means
    shared = item_variance / items
    estimated = shown * chi2.ppf(QUANTILES, raters - 1) / (raters - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        df = (estimated + shared) ** 2 * (raters - 1) / estimated**2
    half = t.isf(alpha, np.nan_to_num(df, nan=np.inf)) * np.sqrt(estimated + shared)
    spread = np.sqrt(shown + shared)
    if spread == 0:
        return float(abs(accuracy - 0.5) < margin)
    off = accuracy - 0.5
    passing = norm.cdf((margin - half - off) / spread) - norm.cdf((half - margin - off) / spread)
    return float(np.where(half < margin, passing, 0.0).mean())


def simulated_power(
    raters: int,
    items: int,
    margin: float,
    rater_variance: float,
    item_variance: float,
    *,
    alpha: float = 0.05,
    accuracy: float = 0.5,
    studies: int = 500,
    rng: np.random.Generator,
) -> float:
    """The same by simulated studies of answers 0 and 1, each analysed by `mrmc_equivalence`."""
    _check(raters, items, rater_variance, item_variance, None, accuracy)
    shown = 0
    for _ in range(studies):
        chance = accuracy + rng.normal(0, np.sqrt(rater_variance), (raters, 1))
        chance = chance + rng.normal(0, np.sqrt(item_variance), (1, items))
        shown += mrmc_equivalence(rng.random((raters, items)) < chance, margin, alpha).p <= alpha
    return shown / studies


def _check(raters: int, items: int, rater: float, item: float, residual: float | None, accuracy: float) -> float:
    """The residual variance, when everything is possible."""
    if raters < 1 or items < 1:
        raise InvalidSetting(f"A study has 1 or more raters and items. Got {raters} and {items} instead.")
    if not 0 < accuracy < 1:
        raise InvalidSetting(f"The true accuracy lies between 0 and 1. Got {accuracy} instead.")
    largest = accuracy * (1 - accuracy)
    found = largest - rater - item if residual is None else residual
    if min(rater, item, found) < 0 or rater + item > largest:
        raise InvalidSetting(
            f"Variances are 0 or more, and those of raters and items at most {largest:.4g} together at an accuracy of "
            f"{accuracy:g}. Got {rater}, {item} and {found:.4g} (residual) instead."
        )
    return found
