"""From RR intervals to heart rate variability, and the QT interval corrected for heart rate."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth_core.errors import InvalidSetting, SpecMismatch

SHORTEST_FOR_SDNN = 60.0  # s; the spread of a shorter record misses the slow oscillations and grows with duration

Floats = NDArray[np.float64]

FORMULAS: dict[str, Callable[[Floats, Floats], Floats]] = {  # QT in ms, RR in s
    "bazett": lambda qt, rr: qt / np.sqrt(rr),  # Bazett 1920
    "fridericia": lambda qt, rr: qt / np.cbrt(rr),  # Fridericia 1920
    "framingham": lambda qt, rr: qt + 154 * (1 - rr),  # Sagie et al. 1992
    "hodges": lambda qt, rr: qt + 1.75 * (60 / rr - 60),  # Hodges et al. 1983
}


def heart_rate_variability(rr_ms: ArrayLike) -> dict[str, float]:
    """Time-domain measures of successive RR intervals (Task Force 1996, Circulation 93:1043).

    Parameters
    ----------
    rr_ms : (intervals,) in ms, in order; ectopic beats taken out beforehand if sinus rhythm is meant.

    Returns
    -------
    mean_hr in beats per minute (60,000 / mean RR), sdnn and rmssd in ms, pnn50 as a share in [0, 1] of the successive
    differences above 50 ms. NaN for what too few intervals do not give: two for rmssd and pnn50, and for sdnn a minute.

    Raises
    ------
    SpecMismatch : when the intervals are not a row of positive numbers.
    """
    rr = np.asarray(rr_ms, dtype=np.float64)
    if rr.ndim != 1 or not (rr > 0).all():
        raise SpecMismatch(f"RR intervals must be one row of positive milliseconds. Got shape {rr.shape}.")
    steps = np.diff(rr)
    known, varied = len(rr) > 0, len(steps) > 0
    long = rr.sum() >= 1000 * SHORTEST_FOR_SDNN
    return {
        "mean_hr": float(60_000 / rr.mean()) if known else float("nan"),
        "sdnn": float(rr.std(ddof=1)) if long and varied else float("nan"),
        "rmssd": float(np.sqrt((steps**2).mean())) if varied else float("nan"),
        "pnn50": float((np.abs(steps) > 50).mean()) if varied else float("nan"),
    }


def qt_corrected(qt_ms: ArrayLike, rr_s: ArrayLike, formula: str = "fridericia") -> Floats:
    """QT interval as it would be at 60 beats per minute.

    Parameters
    ----------
    qt_ms : QT in ms, any shape.
    rr_s : RR in seconds, of the same shape or a single number.
    formula : "bazett", "fridericia", "framingham" or "hodges". Bazett's over-corrects at fast rates.

    Returns
    -------
    In ms, in the shape of `qt_ms`; QT itself at RR = 1 s by every formula.

    Raises
    ------
    InvalidSetting : for another formula.
    SpecMismatch : when an RR interval is not positive; it is in seconds.
    """
    if formula not in FORMULAS:
        raise InvalidSetting(f"`formula` must be one of {', '.join(FORMULAS)}. Got {formula!r} instead.")
    qt, rr = np.asarray(qt_ms, dtype=np.float64), np.asarray(rr_s, dtype=np.float64)
    if (rr <= 0).any() or (rr > 20).any():
        raise SpecMismatch("RR intervals must be positive and in seconds; a value outside 0 to 20 s was given.")
    return np.asarray(FORMULAS[formula](qt, rr))
