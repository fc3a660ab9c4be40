"""Parametric head phantom in Hounsfield units: axial slices through basal ganglia and lateral ventricles.

Coordinates are mm in the head: x to the right of the image, y anterior, z up, the origin between the foramina of
Monro. Tissue values after Prokop & Galanski 2003, Spiral and Multislice CT of the Body.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

AIR, SKIN, FAT, TABLE, DIPLOE = -1000.0, 45.0, -70.0, 1700.0, 750.0
CSF, GREY, WHITE, FALX = 8.0, 38.0, 30.0, 55.0

Field = NDArray[np.float64]


@dataclass(frozen=True)
class Ellipsoid:
    """A structure on the right side; `mirrored` gives its partner. Centre and semi-axes in mm, angle in degrees."""

    x: float
    y: float
    z: float
    width: float
    length: float
    height: float
    angle: float = 0.0

    def mirrored(self) -> Ellipsoid:
        """The same structure on the other side."""
        return replace(self, x=-self.x, angle=-self.angle)

    def scaled(self, factor: float) -> Ellipsoid:
        """Larger or smaller about the same centre."""
        return replace(self, width=self.width * factor, length=self.length * factor, height=self.height * factor)

    def depth(self, x: Field, y: Field, z: Field) -> Field:
        """Approximate distance inside the surface in mm; negative outside."""
        cosine, sine = np.cos(np.deg2rad(self.angle)), np.sin(np.deg2rad(self.angle))
        dx, dy = x - self.x, y - self.y
        across, along = cosine * dx + sine * dy, cosine * dy - sine * dx
        radius = np.sqrt((across / self.width) ** 2 + (along / self.length) ** 2 + ((z - self.z) / self.height) ** 2)
        return (1 - radius) * min(self.width, self.length)


THALAMUS = Ellipsoid(12, -10, 4, 8.5, 14, 15, -18)
CAUDATE = Ellipsoid(14, 22, 8, 4.5, 9, 18, 12)
PUTAMEN = Ellipsoid(27, 8, 4, 5.0, 15, 15, 12)
PALLIDUM = Ellipsoid(20, 3, 2, 4.5, 9, 12, 14)
FRONTAL_HORN = Ellipsoid(8, 26, 10, 3.6, 14, 16, 17)
VENTRICLE_BODY = Ellipsoid(10, 2, 23, 4.5, 32, 9, 6)
OCCIPITAL_HORN = Ellipsoid(23, -38, 10, 4.5, 15, 13, -14)
THIRD_VENTRICLE = Ellipsoid(0, -2, 0, 1.8, 13, 11)


@dataclass(frozen=True)
class Anatomy:
    """One head; lengths in mm.

    Parameters
    ----------
    width, length : outer semi-axes of the head at its widest level. shape : Fourier terms (cos, sin of 2, 3, 4 φ).
    skull, scalp, fluid : thickness of bone, of scalp, of fluid over the cortex.
    ventricles : size relative to normal. sulci : half width of a sulcus at the surface.
    folds : (waves, 4) around, inward, upward frequency and phase of the folding pattern.
    turn, shift : head rotation in degrees and position in mm in the scanner.
    """

    width: float
    length: float
    shape: Field
    skull: float
    scalp: float
    fluid: float
    ventricles: float
    sulci: float
    folds: Field
    turn: float
    shift: tuple[float, float]


def draw_anatomy(rng: np.random.Generator) -> Anatomy:
    """One subject; atrophy widens ventricles, sulci and outer fluid together."""
    atrophy = rng.uniform(0, 1)
    waves = 14
    around, phase = rng.integers(9, 20, waves), rng.uniform(0, 2 * np.pi, waves)
    inward, upward = rng.normal(0, 0.13, waves), rng.normal(0, 0.12, waves)
    return Anatomy(
        width=rng.uniform(70, 77),
        length=rng.uniform(88, 97),
        shape=rng.normal(0, 1, (3, 2)) * np.array([0.006, 0.006, 0.004])[:, None],
        skull=rng.uniform(5.5, 8.5),
        scalp=rng.uniform(4.0, 7.0),
        fluid=0.8 + 2.0 * atrophy * rng.uniform(0.7, 1.2),
        ventricles=0.85 + 0.5 * atrophy * rng.uniform(0.7, 1.3),
        sulci=0.8 + 1.0 * atrophy,
        folds=np.stack([around, inward, upward, phase], axis=1),
        turn=rng.normal(0, 3.5),
        shift=(rng.normal(0, 2.5), rng.normal(0, 3.0)),
    )


def head_slice(anatomy: Anatomy, x: Field, y: Field, level: float) -> Field:
    """Tissue of one axial slice at `level` mm, in HU, on the grid of head coordinates x, y in mm (any shape)."""
    pixel = float(np.abs(np.diff(x, axis=1)).mean())
    z = np.full_like(x, level)
    below = head_depth(anatomy, x, y, level)
    image = np.full_like(x, AIR)
    scalp, skull = anatomy.scalp, anatomy.skull * (1 + 0.15 * np.cos(2 * np.arctan2(y, x) + np.pi))
    _paint(image, below, SKIN, pixel)
    _paint(image, np.minimum(below - 1.8, scalp - below - 0.8), FAT, pixel)
    _paint(image, below - scalp, TABLE, pixel)
    _paint(image, np.minimum(below - scalp - 0.28 * skull, scalp + 0.75 * skull - below), DIPLOE, pixel)
    inner = below - scalp - skull
    _paint(image, inner, CSF, pixel)
    _paint_brain(image, anatomy, inner - anatomy.fluid, x, y, z, pixel)
    _paint(image, np.minimum(0.8 - np.abs(x), np.minimum(np.abs(y) - 34, inner)), FALX, pixel)
    return image


def head_depth(anatomy: Anatomy, x: Field, y: Field, level: float) -> Field:
    """Approximate distance under the skin in mm."""
    shrink = np.sqrt(max(1 - ((level - 5) / 105) ** 2, 0.05))
    phi = np.arctan2(y / anatomy.length, x / anatomy.width)
    wobble = sum(
        cosine * np.cos(order * phi) + sine * np.sin(order * phi)
        for order, (cosine, sine) in enumerate(anatomy.shape, start=2)
    )
    radius = np.hypot(x / anatomy.width, y / anatomy.length) / (shrink * (1 + wobble))
    return (
        (1 - radius)
        * anatomy.width
        * anatomy.length
        / np.hypot(anatomy.length * np.cos(phi), anatomy.width * np.sin(phi))
    )


def _paint_brain(image: Field, anatomy: Anatomy, depth: Field, x: Field, y: Field, z: Field, pixel: float) -> None:
    """Grey cortex, white matter, sulci and fissures, deep nuclei, ventricles."""
    _paint(image, depth, GREY, pixel)
    folding = _folding(anatomy, depth, x, y, z)
    reach = 20.0  # mm that sulci go inwards
    ribbon = np.where(depth < reach, np.abs(folding) - 3.2, 4.0)  # distance from the grey around a sulcus
    midline = np.abs(x) - 4.0 * (np.abs(y) > 20)
    _paint(image, np.minimum(np.minimum(depth - 3.5, ribbon), midline), WHITE, pixel)
    sulcus = anatomy.sulci * (1 - depth / reach) - np.abs(folding)
    _paint(image, np.minimum(sulcus, depth + 1), CSF, pixel)
    _paint(image, np.minimum(0.5 + 0.6 * anatomy.fluid - np.abs(x), np.minimum(np.abs(y) - 30, depth + 2)), CSF, pixel)
    for side in (1, -1):
        _paint(image, np.minimum(_sylvian(anatomy, side * x, y, z), depth + 1), CSF, pixel)
        for nucleus in (THALAMUS, CAUDATE, PUTAMEN, PALLIDUM):
            placed = nucleus if side > 0 else nucleus.mirrored()
            _paint(image, placed.depth(x, y, z), GREY, pixel)
        for horn in (FRONTAL_HORN, VENTRICLE_BODY, OCCIPITAL_HORN):
            placed = replace(horn, width=horn.width * anatomy.ventricles, length=horn.length * anatomy.ventricles**0.3)
            _paint(image, (placed if side > 0 else placed.mirrored()).depth(x, y, z), CSF, pixel)
    third = replace(THIRD_VENTRICLE, width=THIRD_VENTRICLE.width * anatomy.ventricles**1.5)
    _paint(image, third.depth(x, y, z), CSF, pixel)


def _folding(anatomy: Anatomy, depth: Field, x: Field, y: Field, z: Field) -> Field:
    """A smooth field in mm whose zero lines are sulci: random waves around the head, slower inwards."""
    phi = np.arctan2(y, x)
    around, inward, upward, phase = anatomy.folds.T[..., None, None]
    waves = np.cos(around * phi + inward * np.maximum(depth, 0) + upward * z + phase)
    return 5.5 * waves.sum(0) / np.sqrt(len(anatomy.folds) / 2)


def _sylvian(anatomy: Anatomy, x: Field, y: Field, z: Field) -> Field:
    """Depth in mm inside the Sylvian fissure of the right side: a cleft from the surface to the insula."""
    along = np.clip((x - 36) / 26, 0, 1)
    centre = 8 + 3 * along + 0.15 * z
    cleft = 0.5 + 0.7 * anatomy.sulci + 1.0 * along - np.abs(y - centre)
    insula = 0.4 + 0.6 * anatomy.sulci - np.abs(x - 36 - 0.01 * (y - 8) ** 2)
    insula = np.minimum(insula, 15 - np.abs(y - 8))
    return np.minimum(np.maximum(np.minimum(cleft, x - 35), insula), 22 - np.abs(z))


def _paint(image: Field, depth: Field, hu: float, pixel: float) -> None:
    """Blend a tissue in, by how much of each pixel lies inside its surface (depth in mm, 0 at the surface)."""
    image += np.clip(depth / pixel + 0.5, 0, 1) * (hu - image)
