"""Which real examples a study shows: spread over classes and subjects."""

from __future__ import annotations

from collections import Counter
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
    order = np.random.default_rng(seed).permutation(len(dataset)).tolist()
    subjects = dataset.table["subject"].astype(str).tolist()
    labels = [frozenset(names) for names in dataset.table["labels"]]
    pools = [[i for i in order if name in labels[i]] for name in dataset.spec.classes] or [order]
    chosen: list[int] = []
    used: Counter[str] = Counter()
    for pool in islice(cycle(pools), n):
        free = set(order).difference(chosen)
        candidates = [i for i in pool if i in free] or [i for i in order if i in free]  # a class may run out
        pick = min(candidates, key=lambda i: used[subjects[i]])
        chosen.append(pick)
        used[subjects[pick]] += 1
    return dataset.batch(chosen)
