"""Canaries: real examples of people who belong to no training set, some of which are added to one, a known number of
times (Carlini et al. 2019, arXiv 1802.08232; for images 2023, arXiv 2301.13188). What is found again was memorised.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth_core.data import Dataset
from synth_core.errors import InvalidSetting

FEWEST_PEOPLE = 2  # in each group, or there is no interval over people

Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Canaries:
    """Rows of a Dataset; nobody is in two of the groups.

    Parameters
    ----------
    inside : repetitions → rows that are added so often to what a generator is trained on.
    outside : rows that are never trained on.
    """

    inside: Mapping[int, Rows]
    outside: Rows

    @classmethod
    def choose(cls, people: Dataset, count: int, repetitions: Sequence[int], rng: np.random.Generator) -> Canaries:
        """People dealt to the groups class by class, then up to `count` examples of each group, evenly over its people.

        Raises
        ------
        InvalidSetting : when a group would have fewer than two people.
        """
        order = _by_class(people, rng)
        groups = len(repetitions) + 1
        if len(order) < FEWEST_PEOPLE * groups:
            raise InvalidSetting(
                f"Canaries need {FEWEST_PEOPLE * groups} validation people, {FEWEST_PEOPLE} for each number of "
                f"repetitions and as many outside; here are {len(order)}. Ask for fewer repetitions."
            )
        names = people.table["subject"].to_numpy(str)
        chosen = [_evenly(names, order[number::groups], count, rng) for number in range(groups)]
        return cls(dict(zip(repetitions, chosen[1:], strict=True)), chosen[0])

    def joined(self, whole: Dataset, train: Dataset, people: Dataset) -> Dataset:
        """The training part and the canaries inside it, as a view of the whole dataset that both are parts of."""
        at = _positions(whole, people)
        repeated = [np.repeat(at[rows], times) for times, rows in self.inside.items()]
        return whole.subset(np.concatenate([_positions(whole, train), *repeated]))


def _by_class(people: Dataset, rng: np.random.Generator) -> NDArray[np.str_]:
    """Everybody once, at random, those with the same classes after one another."""
    table = people.table.iloc[rng.permutation(len(people))]
    classes = table.groupby("subject", sort=False)["labels"].agg(
        lambda lists: ",".join(sorted({name for names in lists for name in names}))
    )
    return np.array([name for name, _ in sorted(classes.items(), key=lambda pair: pair[1])], dtype=str)


def _evenly(names: NDArray[np.str_], people: NDArray[np.str_], count: int, rng: np.random.Generator) -> Rows:
    """The first example of everybody, then the second, until there are `count`."""
    rows = [rng.permutation(np.flatnonzero(names == name)) for name in people]
    turns = sorted((turn, number, row) for number, own in enumerate(rows) for turn, row in enumerate(own))
    return np.sort(np.array([row for _, _, row in turns[:count]], dtype=np.intp))


def _positions(whole: Dataset, part: Dataset) -> Rows:
    """Where the examples of a part by subject lie in the whole, in its order."""
    return np.flatnonzero(whole.table["subject"].isin(part.subjects))
