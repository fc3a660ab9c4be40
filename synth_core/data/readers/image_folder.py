"""Head CT slices as PNG, JPEG or TIFF, with a table of labels beside them or above.

Such images are no longer Hounsfield units. 8-bit grey is mapped linearly onto a display window, 0 … 80 HU unless
another was said, and black that reaches the border becomes air; deeper values need the offset that makes them HU,
unless air and tissue lie where HU have them. Pixel sizes are not in the files either: as told, else the longer side is
taken as 250 mm. What was assumed is a warning.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from synth_core.data.above import TABLES
from synth_core.data.readers.base import Opening
from synth_core.data.readers.files import Files
from synth_core.data.readers.hounsfield import (
    BRAIN_WINDOW,
    NO_AIR,
    Meaning,
    meaning_of,
    pixel_rate,
    windowed,
)
from synth_core.data.readers.names import record_of
from synth_core.data.readers.picture_masks import is_lesion, parted, picture_key
from synth_core.data.readers.pictures import MAGIC, Shape, is_grey, pixels, shape_of
from synth_core.data.recording import Recording, Source
from synth_core.errors import DataError
from synth_core.types import DataSpec

BONE = "bone"  # a folder of the same slices in another window
LOOKED_AT = 5  # images that tell what deep values mean
FEWEST = 3  # slices of one folder, or of a tree of images, that make a collection without a table
BESIDE = (".txt", ".md", ".csv", ".tsv", ".json", ".pdf", ".xlsx")  # notes that may lie with images
DISTANCE_ASSUMED = "The distance between its pages is not known."
_HEALTHY = re.compile(r"no[_\- ]|none$|normal|healthy|control|negative", re.IGNORECASE)


@dataclass(kw_only=True)
class ImageSlices(Recording):
    """One image, its pages as slices; decoded on `read`."""

    file: Path
    meaning: Meaning
    mask: Path | None = None
    masked: bool = False

    def read(self, start: int | None = None, stop: int | None = None) -> NDArray[np.float32]:
        """See Recording."""
        return self.meaning.hounsfield(self._pages(self.file, *self.span(start, stop)), self.file)

    def lesion_mask(self, start: int | None = None, stop: int | None = None) -> NDArray[np.float32] | None:
        """See Recording; what of the mask image is not black."""
        first, last = self.span(start, stop)
        if self.mask is None:
            given = [name for name, value in self.labels.items() if value]
            none_here = self.masked and bool(self.labels) and all(map(_HEALTHY.match, given))
            return np.zeros((last - first, *self.spec.shape[1:]), np.float32) if none_here else None
        return is_lesion(self.mask, self._pages(self.mask, first, last)).astype(np.float32)

    def _pages(self, file: Path, first: int, last: int) -> NDArray[np.float32]:
        """(last − first, height, width) of grey."""
        pages = np.empty((last - first, *self.spec.shape[1:]), np.float32)
        for i in range(last - first):
            pages[i] = pixels(file, first + i, self.spec.shape[1:])
        return pages


def read(files: Files, opening: Opening) -> list[Recording]:
    """One recording per grey image of a folder that has a table of labels, or at least three slices, or lies in a tree
    of nothing else."""
    images = files.starting(*MAGIC)
    folders, masks = parted(images)
    alone = len(images) >= FEWEST and all(file in images or file.name.lower().endswith(BESIDE) for file in files)
    recordings: list[Recording] = []
    for folder, members in folders.items():
        if folder.name.lower() == BONE and folder.with_name("brain") in folders:
            files.take(*members)
            opening.skipped.append(
                DataError(folder, "shows the slices of the folder beside it in a bone window; left out.")
            )
            continue
        few = not alone and _few(files, members)
        if not _table_near(files, folder) and (few or not is_grey(members[0])):
            continue  # a figure beside recordings
        own = {key: file for (owner, key), file in masks.items() if owner == folder}
        files.take(*members, *own.values())
        recordings += _of_folder(members, own, bool(masks), files, opening)
    still = set(files.starting(*MAGIC))
    left = [file for file in masks.values() if file in still]
    for folder, count in Counter(file.parent for file in left).items():
        if not recordings and count < FEWEST:
            continue  # figures beside something else
        problem = f"holds {count:,} masks, by their names or values, and no image here has their names; left out."
        opening.skipped.append(DataError(folder, problem))
        files.take(*(file for file in left if file.parent == folder))
    return recordings


def _of_folder(
    members: list[Path], masks: Mapping[str, Path], masked: bool, files: Files, opening: Opening
) -> list[Recording]:
    """Those that can be read; the others go to `opening.skipped`."""
    shapes: dict[Path, Shape] = {}
    for file in members:
        try:
            shapes[file] = shape_of(file)
        except DataError as error:
            opening.skipped.append(error)
    meanings: dict[bool, Meaning] = {}
    for deep in (False, True):
        alike = [file for file, shape in shapes.items() if shape.deep is deep]
        try:
            if alike:
                meanings[deep] = _deep(alike, shapes, opening) if deep else windowed(opening.window or BRAIN_WINDOW)
        except DataError as error:
            opening.skipped.append(error)
    return [
        _recording(file, shape, meanings[shape.deep], masks, masked, files, opening)
        for file, shape in shapes.items()
        if shape.deep in meanings
    ]


def _recording(
    file: Path,
    shape: Shape,
    meaning: Meaning,
    masks: Mapping[str, Path],
    masked: bool,
    files: Files,
    opening: Opening,
) -> ImageSlices:
    rate, assumed = pixel_rate(shape.height, shape.width, opening)
    return ImageSlices(
        spec=DataSpec("ct", (1, shape.height, shape.width), "HU", rate),
        subject="",
        record=record_of(files.relative(file)),
        evidence=files.evidence(file),
        warnings=(*meaning.warnings, *assumed, *((DISTANCE_ASSUMED,) if shape.pages > 1 else ())),
        slices=shape.pages,
        source=Source(file.parent.resolve().name),
        metadata={"pixel spacing (mm)": 1 / rate},
        file=file,
        meaning=meaning,
        mask=masks.get(picture_key(file.stem)),
        masked=masked,
    )


def _deep(members: Sequence[Path], shapes: Mapping[Path, Shape], opening: Opening) -> Meaning:
    """What values of more than 8 bits mean, from images all over the folder.

    Raises
    ------
    DataError : that asks for the offset; it names the first image.
    """
    looked_at = []
    for number in np.unique(np.linspace(0, len(members) - 1, LOOKED_AT).astype(int)).tolist():
        try:
            looked_at.append(pixels(members[number], shapes[members[number]].pages // 2).ravel())
        except DataError:
            continue  # said when it is read
    if not looked_at:
        return Meaning()
    others = f", and so have {len(members) - 1:,} more here" if len(members) > 1 else ""
    asked = (
        f"has values of more than 8 bits and no scale{others}; state `hu_offset`, added to make them HU, such as -1024."
    )
    try:
        meaning = meaning_of(np.concatenate(looked_at), opening, members[0])
    except DataError as error:
        raise DataError(members[0], asked) if opening.hu_offset is None else error from error
    if opening.hu_offset is None and NO_AIR in meaning.warnings:
        raise DataError(members[0], asked)
    return meaning


def _few(files: Files, members: Sequence[Path]) -> bool:
    """Whether a folder has fewer slices than a collection does; a file that was named itself is enough."""
    if files.path.is_file() or len(members) >= FEWEST:
        return False
    try:
        return sum(shape_of(file).pages for file in members) < FEWEST
    except DataError:
        return True


def _table_near(files: Files, folder: Path) -> bool:
    """Whether a table lies in the folder of the images or in one above it, within what was opened
    or at the top of its tree."""
    tables = [*files.named(".csv", ".tsv"), *(file for file in files.above if file.name in TABLES)]
    return any(folder.is_relative_to(table.parent) for table in tables)
