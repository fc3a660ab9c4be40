"""What is read from every head CT slice for the evaluation; NaN where a slice does not show it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synth_core.metrics.features import TISSUES
from synth_core.metrics.lesions import lesion_contrast, mirror_dice, mirrored, peak_hu
from synth_core.metrics.skull import brain_of, calcified, cranial_cavity
from synth_core.metrics.texture import BRAIN_WINDOW, glcm_features, hu_histograms, radial_noise_power
from synth_core.types import Batch

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

SOFT = (-100.0, 200.0)  # HU; outline of the head, brain and calcifications, without the depth of bone and air
IN_SKULL = ("fluid", "brain", "dense")  # windows of TISSUES that brain is made of
REGION_MM, REGION_PIXELS = 24.0, 8  # side of the region that noise is read from; whichever is larger
COARSEST = 32  # pixels a side of the slices that are compared as a whole
GRID = 24  # points a side of a brain that is compared point by point
PIXELS_AT_ONCE = 2**20
FAINTEST = 1e-6  # HU² mm²; a region without any noise is −60 dB, far below every scanner


def measured(batch: Batch) -> dict[str, Floats]:
    """Every quantity of every slice, a block at a time.

    Returns
    -------
    name → (n,) or (n, columns):

    tissue fluid, tissue brain, tissue dense : share of the brain below each HU of the window.
    share fluid, share brain, share dense : share of the brain within the window.
    noise : dB re HU² mm² per ring of frequency, in the most uniform square of the brain.
    contrast, homogeneity : of the co-occurrence of grey levels in the brain.
    asymmetry : mean absolute difference of the brain from its mirror image, HU.
    outline : the slice between −100 and 200 HU, in at most 32 × 32 blocks.
    mean brain : 24 × 24 points of the cavity between 0 and 80 HU, as wide and as long for every head.
    area, peak, dice : of calcifications: mm² (0 without any), highest HU of the brain, likeness of the sides.
    lesion : contrast within the mask, HU, where the batch has masks.
    """
    size = max(1, PIXELS_AT_ONCE // (batch.spec.shape[1] * batch.spec.shape[2]))
    masks = batch.condition.mask
    blocks = []
    for begin in range(0, len(batch), size):
        rows = slice(begin, begin + size)
        mask = None if masks is None else masks[rows, 0].numpy()
        blocks.append(_measured_block(batch.values[rows, 0].numpy().astype(np.float64), mask, batch.spec.rate))
    return {key: np.concatenate([block[key] for block in blocks]) for key in blocks[0]}


def _measured_block(images: Floats, mask: NDArray[np.float32] | None, rate: float) -> dict[str, Floats]:
    cavity = cranial_cavity(images, rate)
    brain = brain_of(cavity, rate)
    lesions = calcified(images, cavity, rate)
    known = brain.any((1, 2))
    midline = _midline(cavity)
    columns = _tissue_columns(images, brain)
    columns["noise"] = _noise(images, brain, rate)
    texture = glcm_features(images, mask=brain)
    columns |= {key: np.asarray(texture[key]) for key in ("contrast", "homogeneity")}
    columns["asymmetry"] = _asymmetry(images, brain, midline)
    columns["outline"] = _reduced(np.clip(images, *SOFT))
    columns["mean brain"] = _aligned(np.where(cavity, np.clip(images, *BRAIN_WINDOW), 0.0), cavity)
    columns["area"] = np.where(known, lesions.sum((1, 2)) / rate**2, np.nan)
    bone = brain & ~lesions & (images >= TISSUES["calcium"][0])  # ridges that reach the rim
    columns["peak"] = np.asarray(peak_hu(images, brain & ~bone))
    columns["dice"] = np.asarray(mirror_dice(lesions, midline))
    if mask is not None:
        columns["lesion"] = lesion_contrast(images, mask)
    return columns


def _tissue_columns(images: Floats, brain: Bools) -> dict[str, Floats]:
    """Per tissue its share of the brain, and the share of the brain below each HU of its window."""
    lowest = {"below": (-np.inf, TISSUES[IN_SKULL[0]][0])} | {name: TISSUES[name] for name in IN_SKULL}
    columns: dict[str, Floats] = {}
    below = np.zeros((len(images), 1))
    for name, (_, shares) in hu_histograms(images, lowest, mask=brain).items():
        cumulative = below + np.cumsum(shares, axis=1)
        below = cumulative[:, -1:]
        columns |= {f"tissue {name}": cumulative, f"share {name}": shares.sum(1)}
    return columns


def _noise(images: Floats, brain: Bools, rate: float) -> Floats:
    """(n, rings) in dB re HU² mm², of the square inside the brain whose values spread least."""
    side = max(REGION_PIXELS, round(REGION_MM * rate))
    powers = np.full((len(images), side // 2), np.nan)
    if side > min(images.shape[1:]):
        return powers
    soft = np.where(brain, images, 0.0)
    variance = _box_sums(soft**2, side) - _box_sums(soft, side) ** 2 / side**2
    variance[_box_sums(brain.astype(np.float64), side) < side**2] = np.inf
    flat = variance.reshape(len(images), -1)
    found = np.flatnonzero(np.isfinite(flat).any(1))
    rows, columns = np.divmod(flat[found].argmin(1), variance.shape[2])
    offsets = np.arange(side)
    regions = images[found[:, None, None], rows[:, None, None] + offsets[:, None], columns[:, None, None] + offsets]
    if len(found):
        powers[found] = 10 * np.log10(np.maximum(radial_noise_power(regions, 1 / rate)[1], FAINTEST))
    return powers


def _box_sums(values: Floats, side: int) -> Floats:
    """Sums over all squares of side × side pixels, (n, height − side + 1, width − side + 1)."""
    sums = np.pad(values, ((0, 0), (1, 0), (1, 0))).cumsum(1).cumsum(2)
    return np.asarray(sums[:, side:, side:] - sums[:, :-side, side:] - sums[:, side:, :-side] + sums[:, :-side, :-side])


def _midline(cavity: Bools) -> Floats:
    """Middle column of the cavity, (n,); that of the picture where there is none."""
    columns = np.arange(cavity.shape[2])
    weights = cavity.sum(1).astype(np.float64)
    total = weights.sum(1)
    middle = np.full(len(cavity), (cavity.shape[2] - 1) / 2)
    return np.divide(weights @ columns, total, out=middle, where=total > 0)


def _asymmetry(images: Floats, brain: Bools, midline: Floats) -> Floats:
    """Mean absolute difference of each brain from its mirror image where both are brain, (n,) in HU."""
    both = brain & (mirrored(brain.astype(np.float64), midline) == 1)
    gap = np.where(both, np.abs(np.clip(images, *SOFT) - mirrored(np.clip(images, *SOFT), midline)), 0.0)
    pixels = both.sum((1, 2))
    return np.divide(gap.sum((1, 2)), pixels, out=np.full(len(images), np.nan), where=pixels > 0)


def _reduced(images: Floats) -> Floats:
    """(n, blocks): means of square blocks of pixels, at most 32 a side."""
    step = -(-max(images.shape[1:]) // COARSEST)
    height, width = (size // step for size in images.shape[1:])
    cut = images[:, : height * step, : width * step]
    return np.asarray(cut.reshape(len(images), height, step, width, step).mean((2, 4)).reshape(len(images), -1))


def _aligned(images: Floats, cavity: Bools) -> Floats:
    """(n, points): values on a grid over the bounding box of each cavity; NaN where there is none."""
    found = np.flatnonzero(cavity.any((1, 2)))
    rows, columns = (_evenly_over(np.asarray(cavity[found].any(axis))) for axis in (2, 1))
    points = np.full((len(images), GRID * GRID), np.nan)
    taken = images[found[:, None, None], rows[:, :, None], columns[:, None]]
    points[found] = taken.reshape(len(found), GRID * GRID)
    return points


def _evenly_over(occupied: Bools) -> NDArray[np.intp]:
    """(n, GRID) positions from the first to the last that is occupied, of (n, size)."""
    first = occupied.argmax(1)
    last = occupied.shape[1] - 1 - occupied[:, ::-1].argmax(1)
    return np.round(first[:, None] + (last - first)[:, None] * np.linspace(0, 1, GRID)).astype(np.intp)
