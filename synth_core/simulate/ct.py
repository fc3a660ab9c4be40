"""A simulated cohort of head CT, with and without basal-ganglia calcification, whose lesions are known."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from synth_core.data.recording import Recording, Source
from synth_core.errors import InvalidSetting
from synth_core.simulate.phantom import CAUDATE, PALLIDUM, PUTAMEN, THALAMUS, Ellipsoid, draw_anatomy, head_slice
from synth_core.simulate.recording import (
    Progress,
    SimulatedRecording,
    check_at_least,
    class_of,
    counted,
    one_hot,
    subject_rng,
)
from synth_core.simulate.tomography import scan
from synth_core.types import DataSpec

CLASSES = ("no calcification", "calcification")
SOURCE = Source(
    name="SynthScope simulated head CT",
    licence="CC0-1.0",
    citation="Projection and reconstruction after Kak & Slaney 1988, Principles of Computerized Tomographic Imaging.",
    simulated=True,
)
FIELD_OF_VIEW = 240.0  # mm
OVERSAMPLING = 2  # the phantom is drawn finer than it is scanned
FIRST_LEVEL, LAST_LEVEL = -4.0, 13.0  # mm: every slice meets the basal ganglia
# Nuclei in the order in which Fahr disease calcifies them, with the severity from which each takes part.
# Manyam 2005, doi 10.1016/j.parkreldis.2004.12.001: the pallidum first and most.
SPREAD: tuple[tuple[Ellipsoid, float], ...] = ((PALLIDUM, 0.0), (PUTAMEN, 0.3), (CAUDATE, 0.45), (THALAMUS, 0.6))
LARGEST_ML = 26.0  # the volume that counts as severity 1


def ct_cohort(
    subjects: int = 30,
    seed: int = 0,
    *,
    size: int = 128,
    slices: int = 6,
    photons: float = 2.5e6,
    symmetric: bool = False,
    progress: Progress | None = None,
) -> list[Recording]:
    """Simulate head CT, one series per subject, classes in turn.

    Parameters
    ----------
    subjects : number of subjects; subject k is the same in every cohort of the same seed.
    size : pixels per side of a 240 mm field of view, 32 to 256. slices : axial slices through the basal ganglia.
    photons : per detector reading in air; fewer give more noise. symmetric : both sides calcify alike.
    progress : hears of each subject that is done; what it raises cancels.

    Returns
    -------
    Recordings (slices, size, size) in HU, upwards in the head, anterior at the top of the image. `lesion_mask` is the
    part of each pixel that is calcified; `severity` grows with the calcified volume, 0 without.

    Raises
    ------
    InvalidSetting : for fewer than 1 subject or slice, a size outside its range, or no photons.
    """
    check_at_least("subjects", subjects, 1)
    check_at_least("slices", slices, 1)
    check_at_least("photons", photons, 100)
    if not 32 <= size <= 256:
        raise InvalidSetting(f"The `size` of a simulated CT must be 32 to 256 pixels. Got {size} instead.")
    return [_simulate(number, seed, size, slices, photons, symmetric) for number in counted(subjects, progress)]


def _simulate(number: int, seed: int, size: int, slices: int, photons: float, symmetric: bool) -> Recording:
    rng = subject_rng(seed, number)
    name = class_of(number, CLASSES)
    levels = np.linspace(FIRST_LEVEL, LAST_LEVEL, slices)
    extent = rng.uniform(0.1, 1.0) if name == "calcification" else 0.0
    tissue, mask = draw_slices(rng, extent, levels, size, symmetric)
    values = scan(tissue, FIELD_OF_VIEW / size, photons, rng)
    spacing = float(np.ptp(levels)) / max(slices - 1, 1)
    millilitres = float(mask.sum()) * (FIELD_OF_VIEW / size) ** 2 * spacing / 1000
    truth: dict[str, Any] = {"calcified_ml": round(millilitres, 2), "levels_mm": [round(float(z), 1) for z in levels]}
    return SimulatedRecording(
        spec=DataSpec("ct", (1, size, size), "HU", size / FIELD_OF_VIEW, (), CLASSES),
        subject=f"simulated-ct-{number:04d}",
        record=f"ct-{number:04d}",
        labels=one_hot(name, CLASSES),
        severity=round(min(millilitres / LARGEST_ML, 1.0), 3),
        slices=slices,
        source=SOURCE,
        metadata=truth,
        values=values,
        mask=mask,
    )


def draw_slices(
    rng: np.random.Generator, extent: float, levels: NDArray[np.float64], size: int, symmetric: bool
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Slices in HU and the calcified part of each pixel, both (slices, size, size), before the scanner.

    Parameters
    ----------
    extent : 0 none, 1 all nuclei. levels : heights of the slices in mm.
    """
    anatomy = draw_anatomy(rng)
    fine = size * OVERSAMPLING
    x, y = _head_grid(fine, anatomy.turn, anatomy.shift)
    deposits = _deposits(rng, extent, symmetric)
    lumps = _lumps(rng, (len(levels), fine, fine), FIELD_OF_VIEW / fine)
    tissue, calcified = np.empty_like(lumps), np.zeros_like(lumps)
    for number, level in enumerate(levels):
        tissue[number] = head_slice(anatomy, x, y, float(level))
        # A symmetric pair has the same lumps on both sides.
        texture = lumps[number] if not symmetric else 0 * lumps[number]
        for structure, hu in deposits:
            depth = structure.depth(x, y, np.full_like(x, level)) + 1.2 * texture
            inside = np.clip(depth * fine / FIELD_OF_VIEW + 0.5, 0, 1)
            target = np.clip(hu * (1 + 0.2 * texture) * np.clip(0.55 + depth / 5, 0.5, 1), 100, 400)
            tissue[number] += inside * np.maximum(target - tissue[number], 0)
            calcified[number] = np.maximum(calcified[number], inside)
    return _binned(tissue), _binned(calcified)


def _head_grid(size: int, turn: float, shift: tuple[float, float]) -> tuple[NDArray, NDArray]:
    """Head coordinates in mm of each pixel, (size, size): x right, y anterior, the first row anterior."""
    centres = (np.arange(size) + 0.5) / size * FIELD_OF_VIEW - FIELD_OF_VIEW / 2
    across, down = np.meshgrid(centres - shift[0], centres - shift[1])
    angle = np.deg2rad(turn)
    return np.cos(angle) * across - np.sin(angle) * down, -np.sin(angle) * across - np.cos(angle) * down


def _deposits(rng: np.random.Generator, extent: float, symmetric: bool) -> list[tuple[Ellipsoid, float]]:
    """Calcified structures and their HU: both sides, the second somewhat different unless symmetric."""
    deposits = []
    for nucleus, threshold in SPREAD:
        if extent <= threshold:
            continue
        size = 0.55 + 0.5 * min((extent - threshold) / 0.5, 1) * rng.uniform(0.85, 1.1)
        hu = rng.uniform(140, 240) + 140 * extent
        other = (1.0, 1.0) if symmetric else (rng.uniform(0.75, 1.1), rng.uniform(0.75, 1.15))
        deposits.append((nucleus.scaled(size), hu))
        deposits.append((nucleus.mirrored().scaled(size * other[0]), hu * other[1]))
    return deposits


def _lumps(rng: np.random.Generator, shape: tuple[int, ...], pixel_mm: float) -> NDArray[np.float64]:
    """Texture of unit variance with grains of about 3 mm, alike in neighbouring slices."""
    texture = gaussian_filter(rng.standard_normal(shape), (0.8, 1.3 / pixel_mm, 1.3 / pixel_mm), mode="wrap")
    return texture / texture.std()


def _binned(fine: NDArray[np.float64]) -> NDArray[np.float32]:
    count, size, _ = fine.shape
    coarse = size // OVERSAMPLING
    return fine.reshape(count, coarse, OVERSAMPLING, coarse, OVERSAMPLING).mean((2, 4)).astype(np.float32)
