"""Euclidean distances between sets of feature vectors, a block of rows at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import cdist

from synth_core.errors import SpecMismatch

BLOCK = 2048  # rows of a distance matrix held at a time: 32 MB beside 2,000 others
LARGEST = 3000  # rows per side that measures of pairs are made of; of more, a fixed random choice

Floats = NDArray[np.float64]


def feature_pair(real: ArrayLike, synthetic: ArrayLike, least: int) -> tuple[Floats, Floats]:
    """Both sets as float64; SpecMismatch unless they are (n, d) with one d, n ≥ `least`, and finite."""
    x, y = np.asarray(real, dtype=np.float64), np.asarray(synthetic, dtype=np.float64)
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1]:
        raise SpecMismatch(f"Two sets of features must have shape (n, d) with the same d. Got {x.shape} and {y.shape}.")
    if min(len(x), len(y)) < least:
        raise SpecMismatch(f"At least {least} examples are needed on each side. Got {len(x)} and {len(y)}.")
    if not np.isfinite(x).all() or not np.isfinite(y).all():
        raise SpecMismatch("Features must be finite. Leave out examples with missing values.")
    return x, y


def thinned(x: Floats, most: int = LARGEST) -> Floats:
    """At most so many rows, chosen at random but always the same; evenly spaced ones could follow a pattern."""
    return x if len(x) <= most else x[np.sort(np.random.default_rng(0).permutation(len(x))[:most])]


def distance_blocks(x: Floats, y: Floats) -> Iterator[tuple[slice, Floats]]:
    """Rows of x and their distances to all of y, block by block."""
    for start in range(0, len(x), BLOCK):
        yield slice(start, start + BLOCK), cdist(x[start : start + BLOCK], y)


def neighbour_radius(x: Floats, k: int) -> Floats:
    """(n,) distance of each row to its k-th nearest other row."""
    radius = np.empty(len(x))
    for rows, distance in distance_blocks(x, x):
        radius[rows] = np.partition(distance, k, axis=1)[:, k]  # position 0 is the point itself
    return radius


def nearest_two(x: ArrayLike, y: ArrayLike) -> Floats:
    """(n, 2) distances of each row of x to its nearest and second nearest row of y."""
    a, b = feature_pair(x, y, least=1)
    if len(b) < 2:
        raise SpecMismatch("A second nearest example needs at least 2 of them. Got 1.")
    nearest = np.empty((len(a), 2))
    for rows, distance in distance_blocks(a, b):
        nearest[rows] = np.sort(np.partition(distance, 1, axis=1)[:, :2], axis=1)
    return nearest


def nearest_distance(x: ArrayLike, y: ArrayLike) -> Floats:
    """(n,) Euclidean distance of each row of x to the nearest row of y."""
    a, b = feature_pair(x, y, least=1)
    nearest = np.empty(len(a))
    for rows, distance in distance_blocks(a, b):
        nearest[rows] = distance.min(1)
    return nearest
