"""Accuracy of several raters on the same items, for raters and items like these: both count as drawn at random."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import logit
from scipy.stats import t

from synth_core.errors import InvalidSetting
from synth_core.study.stats.components import ErrorParts, error_parts
from synth_core.study.stats.interval import ANY_SHARE, Interval, check_alpha, check_level, check_margin, logit_interval
from synth_core.study.stats.proportion import Equivalence, proportion_interval


class Accuracy(NamedTuple):
    """Share of right answers, its standard error and its interval."""

    estimate: float
    error: float
    interval: Interval


class _Analysis(NamedTuple):
    estimate: float
    error: float
    df: float
    fewest: int  # the smaller of the numbers of raters and items


def mrmc_accuracy(correct: ArrayLike, level: float = 0.95, *, strata: ArrayLike | None = None) -> Accuracy:
    """Share of right answers, with an error that counts raters and items as random.

    For J raters × K items the squared error is (MSR + MSC − MSE) / (J K), from the mean squares of raters, items and
    what is left; its degrees of freedom are Hillis's (2007, Stat. Med. 26:596), and the limits are on the logit scale.
    Missing cells: see `components`. The error of the pooled binomial is about half of this one; it is taken where the
    mean squares leave nothing above 0, as happens in very small tables.

    Parameters
    ----------
    correct : (raters, items) of 1 (right), 0 (wrong) and NaN (not answered).
    strata : (items,); the class of each item, real or synthetic, where its mix is fixed by design. Without it the
        interval is too wide when raters lean to one answer, as that sets the two classes apart.

    Returns
    -------
    estimate (of all answers), error, interval. With one rater or one item, and whenever the two cannot be told apart,
    nothing can be said of others: the error is NaN and the interval 0 to 1. When all answers are right, or all wrong,
    the error is 0 and the limits are those of as many answers as there are raters or items, whichever are fewer
    (Clopper–Pearson).

    Raises
    ------
    InvalidSetting (a ValueError) : for anything but 1, 0 and NaN, and where nothing was answered.
    """
    check_level(level)
    found = _analyse(correct, strata)
    return Accuracy(found.estimate, found.error, _interval(found, level))


def mrmc_equivalence(
    correct: ArrayLike, margin: float, alpha: float = 0.05, *, strata: ArrayLike | None = None
) -> Equivalence:
    """Two one-sided t tests that accuracy lies within ½ ± margin, for raters and items like these.

    p ≤ α where the interval of `mrmc_accuracy` at level 1 − 2α lies within the margins. It is 1 where that error is
    not known, and with all answers right or all wrong.
    """
    check_margin(margin)
    found = _analyse(correct, strata)
    interval = _interval(found, 1 - 2 * check_alpha(alpha))
    if not found.error > 0:
        return Equivalence(1.0, interval)
    error = found.error / (found.estimate * (1 - found.estimate))
    above, below = ((logit(found.estimate) - logit(0.5 + side * margin)) / error for side in (-1, 1))
    return Equivalence(float(max(t.sf(above, found.df), t.cdf(below, found.df))), interval)


def accuracy_parts(correct: ArrayLike, *, strata: ArrayLike | None = None) -> ErrorParts:
    """What the squared error of `mrmc_accuracy` is made of: raters, items and what is left."""
    return _parts(_cells(correct), strata)


def _analyse(correct: ArrayLike, strata: ArrayLike | None) -> _Analysis:
    cells = _cells(correct)
    rater, item = np.nonzero(~np.isnan(cells))
    fewest = min(len(np.unique(rater)), len(np.unique(item)))
    estimate = float(np.nanmean(cells))
    parts = _parts(cells, strata)
    if np.isnan(parts.total) or fewest < 2:
        return _Analysis(estimate, float("nan"), float("nan"), fewest)
    independent = estimate * (1 - estimate) / (len(item) - 1)
    if parts.total <= 1e-6 * independent:
        # Both mean squares can come out below the residual one, which leaves nothing to add up.
        return _Analysis(estimate, float(np.sqrt(independent)), parts.raters - 1, fewest)
    with np.errstate(divide="ignore"):
        df = parts.total**2 * (parts.raters - 1) / np.square(max(parts.between_raters, 0.0))
    return _Analysis(estimate, float(np.sqrt(parts.total)), float(df), fewest)


def _interval(found: _Analysis, level: float) -> Interval:
    if np.isnan(found.error):
        return ANY_SHARE
    if found.estimate in (0.0, 1.0):
        return proportion_interval(int(found.estimate) * found.fewest, found.fewest, "clopper-pearson", level)
    return logit_interval(found.estimate, found.error, level, found.df)


def _cells(correct: ArrayLike) -> NDArray[np.float64]:
    cells = np.asarray(correct, dtype=np.float64)
    if cells.ndim != 2:
        raise InvalidSetting(f"Answers are a table of raters × items. Got an array of shape {cells.shape} instead.")
    if not (np.isnan(cells) | (cells == 0) | (cells == 1)).all():
        raise InvalidSetting("Each answer is 1 (right), 0 (wrong) or NaN (not answered).")
    if np.isnan(cells).all():
        raise InvalidSetting("An accuracy needs at least one answer.")
    return cells


def _parts(cells: NDArray[np.float64], strata: ArrayLike | None) -> ErrorParts:
    rater, item = np.nonzero(~np.isnan(cells))
    classes = np.zeros(cells.shape[1], dtype=int)
    if strata is not None:
        if np.shape(strata) != (cells.shape[1],):
            raise InvalidSetting(f"There is one stratum for each of the {cells.shape[1]} items.")
        classes = np.unique(np.asarray(strata), return_inverse=True)[1]
    return error_parts(cells[rater, item], rater, item, classes[item])
