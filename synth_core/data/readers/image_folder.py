"""Head CT slices as PNG, JPEG or TIFF, with a table of labels beside them or above.

Such images are no longer Hounsfield units. 8-bit grey is mapped linearly onto a display window, 0 … 80 HU unless
another was said, and black that reaches the border becomes air; 16-bit values need the offset that makes them HU.
Pixel sizes are not in the files either: the longer side is taken as 250 mm. The metadata say so.
"""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from synth_core.data.deidentify import pseudonym
from synth_core.data.readers.base import Opening
from synth_core.data.readers.dicom_slices import AIR, MOST_PIXELS
from synth_core.data.readers.files import Files, read_bounded
from synth_core.data.readers.names import is_number, record_of, subject_of
from synth_core.data.recording import Recording, Source
from synth_core.errors import DamagedFile, DataError
from synth_core.types import DataSpec

MAGIC = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"MM\0*")
BRAIN_WINDOW = (0.0, 80.0)  # HU at black and at white
BLACK = 5  # of 255: what surrounds the head, also after JPEG
FIELD = 250.0  # mm of the longer side
FEWEST = 3  # images of one folder that make a collection without a table
MOST_CLASSES = 20
TABLE = 2**26  # bytes
_MASK = re.compile(r"(.+?)[_\-. ](?:mask|seg|segmentation|lesion|label)$", re.IGNORECASE)
_MASK_FOLDER = re.compile(r"^(?:masks?|segmentations?|annotations?)$", re.IGNORECASE)
_SUBJECT = re.compile(r"^(?:subject|patient|participant|case)[_\- ]?(?:id|number|no|name)?$", re.IGNORECASE)
NO_SUBJECT = (
    "No column of the table names the patient: images of one person cannot be kept together, so a split may put them "
    "into training and test."
)


@dataclass
class Table:
    """Labels of images: keys (see `_key`) → classes and subject."""

    file: Path
    labels: dict[str, dict[str, int]]
    subjects: dict[str, str]


@dataclass(kw_only=True)
class ImageSlice(Recording):
    """One image as a series of one slice; decoded on `read`."""

    file: Path
    window: tuple[float, float]
    offset: float | None
    mask: Path | None = None
    no_lesion: bool = False

    def read(self, start: int | None = None, stop: int | None = None) -> NDArray[np.float32]:
        """See Recording."""
        first, last = self.span(start, stop)
        values = _pixels(self.file, self.spec.shape[1:])
        return _hounsfield(self.file, values, self.window, self.offset)[None][first:last]

    def lesion_mask(self, start: int | None = None, stop: int | None = None) -> NDArray[np.float32] | None:
        """See Recording; anything that is not black in the mask image."""
        first, last = self.span(start, stop)
        if self.mask is None:
            return np.zeros((last - first, *self.spec.shape[1:]), np.float32) if self.no_lesion else None
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
        table = _table_for(files, folder, members)
        if table is None and ((not files.path.is_file() and len(members) < FEWEST) or not _is_grey(members[0])):
            continue  # a figure beside recordings
        own = {key: file for file, key in masks.items() if key[0] == folder}
        files.take(*members, *own.values(), *([table.file] if table else []))
        for file in members:
            try:
                recordings.append(_recording(files, file, table, own, opening))
            except DataError as error:
                opening.skipped.append(error)
    return recordings


def _recording(
    files: Files, file: Path, table: Table | None, masks: dict[tuple[Path, str], Path], opening: Opening
) -> ImageSlice:
    height, width, bits = _size(file)
    if bits > 8 and opening.hu_offset is None:
        problem = "has values of more than 8 bits and no scale; say which offset (`hu_offset`) makes them HU."
        raise DataError(file, problem)
    low, high = opening.window or BRAIN_WINDOW
    relative, key = files.relative(file), _key(file.stem)
    labels = {} if table is None else table.labels.get(key, {})
    if table is not None and not labels:
        raise DataError(file, f"has no row in {table.file.name}; add one or remove the image.")
    subject = table.subjects.get(key) if table is not None else None
    guessed = subject_of(relative)
    approximate = f"Grey values were mapped to {low:g} … {high:g} HU: approximate, and cut off outside."
    warnings = [approximate if bits == 8 else "", f"Pixel size is not known: the longer side is taken as {FIELD:g} mm."]
    warnings.append(NO_SUBJECT if subject is None and guessed == record_of(relative) else "")
    return ImageSlice(
        spec=DataSpec("ct", (1, height, width), "HU", max(height, width) / FIELD),
        subject=subject or guessed,
        record=record_of(relative),
        labels=labels,
        source=Source(file.resolve().parent.name),
        metadata={"warning": " ".join(filter(None, warnings))},
        file=file,
        window=(low, high),
        offset=opening.hu_offset if bits > 8 else None,
        mask=masks.get((file.parent, _key(file.stem))),
        no_lesion=bool(masks) and bool(labels) and not any(labels.values()),
    )


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


def _table_for(files: Files, folder: Path, members: list[Path]) -> Table | None:
    """The table in the folder of the images, or in the one above, that has rows for most of them."""
    keys = {_key(file.stem) for file in members}
    places = [folder] if folder == files.root else [folder, folder.parent]
    for file in files.named(".csv", ".tsv"):
        if file.parent in places:
            table = _parsed(file, keys)
            if table is not None:
                return table
    return None


def _parsed(file: Path, keys: set[str]) -> Table | None:
    """A table whose first fitting column names most of the images; None for any other."""
    try:
        text = read_bounded(file, TABLE, "a table of labels").decode("utf-8-sig", "replace")
        rows = list(csv.DictReader(io.StringIO(text), delimiter="\t" if file.suffix.lower() == ".tsv" else ","))
    except (DataError, csv.Error):
        return None
    columns = {name: [str(row.get(name) or "").strip() for row in rows] for name in (rows[0] if rows else {}) if name}
    for name, values in columns.items():
        named = [_key(value) for value in values]
        if 2 * len(keys & set(named)) >= len(keys):
            others = {other.strip(): column for other, column in columns.items() if other != name}
            return Table(file, _labels(named, others), _subjects(named, others))
    return None


def _labels(keys: list[str], columns: dict[str, list[str]]) -> dict[str, dict[str, int]]:
    """Columns of 0 and 1 are classes; so is each value of a column of a few words."""
    classes: dict[str, list[int]] = {}
    for name, values in columns.items():
        if _SUBJECT.match(name):
            continue
        distinct = set(values)
        if distinct <= {"0", "1"}:
            classes[name] = [int(value) for value in values]
        elif 1 < len(distinct) <= MOST_CLASSES and not any(is_number(value) for value in distinct):
            classes |= {value: [int(one == value) for one in values] for value in sorted(distinct) if value}
    return {key: {name: given[row] for name, given in classes.items()} for row, key in enumerate(keys)}


def _subjects(keys: list[str], columns: dict[str, list[str]]) -> dict[str, str]:
    for name, values in columns.items():
        if _SUBJECT.match(name):
            return {key: pseudonym(value) for key, value in zip(keys, values, strict=True) if value}
    return {}


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
