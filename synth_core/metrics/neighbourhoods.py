"""Fidelity, diversity and originality from nearest neighbours of feature vectors, (n, d) each."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from synth_core.errors import InvalidSetting
from synth_core.metrics.distances import Floats, distance_blocks, feature_pair, neighbour_radius, thinned

LEVELS = np.linspace(0, 1, 201)  # α and β at which supports are compared


def precision_recall_density_coverage(real: ArrayLike, synthetic: ArrayLike, k: int = 5) -> dict[str, float]:
    """Fidelity and diversity from k-nearest-neighbour balls (Kynkäänniemi et al. 2019; Naeem et al. 2020).

    Parameters
    ----------
    real, synthetic : (n, d), more than k examples each; the measures assume equal numbers. Of more than 3,000 rows a
        fixed random choice is compared.
    k : neighbours that set the radius of a ball, the point itself not counted.

    Returns
    -------
    precision : share of synthetic points inside a ball of a real one.
    recall : share of real points inside a ball of a synthetic one.
    density : mean number of real balls around a synthetic point, over k; 1 expected for equal distributions, no bound.
    coverage : share of real balls that hold a synthetic point; 1 − 2^−k expected for equal distributions.
    Copies of the real points score perfectly.
    """
    x, y = _neighbours_of(real, synthetic, k)
    real_radius, synthetic_radius = neighbour_radius(x, k), neighbour_radius(y, k)
    recalled, covered = np.empty(len(x), bool), np.empty(len(x), bool)
    balls = np.zeros(len(y))
    for rows, distance in distance_blocks(x, y):
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


def alpha_precision_beta_recall_authenticity(real: ArrayLike, synthetic: ArrayLike, k: int = 5) -> dict[str, float]:
    """α-precision, β-recall and authenticity (Alaa et al. 2022, arXiv 2102.08921), on the features as given.

    The α-support of a set is the ball about its mean that holds a share α of it. P_α is the share of synthetic points
    in the real α-support; R_β the share of real points whose nearest synthetic point lies in their k-neighbour ball
    and in the synthetic β-support. Scores are 1 − 2 ∫|P_α − α| dα and 1 − 2 ∫|R_β − β| dβ.

    Parameters
    ----------
    real, synthetic : (n, d), more than k examples each; the numbers may differ. Features should be of one scale.
        Of more than 3,000 rows a fixed random choice is compared.
    k : neighbours that set the radius of a ball around a real point.

    Returns
    -------
    alpha_precision : 1 for equal distributions; low also when the synthetic points crowd at the centre.
    beta_recall : in [0, 1]; about 0.9 for equal distributions, since the nearest point leans towards the centre.
    authenticity : share of synthetic points that are farther from their nearest real point than that point is from its
        own nearest other real point; 0 for copies, about 0.57 (not 1) for fresh draws.
    """
    x, y = _neighbours_of(real, synthetic, k)
    centre, made_centre = x.mean(0), y.mean(0)
    real_depth, made_depth = np.linalg.norm(x - centre, axis=1), np.linalg.norm(y - made_centre, axis=1)
    from_centre = np.linalg.norm(y - centre, axis=1)
    within_real = np.searchsorted(np.sort(from_centre), np.quantile(real_depth, LEVELS), "right") / len(y)
    recalled = np.searchsorted(
        np.sort(_depth_of_nearest(x, y, made_depth, k)), np.quantile(made_depth, LEVELS), "right"
    )
    return {
        "alpha_precision": _agreement(within_real),
        "beta_recall": _agreement(recalled / len(x)),
        "authenticity": _authenticity(x, y),
    }


def _depth_of_nearest(x: Floats, y: Floats, made_depth: Floats, k: int) -> Floats:
    """Depth in the synthetic set of the synthetic point nearest to each real one; inf where it is outside the ball."""
    depth, radius = np.empty(len(x)), neighbour_radius(x, k)
    for rows, distance in distance_blocks(x, y):
        depth[rows] = np.where(distance.min(1) <= radius[rows], made_depth[distance.argmin(1)], np.inf)
    return depth


def _agreement(shares: Floats) -> float:
    return float(1 - 2 * np.trapezoid(np.abs(shares - LEVELS), LEVELS))


def _authenticity(x: Floats, y: Floats) -> float:
    own = neighbour_radius(x, 1)
    authentic = np.empty(len(y), bool)
    for rows, distance in distance_blocks(y, x):
        nearest = distance.argmin(1)  # indexes real points: the published code takes it for one of synthetic points
        authentic[rows] = distance.min(1) > own[nearest]
    return float(authentic.mean())


def _neighbours_of(real: ArrayLike, synthetic: ArrayLike, k: int) -> tuple[Floats, Floats]:
    if k < 1:
        raise InvalidSetting(f"`k` must be at least 1. Got {k} instead.")
    x, y = feature_pair(real, synthetic, least=k + 1)
    return thinned(x), thinned(y)
