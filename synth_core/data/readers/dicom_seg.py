"""DICOM segmentations (PS3.3 A.51) as lesion masks of the CT series that lies in the same frame of reference."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth_core.data.readers.base import Opening
from synth_core.data.readers.dicom_slices import (
    Slice,
    groups_of,
    header_of,
    height_of,
    stored_values,
    turned,
    value_of,
)
from synth_core.errors import DamagedFile, DataError

LESION = re.compile(r"lesion|calcif|ha?emorr|bleed|infarct|tumou?r|mass|metasta", re.IGNORECASE)
MOST_FRAMES = 100_000
NEAR = 0.1  # mm between a frame and its slice


@dataclass
class Candidate:
    """A segmentation file that may belong to a series."""

    file: Path
    frame_of_reference: str
    used: bool = False


@dataclass(frozen=True)
class Frame:
    """One frame of a segmentation: `largest` is the stored value that means wholly inside."""

    file: Path
    number: int
    orientation: tuple[float, ...]
    largest: float


@dataclass(frozen=True)
class Segmentation:
    """The frames that lie on each slice, by its position in mm."""

    frames: dict[float, list[Frame]]

    def mask(self, image: Slice) -> NDArray[np.float32]:
        """(height, width) in [0, 1], oriented as the slice is read: the union of all segments there."""
        union = np.zeros(image.size, np.float32)
        for frame in self.frames.get(image.position, []):
            stored = stored_values(frame.file, frame.number, image.size).astype(np.float32)
            union = np.maximum(union, np.clip(turned(stored, frame.orientation) / np.float32(frame.largest), 0, 1))
        return union


def is_segmentation(header: Any) -> bool:
    """Whether a DICOM object is of modality SEG."""
    return str(header.get("Modality", "")) == "SEG"


def segmentation_of(
    slices: list[Slice], frame_of_reference: str, candidates: list[Candidate], opening: Opening
) -> Segmentation | None:
    """What of the segmentations lies on these slices; None where nothing does.

    A frame belongs to a slice when the frame of reference, the size and orientation are the same and the position is.
    Of several segments, those whose label is of a lesion are taken. A candidate that is used is marked so.
    """
    frames: dict[float, list[Frame]] = defaultdict(list)
    for candidate in candidates:
        if not frame_of_reference or candidate.frame_of_reference != frame_of_reference:
            continue
        try:
            for position, frame in _frames_on(candidate.file, slices):
                frames[position].append(frame)
                candidate.used = True
        except DataError as error:
            opening.skipped.append(error)
            candidate.used = True
    return Segmentation(dict(frames)) if frames else None


def unused(candidates: list[Candidate]) -> list[DataError]:
    """One sentence for each segmentation that lies on nothing."""
    problem = "is a segmentation that lies on no slice of a CT series here; put it beside its series, on the same grid."
    return [DataError(candidate.file, problem) for candidate in candidates if not candidate.used]


def _frames_on(file: Path, slices: list[Slice]) -> list[tuple[float, Frame]]:
    """The frames of a file that lie on one of the slices, with the position of that slice."""
    header = header_of(file, None)
    try:
        count, size = int(header.NumberOfFrames), (int(header.Rows), int(header.Columns))
        if not 0 < count <= MOST_FRAMES or size != slices[0].size:
            return []
        wanted = _lesions(file, header)
        fractional = header.SegmentationType == "FRACTIONAL"
        largest = float(header.get("MaximumFractionalValue", 255)) if fractional else 1.0
        found = []
        for number in range(count):
            groups = groups_of(header, number)
            orientation = tuple(float(value) for value in value_of(header, "ImageOrientationPatient", groups))
            corner = [float(value) for value in value_of(header, "ImagePositionPatient", groups)]
            position = height_of(file, orientation, corner)
            nearest = min(slices, key=lambda one: abs(one.position - position))
            same = abs(nearest.position - position) < NEAR and np.allclose(orientation, nearest.orientation, atol=1e-3)
            if same and _segment(groups) in wanted:
                found.append((nearest.position, Frame(file, number, orientation, largest)))
    except DataError:
        raise
    except Exception as error:  # values of the wrong kind, or too few of them
        raise DamagedFile(file, "is a damaged segmentation; export it again.") from error
    return found


def _segment(groups: tuple[Any, ...]) -> int:
    for group in groups:
        items = group.get("SegmentIdentificationSequence")
        if items:
            return int(items[0].ReferencedSegmentNumber)
    return 1


def _lesions(file: Path, header: Any) -> set[int]:
    """Numbers of the segments that are lesions: the only one, or those that are labelled so."""
    named = {int(one.SegmentNumber): str(one.get("SegmentLabel", "")) for one in header.SegmentSequence}
    if len(named) == 1:
        return set(named)
    lesions = {number for number, label in named.items() if LESION.search(label)}
    if not lesions:
        raise DataError(file, f"has {len(named)} segments, none labelled as a lesion; keep only the lesions in it.")
    return lesions
