"""The examples that a plan names: real ones chosen, synthetic ones of the same classes from each source."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np
import torch

from synth_core.data import Dataset
from synth_core.data.dataset import check_real
from synth_core.errors import StudyError
from synth_core.export import read_npz
from synth_core.study.plan import RealSource, StudyPlan, SyntheticSource
from synth_core.study.selection import classes_of, select_of, select_real
from synth_core.training import load_generator
from synth_core.training.sampling import draw
from synth_core.types import Batch, Condition

Progress = Callable[[int, int, str], None]


def gather(plan: StudyPlan, *, seed: int, progress: Progress) -> tuple[Batch, Batch, list[str]]:
    """As many real as synthetic examples, example i of both of the same classes where both say theirs.

    Returns
    -------
    Real examples, synthetic ones, and the name of the source of each synthetic one.

    Raises
    ------
    StudyError : when there are too few, or a source lacks a class.
    """
    real = _real(plan.real, plan.protocol.items_per_side, seed)
    wanted, sources = classes_of(real), plan.synthetic
    turns = _in_turn(wanted, len(sources), seed)
    values = torch.empty_like(real.values)
    by_class = labelled = real.condition.labels is not None
    for turn, source in enumerate(sources):
        rows = [index for index, own in enumerate(turns) if own == turn]
        made = _synthetic(source, [wanted[row] for row in rows], by_class, seed + turn, progress)
        _check_alike(made, real, source)
        values[rows] = made.values
        labelled = labelled and made.condition.labels is not None
    condition = Condition(labels=real.condition.labels) if labelled else Condition()
    return real, Batch(values, real.spec, condition), [sources[turn].title for turn in turns]


def _real(source: RealSource, n: int, seed: int) -> Batch:
    if source.npz is not None:
        examples = read_npz(source.path)
        if examples.synthetic:
            raise StudyError(f"{source.path.name} says that a generator made its examples; name it under `synthetic`.")
        return select_of(examples, n, seed=seed)
    dataset = Dataset.open(source.path)
    check_real(dataset, allowed=False)
    return select_real(dataset if source.part == "all" else dataset.split()[source.part], n, seed=seed)


def _in_turn(wanted: Sequence[frozenset[str]], sources: int, seed: int) -> list[int]:
    """Which source makes which example: evenly within each class, so that no class stands for a generator."""
    groups: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for index in np.random.default_rng(seed).permutation(len(wanted)).tolist():
        groups[tuple(sorted(wanted[index]))].append(index)
    turns = [0] * len(wanted)
    for turn, index in enumerate(index for name in sorted(groups) for index in groups[name]):
        turns[index] = turn % sources
    return turns


def _synthetic(
    source: SyntheticSource,
    wanted: Sequence[frozenset[str]],
    by_class: bool,
    seed: int,
    progress: Progress,
) -> Batch:
    if source.npz is not None:
        return _picked(read_npz(source.path), wanted, by_class, source.title, seed)
    generator = load_generator(source.path)
    labels = None
    if by_class and "labels" in generator.accepted:
        unknown = sorted(frozenset().union(*wanted) - set(generator.spec.classes))
        if unknown:
            raise StudyError(f"{source.title} cannot make the class {unknown[0]!r}, which the real examples have.")
        labels = torch.tensor([[float(name in own) for name in generator.spec.classes] for own in wanted])
    return draw(generator, len(wanted), labels=labels, seed=seed % 2**63, batch_size=8, progress=progress)


def _picked(examples: Batch, wanted: Sequence[frozenset[str]], by_class: bool, title: str, seed: int) -> Batch:
    """One example of the file for each that is wanted, of the same classes where it says them; none twice."""
    own = classes_of(examples)
    by_class = by_class and examples.condition.labels is not None
    free: dict[frozenset[str], list[int]] = defaultdict(list)
    for index in np.random.default_rng(seed).permutation(len(examples)).tolist():
        free[own[index] if by_class else frozenset()].append(index)
    rows = []
    for classes in wanted:
        pool = free[classes if by_class else frozenset()]
        if not pool:
            of = f" of the class {'+'.join(sorted(classes)) or 'none'}" if by_class else ""
            raise StudyError(f"{title} has too few examples{of} for this study; put more into the file.")
        rows.append(pool.pop())
    return examples.select(rows)


def _check_alike(made: Batch, real: Batch, source: SyntheticSource) -> None:
    for name in ("modality", "unit", "rate", "shape"):
        ours, theirs = getattr(real.spec, name), getattr(made.spec, name)
        if ours != theirs:
            raise StudyError(
                f"Real and synthetic must look alike, but the {name} is {ours}, and {theirs} in {source.title}."
            )
