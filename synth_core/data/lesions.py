"""Calcifications in head CT: the brain inside the skull, what in it is dense enough, and how much of it there is.

All of it works on single axial slices, so that a series never has to be in memory. Candidates are pixels and not
diagnoses: the choroid plexus and the pineal gland calcify in healthy people, blood reaches 90 HU, metal far more.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from synth_core.data.recording import Recording

BONE = 250.0  # HU; the inner table blurs below this only within the rim
CLIPPED = 0.98  # of the largest value: where an image was exported in a brain window, bone is its white
GAPS = 4.0  # mm of the skull that are bridged: sutures, foramina, thin bone
RIM = 3.0  # mm inside the skull in which bone and brain share pixels
FINEST = 1.0  # pixels per mm that the mask is computed with at least
SOFT = -100.0  # HU, above fat and air: sinuses and mastoids lie inside bone too
ENCLOSED = 0.4  # of the hull of the skull: with less inside, the ring is open
BRAIN, PURE = (-10.0, 110.0), 0.9  # HU of brain, fluid and blood; the share of these in an open ring
CALCIFICATION = 100.0  # HU; blood clots stay below about 90
SMALLEST, LARGEST = 5.0, 30_000.0  # mm³ of one piece in one slice: above noise, below implants and contrast
HALF_SEVERE = 1000.0  # mm³ at which severity is one half
DENSEST = 1000.0  # HU; a piece with more is bone of the skull base, metal or tooth
USUAL_DISTANCE = 5.0  # mm between slices where a recording does not say
# The bilateral region in shares of the half width and half length of the brain: (centre, half axis), front is +.
GANGLIA_ACROSS, GANGLIA_ALONG = (0.30, 0.26), (0.05, 0.42)


def brain_mask(hounsfield: NDArray[np.float32], pixels_per_mm: float) -> NDArray[np.bool_]:
    """(height, width): inside the largest closed ring of bone, without a rim of 3 mm; empty where no ring closes.

    Bone is what exceeds 250 HU, or what reaches the upper end of an image whose window ends below. Its largest piece,
    with gaps of 4 mm bridged, is the skull; dense pieces apart from it stay inside. Where the ring is open, as after
    surgery, its convex hull is taken, provided that nearly all in it is as dense as brain; at the skull base, with
    sinuses and orbits, nothing is found rather than too much.
    """
    step = max(1, int(pixels_per_mm / FINEST))
    coarse, rate = _reduced(np.nan_to_num(hounsfield, nan=-1024), step), pixels_per_mm / step
    skull = _largest(_closed(coarse > min(BONE, CLIPPED * float(coarse.max())), GAPS / 2 * rate))
    inside = ndimage.binary_fill_holes(skull) & ~skull & (coarse > SOFT)
    hull = _hull(skull)
    if inside.sum() < ENCLOSED * hull.sum():
        within = _eroded(hull & ~skull, RIM * rate)
        smooth = ndimage.uniform_filter(coarse, 3)
        alike = (smooth[within] > BRAIN[0]) & (smooth[within] < BRAIN[1])
        inside = within if within.any() and alike.mean() > PURE else inside
    brain = _largest(_eroded(ndimage.binary_fill_holes(inside), RIM * rate))
    fine = brain.repeat(step, 0).repeat(step, 1)
    margins = [(0, full - part) for full, part in zip(hounsfield.shape, fine.shape, strict=True)]
    return np.pad(fine, margins)


def candidate_mask(
    hounsfield: NDArray[np.float32],
    pixels_per_mm: float,
    distance: float,
    *,
    threshold: float = CALCIFICATION,
    smallest: float = SMALLEST,
    largest: float = LARGEST,
    region: str = "brain",
) -> NDArray[np.bool_]:
    """(height, width): pieces of the brain that are denser than `threshold` HU and of a size between the limits.

    Pieces that reach 1000 HU are taken for bone.

    Parameters
    ----------
    distance : mm to the next slice. smallest, largest : mm³ of one connected piece: its area times the distance.
    region : "brain", or "basal ganglia" for the pieces that touch `ganglia_prior`.
    """
    brain = brain_mask(hounsfield, pixels_per_mm)
    pieces, count = ndimage.label(brain & (hounsfield >= threshold), np.ones((3, 3)))
    volumes = np.bincount(pieces.ravel(), minlength=count + 1) * distance / pixels_per_mm**2
    kept = (volumes >= smallest) & (volumes <= largest)
    kept[0] = False
    kept &= ndimage.maximum(hounsfield, pieces, np.arange(count + 1)) <= DENSEST
    if region == "basal ganglia":
        kept &= np.isin(np.arange(count + 1), np.unique(pieces[ganglia_prior(brain)]))
    return kept[pieces]


def ganglia_prior(brain: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(height, width): where the basal ganglia and thalami of both sides can lie in a slice through them.

    Two ellipses at fixed shares of the bounding box of the brain: a prior on the place, not a segmentation. It knows
    neither the level of the slice nor a turned head.
    """
    rows, columns = np.nonzero(brain)
    if not len(rows):
        return np.zeros_like(brain)
    middle_row, half_length = (rows.min() + rows.max()) / 2, (np.ptp(rows) + 1) / 2
    middle_column, half_width = (columns.min() + columns.max()) / 2, (np.ptp(columns) + 1) / 2
    y, x = np.ogrid[: brain.shape[0], : brain.shape[1]]
    front = (middle_row - y) / half_length
    side = np.abs(x - middle_column) / half_width
    across, along = (side - GANGLIA_ACROSS[0]) / GANGLIA_ACROSS[1], (front - GANGLIA_ALONG[0]) / GANGLIA_ALONG[1]
    return (across**2 + along**2 <= 1) & brain


def severity_of_volume(volume: float) -> float:
    """v / (v + 1000 mm³): 0 without lesions, one half at 1 ml, towards 1 with more; no volume needs to be the largest.

    In Fahr disease volumes run over orders of magnitude, which a share of a largest volume would press to one end.
    """
    return volume / (volume + HALF_SEVERE)


def slice_distance(recording: Recording) -> float:
    """mm from slice to slice: the median gap, else the thickness that the metadata give, else 5."""
    gaps: Any = recording.metadata.get("slice gaps (mm)")
    if gaps:
        return float(np.median(gaps))
    try:
        return float(recording.metadata.get("slice thickness (mm)", USUAL_DISTANCE)) or USUAL_DISTANCE
    except ValueError:
        return USUAL_DISTANCE


def _largest(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The piece with the most pixels."""
    pieces, count = ndimage.label(mask)
    if not count:
        return np.zeros_like(mask)
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    return pieces == sizes.argmax()


def _hull(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The convex hull of all that is set, filled; what lies on one line is its own."""
    rows, columns = np.nonzero(mask)
    if len(rows) < 3 or np.linalg.matrix_rank(np.column_stack([rows - rows[0], columns - columns[0]])) < 2:
        return mask
    from skimage.morphology import convex_hull_image

    hull: NDArray[np.bool_] = convex_hull_image(mask, offset_coordinates=False)
    return hull


def _reduced(image: NDArray[np.float32], step: int) -> NDArray[np.float32]:
    """Means of blocks of step × step pixels; what is left over at the end is cut off."""
    height, width = (size // step for size in image.shape)
    blocks = image[: height * step, : width * step].reshape(height, step, width, step)
    reduced: NDArray[np.float32] = blocks.mean((1, 3), dtype=np.float32)
    return reduced


def _closed(mask: NDArray[np.bool_], radius: float) -> NDArray[np.bool_]:
    """Dilated and eroded by a disc, beyond the border too."""
    margin = int(np.ceil(radius)) + 1
    padded = np.pad(mask, margin)
    if not padded.any():
        return mask
    grown = ndimage.distance_transform_edt(~padded) <= radius
    shrunk = ndimage.distance_transform_edt(grown) > radius
    return (shrunk | padded)[margin:-margin, margin:-margin]


def _eroded(mask: NDArray[np.bool_], radius: float) -> NDArray[np.bool_]:
    return ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1] > radius
