"""The three sides of an evaluation made comparable, and what must not stand on the synthetic one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import Any

import numpy as np

from synth_core.errors import InvalidSetting
from synth_core.types import Batch

REPEATED = 0.5  # share of the held-out examples that no generator can have drawn by itself


def comparable_rows(train: Any, holdout: Batch, n: int, rng: np.random.Generator) -> list[int]:
    """n training examples of as many people as the held-out ones are of, where there are so many.

    A floor between 75 people held out and 300 trained on would show less of how people differ than what it judges.

    Parameters
    ----------
    train : a Batch, or a dataset whose table names the subjects.
    holdout : the held-out examples that are compared.
    """
    everyone = rng.permutation(len(train))
    names = _subjects_of(train)
    if names is None or holdout.subjects is None:
        return np.sort(everyone[:n]).tolist()
    named = np.asarray(names)
    people, sizes = np.unique(named, return_counts=True)
    order = rng.permutation(len(people))
    enough = int(np.searchsorted(np.cumsum(sizes[order]), n)) + 1  # people until there are n examples
    chosen = people[order[: max(len(set(holdout.subjects)), enough)]]
    rows = everyone[np.isin(named[everyone], chosen)]
    return np.sort(rows[:n]).tolist()


def unnamed_are_people(real: Batch, side: str) -> Batch:
    """The same examples, each of a person of its own where nobody is named."""
    if real.subjects is not None:
        return real
    return replace(real, subjects=tuple(f"{side} {i}" for i in range(len(real))))


def refuse_real_as_synthetic(parts: tuple[Batch, Batch, Batch]) -> None:
    """InvalidSetting where the synthetic examples are the training or the held-out set itself.

    The training set counts in its own order: a generator that only repeats its training examples is one to be judged,
    and found unsafe. Held-out examples no generator has seen.
    """
    train, holdout, synthetic = (_hashes(part) for part in parts)
    known = set(synthetic)
    repeated = sum(one in known for one in holdout)
    if synthetic == train:
        raise InvalidSetting(
            "The synthetic examples are the training examples themselves, value for value and in the same order. "
            "Choose what a generator drew."
        )
    if repeated > REPEATED * len(holdout):
        raise InvalidSetting(
            f"{repeated} of {len(holdout)} held-out examples stand among the synthetic ones, value for value: these "
            "are real recordings. Choose what a generator drew, and hold out people whom it has not seen."
        )


def _subjects_of(source: Any) -> Sequence[str] | None:
    if isinstance(source, Batch):
        return source.subjects
    table = getattr(source, "table", None)
    return None if table is None or "subject" not in table else table["subject"].astype(str).tolist()


def _hashes(part: Batch) -> list[bytes]:
    return [blake2b(one.tobytes(), digest_size=16).digest() for one in part.values.numpy()]
