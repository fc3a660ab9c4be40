"""Grey pictures as PNG, JPEG or TIFF, upright and with black as the least value, whatever the file says of itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth_core.data.readers.dicom_slices import MOST_PIXELS, MOST_SLICES
from synth_core.errors import DamagedFile, DataError

MAGIC = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
ORIENTATION, TURNED = 274, (5, 6, 7, 8)  # a tag, and its values that exchange height and width
PHOTOMETRIC, WHITE_IS_ZERO, BITS, SAMPLE_FORMAT = 262, 0, 258, 339  # tags of TIFF
UNSIGNED = 1


@dataclass(frozen=True)
class Shape:
    """What the header of a picture says: height and width as shown, pages, and whether it has more than 8 bits."""

    height: int
    width: int
    pages: int
    deep: bool


def shape_of(file: Path) -> Shape:
    """From the header alone.

    Raises
    ------
    DamagedFile : for a picture that cannot be read, or that declares more than any CT has.
    """
    with _Opened(file) as image:
        pages = int(getattr(image, "n_frames", 1)) if image.format == "TIFF" else 1
        if pages > MOST_SLICES:
            raise DataError(file, f"holds {pages} pages; at most {MOST_SLICES} are read.")
        width, height = image.size
        if _orientation(image) in TURNED:
            width, height = height, width
        return Shape(height, width, pages, image.mode.startswith(("I", "F")))


def is_grey(file: Path) -> bool:
    """Whether a file can be decoded and shows no colours."""
    try:
        pixels(file)
    except DataError:
        return False
    return True


def pixels(file: Path, page: int = 0, shape: Iterable[int] | None = None) -> NDArray[Any]:
    """(height, width) grey values, turned upright, black the least.

    Raises
    ------
    DataError : for a colour picture. DamagedFile : for one that is cut short, or of another shape than was declared.
    """
    with _Opened(file) as image:
        if page:
            image.seek(page)
        values = _upright(image, _grey(file, image))
    if shape is not None and values.shape != tuple(shape):
        raise DamagedFile(file, f"is {values.shape} pixels where {tuple(shape)} belong; its mask or size is another.")
    return values


def _grey(file: Path, image: Any) -> NDArray[Any]:
    tags = getattr(image, "tag_v2", {})
    if image.mode.startswith(("I", "F", "L")) and image.mode != "LA":
        values = np.asarray(image)
        deep = values.dtype.itemsize > 1
        inverted = tags.get(PHOTOMETRIC) == WHITE_IS_ZERO and deep  # Pillow inverts 8 bits itself
        signed = _first(tags.get(SAMPLE_FORMAT, UNSIGNED)) != UNSIGNED
        if signed and (inverted or not deep):
            raise DataError(file, "has signed values that begin at white, or of 8 bits; save it as 16-bit grey.")
        if inverted:
            values = (2 ** int(_first(tags.get(BITS, 16))) - 1) - values.astype(np.int64)
        return values
    colours = np.asarray(image.convert("RGB")).astype(np.int16)
    if np.abs(np.diff(colours, axis=2)).mean() > 2:
        raise DataError(file, "is in colour, not a CT slice; only grey images are read.")
    return colours[..., 0]


def _upright(image: Any, values: NDArray[Any]) -> NDArray[Any]:
    """Turned as EXIF says: https://www.cipa.jp/std/documents/e/DC-008-2012_E.pdf, tag 274."""
    orientation = _orientation(image)
    if orientation in TURNED:
        values = values.T
    if orientation in (2, 3, 6, 7):
        values = values[:, ::-1]
    if orientation in (3, 4, 7, 8):
        values = values[::-1]
    return values


def _orientation(image: Any) -> int:
    """1 for upright. TIFF is turned by Pillow, size and all; of PNG the header is read and not the pixels."""
    from PIL import Image

    if image.format == "TIFF" or (image.format == "PNG" and "exif" not in image.info):
        return 1
    exif = Image.Exif()
    exif.load(image.info.get("exif", b""))
    return int(exif.get(ORIENTATION, 1))


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, tuple) else value


class _Opened:
    """Pillow's image of a file, within a bound on its size; whatever Pillow raises becomes a DamagedFile."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __enter__(self) -> Any:
        from PIL import Image, UnidentifiedImageError

        try:
            self.opened = self.file.open("rb")  # given a path, Pillow maps plain TIFF into memory
            self.image = Image.open(self.opened, formats=("PNG", "JPEG", "TIFF"))
        except UnidentifiedImageError as error:
            problem = "is of a kind that is not read, or damaged; save it as 8- or 16-bit grey with black as the least."
            raise DamagedFile(self.file, problem) from error
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
