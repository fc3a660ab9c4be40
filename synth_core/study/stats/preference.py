"""Strengths from paired choices."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse.csgraph import connected_components
from scipy.special import expit, softmax

from synth_core.errors import InvalidSetting

STEPS = 100
ENOUGH = 1e-10


class Strengths(NamedTuple):
    """Of each thing compared.

    Parameters
    ----------
    ability : log-odds scale, mean 0: i is chosen over j with probability 1 / (1 + exp(ability[j] − ability[i])).
    error : standard error of `ability`, against the mean of all.
    worth : exp(ability), as shares that sum to 1.
    covariance : of the abilities; a difference has the variance c[i, i] + c[j, j] − 2 c[i, j].
    """

    ability: NDArray[np.float64]
    error: NDArray[np.float64]
    worth: NDArray[np.float64]
    covariance: NDArray[np.float64]


def bradley_terry(wins: ArrayLike) -> Strengths:
    """Maximum likelihood of the model of Bradley and Terry 1952, Biometrika 39:324, by Newton's method.

    Parameters
    ----------
    wins : (things, things); how often the one of the row was chosen over the one of the column, 0 on the diagonal. Half
        a win for each side stands for a tie. Choices that lean to a side of the screen cancel where sides are balanced.

    Raises
    ------
    InvalidSetting (a ValueError) : when things fall into groups between which nothing was compared, or one group never
        lost to the rest, which would put it infinitely high (Ford 1957, Am. Math. Mon. 64:28); for other tables.
    """
    counts = np.asarray(wins, dtype=np.float64)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or len(counts) < 2:
        raise InvalidSetting(f"Wins are a square table of two things or more. Got shape {counts.shape} instead.")
    if not (np.isfinite(counts) & (counts >= 0)).all() or np.diag(counts).any():
        raise InvalidSetting("Wins are counts of 0 or more, and nothing is compared with itself.")
    _check_comparable(counts)

    n, played = len(counts), counts + counts.T
    ability = np.zeros(n)
    for _ in range(STEPS):
        chance = expit(np.subtract.outer(ability, ability))
        gradient = np.sum(counts - played * chance, axis=1)
        weights = played * chance * (1 - chance)
        information = np.diag(weights.sum(axis=1)) - weights
        covariance = np.linalg.inv(information + 1 / n) - 1 / n  # pseudo-inverse: abilities sum to 0
        step = covariance @ gradient
        ability = ability + step / max(1.0, np.abs(step).max())  # no leap over more than one unit
        if np.abs(step).max() < ENOUGH:
            break
    return Strengths(ability, np.sqrt(np.diag(covariance)), softmax(ability), covariance.astype(np.float64))


def _check_comparable(counts: NDArray[np.float64]) -> None:
    groups, _ = connected_components(counts, connection="weak")
    if groups > 1:
        raise InvalidSetting(f"Nothing links {groups} groups of what was compared. Rank each of them on its own.")
    groups, member = connected_components(counts, connection="strong")
    if groups > 1:
        unbeaten = [group for group in range(groups) if not counts[np.ix_(member != group, member == group)].any()]
        names = ", ".join(str(index) for index in np.flatnonzero(member == unbeaten[0]))
        raise InvalidSetting(f"Nothing was ever chosen over {names} (counted from 0): no finite strength fits that.")
