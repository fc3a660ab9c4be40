"""Subjects of two samples that are put together, for tests that relabel or fold them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth_core.errors import SpecMismatch
from synth_core.metrics.bootstrap import Groups

PooledGroups = Sequence[Any] | NDArray[Any] | tuple[Groups, Groups] | None
Names = NDArray[np.str_]


def two_sides(groups: PooledGroups, n_real: int, n_synthetic: int) -> tuple[Names, Names]:
    """Names of the subjects of both sides; every example without one gets its own.

    Parameters
    ----------
    groups : one name per pooled example, real first, or a pair of sequences, or None; either of a pair may be None.

    Returns
    -------
    (n_real,) and (n_synthetic,) names. The two sides share no name: a permutation moves one side of a subject.

    Raises
    ------
    SpecMismatch : when the numbers of names and of examples differ.
    """
    return _named(_split(groups, n_real, n_synthetic), (n_real, n_synthetic), apart=True)


def shared_subjects(groups: PooledGroups, n_real: int, n_synthetic: int) -> Names:
    """(n_real + n_synthetic,) names for cross-validation: the same name on both sides is the same subject."""
    return np.concatenate(_named(_split(groups, n_real, n_synthetic), (n_real, n_synthetic), apart=False))


def shuffled_sides(subjects: Names, n_real: int, permutations: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """(n, 1 + permutations) of 1 (real) and 0: the labelling as it is, then random ones.

    Subjects are put in random order, and go to the real side until it has its number of examples, as nearly as whole
    subjects allow; at least one is left on either side.
    """
    _, which = np.unique(subjects, return_inverse=True)
    sizes = np.bincount(which)
    sides = np.empty((len(subjects), 1 + permutations))
    sides[:, 0] = np.arange(len(subjects)) < n_real
    for column in range(1, 1 + permutations):
        order = rng.permutation(len(sizes))
        reached = np.cumsum(sizes[order]) - sizes[order] / 2 <= n_real
        reached[0], reached[-1] = True, False
        real = np.empty(len(sizes), bool)
        real[order] = reached
        sides[:, column] = real[which]
    return sides


def _split(groups: PooledGroups, n_real: int, n_synthetic: int) -> tuple[Groups, Groups]:
    if groups is None:
        return None, None
    if len(groups) == n_real + n_synthetic:
        return groups[:n_real], groups[n_real:]
    if len(groups) == 2:
        return groups[0], groups[1]
    message = f"Give one name per pooled example ({n_real} + {n_synthetic}), or a pair of sequences."
    raise SpecMismatch(f"{message} Got {len(groups)} names.")


def _named(groups: tuple[Groups, Groups], sizes: tuple[int, int], apart: bool) -> tuple[Names, Names]:
    sides = []
    for side, (names, n) in enumerate(zip(groups, sizes, strict=True)):
        if names is not None and len(names) != n:
            raise SpecMismatch(f"{len(names)} group names were given for {n} examples.")
        prefix = f"{side}:" if apart else "subject:"
        own = [f"{side}#{i}" for i in range(n)]
        sides.append(np.array(own if names is None else [f"{prefix}{name}" for name in names]))
    return sides[0], sides[1]
