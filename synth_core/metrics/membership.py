"""Membership inference: can an attacker who holds the synthetic examples tell who was trained on?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import logsumexp
from sklearn.decomposition import PCA

from synth_core.errors import SpecMismatch
from synth_core.metrics.bootstrap import Groups, bootstrap
from synth_core.metrics.chance import Random, generator_of
from synth_core.metrics.distances import Floats, distance_blocks, feature_pair, nearest_distance, thinned
from synth_core.metrics.divisions import divisions
from synth_core.metrics.ranks import auroc
from synth_core.metrics.two_sample import auc

COMPONENTS = 10  # principal components at most in which densities are estimated
FALSE_POSITIVES = 0.01
SMALLEST_REFERENCE = 20  # held-out examples at least that may be split off as reference

Attack = Callable[[Floats], Floats]


@dataclass(frozen=True)
class MembershipInference:
    """What the stronger of the attacks reaches.

    Parameters
    ----------
    auc : probability that a training example scores above a held-out one; ½ is guessing.
    tpr_at_1_percent_fpr : share of training examples found while at most 1 % of held-out ones are accused.
    low, high : interval of the AUROC over subjects, at 95 % for both attacks together (Bonferroni), since the stronger
        is chosen by its result.
    attack : which one it is.
    attacks : AUROC of each: "nearest distance" (GAN-Leaks), "density ratio" (DOMIAS).
    chance : (relabellings,) what the stronger attack reaches when who was trained on is dealt out anew.
    """

    auc: float
    tpr_at_1_percent_fpr: float
    low: float
    high: float
    attack: str
    attacks: dict[str, float]
    chance: tuple[float, ...] = ()


def membership_inference(
    train: ArrayLike,
    holdout: ArrayLike,
    synthetic: ArrayLike,
    reference: ArrayLike | None = None,
    *,
    groups: tuple[Groups, Groups] | None = None,
    rng: Random = None,
) -> MembershipInference:
    """Black-box attacks on features: nearest distance (Chen et al. 2020) and density ratio (van Breugel et al. 2023).

    Parameters
    ----------
    train, holdout, synthetic : (n, d) features of one scale: members, people who were not trained on, and what the
        attacker holds.
    reference : (n, d) other real examples that the attacker knows the population from. None splits off half of the
        held-out subjects when that leaves 20 examples; otherwise the density ratio is left out.
    groups : subjects of train and of holdout, either may be None; the interval is over subjects.
    rng : generator or seed; None is seed 0.

    Returns
    -------
    MembershipInference of the stronger attack. Densities are Gaussian kernels with Scott's bandwidth on at most ten
    whitened principal components of synthetic and reference examples, of at most 3,000 each.
    """
    random = generator_of(rng)
    members, fresh = feature_pair(train, holdout, least=2)
    made = feature_pair(train, synthetic, least=2)[1]
    member_groups, fresh_groups = groups or (None, None)
    if reference is None:
        rows, others = _split(len(fresh), fresh_groups, random)
        known = fresh[others] if len(others) >= SMALLEST_REFERENCE <= len(rows) else None
        if known is not None:
            fresh, fresh_groups = fresh[rows], None if fresh_groups is None else np.asarray(fresh_groups)[rows]
    else:
        known = feature_pair(train, reference, least=2)[1]
    attacks: dict[str, Attack] = {"nearest distance": lambda x: -nearest_distance(x, made)}
    if known is not None:
        attacks["density ratio"] = _density_ratio(made, known)
    scores = {name: (attack(members), attack(fresh)) for name, attack in attacks.items()}
    reached = {name: auc(outside, inside) for name, (inside, outside) in scores.items()}
    strongest = max(reached, key=lambda name: reached[name])
    inside, outside = scores[strongest]
    low, high = bootstrap(
        auc, outside, inside, groups=(fresh_groups, member_groups), level=1 - 0.05 / len(attacks), rng=random
    )
    chance = _by_chance(list(scores.values()), (member_groups, fresh_groups))
    found = _true_positives(inside, outside)
    return MembershipInference(reached[strongest], found, low, high, strongest, reached, chance)


def _by_chance(scores: list[tuple[Floats, Floats]], groups: tuple[Groups, Groups]) -> tuple[float, ...]:
    sizes = [len(side) for side in scores[0]]
    names = [
        [f"{k}#{i}" for i in range(n)] if own is None else [f"s{name}" for name in own]
        for k, (n, own) in enumerate(zip(sizes, groups, strict=True))
    ]
    pooled = [np.concatenate(pair) for pair in scores]
    labels = divisions(names[0] + names[1], len(set(names[0])))
    return tuple(max(auroc(row, score) for score in pooled) for row in labels)


def _true_positives(inside: Floats, outside: Floats) -> float:
    accused = int(FALSE_POSITIVES * len(outside))  # none may be accused among fewer than 100
    threshold = np.sort(outside)[::-1][accused]
    return float((inside > threshold).mean())


def _density_ratio(made: Floats, known: Floats) -> Attack:
    """log p_synthetic(x) − log p_reference(x), eq. 2 of DOMIAS."""
    made, known = thinned(made), thinned(known)
    pooled = np.concatenate([made, known])
    rank = int(np.linalg.matrix_rank(pooled - pooled.mean(0)))
    if rank == 0:
        raise SpecMismatch("All synthetic and reference examples are equal; densities cannot be estimated.")
    projection = PCA(min(COMPONENTS, rank), whiten=True, svd_solver="full").fit(pooled)
    centres = [projection.transform(part) for part in (made, known)]

    def ratio(x: Floats) -> Floats:
        points = projection.transform(x)
        return _log_density(points, centres[0]) - _log_density(points, centres[1])

    return ratio


def _log_density(points: Floats, centres: Floats) -> Floats:
    """Log of a Gaussian kernel density of white data; the bandwidth follows the number of centres."""
    n, d = centres.shape
    width = n ** (-1 / (d + 4))  # Scott 1992
    density = np.empty(len(points))
    for rows, distance in distance_blocks(points, centres):
        density[rows] = logsumexp(-(distance**2) / (2 * width**2), axis=1)
    return density - np.log(n) - d * np.log(width)


def _split(n: int, groups: Groups, rng: np.random.Generator) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows of two halves of the subjects."""
    names = np.arange(n) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    order = rng.permutation(int(names.max()) + 1)
    first = np.isin(names, order[: (len(order) + 1) // 2])
    return np.flatnonzero(first), np.flatnonzero(~first)
