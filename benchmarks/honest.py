"""How often honest examples are accused: real people of a dataset in three groups, one of which plays the generator.

python -m benchmarks.honest DATASET --n 59 --divisions 7
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from dataclasses import replace

import numpy as np

from synth_core.data import Dataset
from synth_core.metrics.evaluate import evaluate
from synth_core.types import Batch


def groups(dataset: Dataset, n: int, seed: int) -> list[Batch]:
    """Three groups of other people, n examples each."""
    names = dataset.table["subject"].to_numpy()
    people = iter(np.random.default_rng(seed).permutation(np.unique(names)))
    parts = []
    for _ in range(3):
        rows: list[int] = []
        while len(rows) < n:
            rows += np.flatnonzero(names == next(people)).tolist()
        parts.append(dataset.batch(sorted(rows[:n])))
    return parts


def main() -> None:
    """Print the answers of each division and how often each was given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset")
    parser.add_argument("--n", type=int, default=59, help="examples a side")
    parser.add_argument("--divisions", type=int, default=7)
    asked = parser.parse_args()
    dataset, given = Dataset.open(asked.dataset), Counter[str]()
    for k in range(asked.divisions):
        train, holdout, honest = groups(dataset, asked.n, 1000 + k)
        began = time.process_time()
        report = evaluate(train, holdout, replace(honest, subjects=None), classifier=False, seed=k)
        answers = {verdict.question: verdict.answer for verdict in report.verdicts}
        print(f"{k}: {answers}, {time.process_time() - began:.1f} CPU s", flush=True)
        given.update(f"{question}: {answers[question]}" for question in ("realism", "safety"))  # type: ignore[index]
    print(", ".join(f"{answer} {count}" for answer, count in sorted(given.items())))


if __name__ == "__main__":
    main()
