"""Calcifications put into real head CT: volume, density and symmetry are chosen, so the truth is known exactly.

There is no public labelled CT of Fahr disease; this is how methods are exercised on real anatomy. Shapes follow the
nuclei of the phantom, fitted to the brain of the slices, in the order in which the disease calcifies them (Manyam
2005, doi 10.1016/j.parkreldis.2004.12.001). Everything made here is labelled as implanted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from synth_core.data.lesions import brain_mask, severity_of_volume, slice_distance
from synth_core.data.recording import Recording
from synth_core.errors import DataError, InvalidSetting
from synth_core.simulate.ct import SPREAD
from synth_core.simulate.recording import subject_rng

CLASSES = ("calcification",)
INNER_WIDTH, INNER_LENGTH = 60.0, 77.0  # mm, half axes of the brain that the nuclei are placed in
LAG = 8.0  # mm that a nucleus of severity threshold 1 calcifies later than the first
LUMPS = 1.2  # mm, unevenness of the surface
GRAINS = 9.0  # mm, its longest wave
DEPTHS = 3  # levels within a slice whose parts are averaged
LEVEL = 0.45  # of the height of the brain, from below: where the basal ganglia lie
TALL = 0.4  # of the largest area: slices with less brain are not counted in its height
WIDEST, TALLEST = 50.0, 30.0  # mm from the middle that a deposit reaches
SMALLEST_BRAIN = 60.0  # mm: a slice with less across cannot hold basal ganglia
NOISE_SCALE = 1.5  # mm: what is finer stays as it is in the image
EDGE = 0.55  # of the density that the surface of a deposit has
VOLUMES, PEAKS, SYMMETRIES = (200.0, 8000.0), (150.0, 400.0), (0.6, 1.0)  # mm³, HU, drawn for a cohort


@dataclass(frozen=True)
class Request:
    """What to implant.

    Parameters
    ----------
    volume_mm3 : of both sides together. peak_hu : the densest place, before noise.
    symmetry : 1 both sides are mirror images, 0 each side has its own shape and amount.
    """

    volume_mm3: float
    peak_hu: float
    symmetry: float

    def __post_init__(self) -> None:
        for name, low, high in (("volume_mm3", 1, 60_000), ("peak_hu", 100, 3000), ("symmetry", 0, 1)):
            value = getattr(self, name)
            if not low <= value <= high:
                raise InvalidSetting(f"The `{name}` of an implant must be {low:g} to {high:g}. Got {value:g} instead.")


def implant(
    image_hu: NDArray[np.float32],
    spacing: tuple[float, float, float],
    *,
    volume_mm3: float,
    peak_hu: float,
    symmetry: float,
    rng: np.random.Generator,
) -> tuple[NDArray[np.float32], NDArray[np.float32], float]:
    """Calcify the basal ganglia of a slice or a volume.

    Parameters
    ----------
    image_hu : (height, width) or (slices, height, width) HU, upwards, anterior at the top. Of a volume, the slices at
        45 % of the height of the brain are taken to hold the basal ganglia.
    spacing : mm between slices, rows, columns.

    Returns
    -------
    The image with calcifications; the part of each pixel that is calcified, whose sum times the voxel is `volume_mm3`;
    severity v / (v + 1000 mm³). The finest detail of the image, its noise, stays on top of what is implanted.

    Raises
    ------
    InvalidSetting : for a value out of its range, an image without enough brain, or a volume that does not fit.
    """
    request = Request(volume_mm3, peak_hu, symmetry)
    volume = np.asarray(image_hu, np.float32)
    if volume.ndim == 2:
        calcified, part, severity = implant(volume[None], spacing, **vars(request), rng=rng)
        return calcified[0], part[0], severity
    brains = np.stack([brain_mask(one, 2 / (spacing[1] + spacing[2])) for one in volume])
    part, density = _deposit(brains, spacing, request, rng)
    calcified = volume.copy()
    for number in np.flatnonzero(part.any((1, 2))):
        smooth = ndimage.gaussian_filter(volume[number], np.divide(NOISE_SCALE, spacing[1:]), mode="nearest")
        calcified[number] += part[number] * np.maximum(density[number] - smooth, 0)
    return calcified, part, severity_of_volume(volume_mm3)


@dataclass(kw_only=True)
class ImplantedRecording(Recording):
    """A real CT with calcifications that were put in on the first `read`, or, without a request, left as it is.

    Only the slices and the box that change are kept.
    """

    original: Recording
    request: Request | None
    seed: tuple[int, int]

    def read(self, start: int | None = None, stop: int | None = None) -> NDArray[np.float32]:
        """See Recording."""
        first, last = self.span(start, stop)
        values = self.original.read(first, last)
        if self.request is not None:
            for number, box, changed, _ in self._changes:
                if first <= number < last:
                    values[number - first][box] = changed
        return values

    def lesion_mask(self, start: int | None = None, stop: int | None = None) -> NDArray[np.float32]:
        """What was implanted; calcifications that the person had before are not in it."""
        first, last = self.span(start, stop)
        mask = np.zeros((last - first, *self.spec.shape[1:]), np.float32)
        if self.request is not None:
            for number, box, _, part in self._changes:
                if first <= number < last:
                    mask[number - first][box] = part
        return mask

    @cached_property
    def _changes(self) -> list[tuple[int, tuple[slice, slice], NDArray[np.float32], NDArray[np.float32]]]:
        """Slice, box, values and calcified part of what the implant changes."""
        assert self.request is not None
        between, side = slice_distance(self.original), 1 / self.spec.rate
        first, last = self._level(between)
        volume = self.original.read(first, last)
        try:
            rng = np.random.default_rng(np.random.SeedSequence(self.seed[0], spawn_key=(self.seed[1], 1)))
            values, part, _ = implant(volume, (between, side, side), **vars(self.request), rng=rng)
        except InvalidSetting as error:
            raise DataError(self.record, f"cannot take an implant: {error} Leave it out.") from error
        changes = []
        for number in range(last - first):
            if part[number].any():
                rows, columns = ndimage.find_objects((part[number] > 0).astype(np.uint8))[0]
                kept = values[number, rows, columns].copy(), part[number, rows, columns].copy()
                changes.append((first + number, (rows, columns), *kept))
        return changes

    def _level(self, between: float) -> tuple[int, int]:
        """First and last slice of those around the basal ganglia, found without holding the series in memory."""
        areas = [int(brain_mask(self.original.read(i, i + 1)[0], self.spec.rate).sum()) for i in range(self.slices)]
        middle, reach = _level_of(np.array(areas)), int(np.ceil(TALLEST / between))
        return max(0, middle - reach), min(self.slices, middle + reach + 1)


def implant_cohort(recordings: Sequence[Recording], seed: int, share: float = 0.5) -> list[Recording]:
    """The same CT, calcifications implanted into a share of the subjects; volume, density and symmetry are drawn.

    Volumes are log-uniform from 0.2 to 8 ml, peaks uniform from 150 to 400 HU, symmetry from 0.6 to 1. All get the
    labels {"calcification": 0 or 1}, a mask, a severity, and a source that says that it is partly simulated.

    Raises
    ------
    InvalidSetting : for a share outside [0, 1], or recordings that are not CT.
    """
    if not 0 <= share <= 1:
        raise InvalidSetting(f"The `share` of an implanted cohort must be 0 to 1. Got {share:g} instead.")
    if not recordings or any(not one.spec.is_image for one in recordings):
        raise InvalidSetting("Calcifications can be implanted into CT only; choose recordings that are head CT.")
    subjects = list(dict.fromkeys(one.subject for one in recordings))
    order = np.random.default_rng(seed).permutation(len(subjects))
    chosen = {subjects[i] for i in order[: round(share * len(subjects))]}
    return [_implanted(one, number, seed, one.subject in chosen) for number, one in enumerate(recordings)]


def _implanted(original: Recording, number: int, seed: int, calcify: bool) -> ImplantedRecording:
    rng = subject_rng(seed, number)
    drawn = Request(
        volume_mm3=float(np.exp(rng.uniform(*np.log(VOLUMES)))),
        peak_hu=float(rng.uniform(*PEAKS)),
        symmetry=float(rng.uniform(*SYMMETRIES)),
    )
    truth = {"implanted": {name: round(value, 2) for name, value in vars(drawn).items()} if calcify else "nothing"}
    return ImplantedRecording(
        spec=replace(original.spec, classes=CLASSES),
        subject=original.subject,
        record=original.record,
        labels={"calcification": int(calcify)},
        severity=round(severity_of_volume(drawn.volume_mm3), 3) if calcify else 0.0,
        slices=original.slices,
        source=replace(original.source, name=f"{original.source.name}, calcifications implanted", simulated=True),
        metadata={**original.metadata, **truth},
        original=original,
        request=drawn if calcify else None,
        seed=(seed, number),
    )


def _level_of(areas: NDArray[np.int64]) -> int:
    """The slice at the height of the basal ganglia; the only one where there is one."""
    tall = np.flatnonzero(areas >= max(1.0, TALL * areas.max(initial=0)))
    if not len(tall):
        return len(areas) // 2
    wanted = tall[0] + LEVEL * (tall[-1] - tall[0])
    return int(tall[np.abs(tall - wanted).argmin()])


def _deposit(
    brains: NDArray[np.bool_], spacing: tuple[float, float, float], request: Request, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The calcified part of each pixel and the density of the deposit there, both (slices, height, width)."""
    level = _level_of(brains.sum((1, 2)))
    across, along = _coordinates(brains[level], spacing)
    heights = (np.arange(len(brains)) - level) * spacing[0]
    near = np.flatnonzero(np.abs(heights) <= TALLEST)
    box = ndimage.find_objects(((np.abs(across) < WIDEST) & (np.abs(along) < WIDEST)).astype(np.uint8))[0]
    where = (slice(int(near[0]), int(near[-1]) + 1), *box)
    shape = _Shape(request.symmetry, rng)
    within = ((np.arange(DEPTHS) + 0.5) / DEPTHS - 0.5) * spacing[0]
    depth = np.array(
        [[shape.depth(across[box], along[box], z + dz) for z in heights[near]] for dz in within], np.float32
    )  # (depths, slices, height, width), mm inside the surface of the first nucleus
    inside = _of_volume(depth, brains[where], spacing, request.volume_mm3)
    deep = depth.max(0)
    surface, core = float(deep[inside > 0].min()), float(deep[inside >= inside.max() - 1e-6].max())
    inward = np.clip((deep - surface) / max(core - surface, 1e-6), 0, 1)
    part, density = np.zeros(brains.shape, np.float32), np.zeros(brains.shape, np.float32)
    part[where], density[where] = inside, request.peak_hu * (EDGE + (1 - EDGE) * inward)
    return part, density


def _of_volume(
    depth: NDArray[np.float32], brains: NDArray[np.bool_], spacing: tuple[float, float, float], wanted: float
) -> NDArray[np.float32]:
    """The part of each pixel that lies deeper than the level at which the whole has the wanted volume (bisection)."""
    pixel, voxel = (spacing[1] + spacing[2]) / 2, float(np.prod(spacing))

    def part(level: float) -> NDArray[np.float32]:
        inside: NDArray[np.float32] = np.clip((depth - level) / pixel + 0.5, 0, 1).mean(0) * brains
        return inside

    low, high = float(depth.min()) - pixel, float(depth.max()) + pixel
    room = float(part(low).sum()) * voxel
    if room < wanted:
        raise InvalidSetting(f"A volume of {wanted:g} mm³ does not fit into {room:.0f} mm³ of brain; ask for less.")
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if float(part(middle).sum()) * voxel > wanted else (low, middle)
    return part((low + high) / 2).astype(np.float32)


def _coordinates(
    brain: NDArray[np.bool_], spacing: tuple[float, float, float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """mm to the right of the image and to the front of each pixel, as in a brain of the usual size and not turned."""
    rows, columns = np.nonzero(brain)
    if not len(rows) or min(np.ptp(columns) * spacing[2], np.ptp(rows) * spacing[1]) < SMALLEST_BRAIN:
        raise InvalidSetting("There is no closed outline of a brain of at least 60 mm.")
    up, right = -(np.arange(brain.shape[0]) - rows.mean()) * spacing[1], np.arange(brain.shape[1]) - columns.mean()
    grid_y, grid_x = np.meshgrid(up, right * spacing[2], indexing="ij")
    turn, shift = _midline(brain, spacing)
    across, along = _turned(grid_x, grid_y, turn)
    across = across - shift
    half_width, half_length = (np.quantile(np.abs(axis[rows, columns]), 0.99) for axis in (across, along))
    return across * INNER_WIDTH / half_width, along * INNER_LENGTH / half_length


def _midline(brain: NDArray[np.bool_], spacing: tuple[float, float, float]) -> tuple[float, float]:
    """Turn in radians and distance in mm from the centre of the line about which the outline is most its own mirror."""
    rows, columns = np.nonzero(brain)
    some = np.linspace(0, len(rows) - 1, min(len(rows), 2000)).astype(int)
    x, y = (columns[some] - columns.mean()) * spacing[2], (rows.mean() - rows[some]) * spacing[1]
    best = (-1.0, 0.0, 0.0)
    for turn in np.deg2rad(np.arange(-20, 20.5, 1.0)):
        across, along = _turned(x, y, turn)
        for shift in np.arange(-6, 6.5, 1.0):
            mirrored_x, mirrored_y = _turned(2 * shift - across, along, -turn)
            row = np.rint(rows.mean() - mirrored_y / spacing[1]).astype(int).clip(0, brain.shape[0] - 1)
            column = np.rint(columns.mean() + mirrored_x / spacing[2]).astype(int).clip(0, brain.shape[1] - 1)
            best = max(best, (float(brain[row, column].mean()), float(turn), float(shift)))
    return best[1], best[2]


def _turned(
    x: NDArray[np.float64], y: NDArray[np.float64], turn: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return np.cos(turn) * x - np.sin(turn) * y, np.sin(turn) * x + np.cos(turn) * y


class _Shape:
    """A pair of deposits: nuclei with uneven surfaces, alike on both sides as far as the symmetry goes."""

    def __init__(self, symmetry: float, rng: np.random.Generator) -> None:
        self.symmetry = symmetry
        waves = 12
        self.numbers = rng.normal(0, 2 * np.pi / GRAINS / 1.7, (2, waves, 3))  # of each side, per mm
        self.phases = rng.uniform(0, 2 * np.pi, (2, waves))
        self.later = (1 - symmetry) * rng.uniform(0, 5.0)  # mm by which one side lags
        self.side = rng.choice([-1.0, 1.0])

    def depth(self, x: NDArray[np.float64], y: NDArray[np.float64], z: float) -> NDArray[np.float64]:
        """mm inside the surface of the first nucleus that calcifies."""
        right = np.abs(x)
        level = np.full_like(right, z)
        nearest = np.max([nucleus.depth(right, y, level) - LAG * threshold for nucleus, threshold in SPREAD], axis=0)
        own = np.where(x * self.side > 0, self._lumps(0, right, y, z), self._other(right, y, z) - self.later / LUMPS)
        return nearest + LUMPS * own

    def _other(self, x: NDArray[np.float64], y: NDArray[np.float64], z: float) -> NDArray[np.float64]:
        alike, apart = self.symmetry, np.sqrt(1 - self.symmetry**2)
        return alike * self._lumps(0, x, y, z) + apart * self._lumps(1, x, y, z)

    def _lumps(self, side: int, x: NDArray[np.float64], y: NDArray[np.float64], z: float) -> NDArray[np.float64]:
        total = np.zeros_like(x)
        for (kx, ky, kz), phase in zip(self.numbers[side], self.phases[side], strict=True):
            total += np.cos(kx * x + ky * y + kz * z + phase)
        return total / np.sqrt(len(self.phases[side]) / 2)
