"""Confidence limits, and the logit scale on which those of a share stay within 0 and 1."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import expit, logit
from scipy.stats import t

from synth_core.errors import InvalidSetting


class Interval(NamedTuple):
    """Lower and upper confidence limit."""

    low: float
    high: float


ANY_SHARE = Interval(0.0, 1.0)  # nothing is known of a share


def logit_interval(value: float, error: float, level: float, df: float = np.inf) -> Interval:
    """Limits of a share by the delta method on the logit scale: logit(v) ± t · error / (v (1 − v)).

    Parameters
    ----------
    value : strictly between 0 and 1.
    df : degrees of freedom of the error; infinite ones give the normal quantile.
    """
    half = t.isf((1 - check_level(level)) / 2, df) * error / (value * (1 - value))
    low, high = expit(logit(value) + np.array([-half, half]))
    return Interval(float(low), float(high))


def check_level(level: float) -> float:
    """The confidence level, when it lies between 0 and 1."""
    if not 0 < level < 1:
        raise InvalidSetting(f"A confidence level lies between 0 and 1, such as 0.95. Got {level} instead.")
    return level


def check_alpha(alpha: float) -> float:
    """The level of a one-sided test, when it lies between 0 and ½."""
    if not 0 < alpha < 0.5:
        raise InvalidSetting(f"The level of a test lies between 0 and 0.5, such as 0.05. Got {alpha} instead.")
    return alpha


def check_margin(margin: float) -> float:
    """The margin of equivalence to chance, when ½ ± margin lies within 0 and 1."""
    if not 0 < margin < 0.5:
        raise InvalidSetting(f"The margin of equivalence must lie between 0 and 0.5. Got {margin} instead.")
    return margin
