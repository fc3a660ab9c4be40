"""Arrays of CT slices in files of arrays: which axes are slices, what the values mean, how large a pixel is.

(height, width), (n, height, width), (n, 1, height, width), (n, height, width, 1), (n, slices, height, width) and
(n, 1, slices, height, width). What the axes are taken for is said; where a shape would rather mean slices in the last
axis, or colours, it is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth_core.data.readers.array_files import ArrayFile
from synth_core.data.readers.base import Opening
from synth_core.data.readers.hounsfield import Meaning, meaning_of
from synth_core.data.readers.label_maps import labels_in
from synth_core.data.recording import Recording
from synth_core.errors import DataError

COLOURS = 3
NARROWEST = 8  # pixels of a slice
LOOKED_AT = 16  # slices that tell what the values mean
AXES_TAKEN = "The array of {shape} is taken as {taken}."
LAST_AXIS = (
    "has an array of {shape}, whose slices seem to be in the last axis; move them to the first "
    "(numpy.moveaxis(x, -1, {to}))."
)


@dataclass(frozen=True)
class Layout:
    """What the axes of an array are.

    Parameters
    ----------
    examples : None where the array is one image. slices : of each. height, width : of a slice.
    shape : of the array. warnings : what the axes were taken for, where that is not certain.
    """

    examples: int | None
    slices: int
    height: int
    width: int
    shape: tuple[int, ...]
    warnings: tuple[str, ...] = ()

    def slices_of(self, values: NDArray[Any]) -> NDArray[Any]:
        """(slices, height, width) of what an example has in the array."""
        return values.reshape(self.slices, self.height, self.width)


@dataclass(kw_only=True)
class ArrayImages(Recording):
    """One image or volume of an array; `where` is its index, none where the array holds one."""

    arrays: ArrayFile = field(repr=False)
    name: str
    where: tuple[int, ...]
    layout: Layout
    meaning: Meaning
    mask_name: str = ""

    def read(self, start: int | None = None, stop: int | None = None) -> NDArray[np.float32]:
        """See Recording."""
        return self.meaning.hounsfield(self._slices(self.name, *self.span(start, stop)))

    def lesion_mask(self, start: int | None = None, stop: int | None = None) -> NDArray[np.float32] | None:
        """See Recording; parts of a pixel from 0 to 1, any label above counts as lesion."""
        return np.clip(self._slices(self.mask_name, *self.span(start, stop)), 0, 1) if self.mask_name else None

    def _slices(self, name: str, first: int, last: int) -> NDArray[np.float32]:
        if self.slices > 1 and self.arrays.shapes[name] == self.layout.shape:  # no more than is asked for
            ones = [slice(None)] * (len(self.layout.shape) - 4)
            part = self.arrays.part(name, (*self.where, *ones, slice(first, last)))
            return part.reshape(last - first, *self.spec.shape[1:]).astype(np.float32)
        return self.layout.slices_of(self.arrays.part(name, self.where))[first:last].astype(np.float32)


def layout_of(file: Path, shape: Sequence[int], counts: Sequence[int]) -> Layout:
    """What the axes of an array of CT are.

    Parameters
    ----------
    counts : how many labels or subjects the file has, where it has any: then the first axis is of these.

    Raises
    ------
    DataError : where the shape could mean something else, or is no image.
    """
    sizes = tuple(int(size) for size in shape)
    words = " × ".join(map(str, sizes))
    if not 2 <= len(sizes) <= 5:
        raise DataError(file, f"has an array of {words}; images have 2 to 5 axes.")
    if len(sizes) == 2:
        return Layout(None, 1, sizes[0], sizes[1], sizes)
    if len(sizes) == 3 and sizes[2] == 1 and sizes[0] not in counts:
        return _said(Layout(None, 1, sizes[0], sizes[1], sizes), "height, width and 1")
    if len(sizes) == 3:
        _check_order(file, sizes, sizes, counts)
        return _said(Layout(sizes[0], 1, sizes[1], sizes[2], sizes), "images, height and width")
    examples, rest = sizes[0], sizes[1:]
    if len(rest) == 4:
        if rest[0] != 1:
            raise DataError(file, f"has an array of {words}; of five axes the second has one value.")
        return _said(Layout(examples, rest[1], rest[2], rest[3], sizes), "images, 1, slices, height and width")
    if COLOURS in (rest[0], rest[2]):
        raise DataError(file, f"has an array of {words}, which may be colours, windows or slices; keep one of them.")
    if rest[0] == 1 and rest[2] >= NARROWEST:
        return Layout(examples, 1, rest[1], rest[2], sizes)
    if rest[2] == 1:
        return Layout(examples, 1, rest[0], rest[1], sizes)
    _check_order(file, sizes, rest, ())
    return _said(Layout(examples, rest[0], rest[1], rest[2], sizes), "images, slices, height and width")


def meaning_in(arrays: ArrayFile, name: str, layout: Layout, opening: Opening) -> Meaning:
    """What the values mean, from slices all over the array; DataError for labels and for what is not in HU."""
    chosen = np.unique(np.linspace(0, (layout.examples or 1) - 1, LOOKED_AT).astype(int)).tolist()
    parts = [layout.slices_of(arrays.part(name, () if layout.examples is None else (one,))) for one in chosen]
    middle = layout.slices // 2
    sample = np.concatenate(parts if len(parts) == 1 else [part[middle : middle + 1] for part in parts])
    if sample.dtype.kind not in "iufb":
        raise DataError(arrays.file, f"holds values of type {sample.dtype}; save them as numbers.")
    if labels_in(sample.astype(np.float64), arrays.file.stem) >= 0:
        raise DataError(arrays.file, f"has labels or a mask in {name!r}, by its values, and no CT; it is left out.")
    return meaning_of(sample, opening, arrays.file, few_bits=sample.dtype.itemsize == 1)


def _said(layout: Layout, taken: str) -> Layout:
    said = AXES_TAKEN.format(shape=" × ".join(map(str, layout.shape)), taken=taken)
    return Layout(layout.examples, layout.slices, layout.height, layout.width, layout.shape, (said,))


def _check_order(file: Path, shape: tuple[int, ...], sizes: tuple[int, ...], counts: Sequence[int]) -> None:
    """DataError where the first two of three axes are alike and the last is not, or too narrow for an image."""
    first, second, last = sizes
    if sizes[0] in counts and last >= NARROWEST:
        return
    if first == second != last or last < NARROWEST <= min(first, second):
        words = " × ".join(map(str, shape))
        raise DataError(file, LAST_AXIS.format(shape=words, to=len(shape) - 3))
