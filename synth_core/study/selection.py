"""Which real examples a study shows: spread over classes and subjects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import cycle, islice
from typing import TYPE_CHECKING

import numpy as np

from synth_core.errors import StudyError
from synth_core.types import Batch

if TYPE_CHECKING:
    from synth_core.data.dataset import Dataset


def select_real(dataset: Dataset, n: int, *, seed: int) -> Batch:
    """Choose `n` real examples: the classes in turn, within a class the subjects least used so far.

    Give the test split: a generator has not seen it, so that no memorised example stands beside its original.

    Raises
    ------
    StudyError : when the dataset has fewer than `n` examples.
    """
    if len(dataset) < n:
        raise StudyError(f"The study needs {n} real examples; the test split of {dataset.name} has {len(dataset)}.")
    labels = [frozenset(names) for names in dataset.table["labels"]]
    subjects = dataset.table["subject"].astype(str).tolist()
    return dataset.batch(spread(labels, subjects, dataset.spec.classes, n, seed=seed))


def select_of(examples: Batch, n: int, *, seed: int) -> Batch:
    """The same from a batch.

    Raises
    ------
    StudyError : when it has fewer than `n` examples.
    """
    if len(examples) < n:
        raise StudyError(f"The study needs {n} real examples; {len(examples)} were given.")
    subjects = list(examples.subjects or map(str, range(len(examples))))
    return examples.select(spread(classes_of(examples), subjects, examples.spec.classes, n, seed=seed))


def classes_of(examples: Batch) -> list[frozenset[str]]:
    """The classes of each example; none where they are not known."""
    rows = examples.condition.labels
    if rows is None:
        return [frozenset()] * len(examples)
    names = examples.spec.classes
    return [frozenset(name for name, on in zip(names, row, strict=True) if on > 0.5) for row in rows]


def spread(
    labels: Sequence[frozenset[str]], subjects: Sequence[str], classes: Sequence[str], n: int, *, seed: int
) -> list[int]:
    """Indices of `n` examples: the classes in turn, within a class the subjects least used so far."""
    order = np.random.default_rng(seed).permutation(len(labels)).tolist()
    pools = [[i for i in order if name in labels[i]] for name in classes] or [order]
    chosen: list[int] = []
    used: Counter[str] = Counter()
    for pool in islice(cycle(pools), n):
        free = set(order).difference(chosen)
        candidates = [i for i in pool if i in free] or [i for i in order if i in free]  # a class may run out
        pick = min(candidates, key=lambda i: used[subjects[i]])
        chosen.append(pick)
        used[subjects[pick]] += 1
    return chosen
