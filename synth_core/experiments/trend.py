"""How a biomarker goes with severity, in people and in what a generator makes of the same noise, and the verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from synth_core.experiments.comparison import Estimate, estimate_text
from synth_core.metrics.bootstrap import Groups

FEWEST_PEOPLE = 4  # for a slope over people
CANNOT_SAY = "cannot say"
UNKNOWN: Estimate = (np.nan, np.nan, np.nan)

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Trend:
    """How a biomarker goes with severity.

    Parameters
    ----------
    slope : unit of the biomarker per severity 0 → 1, least squares, with 95 % interval.
    spearman : rank correlation, with 95 % interval.
    n : people, or synthetic examples per level.
    """

    slope: Estimate
    spearman: Estimate
    n: int


class Answer(NamedTuple):
    """The verdict, "follows", "does not follow" or "cannot say", and why."""

    word: str
    reason: str


def by_person(values: Floats, severity: Floats, subjects: Groups) -> tuple[Floats, Floats]:
    """Means of biomarker and severity within each person, (people,) each; what could not be measured is left out."""
    known = np.isfinite(values)
    names = np.arange(len(values)) if subjects is None else np.asarray(subjects)
    _, which = np.unique(names[known], return_inverse=True)
    count = np.bincount(which)
    return np.bincount(which, values[known]) / count, np.bincount(which, severity[known]) / count


def real_trend(values: Floats, severity: Floats, draws: int, rng: np.random.Generator) -> Trend:
    """The trend over people, drawn with replacement; unknown with fewer than four.

    Parameters
    ----------
    values, severity : (people,) see `by_person`.
    """
    n = len(values)
    if n < FEWEST_PEOPLE:
        return Trend(UNKNOWN, UNKNOWN, n)
    chosen = [np.arange(n), *rng.integers(n, size=(draws, n))]
    found = np.array([_slope_and_rank(severity[rows], values[rows]) for rows in chosen])
    return Trend(_interval(found[:, 0]), _interval(found[:, 1]), n)


def drawn_trend(made: Floats, levels: Floats, draws: int, rng: np.random.Generator) -> Trend:
    """The trend over levels; a column holds what one noise became at each of them, and columns are drawn.

    Parameters
    ----------
    made : (levels, n), NaN where it could not be measured.
    levels : (levels,) severities.
    """
    n = made.shape[1]
    severity = np.repeat(levels, n)
    found = []
    for rows in [np.arange(n), *rng.integers(n, size=(draws, n))]:
        values = made[:, rows].ravel()
        known = np.isfinite(values)
        found.append(_slope_and_rank(severity[known], values[known]))
    columns = np.array(found)
    return Trend(_interval(columns[:, 0]), _interval(columns[:, 1]), n)


def answered(real: Trend, synthetic: Trend) -> Answer:
    """Whether the synthetic slope goes the way of the real one, by the intervals of both."""
    sign = 1 if real.slope[1] > 0 else -1 if real.slope[2] < 0 else 0
    if not sign:
        return Answer(CANNOT_SAY, "in held-out people it does not clearly go with severity either.")
    if np.isnan(synthetic.slope).any():
        return Answer(CANNOT_SAY, "it could not be measured on synthetic examples.")
    near, far = _along(synthetic.slope, sign)
    real_near, real_far = _along(real.slope, sign)
    numbers = f"slope {estimate_text(synthetic.slope, '.3g')}, in real people {estimate_text(real.slope, '.3g')}."
    overlapping = near <= real_far and real_near <= far
    if near > 0:
        how = "as steeply as" if overlapping else "less steeply than" if far < real_near else "more steeply than"
        return Answer("follows", f"{how} in real people, by the intervals; {numbers}")
    if overlapping:
        return Answer(CANNOT_SAY, f"the interval holds both no trend and the real one; draw more. {numbers}")
    return Answer("does not follow", numbers)


def mean_with_interval(values: Floats, draws: int, rng: np.random.Generator) -> Estimate:
    """The mean of (n,) values and its bootstrap interval; unknown where there are none."""
    if len(values) < 2:
        return (float(values[0]), np.nan, np.nan) if len(values) else UNKNOWN
    drawn = values[rng.integers(len(values), size=(draws, len(values)))].mean(1)
    return _interval(np.concatenate([[values.mean()], drawn]))


def _along(slope: Estimate, sign: int) -> tuple[float, float]:
    """Low and high end of an interval, seen in the direction of the real trend."""
    return (slope[1], slope[2]) if sign == 1 else (-slope[2], -slope[1])


def _slope_and_rank(severity: Floats, values: Floats) -> tuple[float, float]:
    if len(values) < 3 or np.ptp(severity) == 0:
        return np.nan, np.nan
    centred = severity - severity.mean()
    slope = float(centred @ (values - values.mean()) / (centred @ centred))
    if np.ptp(values) == 0:
        return slope, 0.0
    return slope, float(np.corrcoef(rankdata(severity), rankdata(values))[0, 1])


def _interval(column: Floats) -> Estimate:
    """The first value, and the 2.5 and 97.5 % quantiles of those after it."""
    drawn = column[1:][np.isfinite(column[1:])]
    low, high = np.quantile(drawn, (0.025, 0.975)) if len(drawn) else (np.nan, np.nan)
    return float(column[0]), float(low), float(high)
