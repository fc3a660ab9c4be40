"""Which slices make one volume: whole stacks of one patient, series and reconstruction, never slice by slice.

The slices of a series are one volume where each lies at a place of its own. Where places repeat, or nearly do, they are
parted by what the headers say of the reconstruction (kind of image, kernel) and of phases (temporal index, acquisition
number or time), else by the order of the instances, in which a second stack begins where positions jump back.
Acquisition numbers alone part nothing: many scanners give every slice its own. Regular stacks that interleave are two
volumes where they lie in folders of their own, or where together they are not regular. Copies of a file count once.
"""

from __future__ import annotations

import filecmp
from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from synth_core.data.readers.base import Opening
from synth_core.data.readers.dicom_slices import Slice
from synth_core.errors import DataError

LEAST_GAPS = 2  # that tell whether slices are evenly spaced
NEAR = 0.1  # of the usual gap: closer than that, two slices are of two stacks


def stacks_of(slices: Sequence[Slice]) -> list[list[Slice]]:
    """The volumes of a series, each with places of its own, in the order of their first instances.

    Raises
    ------
    DataError : when slices lie on one another and nothing in their headers says which belong together.
    """
    if stacks := _interleaved(slices):
        return stacks
    if not _overlap(slices):
        return [list(slices)]
    keys: tuple[Callable[[Slice], object], ...] = (
        lambda one: one.kind,
        lambda one: one.temporal,
        lambda one: one.acquisition,
        lambda one: one.time,
        lambda one: (one.kind, one.temporal, one.acquisition),
    )
    for key in keys:
        groups = _grouped(slices, key)
        if len(groups) > 1 and not any(_overlap(group) for group in groups) and _are_stacks(groups):
            return groups
    runs = _runs(slices)
    if len(runs) > 1 and not any(_overlap(run) for run in runs) and _are_stacks(runs):
        return runs
    problem = "has slices that lie on one another, and nothing in their headers says which are of one volume; export "
    raise DataError(slices[0].file.parent, problem + "each volume as a series of its own.")


def without_copies(slices: Sequence[Slice], opening: Opening) -> list[Slice]:
    """One of each file that is there twice, byte for byte; the others go to `opening.skipped`."""
    first: dict[tuple[str, float, int | None], Slice] = {}
    kept = []
    for one in slices:
        known = first.setdefault((one.uid, one.position, one.frame), one)
        if known.file != one.file and filecmp.cmp(known.file, one.file, shallow=False):
            opening.skipped.append(DataError(one.file, f"is a copy of {known.file.name}; left out."))
        else:
            kept.append(one)
    return kept


def _interleaved(slices: Sequence[Slice]) -> list[list[Slice]]:
    """Regular stacks over the same heights, by folder or by the order of instances; none where there is one stack."""
    by_folder = _grouped(slices, lambda one: one.file.parent)
    if _are_regular(by_folder):
        return by_folder
    runs = _runs(slices) if len(slices) > 1 else []
    return runs if _are_regular(runs) and not _regular([one.position for one in slices]) else []


def _are_regular(groups: Sequence[Sequence[Slice]]) -> bool:
    """Whether there are several, each with equal gaps, over heights that overlap."""
    heights = [[one.position for one in group] for group in groups]
    if len(heights) < 2 or not all(map(_regular, heights)):
        return False
    ordered = sorted(heights, key=min)
    return all(max(below) > min(above) for below, above in pairwise(ordered))


def _regular(heights: Sequence[float]) -> bool:
    gaps = np.diff(np.sort(heights))
    return len(gaps) >= LEAST_GAPS and bool(gaps.max() - gaps.min() <= NEAR * np.median(gaps))


def _overlap(slices: Sequence[Slice]) -> bool:
    """Whether two lie at one place, or far closer than slices of this stack do."""
    gaps = np.diff(np.sort([one.position for one in slices]))
    return len(gaps) > 0 and bool(gaps.min() < max(1e-3, NEAR * float(np.percentile(gaps, 75))))


def _are_stacks(groups: Sequence[Sequence[Slice]]) -> bool:
    """Whether each is a part of the whole that could be a volume, not a slice or two."""
    return min(map(len, groups)) >= max(2, max(map(len, groups)) // 4)


def _grouped(slices: Sequence[Slice], key: Callable[[Slice], object]) -> list[list[Slice]]:
    groups: dict[object, list[Slice]] = defaultdict(list)
    for one in sorted(slices, key=lambda one: (one.instance, one.file.name)):
        groups[key(one)].append(one)
    return list(groups.values())


def _runs(slices: Sequence[Slice]) -> list[list[Slice]]:
    """In the order of instances, as long as positions go on in one direction."""
    ordered = sorted(slices, key=lambda one: (one.instance, one.file.name))
    if len({one.instance for one in ordered}) < len(ordered):
        return [ordered]
    direction = np.sign(ordered[1].position - ordered[0].position)
    runs = [ordered[:1]]
    for one in ordered[1:]:
        if np.sign(one.position - runs[-1][-1].position) == direction:
            runs[-1].append(one)
        else:
            runs.append([one])
    return runs
