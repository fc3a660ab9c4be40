"""One example drawn again and again: how many synthetic examples have a twin, and how many are distinct."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from synth_core.metrics.distances import Floats, distance_blocks
from synth_core.metrics.measure import Measure
from synth_core.metrics.trio import Trio

ALIKE = 0.9  # correlation of an example with its repetition; noise of a third of its spread leaves 0.95
COMPARED = 512  # values of an example, evenly spaced, that are correlated
TWIN = 0.01  # share of the held-out examples that have another one nearer than what is called a twin


def nearest_other(x: Floats) -> Floats:
    """(n,) distance of each row to the nearest other row."""
    nearest = np.empty(len(x))
    for rows, distance in distance_blocks(x, x):
        distance[np.arange(len(distance)), np.arange(len(x))[rows]] = np.inf
        nearest[rows] = distance.min(1)
    return nearest


def twin_distance(real: Floats) -> float:
    """What 99 % of real examples keep from their nearest other one."""
    return float(np.quantile(nearest_other(real), TWIN, method="lower"))


def families(x: Floats, reach: float, values: NDArray[np.floating]) -> NDArray[np.intp]:
    """(n,) number of the family that each row belongs to: rows that repeat one another, in chains.

    Parameters
    ----------
    x : (n, d) features.
    reach : distance of features up to which one row may repeat another.
    values : (n, m) the examples themselves, which must correlate: all white noise has the same features.
    """
    thinned = values[:, np.linspace(0, values.shape[1] - 1, min(values.shape[1], COMPARED)).astype(np.intp)]
    centred = thinned.astype(np.float64) - thinned.mean(1, keepdims=True)
    norms = np.linalg.norm(centred, axis=1, keepdims=True)
    unit = np.divide(centred, norms, out=np.zeros_like(centred), where=norms > 0)
    near = np.concatenate([distance <= reach for _, distance in distance_blocks(x, x)])
    alike = (unit @ unit.T >= ALIKE) | ((norms == 0) & (norms == 0).T)
    first, second = (near & alike).nonzero()
    linked = coo_array((np.ones(len(first), bool), (first, second)), shape=(len(x), len(x)))
    return np.asarray(connected_components(linked, directed=False)[1], dtype=np.intp)


def repeated_examples(features: Trio, rng: np.random.Generator) -> Measure:
    """Share of synthetic examples with a twin, beside that of training examples."""

    def with_twin(a: Floats, b: Floats) -> float:
        return float((b <= np.quantile(a, TWIN, method="lower")).mean())

    train, holdout, made = (nearest_other(side) for side in (features.train, features.holdout, features.synthetic))
    distances = replace(features, train=train, holdout=holdout, synthetic=made)
    score = distances.score(with_twin, rng, bounds=(0.0, 1.0))
    meaning = (
        "Share of synthetic examples that have a twin: another one nearer than 99 % of held-out examples have any. "
        "Rises when one example is drawn again and again."
    )
    return Measure("repeated examples", "", "all", "lower", score, meaning)
