"""Real people divided in two, again and again: what honest examples reach by chance.

A division is the same whatever is measured and whoever is left out of a measure: a person's place in it follows from
the name. So the worst of all measures in one division can be compared with the worst of all in another (the maximum
over a family: Westfall and Young 1993, Resampling-Based Multiple Testing, section 2.3).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b

import numpy as np
from numpy.typing import ArrayLike, NDArray

COUNT = 100  # divisions; the bound of a rate of 2 % is then the second worst of them
RATE = 0.02  # of honest sets that at least one measure of a family calls unlike real
FEWEST = 4  # people, of whom there are other divisions than the one that was given

Floats = NDArray[np.float64]


def divisions(people: Sequence[str] | NDArray[np.str_], first: int, count: int = COUNT) -> NDArray[np.bool_]:
    """Which examples come to the first side.

    Parameters
    ----------
    people : (n,) one name per example.
    first : how many of the people the first side has; at least one stays on either side.

    Returns
    -------
    (count, n) of bool, without rows where there are fewer than four people.
    """
    names, which = np.unique(np.asarray(people, dtype=str), return_inverse=True)
    if len(names) < FEWEST:
        return np.zeros((0, len(which)), bool)
    places = np.stack([_places(name) for name in names.tolist()])[:, :count]  # (people, count)
    ranks = places.argsort(0).argsort(0)
    return np.asarray((ranks < min(max(first, 1), len(names) - 1)).T[:, which])


@lru_cache(maxsize=20_000)
def _places(name: str) -> Floats:
    seed = int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big")
    return np.random.default_rng(seed).random(COUNT)


def spread_above(values: ArrayLike) -> Floats:
    """How far honest values reach to the bad side: root mean squared excess of those above the mean.

    Parameters
    ----------
    values : (divisions, …), larger is worse; NaN is left out.

    Returns
    -------
    (…), 0 where nothing lies above the mean.
    """
    excess = np.asarray(values, dtype=np.float64) - _mean(values)
    above = excess > 0
    squares = np.where(above, excess, 0.0) ** 2
    return np.asarray(np.sqrt(squares.sum(0) / np.maximum(above.sum(0), 1)))


def family_bound(honest: Floats, rate: float = RATE) -> float:
    """How many spreads above its mean the worst measure of a new division comes with probability `rate`.

    Each division is judged by mean and spread of the others, as a new one is.

    Parameters
    ----------
    honest : (divisions, measures), larger is worse; NaN where a measure could not be taken.

    Returns
    -------
    NaN without divisions. Of 100 divisions and a rate of 2 %, the 99th of 100 worst values in order: a new one exceeds
    it in 2 of 101 cases.
    """
    if not honest.size:
        return math.nan
    worst = np.sort([_worst(honest[row], np.delete(honest, row, axis=0)) for row in range(len(honest))])
    place = math.ceil((1 - rate) * (len(worst) + 1))
    return float(worst[min(place, len(worst)) - 1])


def _worst(one: Floats, others: Floats) -> float:
    spreads = spread_above(others)
    excess = np.nan_to_num(one - _mean(others))
    return float(np.divide(excess, spreads, out=np.zeros_like(excess), where=spreads > 0).max())


def _mean(values: ArrayLike) -> Floats:
    """Over the divisions, of what is known; 0 where nothing is."""
    known = np.isfinite(values)
    return np.asarray(np.where(known, values, 0.0).sum(0) / np.maximum(known.sum(0), 1))
