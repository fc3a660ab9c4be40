"""Distances between two sets of feature vectors, (n, d) each: moments and kernels."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg
from scipy.spatial.distance import cdist, pdist

from synth_core.errors import InvalidSetting
from synth_core.metrics.chance import Random, generator_of
from synth_core.metrics.distances import BLOCK, Floats, feature_pair, thinned
from synth_core.metrics.pooling import PooledGroups, shuffled_sides, two_sides

MEDIAN_ROWS = 4000  # pooled rows at most that the median distance is taken over
LARGEST_TEST = 2000  # rows per side of a permutation test; of more, a random choice

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
    x, y = feature_pair(real, synthetic, least=2)
    difference = x.mean(0) - y.mean(0)
    cov_x, cov_y = (np.atleast_2d(np.cov(part, rowvar=False)) for part in (x, y))
    overlap = linalg.svdvals(_symmetric_root(cov_x) @ _symmetric_root(cov_y)).sum()
    distance = difference @ difference + np.trace(cov_x) + np.trace(cov_y) - 2 * overlap
    return float(max(distance, 0.0))


def kid(real: ArrayLike, synthetic: ArrayLike) -> float:
    """Kernel distance: unbiased MMD² with k(a, b) = (a·b / d + 1)³ (Bińkowski et al. 2018), over all pairs.

    Parameters
    ----------
    real, synthetic : (n, d), at least two examples each; the numbers may differ. Of more than 3,000 rows a fixed random
        choice is compared.

    Returns
    -------
    Zero on average for two samples of one distribution; can be negative.
    """
    x, y = (thinned(part) for part in feature_pair(real, synthetic, least=2))
    dimensions = x.shape[1]

    def cubic(a: Floats, b: Floats) -> Floats:
        base = a @ b.T / dimensions + 1
        return base * base * base  # many times faster than a power

    return _squared_discrepancy(x, y, cubic, unbiased=True)


def mmd(real: ArrayLike, synthetic: ArrayLike, bandwidth: float | None = None, unbiased: bool = True) -> float:
    """Squared maximum mean discrepancy with k(a, b) = exp(−|a − b|² / 2 bandwidth²) (Gretton et al. 2012, eq. 3, 5).

    Parameters
    ----------
    real, synthetic : (n, d), at least two examples each; the numbers may differ. Of more than 3,000 rows a fixed random
        choice is compared.
    bandwidth : None takes the median of the pooled pairwise distances.
    unbiased : the U-statistic, which can be negative; False gives the V-statistic, which cannot.
    """
    x, y = (thinned(part) for part in feature_pair(real, synthetic, least=2))
    return _squared_discrepancy(x, y, _gaussian(np.concatenate([x, y]), bandwidth), unbiased)


def median_distance(x: ArrayLike) -> float:
    """Median Euclidean distance over all pairs of rows; of a fixed random choice of 4,000 when there are more."""
    return float(np.median(pdist(thinned(np.asarray(x, dtype=np.float64), MEDIAN_ROWS))))


def mmd_test(
    real: ArrayLike,
    synthetic: ArrayLike,
    groups: PooledGroups = None,
    permutations: int = 499,
    rng: Random = None,
) -> tuple[float, float]:
    """Permutation test of equal distributions by the unbiased MMD² (Gretton et al. 2012, section 5).

    Parameters
    ----------
    real, synthetic : (n, d), at least two examples each. Of more than 2,000 rows on a side a random choice is tested.
    groups : subjects, one name per pooled example (real first, then synthetic), or a pair of such sequences of which
        either may be None. Whole subjects change sides in a permutation; a name on both sides stands for two subjects.
        None: every example stands for itself.
    permutations : relabellings that the value is compared with.
    rng : generator or seed; None is seed 0.

    Returns
    -------
    MMD² with the median of the pooled distances as bandwidth, and
    p = (1 + #{permuted ≥ observed}) / (1 + permutations).
    Copies of the real examples give a high p.

    Raises
    ------
    InvalidSetting : when permutations < 1, or all examples are equal.
    """
    if permutations < 1:
        raise InvalidSetting(f"`permutations` must be at least 1. Got {permutations} instead.")
    x, y = feature_pair(real, synthetic, least=2)
    random = generator_of(rng)
    chosen = [np.sort(random.permutation(len(part))[:LARGEST_TEST]) for part in (x, y)]
    names = two_sides(groups, len(x), len(y))
    pooled = np.concatenate([x[chosen[0]], y[chosen[1]]])
    subjects = np.concatenate([part[rows] for part, rows in zip(names, chosen, strict=True)])
    sides = shuffled_sides(subjects, len(chosen[0]), permutations, random)
    values = _discrepancies(pooled, sides, _gaussian(pooled, None))
    return float(values[0]), float((1 + (values[1:] >= values[0] - 1e-12).sum()) / (1 + permutations))


def _gaussian(pooled: Floats, bandwidth: float | None) -> Kernel:
    width = median_distance(pooled) if bandwidth is None else bandwidth
    if not width > 0:
        raise InvalidSetting(f"`bandwidth` must be positive. Got {width}; are all examples equal?")
    return lambda a, b: np.exp(-cdist(a, b, "sqeuclidean") / (2 * width**2))


def _discrepancies(pooled: Floats, sides: Floats, kernel: Kernel) -> Floats:
    """Unbiased MMD² of every labelling, sides (n, labellings) being 1 for real; k(a, a) = 1 is taken for granted."""
    within, total = np.zeros(sides.shape[1]), 0.0
    real_to_all = np.zeros(sides.shape[1])
    for start, block in _kernel_blocks(pooled, pooled, kernel):
        rows = sides[start : start + BLOCK]
        within += (rows * (block @ sides)).sum(0)
        real_to_all += block.sum(1) @ rows
        total += float(block.sum())
    n = sides.sum(0)
    m = len(pooled) - n
    across, other = real_to_all - within, total - 2 * real_to_all + within
    return (within - n) / (n * (n - 1)) + (other - m) / (m * (m - 1)) - 2 * across / (n * m)


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


def _symmetric_root(matrix: Floats) -> Floats:
    values, vectors = linalg.eigh(matrix)
    return (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T  # below 0 is rounding: a covariance has none
