"""A CT series → square slices around the head, at one size and scale."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from synth_core.data.example import LITTLE_HEAD, MISSING, Example
from synth_core.data.preparation import Preparation
from synth_core.data.recording import Recording

AIR = -1024.0  # HU, outside the scanned field
SKIN = -300.0  # HU, between air and soft tissue
OPENING = 3  # mm: thin parts such as the head rest are cut off from the head


def head_slices(recording: Recording, preparation: Preparation) -> Iterator[Example]:
    """Every slice of a series, in order, around one centre: the median centre of its slices with enough head."""
    size, scale = preparation.image_size, _pixels_per_output(recording, preparation)
    heads = [_Head.of(recording.read(i, i + 1)[0], recording.spec.rate) for i in range(recording.slices)]
    square = (preparation.field_mm * recording.spec.rate) ** 2  # pixels
    enough = [head for head in heads if head.pixels >= max(1.0, preparation.min_head * square)]
    centre = np.median([head.centre for head in enough], axis=0) if enough else np.zeros(2)
    for i, head in enumerate(heads):
        hounsfield = recording.read(i, i + 1)[0]
        if not np.isfinite(hounsfield).all():
            yield Example(float(i), None, reason=MISSING)
        elif head.pixels < max(1.0, preparation.min_head * square):
            yield Example(float(i), None, reason=LITTLE_HEAD)
        else:
            inside = head.share_inside(centre, scale * size)
            values = resample_square(hounsfield, centre, scale, size, outside=AIR)
            yield Example(float(i), values[None], _mask(recording, i, centre, scale, size), inside)


def resample_square(
    image: NDArray[np.float32], centre: NDArray[np.float64], scale: float, size: int, *, outside: float
) -> NDArray[np.float32]:
    """A square of size × size pixels, each `scale` pixels of the image wide, around `centre` (row, column).

    Linear interpolation behind a Gaussian of σ = (scale − 1) / 2, against aliasing (the rule of scikit-image).
    """
    smooth = ndimage.gaussian_filter(image, max(0.0, (scale - 1) / 2), mode="nearest")
    offset = centre - scale * (size - 1) / 2
    return ndimage.affine_transform(
        smooth, np.array([scale, scale]), offset, (size, size), order=1, mode="constant", cval=outside
    ).astype(np.float32)


@dataclass(frozen=True)
class _Head:
    """The largest thing in a slice that is not air."""

    pixels: int
    box: tuple[slice, slice]

    @classmethod
    def of(cls, hounsfield: NDArray[np.float32], rate: float) -> _Head:
        body = ndimage.binary_opening(
            np.nan_to_num(hounsfield, nan=AIR) > SKIN, iterations=max(1, round(OPENING * rate / 2))
        )
        labels, count = ndimage.label(body)
        if not count:
            return cls(0, (slice(0, 0), slice(0, 0)))
        sizes = np.bincount(labels.ravel())[1:]
        largest = int(sizes.argmax())
        rows, columns = ndimage.find_objects(labels)[largest]
        return cls(int(ndimage.binary_fill_holes(labels[rows, columns] == largest + 1).sum()), (rows, columns))

    @property
    def centre(self) -> tuple[float, float]:
        """(row, column) of the middle of its box."""
        rows, columns = self.box
        return (rows.start + rows.stop - 1) / 2, (columns.start + columns.stop - 1) / 2

    def share_inside(self, centre: NDArray[np.float64], side: float) -> float:
        """Share of its box inside a square around `centre`."""
        share = 1.0
        for extent, middle in zip(self.box, centre, strict=True):
            inside = min(extent.stop, middle + side / 2) - max(extent.start, middle - side / 2)
            share *= max(0.0, inside) / (extent.stop - extent.start)
        return float(min(1.0, share))


def _pixels_per_output(recording: Recording, preparation: Preparation) -> float:
    return preparation.field_mm * recording.spec.rate / preparation.image_size


def _mask(
    recording: Recording, index: int, centre: NDArray[np.float64], scale: float, size: int
) -> NDArray[np.float16] | None:
    mask = recording.lesion_mask(index, index + 1)
    if mask is None:
        return None
    square = resample_square(mask[0].astype(np.float32), centre, scale, size, outside=0.0)
    return np.clip(square, 0, 1).astype(np.float16)[None]
