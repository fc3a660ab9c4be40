"""A CT series → square slices around the head, at one size and scale, with lesions whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from synth_core.data.example import LESION_CUT, LITTLE_HEAD, MISSING, Example
from synth_core.data.lesions import candidate_mask, severity_of_volume, slice_distance
from synth_core.data.preparation import Preparation
from synth_core.data.recording import Recording

AIR = -1024.0  # HU, outside the scanned field
SKIN = -300.0  # HU, between air and soft tissue
OPENING = 3  # mm: thin parts such as the head rest are cut off from the head


def head_slices(recording: Recording, preparation: Preparation) -> Iterator[Example]:
    """Every slice of a series, in order, around one centre: the median centre of its slices with enough head.

    The centre moves as far as it must for the lesions of the series to lie inside the square. A slice whose lesion
    does not fit even so is left out: the square has one size in a dataset.
    """
    size, scale = preparation.image_size, _pixels_per_output(recording, preparation)
    square = (preparation.field_mm * recording.spec.rate) ** 2  # pixels
    heads, lesions = [], []
    for i in range(recording.slices):
        hounsfield = recording.read(i, i + 1)[0]
        heads.append(_Head.of(hounsfield, recording.spec.rate))
        lesions.append(_Lesion.of(_mask(recording, i, hounsfield, preparation)))
    enough = [head.pixels >= max(1.0, preparation.min_head * square) for head in heads]
    kept = [head.centre for head, wanted in zip(heads, enough, strict=True) if wanted]
    boxes = [one.box for one, wanted in zip(lesions, enough, strict=True) if wanted and one.box is not None]
    centre = _around(np.median(kept, axis=0) if kept else np.zeros(2), boxes, scale * (size - 2))
    severity = _severity(recording, lesions, preparation)
    own = len(recording.slice_labels) == recording.slices
    for i, head in enumerate(heads):
        hounsfield = recording.read(i, i + 1)[0]
        if not np.isfinite(hounsfield).all():
            yield Example(float(i), None, reason=MISSING)
        elif not enough[i]:
            yield Example(float(i), None, reason=LITTLE_HEAD)
        elif not lesions[i].fits(centre, scale * size):
            yield Example(float(i), None, reason=LESION_CUT)
        else:
            inside = head.share_inside(centre, scale * size)
            values = resample_square(hounsfield, centre, scale, size, outside=AIR)
            if preparation.hu_low is not None or preparation.hu_high is not None:
                values = np.clip(values, preparation.hu_low, preparation.hu_high)
            mask = lesions[i].square(hounsfield.shape, centre, scale, size)
            labels = tuple(name for name, value in recording.slice_labels[i].items() if value) if own else None
            yield Example(float(i), values[None], mask, inside, severity=severity, labels=labels)


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


@dataclass(frozen=True)
class _Lesion:
    """What of a slice is lesion: the part inside a box of rows and columns; both None without any."""

    known: bool
    box: tuple[slice, slice] | None = None
    part: NDArray[np.float32] | None = None

    @classmethod
    def of(cls, mask: NDArray[np.float32] | None) -> _Lesion:
        """From the mask of a slice, None where nothing is known."""
        if mask is None or not mask.any():
            return cls(mask is not None)
        rows, columns = ndimage.find_objects((mask > 0).astype(np.uint8))[0]
        return cls(True, (rows, columns), mask[rows, columns].copy())

    @property
    def pixels(self) -> float:
        """Pixels, counted by the part of them that is lesion."""
        return 0.0 if self.part is None else float(self.part.sum())

    def fits(self, centre: NDArray[np.float64], side: float) -> bool:
        """Whether all of it lies inside a square around `centre`."""
        if self.box is None:
            return True
        pairs = zip(self.box, centre, strict=True)
        return all(part.start >= middle - side / 2 and part.stop - 1 <= middle + side / 2 for part, middle in pairs)

    def square(
        self, shape: tuple[int, ...], centre: NDArray[np.float64], scale: float, size: int
    ) -> NDArray[np.float16] | None:
        """(1, size, size) in [0, 1] as `resample_square` cuts a slice of `shape`."""
        if not self.known:
            return None
        if self.box is None or self.part is None:
            return np.zeros((1, size, size), np.float16)
        mask = np.zeros(shape, np.float32)
        mask[self.box] = self.part
        return np.clip(resample_square(mask, centre, scale, size, outside=0.0), 0, 1).astype(np.float16)[None]


def _around(centre: NDArray[np.float64], boxes: list[tuple[slice, slice]], side: float) -> NDArray[np.float64]:
    """The nearest centre whose square holds all boxes; where none does, the middle of what is too large."""
    moved = np.array(centre, float)
    for axis in range(2) if boxes else ():
        low, high = min(box[axis].start for box in boxes), max(box[axis].stop - 1 for box in boxes)
        least, most = high - side / 2, low + side / 2
        moved[axis] = np.clip(moved[axis], least, most) if least <= most else (low + high) / 2
    return moved


def _severity(recording: Recording, lesions: list[_Lesion], preparation: Preparation) -> float | None:
    """By the volume of all lesions of the series where that is asked for; None leaves what the recording says."""
    if not preparation.severity_from_volume or preparation.lesions == "none":
        return None
    if preparation.lesions == "mask" and recording.lesion_mask(0, 1) is None:
        return None
    pixels = sum(lesion.pixels for lesion in lesions)
    return severity_of_volume(pixels / recording.spec.rate**2 * slice_distance(recording))


def _pixels_per_output(recording: Recording, preparation: Preparation) -> float:
    return preparation.field_mm * recording.spec.rate / preparation.image_size


def _mask(
    recording: Recording, index: int, hounsfield: NDArray[np.float32], preparation: Preparation
) -> NDArray[np.float32] | None:
    """(height, width) in [0, 1]: the lesions that the source knows, else candidates where these are asked for."""
    if preparation.lesions == "none":
        return None
    mask = recording.lesion_mask(index, index + 1)
    if mask is not None:
        return mask[0].astype(np.float32)
    if preparation.lesions == "mask":
        return None
    found = candidate_mask(
        hounsfield,
        recording.spec.rate,
        slice_distance(recording),
        threshold=preparation.lesion_threshold,
        smallest=preparation.lesion_smallest,
        largest=preparation.lesion_largest,
        region=preparation.lesion_region,
    )
    return found.astype(np.float32)
