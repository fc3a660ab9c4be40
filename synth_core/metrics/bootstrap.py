"""Intervals over subjects: the unit that is resampled is a person, never a window."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth_core.errors import InvalidSetting, SpecMismatch
from synth_core.metrics.chance import Random, generator_of

Groups = Sequence[Any] | NDArray[Any] | None
Metric = Callable[..., float]
UNBOUNDED = (-math.inf, math.inf)


def bootstrap(
    metric: Metric,
    *samples: NDArray[Any],
    groups: Sequence[Groups] | None = None,
    resamples: int = 200,
    level: float = 0.95,
    rng: Random = None,
) -> tuple[float, float]:
    """Percentile interval of a mean-like metric: groups drawn with replacement (Efron 1979; Field and Welsh 2007).

    Parameters
    ----------
    metric : called as metric(*resampled) → float.
    samples : arrays whose first axis is examples; each is resampled on its own. To resample paired arrays together,
        pass one array of indices and look the pairs up inside `metric`.
    groups : for each sample one name per example, or None when every example stands for itself.
    resamples, level : number of draws and probability of the interval.
    rng : generator or seed; None is seed 0.

    Returns
    -------
    (low, high); draws for which the metric is NaN are left out, and (NaN, NaN) results when all are, or when a sample
    has one group only: one person says nothing of another.
    """
    random, members = generator_of(rng), _members(samples, groups)
    if min(len(rows) for rows in members) < 2:
        return float("nan"), float("nan")
    draws = []
    for _ in range(resamples):
        chosen = [_joined(rows, random.integers(len(rows), size=len(rows))) for rows in members]
        draws.append(metric(*(sample[rows] for sample, rows in zip(samples, chosen, strict=True))))
    return _percentiles(np.array(draws), level)


def half_samples(
    metric: Metric,
    *samples: NDArray[Any],
    groups: Sequence[Groups] | None = None,
    resamples: int = 60,
    level: float = 0.95,
    bounds: tuple[float, float] = UNBOUNDED,
    rng: Random = None,
) -> tuple[float, float]:
    """Interval of a distance between sets: random halves of the groups, without replacement.

    Drawing with replacement puts copies into the sample, which breaks every measure made of neighbours or pairs
    (nearest-neighbour radii of zero, biased kernel means). The spread of a statistic over halves equals its sampling
    spread at full size (Shao and Wu 1989, delete-d jackknife with d = n/2). Its bias at half the size differs, so that
    the interval is centred on the value at full size.

    Parameters, returns
    -------------------
    As for `bootstrap`; `bounds` are the least and the greatest that can be true, beyond which a centred interval of few
    people would reach.
    """
    return half_samples_of_several(
        lambda *parts: np.array([metric(*parts)]),
        *samples,
        groups=groups,
        resamples=resamples,
        level=level,
        bounds=[bounds],
        rng=rng,
    )[0]


def half_samples_of_several(
    metrics: Callable[..., NDArray[np.float64]],
    *samples: NDArray[Any],
    bounds: Sequence[tuple[float, float]],
    groups: Sequence[Groups] | None = None,
    resamples: int = 60,
    level: float = 0.95,
    rng: Random = None,
) -> list[tuple[float, float]]:
    """`half_samples` of several metrics that are computed together: an interval for each of the bounds."""
    random, members = generator_of(rng), _members(samples, groups)
    if min(len(rows) for rows in members) < 2:
        return [(float("nan"), float("nan"))] * len(bounds)
    drawn = []
    for _ in range(resamples):
        chosen = [_joined(rows, random.permutation(len(rows))[: max(1, len(rows) // 2)]) for rows in members]
        drawn.append(metrics(*(sample[rows] for sample, rows in zip(samples, chosen, strict=True))))
    intervals = []
    for draws, value, (least, greatest) in zip(np.array(drawn).T, metrics(*samples), bounds, strict=True):
        low, high = _percentiles(draws - np.nanmean(draws) + value, level)
        intervals.append((max(low, least), min(high, greatest)))
    return intervals


def _members(samples: Sequence[NDArray[Any]], groups: Sequence[Groups] | None) -> list[list[NDArray[np.intp]]]:
    named = [None] * len(samples) if groups is None else list(groups)
    if not samples or len(named) != len(samples):
        raise InvalidSetting(f"Give groups for each of the {len(samples)} samples. Got {len(named)}.")
    return [_rows_by_group(len(sample), names) for sample, names in zip(samples, named, strict=True)]


def _rows_by_group(n: int, names: Groups) -> list[NDArray[np.intp]]:
    if names is None:
        return list(np.arange(n)[:, None])
    if len(names) != n:
        raise SpecMismatch(f"{len(names)} group names were given for {n} examples.")
    _, which = np.unique(np.asarray(names), return_inverse=True)
    order = np.argsort(which, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(which[order])) + 1)


def _joined(rows: list[NDArray[np.intp]], chosen: NDArray[np.integer]) -> NDArray[np.intp]:
    return np.concatenate([rows[i] for i in chosen])


def _percentiles(draws: NDArray[np.float64], level: float) -> tuple[float, float]:
    known = draws[np.isfinite(draws)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.quantile(known, ((1 - level) / 2, (1 + level) / 2))
    return float(low), float(high)
