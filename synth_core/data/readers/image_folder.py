"""Head CT slices as PNG, JPEG or TIFF, with a table of labels beside them or above.

Such images are no longer Hounsfield units. 8-bit grey is mapped linearly onto a display window, 0 … 80 HU unless
another was said, and black that reaches the border becomes air; 16-bit values need the offset that makes them HU.
Pixel sizes are not in the files either: the longer side is taken as 250 mm. The metadata say so.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from synth_core.data.above import TABLES
from synth_core.data.readers.base import Opening
from synth_core.data.readers.dicom_slices import AIR, MOST_PIXELS
from synth_core.data.readers.files import Files
from synth_core.data.readers.names import record_of
from synth_core.data.recording import Recording, Source
from synth_core.errors import DamagedFile, DataError
from synth_core.types import DataSpec

MAGIC = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"MM\0*")
BRAIN_WINDOW = (0.0, 80.0)  # HU at black and at white
BLACK = 5  # of 255: what surrounds the head, also after JPEG
FIELD = 250.0  # mm of the longer side
BONE = "bone"  # a folder of the same slices in another window
FEWEST = 3  # images of one folder that make a collection without a table
_HEALTHY = re.compile(r"no[_\- ]|none$|normal|healthy|control|negative", re.IGNORECASE)
_MASK = re.compile(r"(.+?)[_\-. ](?:mask|(?:hge[_\-. ])?seg|segmentation|lesion|label)$", re.IGNORECASE)
_MASK_FOLDER = re.compile(r"^(?:masks?|segmentations?|annotations?)$", re.IGNORECASE)


@dataclass(kw_only=True)
class ImageSlice(Recording):
    """One image as a series of one slice; decoded on `read`."""

    file: Path
    window: tuple[float, float]
    offset: float | None
    mask: Path | None = None
    masked: bool = False

    def read(self, start: int | None = None, stop: int | None = None) -> NDArray[np.float32]:
        """See Recording."""
        first, last = self.span(start, stop)
        values = _pixels(self.file, self.spec.shape[1:])
        return _hounsfield(self.file, values, self.window, self.offset)[None][first:last]

    def lesion_mask(self, start: int | None = None, stop: int | None = None) -> NDArray[np.float32] | None:
        """See Recording; anything that is not black in the mask image."""
        first, last = self.span(start, stop)
        if self.mask is None:
            given = [name for name, value in self.labels.items() if value]
            none_here = self.masked and bool(self.labels) and all(map(_HEALTHY.match, given))
            return np.zeros((last - first, *self.spec.shape[1:]), np.float32) if none_here else None
        return (_pixels(self.mask, self.spec.shape[1:]) > 0).astype(np.float32)[None][first:last]


def read(files: Files, opening: Opening) -> list[Recording]:
    """One recording per grey image of a folder that has a table of labels, or at least three such images."""
    images = files.starting(*MAGIC)
    masks = {file: key for file in images if (key := _mask_key(file)) is not None}
    folders: dict[Path, list[Path]] = defaultdict(list)
    for file in images:
        if file not in masks:
            folders[file.parent].append(file)
    recordings: list[Recording] = []
    for folder, members in folders.items():
        if folder.name.lower() == BONE and folder.with_name("brain") in folders:
            files.take(*members)
            opening.skipped.append(
                DataError(folder, "shows the slices of the folder beside it in a bone window; left out.")
            )
            continue
        few = not files.path.is_file() and len(members) < FEWEST
        if not _table_near(files, folder) and (few or not _is_grey(members[0])):
            continue  # a figure beside recordings
        own = {key: file for file, key in masks.items() if key[0] == folder}
        files.take(*members, *own.values())
        for file in members:
            try:
                recordings.append(_recording(files, file, own, bool(masks), opening))
            except DataError as error:
                opening.skipped.append(error)
    return recordings


def _recording(
    files: Files, file: Path, masks: dict[tuple[Path, str], Path], masked: bool, opening: Opening
) -> ImageSlice:
    height, width, bits = _size(file)
    if bits > 8 and opening.hu_offset is None:
        problem = "has values of more than 8 bits and no scale; say which offset (`hu_offset`) makes them HU."
        raise DataError(file, problem)
    low, high = opening.window or BRAIN_WINDOW
    relative = files.relative(file)
    approximate = f"Grey values were mapped to {low:g} … {high:g} HU: approximate, and cut off outside."
    warnings = [approximate if bits == 8 else "", f"Pixel size is not known: the longer side is taken as {FIELD:g} mm."]
    return ImageSlice(
        spec=DataSpec("ct", (1, height, width), "HU", max(height, width) / FIELD),
        subject="",
        record=record_of(relative),
        evidence=files.evidence(file),
        warnings=tuple(filter(None, warnings)),
        source=Source(file.resolve().parent.name),
        file=file,
        window=(low, high),
        offset=opening.hu_offset if bits > 8 else None,
        mask=masks.get((file.parent, _key(file.stem))),
        masked=masked,
    )


def _table_near(files: Files, folder: Path) -> bool:
    """Whether a table lies in the folder of the images or in one above it, within what was opened
    or at the top of its tree."""
    tables = [*files.named(".csv", ".tsv"), *(file for file in files.above if file.name in TABLES)]
    return any(folder.is_relative_to(table.parent) for table in tables)


def _mask_key(file: Path) -> tuple[Path, str] | None:
    """Folder and key of the image that a mask belongs to, by its name or by its folder; None for an image."""
    named = _MASK.match(file.stem)
    stem = named.group(1) if named else file.stem
    if not _MASK_FOLDER.match(file.parent.name):
        return (file.parent, _key(stem)) if named else None
    beside = next(
        (file.parent.with_name(name) for name in ("images", "image", "ct") if file.parent.with_name(name).is_dir()),
        None,
    )
    return beside or file.parent.parent, _key(stem)


def _key(text: str) -> str:
    """What a row of a table and a file have in common: 7, 007 and 007.png are one."""
    stem = re.sub(r"\.(png|jpe?g|tiff?)$", "", text.strip().replace("\\", "/").rsplit("/", 1)[-1], flags=re.IGNORECASE)
    return str(int(stem)) if stem.isdecimal() else stem.lower()


def _size(file: Path) -> tuple[int, int, int]:
    """Height, width and bits, from the header alone."""
    with _Opened(file) as image:
        if getattr(image, "n_frames", 1) != 1:
            raise DataError(file, "holds several pages; export each slice as its own image.")
        deep = image.mode.startswith(("I", "F"))
        return image.size[1], image.size[0], 16 if deep else 8


def _is_grey(file: Path) -> bool:
    try:
        _pixels(file, None)
    except DataError:
        return False
    return True


def _pixels(file: Path, shape: Iterable[int] | None) -> NDArray[Any]:
    """(height, width) grey values; DataError for a colour image, DamagedFile for one that is cut short."""
    with _Opened(file) as image:
        if image.mode.startswith(("I", "F", "L")) and image.mode != "LA":
            values = np.asarray(image)
        else:
            colours = np.asarray(image.convert("RGB")).astype(np.int16)
            if np.abs(np.diff(colours, axis=2)).mean() > 2:
                raise DataError(file, "is in colour, not a CT slice; only grey images are read.")
            values = colours[..., 0]
    if shape is not None and values.shape != tuple(shape):
        raise DamagedFile(file, f"is {values.shape} pixels where {tuple(shape)} belong; its mask or size is another.")
    return values


class _Opened:
    """Pillow's image of a file, within a bound on its size; whatever Pillow raises becomes a DamagedFile."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __enter__(self) -> Any:
        from PIL import Image

        try:
            self.opened = self.file.open("rb")  # given a path, Pillow maps plain TIFF into memory
            self.image = Image.open(self.opened, formats=("PNG", "JPEG", "TIFF"))
        except Exception as error:
            raise self._damaged() from error
        if self.image.width * self.image.height > MOST_PIXELS:
            words = f"{self.image.height} × {self.image.width}"
            self._close()
            raise DamagedFile(self.file, f"declares {words} pixels, which no CT slice has.")
        return self.image

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        self._close()
        if isinstance(error, Exception) and not isinstance(error, DataError):
            raise self._damaged() from error

    def _close(self) -> None:
        self.image.close()
        self.opened.close()

    def _damaged(self) -> DamagedFile:
        return DamagedFile(self.file, "is cut short or not a valid image; copy or download it again.")


def _hounsfield(
    file: Path, values: NDArray[Any], window: tuple[float, float], offset: float | None
) -> NDArray[np.float32]:
    """Values with the offset, or grey stretched over the window with air around the head."""
    if offset is not None:
        return np.maximum(values.astype(np.float32) + np.float32(offset), np.float32(AIR))
    low, high = window
    scaled = (low + values.astype(np.float32) * ((high - low) / 255)).astype(np.float32)
    regions, _ = ndimage.label(values <= BLACK)
    rim = np.unique(np.concatenate([regions[0], regions[-1], regions[:, 0], regions[:, -1]]))
    scaled[np.isin(regions, rim[rim > 0])] = AIR
    return scaled
