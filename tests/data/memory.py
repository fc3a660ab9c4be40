"""Recordings in memory, for tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth_core.data import Recording
from synth_core.types import UNITS, DataSpec, Modality


@dataclass(kw_only=True)
class InMemory(Recording):
    values: NDArray[np.float32]
    mask: NDArray[np.float32] | None = None

    def read(self, start: int | None = None, stop: int | None = None) -> NDArray[np.float32]:
        return self.values[start:stop] if self.spec.is_image else self.values[:, start:stop]

    def lesion_mask(self, start: int | None = None, stop: int | None = None) -> NDArray[np.float32] | None:
        return None if self.mask is None else self.mask[start:stop]


def signal(
    values: NDArray[np.float32],
    *,
    rate: float = 100.0,
    subject: str = "s",
    record: str = "r",
    channels: Sequence[str] = (),
    labels: dict[str, int] | None = None,
    modality: Modality = "eeg",
) -> InMemory:
    names = tuple(channels) or tuple(f"C{i}" for i in range(len(values)))
    spec = DataSpec(modality, values.shape, UNITS[modality], rate, names)
    return InMemory(spec=spec, subject=subject, record=record, labels=labels or {}, values=values.astype(np.float32))


def noise_cohort(subjects: int, labels: Sequence[dict[str, int]], seconds: float = 5.0) -> list[InMemory]:
    rng = np.random.default_rng(0)
    return [
        signal(
            rng.normal(size=(2, int(100 * seconds))), subject=f"s{i}", record=f"r{i}", labels=labels[i % len(labels)]
        )
        for i in range(subjects)
    ]


def head_series(slices: int = 6, size: int = 128, spacing: float = 2.0, subject: str = "s") -> InMemory:
    """A ball of 40 HU with a shell of 1000 HU, 160 mm across, off the centre; a lesion in the middle of it."""
    grid = (np.arange(size) - size / 2) * spacing
    y, x = np.meshgrid(grid - 10, grid + 14, indexing="ij")
    distance = np.hypot(x, y)
    one = np.where(distance < 72, 40.0, np.where(distance < 80, 1000.0, -1000.0))
    mask = (distance < 10).astype(np.float32)
    volume = np.repeat(one[None], slices, axis=0).astype(np.float32)
    volume[-1] = -1000.0
    spec = DataSpec("ct", (1, size, size), "HU", 1 / spacing)
    return InMemory(
        spec=spec, subject=subject, record=subject, slices=slices, values=volume, mask=np.repeat(mask[None], slices, 0)
    )
