"""Statistics of a real-or-synthetic study, as pure functions of counts and arrays. Signal means synthetic."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import beta, binom, norm, rankdata

from synth_core.errors import InvalidSetting


class Interval(NamedTuple):
    """An estimate with its confidence limits."""

    value: float
    low: float
    high: float


def wilson(successes: int, n: int, level: float = 0.95) -> Interval:
    """Score interval of a proportion: Wilson 1927, J. Am. Stat. Assoc. 22:209."""
    _check_counts(successes, n)
    z = norm.isf((1 - level) / 2)
    share = successes / n
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return Interval(share, max(0.0, float(centre - half)), min(1.0, float(centre + half)))


def clopper_pearson(successes: int, n: int, level: float = 0.95) -> Interval:
    """Exact interval of a proportion: Clopper and Pearson 1934, Biometrika 26:404."""
    _check_counts(successes, n)
    tail = (1 - level) / 2
    low = 0.0 if successes == 0 else float(beta.ppf(tail, successes, n - successes + 1))
    high = 1.0 if successes == n else float(beta.isf(tail, successes + 1, n - successes))
    return Interval(successes / n, low, high)


def equivalence_to_chance(successes: int, n: int, margin: float) -> float:
    """p of the exact two one-sided tests that accuracy lies within ½ ± margin.

    p = max(P(X ≥ k | ½ − m), P(X ≤ k | ½ + m)). A large p of a test *against* ½ would not show equivalence; a small
    p of this one does.
    """
    _check_counts(successes, n)
    if not 0 < margin < 0.5:
        raise InvalidSetting(f"The margin of equivalence must lie between 0 and 0.5. Got {margin} instead.")
    above = binom.sf(successes - 1, n, 0.5 - margin)
    below = binom.cdf(successes, n, 0.5 + margin)
    return float(max(above, below))


class Sensitivity(NamedTuple):
    """Signal detection indices of one rater."""

    d_prime: float  # 0 when the rater cannot tell
    criterion: float  # above 0: leans to "real"


def signal_detection(hits: int, signals: int, false_alarms: int, noises: int) -> Sensitivity:
    """d′ = z(H) − z(F) and c = −½(z(H) + z(F)), log-linear (x + ½)/(n + 1): Hautus 1995, Behav. Res. Meth. 27:46.

    Parameters
    ----------
    hits, signals : synthetic items called synthetic, and all synthetic items.
    false_alarms, noises : real items called synthetic, and all real items.
    """
    z_hit = norm.ppf((hits + 0.5) / (signals + 1))
    z_false = norm.ppf((false_alarms + 0.5) / (noises + 1))
    return Sensitivity(float(z_hit - z_false), float(-(z_hit + z_false) / 2))


def auc(ratings: ArrayLike, synthetic: ArrayLike) -> float:
    """Area under the ROC of confidence ratings, as the Mann–Whitney share of pairs, ties ½."""
    signal, noise = _sides(ratings, synthetic)
    ranks = rankdata(np.concatenate([signal, noise]))[: len(signal)]
    return float((ranks.sum() - len(signal) * (len(signal) + 1) / 2) / (len(signal) * len(noise)))


def auc_interval(ratings: ArrayLike, synthetic: ArrayLike, level: float = 0.95) -> Interval:
    """AUC with DeLong's variance on the logit scale, so that the limits stay in [0, 1].

    DeLong et al. 1988, Biometrics 44:837. When the two sides separate completely that variance is 0; the limits are
    then those of as many correct answers as the smaller side has items (`clopper_pearson`), which is wider.
    """
    signal, noise = _sides(ratings, synthetic)
    value = auc(ratings, synthetic)
    wins = (np.sign(signal[:, None] - noise[None, :]) + 1) / 2  # (signals, noises), ties ½
    if value in (0.0, 1.0):
        n = min(len(signal), len(noise))
        return clopper_pearson(int(value) * n, n, level)
    if min(len(signal), len(noise)) < 2:
        return Interval(value, 0.0, 1.0)
    variance = wins.mean(1).var(ddof=1) / len(signal) + wins.mean(0).var(ddof=1) / len(noise)
    half = norm.isf((1 - level) / 2) * np.sqrt(variance) / (value * (1 - value))
    logit = np.log(value / (1 - value))
    low, high = 1 / (1 + np.exp(-(logit + np.array([-half, half]))))
    return Interval(value, float(low), float(high))


def _sides(ratings: ArrayLike, synthetic: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    values, truth = np.asarray(ratings, dtype=np.float64), np.asarray(synthetic, dtype=bool)
    if truth.all() or not truth.any():
        raise InvalidSetting("An ROC needs ratings of both real and synthetic items.")
    return values[truth], values[~truth]


def _check_counts(successes: int, n: int) -> None:
    if n < 1 or not 0 <= successes <= n:
        raise InvalidSetting(f"A proportion needs 0 ≤ successes ≤ n and n ≥ 1. Got {successes} of {n} instead.")
