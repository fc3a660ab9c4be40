"""Subjects → parts: iterative stratification, Sechidis, Tsoumakas & Vlahavas 2011 (ECML PKDD), over whole subjects."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def assign_subjects(counts: NDArray[np.float64], fractions: Sequence[float], seed: int) -> NDArray[np.int64]:
    """The part of each subject.

    The rarest class that still has unassigned subjects goes first; each of its subjects, the largest first, goes to
    the part that lacks most of that class (then: most of everything). Ties are broken by the seed.

    Parameters
    ----------
    counts : (subjects, classes + 1) examples of each class, and of all, that a subject brings.
    fractions : of each part; sum 1.
    seed : of the tie-breaking order.

    Returns
    -------
    (subjects,) number of the part. No part is empty when there are at least as many subjects as parts.
    """
    order = np.random.default_rng(seed).permutation(len(counts))
    lacking = np.outer(np.asarray(fractions, float), counts.sum(axis=0))  # (parts, classes + 1)
    parts = np.full(len(counts), -1)
    while (parts < 0).any():
        open_ = order[parts[order] < 0]
        class_ = _rarest(counts[open_])
        own = open_[counts[open_, class_] > 0]
        for subject in own[np.argsort(-counts[own, class_], kind="stable")]:
            part = int(np.lexsort((-lacking[:, -1], -lacking[:, class_]))[0])
            parts[subject] = part
            lacking[part] -= counts[subject]
    return _none_empty(parts, counts[:, -1], len(fractions))


def _rarest(counts: NDArray[np.float64]) -> int:
    """The class that the fewest of these subjects have, but some; the last column (all examples) comes last."""
    carriers = (counts[:, :-1] > 0).sum(axis=0)
    present = np.flatnonzero(carriers)
    return int(present[carriers[present].argmin()]) if len(present) else counts.shape[1] - 1


def _none_empty(parts: NDArray[np.int64], examples: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """Moves the smallest subject of the part with most subjects into each empty part."""
    for part in range(count):
        if not (parts == part).any():
            giver = np.bincount(parts, minlength=count).argmax()
            own = np.flatnonzero(parts == giver)
            parts[own[examples[own].argmin()]] = part
    return parts
