"""Areas under ROC curves of ratings, with the errors and the test of DeLong et al. 1988, Biometrics 44:837."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm, rankdata

from synth_core.errors import InvalidSetting
from synth_core.study.stats.interval import ANY_SHARE, Interval, check_level, logit_interval
from synth_core.study.stats.proportion import proportion_interval


class Area(NamedTuple):
    """An AUC, its standard error (DeLong), and limits on the logit scale."""

    value: float
    error: float
    interval: Interval


class Difference(NamedTuple):
    """AUC of the first scores minus that of the second, with its error, interval and two-sided test."""

    difference: float
    error: float
    interval: Interval
    z: float
    p: float


class Placements(NamedTuple):
    """An AUC and its structural components: the share of the other side that each item stands on the right side of."""

    area: float
    signal: NDArray[np.float64]  # (signals,)
    noise: NDArray[np.float64]  # (noises,)


def auc(scores: ArrayLike, truth: ArrayLike, level: float = 0.95) -> Area:
    """Area under the ROC curve of scores, as the Mann–Whitney share of pairs, ties ½.

    Parameters
    ----------
    scores : (items,); high where a rater believes an item to be synthetic.
    truth : (items,); 1 for synthetic, 0 for real.

    Returns
    -------
    value, DeLong error, interval. When the two sides separate completely the error is 0; the limits are then those of
    as many right answers as the smaller side has items (Clopper–Pearson), which is honest about small numbers. With a
    single item on a side DeLong's error is not defined (NaN), and the interval is 0 to 1.

    Raises
    ------
    InvalidSetting (a ValueError) : when one of the sides is missing, or for scores that are not numbers.
    """
    check_level(level)
    values, labels = check_scores(scores, truth)
    found = placements(values, labels)
    smaller = min(len(found.signal), len(found.noise))
    error = float(np.sqrt(_covariance(found, found))) if smaller > 1 else float("nan")
    if found.area in (0.0, 1.0):
        interval = proportion_interval(int(found.area) * smaller, smaller, "clopper-pearson", level)
    else:
        interval = logit_interval(found.area, error, level) if smaller > 1 else ANY_SHARE
    return Area(found.area, error, interval)


def delong_test(scores_a: ArrayLike, scores_b: ArrayLike, truth: ArrayLike, level: float = 0.95) -> Difference:
    """Whether two scores of the same items have the same AUC, counting that they are correlated.

    Returns
    -------
    difference (a − b), its error, its normal interval, z and the two-sided p. Scores that order the items alike differ
    by nothing: z = 0, p = 1. With a single item on a side, or where both orders are perfect but opposite, the error
    says nothing and z and p are NaN.
    """
    first, labels = check_scores(scores_a, truth)
    second, _ = check_scores(scores_b, truth)
    a, b = placements(first, labels), placements(second, labels)
    difference = a.area - b.area
    if min(len(a.signal), len(a.noise)) < 2:
        return Difference(difference, float("nan"), Interval(-1.0, 1.0), float("nan"), float("nan"))
    variance = _covariance(a, a) + _covariance(b, b) - 2 * _covariance(a, b)
    error = float(np.sqrt(max(variance, 0.0)))
    half = float(norm.isf((1 - check_level(level)) / 2)) * error
    interval = Interval(max(-1.0, difference - half), min(1.0, difference + half))
    unknown = 0.0 if abs(difference) < 1e-12 else float("nan")
    z = difference / error if error > 1e-12 else unknown  # what rounding leaves of 0 is 0
    return Difference(difference, error, interval, z, float(2 * norm.sf(abs(z))))


def placements(scores: NDArray[np.float64], truth: NDArray[np.bool_]) -> Placements:
    """By mid-ranks instead of all pairs: Sun and Xu 2014, IEEE Signal Process. Lett. 21:1389."""
    signal, noise = scores[truth], scores[~truth]
    together = rankdata(np.concatenate([signal, noise]))
    beaten = (together[: len(signal)] - rankdata(signal)) / len(noise)
    beaten_by = 1 - (together[len(signal) :] - rankdata(noise)) / len(signal)
    return Placements(float(beaten.mean()), beaten, beaten_by)


def check_scores(scores: ArrayLike, truth: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Both as arrays of one length, when both sides are there and every score is a number."""
    values, labels = np.asarray(scores, dtype=np.float64), check_truth(truth)
    if values.shape != labels.shape:
        raise InvalidSetting(f"Scores and truth are of the same items: got shapes {values.shape} and {labels.shape}.")
    if np.isnan(values).any():
        raise InvalidSetting("An ROC needs a score for each item. Leave out those without one.")
    return values, labels


def check_truth(truth: ArrayLike) -> NDArray[np.bool_]:
    """One 0 or 1 for each item, both present."""
    labels = np.asarray(truth)
    if labels.ndim != 1 or not np.isin(labels, (0, 1)).all():
        raise InvalidSetting("The truth is one 0 (real) or 1 (synthetic) for each item.")
    if labels.all() or not labels.any():
        raise InvalidSetting("An ROC needs ratings of both real and synthetic items.")
    return labels.astype(bool)


def _covariance(a: Placements, b: Placements) -> float:
    """Of two AUCs of the same items: S10 / m + S01 / n, eq. 4 of the paper."""
    return float(np.cov(a.signal, b.signal)[0, 1] / len(a.signal) + np.cov(a.noise, b.noise)[0, 1] / len(a.noise))
