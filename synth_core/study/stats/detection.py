"""Signal detection: how far apart the two kinds are for a rater, apart from what they lean to. Signal is synthetic."""

from __future__ import annotations

from typing import NamedTuple, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

from synth_core.errors import InvalidSetting


class Sensitivity(NamedTuple):
    """Signal detection indices of one rater."""

    d_prime: float  # 0 when the rater cannot tell, below 0 when they swap the names
    criterion: float  # above 0: leans to "real"


def dprime(hits: float, misses: float, false_alarms: float, correct_rejections: float) -> Sensitivity:
    """d′ = z(H) − z(F) and c = −½(z(H) + z(F)), of one rater.

    Rates are log-linear, (x + ½)/(n + 1), always and not only where one is 0 or 1: Hautus 1995, Behav. Res. Meth.
    Instrum. Comput. 27:46. Raters are never pooled first: d′ of pooled answers is smaller than the mean of theirs.

    Parameters
    ----------
    hits, misses : synthetic items called synthetic, and called real.
    false_alarms, correct_rejections : real items called synthetic, and called real.

    Raises
    ------
    InvalidSetting (a ValueError) : for counts below 0, and where one of the two kinds was not rated at all.
    """
    counts = hits, misses, false_alarms, correct_rejections
    if not all(0 <= count < np.inf for count in counts):
        raise InvalidSetting(f"Counts of answers are 0 or more. Got {', '.join(map(str, counts))} instead.")
    if hits + misses == 0 or false_alarms + correct_rejections == 0:
        raise InvalidSetting("d′ needs answers to both synthetic and real items.")
    z_hit = norm.ppf((hits + 0.5) / (hits + misses + 1))
    z_false = norm.ppf((false_alarms + 0.5) / (false_alarms + correct_rejections + 1))
    return Sensitivity(float(z_hit - z_false), float(-(z_hit + z_false) / 2))


@overload
def dprime_2afc(p: float) -> float: ...
@overload
def dprime_2afc(p: ArrayLike) -> float | NDArray[np.float64]: ...
def dprime_2afc(p: ArrayLike) -> float | NDArray[np.float64]:
    """d′ = √2 · z(p) of the share p of right choices between two sides: Macmillan and Creelman 2005, eq. 7.2.

    A share of 0 or 1 gives an infinite d′; (right + ½)/(n + 1) as p keeps it finite. Not comparable with a yes/no
    accuracy of the same height: the same d′ gives the higher share here.
    """
    share = np.asarray(p, dtype=np.float64)
    if not ((share >= 0) & (share <= 1)).all():
        raise InvalidSetting(f"A share of right choices lies between 0 and 1. Got {share} instead.")
    found = np.sqrt(2) * norm.ppf(share)
    return float(found) if found.ndim == 0 else found
