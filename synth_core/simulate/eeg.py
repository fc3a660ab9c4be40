"""A simulated cohort of 19-channel EEG: neural-mass sources over a 1/f background, mixed by a spherical head.

Every subject has two occipital patches with an alpha rhythm, an epileptogenic focus, and patches that the focus
excites. The class decides what the focus does: nothing, interictal spikes at known times, or a seizure that starts
with low-voltage fast activity, turns into rhythmic spikes, slows down and spreads. The models are in `neural_mass`
and `head`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, resample_poly, sosfiltfilt

from synth_core.data.recording import Annotation, Recording, Source
from synth_core.simulate.head import CHANNELS, direction, electrode_positions, leadfield
from synth_core.simulate.neural_mass import BLOCK, RATE, integrate
from synth_core.simulate.noise import band_noise, power_law_noise
from synth_core.simulate.recording import (
    Progress,
    SimulatedRecording,
    check_at_least,
    class_of,
    counted,
    one_hot,
    subject_rng,
)
from synth_core.types import DataSpec

CLASSES = ("background", "spikes", "seizure")
SOURCE = Source(
    name="SynthScope simulated EEG",
    licence="CC0-1.0",
    citation="After Wendling et al. 2002, Eur J Neurosci 15:1499, doi 10.1046/j.1460-9568.2002.01985.x.",
    simulated=True,
)
FOCI = {"temporal": (76, 92), "frontal": (58, 42), "central": (42, 84), "parietal": (55, 135)}  # as `head.direction`
ALPHA, FOCUS, SPREAD = slice(0, 2), 2, slice(3, 6)  # the patches of one subject
PATCHES = 6
WARM_UP = 2 * RATE  # steps until the patches have forgotten their start
DEPTH = 0.80  # of cortical sources, in head radii; the brain ends at 0.909
DIPOLES = 80  # of the 1/f background
SPIKE_SWING, ALPHA_SWING = 24.0, 3.8  # mV from trough to peak of the modelled potentials


@dataclass
class _Subject:
    """What is drawn for one subject before the patches are integrated."""

    rng: np.random.Generator
    name: str
    side: float  # 1 left, −1 right
    region: str
    gains: NDArray[np.float64]  # (3, blocks, patches): A, B, G in mV
    drive: NDArray[np.float32]  # (steps, patches)
    pace: NDArray[np.float64]
    coupling: NDArray[np.float64]
    severity: float
    annotations: tuple[Annotation, ...]


def eeg_cohort(
    subjects: int = 24, seed: int = 0, *, seconds: float = 40.0, rate: int = 128, progress: Progress | None = None
) -> list[Recording]:
    """Simulate 19-channel EEG, one recording per subject, classes in turn.

    Parameters
    ----------
    subjects : number of subjects; subject k is the same in every cohort of the same seed.
    seconds : duration of each recording. rate : samples per second, a divisor of 1024, at least 64.
    progress : hears of each subject that is done; what it raises cancels.

    Returns
    -------
    Recordings (19, samples) in µV, average reference, eyes closed. `annotations` mark every spike, or the seizure.
    `severity` is how much epileptiform activity there is: 0 without, 0.1 … 0.6 with spikes at 0.5 … 1.6 per second,
    0.7 … 1 for seizures by how strongly they spread.

    Raises
    ------
    InvalidSetting : for fewer than 1 subject, 4 seconds or 64 Hz.
    """
    check_at_least("subjects", subjects, 1)
    check_at_least("seconds", seconds, 4)
    check_at_least("rate", rate, 64)
    drawn = [_draw(number, seed, seconds) for number in range(subjects)]
    sources = _integrate_together(drawn)
    return [_record(number, drawn[number], sources[number], seconds, rate) for number in counted(subjects, progress)]


def _draw(number: int, seed: int, seconds: float) -> _Subject:
    rng = subject_rng(seed, number)
    name = class_of(number, CLASSES)
    steps = WARM_UP + int(np.ceil(seconds * RATE / BLOCK)) * BLOCK
    pace = np.concatenate([np.full(2, rng.uniform(0.80, 0.98)), rng.uniform(0.85, 1.05, 4)])
    gains = _background_gains(steps // BLOCK)
    drive = _drive(rng, steps)
    coupling = np.zeros(PATCHES)
    severity = 0.0
    annotations: tuple[Annotation, ...] = ()
    if name == "spikes":
        severity = rng.uniform(0.1, 0.6)
        gains[1, :, FOCUS:] = 46.0  # excitable: between type 1 and type 2, sporadic spikes
        coupling[SPREAD] = rng.uniform(20, 50, 3)
        annotations = _add_spikes(rng, drive, rate=0.5 + 2.2 * (severity - 0.1), seconds=seconds)
    if name == "seizure":
        severity = rng.uniform(0.7, 1.0)
        pace[FOCUS:] = pace[FOCUS]
        coupling[SPREAD] = 10 + 100 * (severity - 0.7)
        _add_seizure(rng, gains, seconds)
        annotations = (Annotation(0.0, seconds, "seizure"),)
    return _Subject(
        rng, name, float(rng.choice([1, -1])), str(rng.choice(list(FOCI))), gains, drive, pace, coupling,
        severity, annotations,
    )  # fmt: skip


def _background_gains(blocks: int) -> NDArray[np.float64]:
    gains = np.empty((3, blocks, PATCHES))
    gains[:, :, ALPHA] = np.array([3.25, 22.0, 0.0])[:, None, None]  # Jansen & Rit 1995: alpha
    gains[:, :, FOCUS:] = np.array([5.0, 50.0, 15.0])[:, None, None]  # Wendling et al. 2002, type 1: background
    return gains


def _drive(rng: np.random.Generator, steps: int) -> NDArray[np.float32]:
    drive = 90 + 30 * rng.standard_normal((steps, PATCHES), np.float32)  # Wendling et al. 2002, 1/s
    shared = rng.standard_normal((steps, 1), np.float32)  # thalamus drives both occipital poles
    drive[:, ALPHA] = 170 + 60 * (0.8 * shared + 0.02 * (drive[:, ALPHA] - 90))
    return drive


def _add_spikes(
    rng: np.random.Generator, drive: NDArray[np.float32], rate: float, seconds: float
) -> tuple[Annotation, ...]:
    """Add volleys to the focus; each fires one spike about 40 ms later. Intervals are at least 0.35 s."""
    count = int(3 * rate * seconds) + 10
    times = rng.uniform(0, 1) + np.cumsum(0.35 + rng.exponential(1 / rate - 0.35, count))
    times = times[times < seconds - 0.3]
    for time in times:
        start = WARM_UP + int(time * RATE)
        drive[start : start + 12, FOCUS] += rng.uniform(330, 460)
    return tuple(Annotation(round(float(time), 3), 0.2, "spike") for time in times)


def _add_seizure(rng: np.random.Generator, gains: NDArray[np.float64], seconds: float) -> None:
    """Change the inhibition of focus and neighbours in time: fast activity, then spikes that slow down, and spread."""
    time = (np.arange(gains.shape[1]) * BLOCK - WARM_UP) / RATE
    fast = rng.uniform(1.0, 2.5)
    delays = np.concatenate([[0.0], fast + np.sort(rng.uniform(0.3, 0.4 * min(seconds, 30), 3))])
    gains[0, :, SPREAD] = 3.25  # neighbours hold the focus off until they are recruited
    for patch, delay in enumerate(delays, start=FOCUS):
        recruited = time >= delay
        gains[0, recruited, patch] = 5.0
        progress = np.clip((time - delay) / max(seconds - delay, 1.0), 0, 1)
        gains[1, recruited, patch] = (20 + rng.uniform(6, 12) * progress)[recruited]  # type 3: sustained spikes
        gains[2, recruited, patch] = rng.uniform(10, 16)
    onset = (time >= 0) & (time < fast)
    gains[1, onset, FOCUS], gains[2, onset, FOCUS] = 5.0, 25.0  # type 5: low-voltage fast activity


def _integrate_together(drawn: list[_Subject], at_once: int = 32) -> list[NDArray[np.float32]]:
    """Potentials (patches, steps) in mV of every subject, without the warm-up; many at once, as Python is slow."""
    sources: list[NDArray[np.float32]] = []
    for first in range(0, len(drawn), at_once):
        group = drawn[first : first + at_once]
        gains = np.concatenate([subject.gains for subject in group], 2)
        focus = np.arange(len(group)).repeat(PATCHES) * PATCHES + FOCUS
        seen = integrate(
            gains[0],
            gains[1],
            gains[2],
            np.concatenate([subject.drive for subject in group], 1),
            pace=np.concatenate([subject.pace for subject in group]),
            upstream=focus,
            coupling=np.concatenate([subject.coupling for subject in group]),
        )
        sources += np.split(np.ascontiguousarray(seen[WARM_UP:].T), len(group))
    return sources


def _record(
    number: int, subject: _Subject, potentials: NDArray[np.float32], seconds: float, rate: int
) -> SimulatedRecording:
    rng = subject.rng
    samples = round(seconds * rate)
    high_pass = butter(2, 0.5, "highpass", fs=RATE, output="sos")  # an EEG amplifier is not coupled to direct current
    potentials = sosfiltfilt(high_pass, potentials - potentials.mean(1, keepdims=True), axis=1)
    slow = resample_poly(potentials, rate, RATE, axis=1)[:, :samples]
    exponent = rng.uniform(1.0, 1.7)
    electrodes = electrode_positions()
    values = _source_fields(rng, subject, electrodes) @ slow
    values += _background(rng, electrodes, samples, rate, exponent)
    values += rng.uniform(0.5, 1.2) * rng.standard_normal((len(CHANNELS), samples))
    values += _muscle(rng, samples, rate)
    values -= values.mean(0)
    truth: dict[str, Any] = {"reference": "average", "aperiodic_exponent": round(exponent, 3)}
    if subject.name != "background":
        truth |= {"focus": f"{'left' if subject.side > 0 else 'right'} {subject.region}"}
    return SimulatedRecording(
        spec=DataSpec("eeg", values.shape, "uV", rate, CHANNELS, CLASSES),
        subject=f"simulated-eeg-{number:04d}",
        record=f"eeg-{number:04d}",
        labels=one_hot(subject.name, CLASSES),
        severity=round(subject.severity, 3),
        annotations=subject.annotations,
        source=SOURCE,
        metadata=truth,
        values=values.astype(np.float32),
    )


def _source_fields(rng: np.random.Generator, subject: _Subject, electrodes: NDArray[np.float64]) -> NDArray[np.float64]:
    """µV at each electrode per mV of each patch, (19, 6), scaled by what the best electrode sees."""
    colatitude, azimuth = FOCI[subject.region]
    places = [(88.0, 155.0), (88.0, -155.0)]  # occipital poles
    places += [(colatitude, azimuth * subject.side), (colatitude - 22, (azimuth - 12) * subject.side)]
    places += [(colatitude + 2, (azimuth + 34) * subject.side), (colatitude, -azimuth * subject.side)]
    outward = np.array([direction(*place) for place in places]) + rng.normal(0, 0.04, (PATCHES, 3))
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    moments = -outward + rng.normal(0, 0.35, (PATCHES, 3))  # depolarised apical dendrites: negative at the scalp
    moments /= np.linalg.norm(moments, axis=1, keepdims=True)
    fields = leadfield(DEPTH * outward, moments, electrodes)
    fields /= np.abs(fields).max(0)
    swing = np.empty(PATCHES)
    alpha = rng.uniform(20, 60) * (0.4 if subject.name == "seizure" else 1.0)
    swing[ALPHA] = alpha * rng.uniform(0.8, 1.2, 2) / ALPHA_SWING
    largest = rng.uniform(200, 420) if subject.name == "seizure" else rng.uniform(90, 170)
    swing[FOCUS] = largest / SPIKE_SWING
    swing[SPREAD] = largest * rng.uniform([0.4, 0.3, 0.2], [0.7, 0.6, 0.5]) / SPIKE_SWING
    return fields * swing


def _background(
    rng: np.random.Generator, electrodes: NDArray[np.float64], samples: int, rate: float, exponent: float
) -> NDArray[np.float64]:
    """1/f activity of independent dipoles all over the cortex, (19, samples), 5 to 9 µV standard deviation."""
    outward = rng.standard_normal((DIPOLES, 3))
    outward[:, 2] = np.abs(outward[:, 2]) - 0.4
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    moments = rng.standard_normal((DIPOLES, 3)) + outward
    moments /= np.linalg.norm(moments, axis=1, keepdims=True)
    field = leadfield(DEPTH * outward, moments, electrodes)
    field *= rng.uniform(5, 9) / np.sqrt(np.mean(np.sum(field**2, 1)))
    return field @ power_law_noise(rng, (DIPOLES, samples), rate, exponent, lowest=1.0)


def _muscle(rng: np.random.Generator, samples: int, rate: float) -> NDArray[np.float64]:
    """Temporal and frontal muscle above 20 Hz, (19, samples) µV, in bursts."""
    near = np.isin(CHANNELS, ("T3", "T4", "F7", "F8", "Fp1", "Fp2"))[:, None]
    bursts = np.clip(0.6 + band_noise(rng, (len(CHANNELS), samples), rate, 0.02, 0.3), 0, None)
    return near * rng.uniform(0.3, 1.8) * bursts * band_noise(rng, (len(CHANNELS), samples), rate, 20, 0.45 * rate)
