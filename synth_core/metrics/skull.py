"""Where the brain is in head CT slices, and which pieces of it are calcified; whole batches at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from synth_core.errors import SpecMismatch

Bools = NDArray[np.bool_]

BONE = 250.0  # HU; the inner table blurs below this only within the rim
GAPS = 4.0  # mm of the skull that are bridged: sutures, thin bone
FLAP = 25.0  # mm that are bridged where the ring is open, as after surgery
BRAIN, PURE = (-10.0, 110.0), 0.9  # HU of brain, fluid and blood; the share of these that makes an open ring a skull
RIM = 3.0  # mm inside the skull in which bone and brain share pixels
AIR = -100.0  # HU; sinuses lie inside bone too
ENCLOSED = 0.3  # of the head; with less inside, the ring is open or the slice is at the skull base or the vertex
CALCIFICATION = 100.0  # HU; blood clots stay below about 90
FLAT = np.stack([np.zeros((3, 3)), np.ones((3, 3)), np.zeros((3, 3))]).astype(bool)  # no bridge from slice to slice
CROSS = FLAT & ndimage.generate_binary_structure(3, 1)


def cranial_cavity(images: ArrayLike, pixels_per_mm: float) -> Bools:
    """What the skull encloses, its rim included; empty where no ring of bone encloses enough.

    Parameters
    ----------
    images : (n, height, width) in HU.
    pixels_per_mm : sampling of both axes.

    Returns
    -------
    (n, height, width): the largest hole in the largest piece of bone (above 250 HU, gaps of 4 mm bridged). Where none
    is large enough, gaps of 25 mm are bridged, provided that nearly all within is as dense as brain.
    """
    values = np.asarray(images)
    if values.ndim != 3:
        raise SpecMismatch(f"Slices must have shape (n, height, width). Got {values.shape} instead.")
    cavity = _enclosed(values, GAPS * pixels_per_mm)
    missing = np.flatnonzero(~cavity.any((1, 2)))
    bridged = _enclosed(values[missing], FLAP * pixels_per_mm)
    alike = (values[missing] > BRAIN[0]) & (values[missing] < BRAIN[1]) & bridged
    pure = alike.sum((1, 2)) > PURE * bridged.sum((1, 2))
    cavity[missing] = bridged & pure[:, None, None]
    return cavity


def brain_of(cavity: Bools, pixels_per_mm: float) -> Bools:
    """The cavity without the rim of 3 mm, but at least one pixel, that it shares with bone."""
    return ndimage.binary_erosion(cavity, _disc(RIM * pixels_per_mm))


def calcified(images: ArrayLike, cavity: Bools, pixels_per_mm: float, threshold: float = CALCIFICATION) -> Bools:
    """Pieces inside the cavity of at least `threshold` HU that keep away from the skull.

    A piece that reaches the rim is a ridge of the skull base or the falx where it ossifies. Pieces are candidates and
    not diagnoses: the choroid plexus and the pineal gland calcify in healthy people.

    Parameters
    ----------
    images, cavity : (n, height, width), in HU and as `cranial_cavity` gives it.
    """
    dense = cavity & (np.asarray(images) >= threshold)
    pieces, count = ndimage.label(dense, FLAT)
    kept = np.ones(count + 1, dtype=bool)
    kept[np.unique(pieces[dense & ~brain_of(cavity, pixels_per_mm)])] = False
    kept[0] = False
    return np.asarray(kept[pieces], dtype=bool)


def _enclosed(values: NDArray[np.floating], gap: float) -> Bools:
    """The largest hole of the skull with gaps up to `gap` pixels bridged; empty where it is small beside the head."""
    skull = _largest(_closed(values > BONE, gap / 2), FLAT)
    pieces, count = ndimage.label(~skull, CROSS)
    border = np.ones(values.shape[1:], dtype=bool)
    border[1:-1, 1:-1] = False
    open_air = np.zeros(count + 1, dtype=bool)
    open_air[np.unique(pieces[:, border])] = True
    holes = ~skull & ~open_air[pieces]
    cavity = _largest(holes & (values > AIR), CROSS)
    enough = cavity.sum((1, 2)) >= ENCLOSED * (skull | holes).sum((1, 2))
    return np.asarray(cavity & enough[:, None, None], dtype=bool)


def _largest(mask: Bools, structure: Bools) -> Bools:
    """The piece with the most pixels, in each slice."""
    pieces, count = ndimage.label(mask, structure)
    sizes = np.bincount(pieces.ravel(), minlength=count + 1)
    owner = np.zeros(count + 1, dtype=np.intp)
    owner[pieces[mask]] = np.nonzero(mask)[0]
    order = 1 + np.lexsort((sizes[1:], owner[1:]))  # by slice, the largest of each last
    last = np.append(np.diff(owner[order]) > 0, True)[: len(order)]
    kept = np.zeros(count + 1, dtype=bool)
    kept[order[last]] = True
    return np.asarray(kept[pieces], dtype=bool)


def _closed(mask: Bools, radius: float) -> Bools:
    disc = _disc(radius)
    margin = disc.shape[1] // 2 + 1
    padded = np.pad(mask, ((0, 0), (margin, margin), (margin, margin)))
    closed: Bools = ndimage.binary_closing(padded, disc)
    return closed[:, margin:-margin, margin:-margin]


def _disc(radius: float) -> Bools:
    """(1, side, side); a radius below one pixel is taken as one."""
    reach = np.arange(-max(1, int(radius)), max(1, int(radius)) + 1)
    return np.asarray(np.hypot(reach[:, None], reach) <= max(1.0, radius), dtype=bool)[None]
