"""Distances between two sets of feature vectors, (n, d) each: moments, kernels, neighbourhoods."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import linalg
from scipy.spatial.distance import cdist, pdist

from synth_core.errors import InvalidSetting, SpecMismatch

BLOCK = 2048  # rows of a distance matrix held at a time: 32 MB beside 2,000 others
MEDIAN_ROWS = 4000  # pooled rows at most that the median distance is taken over, evenly spaced

Floats = NDArray[np.float64]
Kernel = Callable[[Floats, Floats], Floats]


def frechet_distance(real: ArrayLike, synthetic: ArrayLike) -> float:
    """Fréchet distance of two Gaussians fitted to the sets (Dowson and Landau 1982; FID: Heusel et al. 2017).

    |μ_r − μ_s|² + tr S_r + tr S_s − 2 tr (S_r^½ S_s S_r^½)^½, the last term as the sum of the singular values of
    S_r^½ S_s^½ with symmetric roots: nothing is added to the diagonal, so that fewer examples than features are
    allowed. Biased upwards by about d² / n: compare with a floor at the same n.

    Parameters
    ----------
    real, synthetic : (n, d), at least two examples each.

    Returns
    -------
    In squared units of the features, ≥ 0.
    """
    x, y = _pair(real, synthetic, least=2)
    difference = x.mean(0) - y.mean(0)
    cov_x, cov_y = (np.atleast_2d(np.cov(part, rowvar=False)) for part in (x, y))
    overlap = linalg.svdvals(_symmetric_root(cov_x) @ _symmetric_root(cov_y)).sum()
    distance = difference @ difference + np.trace(cov_x) + np.trace(cov_y) - 2 * overlap
    return float(max(distance, 0.0))


def kid(real: ArrayLike, synthetic: ArrayLike) -> float:
    """Kernel distance: unbiased MMD² with k(a, b) = (a·b / d + 1)³ (Bińkowski et al. 2018), over all pairs.

    Parameters
    ----------
    real, synthetic : (n, d), at least two examples each; the numbers may differ.

    Returns
    -------
    Zero on average for two samples of one distribution; can be negative.
    """
    x, y = _pair(real, synthetic, least=2)
    dimensions = x.shape[1]
    return _squared_discrepancy(x, y, lambda a, b: (a @ b.T / dimensions + 1) ** 3, unbiased=True)


def mmd(real: ArrayLike, synthetic: ArrayLike, bandwidth: float | None = None, unbiased: bool = True) -> float:
    """Squared maximum mean discrepancy with k(a, b) = exp(−|a − b|² / 2 bandwidth²) (Gretton et al. 2012, eq. 3, 5).

    Parameters
    ----------
    real, synthetic : (n, d), at least two examples each; the numbers may differ.
    bandwidth : None takes the median of the pooled pairwise distances.
    unbiased : the U-statistic, which can be negative; False gives the V-statistic, which cannot.
    """
    x, y = _pair(real, synthetic, least=2)
    width = median_distance(np.concatenate([x, y])) if bandwidth is None else bandwidth
    if not width > 0:
        raise InvalidSetting(f"`bandwidth` must be positive. Got {width}; are all examples equal?")
    return _squared_discrepancy(x, y, lambda a, b: np.exp(-cdist(a, b, "sqeuclidean") / (2 * width**2)), unbiased)


def median_distance(x: ArrayLike) -> float:
    """Median Euclidean distance over all pairs of rows; of 4,000 evenly spaced rows when there are more."""
    rows = np.asarray(x, dtype=np.float64)
    chosen = np.linspace(0, len(rows) - 1, min(len(rows), MEDIAN_ROWS)).astype(np.intp)
    return float(np.median(pdist(rows[chosen])))


def precision_recall_density_coverage(real: ArrayLike, synthetic: ArrayLike, k: int = 5) -> dict[str, float]:
    """Fidelity and diversity from k-nearest-neighbour balls (Kynkäänniemi et al. 2019; Naeem et al. 2020).

    Parameters
    ----------
    real, synthetic : (n, d), more than k examples each; the measures assume equal numbers.
    k : neighbours that set the radius of a ball, the point itself not counted.

    Returns
    -------
    precision : share of synthetic points inside a ball of a real one.
    recall : share of real points inside a ball of a synthetic one.
    density : mean number of real balls around a synthetic point, over k; 1 expected for equal distributions, no bound.
    coverage : share of real balls that hold a synthetic point; 1 − 2^−k expected for equal distributions.
    Copies of the real points score perfectly.
    """
    if k < 1:
        raise InvalidSetting(f"`k` must be at least 1. Got {k} instead.")
    x, y = _pair(real, synthetic, least=k + 1)
    real_radius, synthetic_radius = _neighbour_radius(x, k), _neighbour_radius(y, k)
    recalled, covered = np.empty(len(x), bool), np.empty(len(x), bool)
    balls = np.zeros(len(y))
    for rows, distance in _distance_blocks(x, y):
        within = distance <= real_radius[rows, None]
        balls += within.sum(0)
        covered[rows] = distance.min(1) <= real_radius[rows]
        recalled[rows] = (distance <= synthetic_radius).any(1)
    return {
        "precision": float((balls > 0).mean()),
        "recall": float(recalled.mean()),
        "density": float(balls.mean() / k),
        "coverage": float(covered.mean()),
    }


def closer_to_train(train: ArrayLike, holdout: ArrayLike, synthetic: ArrayLike) -> float:
    """Share of synthetic points whose nearest real neighbour is a training example rather than a held-out one.

    Parameters
    ----------
    train, holdout, synthetic : (n, d); train and holdout of equal number, or the larger set wins by chance.

    Returns
    -------
    In [0, 1]; ½ when nothing was copied. Ties count half.
    """
    a, b = _pair(train, holdout, least=1)
    _, y = _pair(train, synthetic, least=1)
    to_train, to_holdout = nearest_distance(y, a), nearest_distance(y, b)
    return float((to_train < to_holdout).mean() + (to_train == to_holdout).mean() / 2)


def nearest_distance(x: ArrayLike, y: ArrayLike) -> Floats:
    """(n,) Euclidean distance of each row of x to the nearest row of y."""
    a, b = _pair(x, y, least=1)
    nearest = np.empty(len(a))
    for rows, distance in _distance_blocks(a, b):
        nearest[rows] = distance.min(1)
    return nearest


def _squared_discrepancy(x: Floats, y: Floats, kernel: Kernel, unbiased: bool) -> float:
    across = sum(float(block.sum()) for _, block in _kernel_blocks(x, y, kernel)) / (len(x) * len(y))
    return _mean_within(x, kernel, unbiased) + _mean_within(y, kernel, unbiased) - 2 * across


def _mean_within(x: Floats, kernel: Kernel, unbiased: bool) -> float:
    total, diagonal = 0.0, 0.0
    for start, block in _kernel_blocks(x, x, kernel):
        total += float(block.sum())
        diagonal += float(np.trace(block, offset=start))
    return (total - diagonal) / (len(x) * (len(x) - 1)) if unbiased else total / len(x) ** 2


def _kernel_blocks(x: Floats, y: Floats, kernel: Kernel) -> Iterator[tuple[int, Floats]]:
    for start in range(0, len(x), BLOCK):
        yield start, kernel(x[start : start + BLOCK], y)


def _neighbour_radius(x: Floats, k: int) -> Floats:
    radius = np.empty(len(x))
    for rows, distance in _distance_blocks(x, x):
        radius[rows] = np.partition(distance, k, axis=1)[:, k]  # position 0 is the point itself
    return radius


def _distance_blocks(x: Floats, y: Floats) -> Iterator[tuple[slice, Floats]]:
    for start in range(0, len(x), BLOCK):
        yield slice(start, start + BLOCK), cdist(x[start : start + BLOCK], y)


def _symmetric_root(matrix: Floats) -> Floats:
    values, vectors = linalg.eigh(matrix)
    return (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T  # below 0 is rounding: a covariance has none


def _pair(real: ArrayLike, synthetic: ArrayLike, least: int) -> tuple[Floats, Floats]:
    x, y = np.asarray(real, dtype=np.float64), np.asarray(synthetic, dtype=np.float64)
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1]:
        raise SpecMismatch(f"Two sets of features must have shape (n, d) with the same d. Got {x.shape} and {y.shape}.")
    if min(len(x), len(y)) < least:
        raise SpecMismatch(f"At least {least} examples are needed on each side. Got {len(x)} and {len(y)}.")
    if not np.isfinite(x).all() or not np.isfinite(y).all():
        raise SpecMismatch("Features must be finite. Leave out examples with missing values.")
    return x, y
