"""Simulated recordings, held in memory, and the seeding that keeps one subject the same in every cohort."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth_core.data.recording import Recording
from synth_core.errors import InvalidSetting

Progress = Callable[[int, int, str], None]


@dataclass(kw_only=True)
class SimulatedRecording(Recording):
    """A recording that was computed, so that everything about it is known.

    Parameters
    ----------
    values : (channels, samples) or (slices, height, width) float32 in the unit of the spec.
    mask : (slices, height, width) in [0, 1], the part of each pixel that is lesion; None for signals.
    """

    values: NDArray[np.float32]
    mask: NDArray[np.float32] | None = None

    def read(self, start: int | None = None, stop: int | None = None) -> NDArray[np.float32]:
        """Samples or slices start … stop − 1; see `Recording.read`."""
        return self.values[start:stop] if self.spec.is_image else self.values[:, start:stop]

    def lesion_mask(self, start: int | None = None, stop: int | None = None) -> NDArray[np.float32] | None:
        """The known lesion of slices start … stop − 1; see `Recording.lesion_mask`."""
        return None if self.mask is None else self.mask[start:stop]


def subject_rng(seed: int, subject: int) -> np.random.Generator:
    """The randomness of one subject: it depends on the seed and the subject's number, not on the cohort's size."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(subject,)))


def class_of(subject: int, classes: tuple[str, ...]) -> str:
    """Classes take turns, so that every cohort is as balanced as its size allows."""
    return classes[subject % len(classes)]


def counted(subjects: int, progress: Progress | None) -> Iterator[int]:
    """The numbers of the subjects; `progress` hears of each one that is done, and may raise to cancel."""
    for number in range(subjects):
        yield number
        if progress is not None:
            progress(number + 1, subjects, f"subject {number + 1} of {subjects}")


def one_hot(name: str, classes: tuple[str, ...]) -> dict[str, int]:
    """Labels of a recording that is of one class."""
    return {each: int(each == name) for each in classes}


def check_at_least(name: str, value: float, least: float) -> None:
    """Raise InvalidSetting unless value ≥ least."""
    if not value >= least:
        raise InvalidSetting(f"The `{name}` of a simulated cohort must be at least {least:g}. Got {value:g} instead.")
