"""The order in which one rater meets the items, with hidden repeats."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

REPEAT_DISTANCE = 20  # positions between the two showings of an item: far enough to have forgotten it


class Showing(NamedTuple):
    """One position of a rater's sequence."""

    item: str
    practice: bool = False
    repeat: bool = False


def schedule(scored: Sequence[str], practice: Sequence[str], *, repeats: int, seed: int, rater: int) -> list[Showing]:
    """Practice items first, then the scored ones in random order, `repeats` of them a second time.

    Parameters
    ----------
    scored, practice : item ids; their own order does not matter.
    repeats : how many scored items come twice.
    seed, rater : seed of the study and number of the rater; the same two always give the same order.

    Returns
    -------
    len(practice) + len(scored) + repeats showings. The two showings of an item are at least `REPEAT_DISTANCE`
    positions apart; in studies too short for that, at least half the number of scored items apart.
    """
    rng = np.random.default_rng([seed, rater])
    first = [Showing(item, practice=True) for item in _shuffled(practice, rng)]
    order = [Showing(item) for item in _shuffled(scored, rng)]
    return first + _with_repeats(order, min(repeats, len(order) // 2), rng)


def _shuffled(items: Sequence[str], rng: np.random.Generator) -> list[str]:
    ordered = sorted(items)
    return [ordered[index] for index in rng.permutation(len(ordered))]


def _with_repeats(order: list[Showing], repeats: int, rng: np.random.Generator) -> list[Showing]:
    distance = min(REPEAT_DISTANCE, len(order) // 2)
    early = max(len(order) - distance, repeats)  # only items this early leave room for a second showing
    chosen = [order[index] for index in rng.permutation(early)[:repeats]]
    sequence = list(order)
    for showing in chosen:
        # A later insertion never brings two showings nearer to one another.
        earliest = min(sequence.index(showing) + distance, len(sequence))
        sequence.insert(int(rng.integers(earliest, len(sequence) + 1)), showing._replace(repeat=True))
    return sequence
