"""Lesions given as masks: how large, how dense, where, and how alike on both sides."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from synth_core.errors import InvalidSetting, SpecMismatch

Floats = NDArray[np.float64]
Spacing = float | Sequence[float]

LESION = 0.5  # of a pixel from which it counts as lesion where a yes or no is needed
SURROUND = (1.0, 3.0)  # pixels from the mask: beyond the blurred edge, within the same tissue


def lesion_volume_mm3(mask: ArrayLike, spacing_mm: Spacing) -> float:
    """Volume of a lesion; soft masks count in part.

    Parameters
    ----------
    mask : (slices, height, width), or (height, width) for one slice, in [0, 1].
    spacing_mm : mm from slice to slice, row to row, column to column; one number when all are the same.

    Raises
    ------
    SpecMismatch : for another shape, or values beyond [0, 1]. InvalidSetting : unless there are 1 or 3 spacings.
    """
    values = _mask(mask, (2, 3))
    return float(values.sum() * np.prod(_spacing(spacing_mm, (3,))))


def mirror_dice(mask: ArrayLike, midline: ArrayLike | None = None) -> float | Floats:
    """Dice coefficient of a lesion with its mirror image: 1 for both sides alike, 0 for one side alone.

    Parameters
    ----------
    mask : (height, width) or (n, height, width) in [0, 1]; from ½ a pixel counts.
    midline : column, or (n,) of them, about which to mirror, to half a pixel; None for the middle of the picture.

    Returns
    -------
    A number in [0, 1], or (n,) of them; NaN where the mask is empty.
    """
    values = _mask(mask, (2, 3))
    lesion = (values if values.ndim == 3 else values[None]) >= LESION
    middle = (lesion.shape[2] - 1) / 2 if midline is None else midline
    common = (lesion & (mirrored(lesion.astype(np.float64), middle) == 1)).sum((1, 2))
    size = lesion.sum((1, 2))
    dice = np.divide(common, size, out=np.full(len(lesion), np.nan), where=size > 0)
    return float(dice[0]) if values.ndim == 2 else dice


def peak_hu(image: ArrayLike, mask: ArrayLike) -> float | Floats:
    """Highest HU within the mask, of (height, width), or (n,) of (n, height, width); NaN where the mask is empty."""
    values, inside = np.asarray(image, dtype=np.float64), _mask(mask, (2, 3)) >= LESION
    if values.shape != inside.shape:
        raise SpecMismatch(f"A slice and its mask must have one shape. Got {values.shape} and {inside.shape}.")
    highest = np.where(inside, values, -np.inf).max((-2, -1))
    peaks = np.where(np.isfinite(highest), highest, np.nan)
    return float(peaks) if values.ndim == 2 else peaks


def lesion_position(mask: ArrayLike, spacing_mm: Spacing, midline: float | None = None) -> Floats:
    """Centre of mass with both sides folded onto one: a bilateral lesion does not end up in the midline.

    Parameters
    ----------
    mask : (height, width), (n, height, width) with two spacings or one, (slices, height, width) with three.
    spacing_mm : mm from row to row and column to column, with that from slice to slice before them for a volume.
    midline : column to fold at; None for the middle of the picture.

    Returns
    -------
    (2,), (n, 2) or (3,) in mm: distance from the midline, height above the middle row (the front is up), and for a
    volume the height above the middle slice (the last slice is up). NaN where the mask is empty.
    """
    values, spacing = _mask(mask, (2, 3)), _spacing(spacing_mm, (2, 3))
    if len(spacing) == 3 and values.ndim == 3 and np.ndim(spacing_mm) > 0:
        return _centre(values[None], spacing, midline)[0]
    slices = values if values.ndim == 3 else values[None]
    centres = _centre(slices[:, None], (1.0, spacing[-2], spacing[-1]), midline)[:, :2]
    return centres if values.ndim == 3 else centres[0]


def lesion_contrast(images: ArrayLike, masks: ArrayLike) -> Floats:
    """Mean HU within each mask above that of the tissue around it, 1 to 3 pixels away.

    Parameters
    ----------
    images, masks : (n, height, width) in HU and in [0, 1]; soft masks weigh their pixels.

    Returns
    -------
    (n,) in HU; NaN where a mask is empty or nothing lies around it.
    """
    values, weights = np.asarray(images, dtype=np.float64), _mask(masks, (3,))
    if values.shape != weights.shape:
        raise SpecMismatch(f"Slices and masks must have one shape. Got {values.shape} and {weights.shape}.")
    near, far = (ndimage.binary_dilation(weights > 0, _disc(radius)) for radius in SURROUND)
    return _weighted_mean(values, weights) - _weighted_mean(values, (far & ~near).astype(np.float64))


def mirrored(images: ArrayLike, midline: ArrayLike) -> Floats:
    """(n, height, width) reflected about a column, or about one each, rounded to half a pixel; NaN from beyond."""
    values = np.asarray(images, dtype=np.float64)
    columns = np.arange(values.shape[2])
    twice = np.round(2 * np.broadcast_to(np.asarray(midline, dtype=np.float64), len(values))).astype(np.intp)
    source = twice[:, None] - columns
    inside = (source >= 0) & (source < len(columns))
    taken = np.take_along_axis(values, np.clip(source, 0, len(columns) - 1)[:, None], axis=2)
    return np.where(inside[:, None], taken, np.nan)


def _centre(volumes: Floats, spacing: Sequence[float], midline: float | None) -> Floats:
    """(n, 3): across, front and up, of (n, slices, height, width)."""
    levels, rows, columns = (np.arange(size) - (size - 1) / 2 for size in volumes.shape[1:])
    if midline is not None:
        columns = np.arange(volumes.shape[3]) - midline
    total = volumes.sum((1, 2, 3))
    across = np.einsum("nlrc,c->n", volumes, np.abs(columns)) * spacing[2]
    front = np.einsum("nlrc,r->n", volumes, -rows) * spacing[1]
    up = np.einsum("nlrc,l->n", volumes, levels) * spacing[0]
    sums = np.stack([across, front, up], axis=1)
    return np.divide(sums, total[:, None], out=np.full_like(sums, np.nan), where=total[:, None] > 0)


def _weighted_mean(values: Floats, weights: Floats) -> Floats:
    total = weights.sum((1, 2))
    return np.divide((values * weights).sum((1, 2)), total, out=np.full(len(values), np.nan), where=total > 0)


def _disc(radius: float) -> NDArray[np.bool_]:
    reach = np.arange(-int(radius), int(radius) + 1)
    return (np.hypot(reach[:, None], reach) <= radius)[None]


def _mask(mask: ArrayLike, dimensions: tuple[int, ...]) -> Floats:
    values = np.asarray(mask, dtype=np.float64)
    if values.ndim not in dimensions:
        wanted = " or ".join(f"{dimension}" for dimension in dimensions)
        raise SpecMismatch(f"A mask must have {wanted} axes, height and width the last. Got {values.shape}.")
    if values.size and not (values.min() >= 0 and values.max() <= 1):
        raise SpecMismatch(f"A mask must lie in [0, 1]. Got {values.min():.3g} to {values.max():.3g}.")
    return values


def _spacing(spacing_mm: Spacing, numbers: tuple[int, ...]) -> tuple[float, ...]:
    given = np.asarray(spacing_mm, dtype=np.float64)
    spacing = tuple(np.broadcast_to(given, numbers[-1])) if given.ndim == 0 else tuple(given)
    if len(spacing) not in numbers or not min(spacing) > 0:
        wanted = " or ".join(map(str, numbers))
        raise InvalidSetting(f"A spacing is 1 or {wanted} positive numbers in mm. Got {spacing_mm} instead.")
    return spacing
