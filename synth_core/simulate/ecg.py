"""A simulated cohort of 12-lead ECGs in five classes; the beat model is in `heartbeat`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth_core.data.recording import Recording, Source
from synth_core.leads import TWELVE_LEADS
from synth_core.simulate.heartbeat import QRS, ST, Heart, P, T, draw_gains, gains_of, twelve_leads, wave_trains
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

CLASSES = ("normal", "bradycardia", "tachycardia", "atrial fibrillation", "ST elevation")
SOURCE = Source(
    name="SynthScope simulated ECG",
    licence="CC0-1.0",
    citation="After McSharry et al. 2003, IEEE Trans Biomed Eng 50:289, doi 10.1109/TBME.2003.808805.",
    simulated=True,
)
HEART_RATE = {  # beats per minute, uniform
    "normal": (60.0, 95.0),
    "bradycardia": (38.0, 52.0),
    "tachycardia": (108.0, 150.0),
    "atrial fibrillation": (72.0, 135.0),
    "ST elevation": (62.0, 100.0),
}
# Injury vectors at 1 mV: frontal mV and axis, precordial mV. Regions: Fourth Universal Definition of MI (2018).
INJURY: dict[str, tuple[float, float, tuple[float, ...]]] = {
    "inferior": (1.0, 98.0, (-0.10, -0.35, -0.30, -0.10, 0.10, 0.15)),
    "anterior": (0.35, -45.0, (0.55, 1.00, 1.10, 0.85, 0.45, 0.20)),
}


def ecg_cohort(
    subjects: int = 40, seed: int = 0, *, seconds: float = 60.0, rate: float = 250.0, progress: Progress | None = None
) -> list[Recording]:
    """Simulate 12-lead ECGs, one recording per subject, classes in turn.

    Parameters
    ----------
    subjects : number of subjects; subject k is the same in every cohort of the same seed.
    seconds : duration of each recording. rate : samples per second, at least 100.
    progress : hears of each subject that is done; what it raises cancels.

    Returns
    -------
    Recordings (12, samples) in mV, leads I II III aVR aVL aVF V1–V6; `metadata` has the mean heart rate, the QRS
    axis and, for ST elevation, region and millivolts of the injury.

    Raises
    ------
    InvalidSetting : for fewer than 1 subject, 5 seconds or 100 Hz.
    """
    check_at_least("subjects", subjects, 1)
    check_at_least("seconds", seconds, 5)
    check_at_least("rate", rate, 100)
    return [_simulate(number, seed, seconds, rate) for number in counted(subjects, progress)]


def _simulate(number: int, seed: int, seconds: float, rate: float) -> Recording:
    rng = subject_rng(seed, number)
    name = class_of(number, CLASSES)
    samples = round(seconds * rate)
    clean, truth = clean_leads(rng, name, samples, rate)
    values = twelve_leads(clean + electrode_noise(rng, samples, rate, truth["respiration"]))
    return SimulatedRecording(
        spec=DataSpec("ecg", values.shape, "mV", rate, TWELVE_LEADS, CLASSES),
        subject=f"simulated-ecg-{number:04d}",
        record=f"ecg-{number:04d}",
        labels=one_hot(name, CLASSES),
        source=SOURCE,
        metadata=truth,
        values=values.astype(np.float32),
    )


def clean_leads(
    rng: np.random.Generator, name: str, samples: int, rate: float
) -> tuple[NDArray[np.float64], dict[str, Any]]:
    """Leads I, II, V1 … V6 without noise, (8, samples) in mV, and the truth about them."""
    gains, axis = draw_gains(rng)
    heart_rate, respiration = rng.uniform(*HEART_RATE[name]), rng.uniform(0.18, 0.32)
    truth: dict[str, Any] = {"axis": round(axis, 1), "respiration": round(respiration, 3)}
    heart = Heart(gains, pr=rng.uniform(0.125, 0.175), qt=rng.uniform(0.37, 0.42), qrs_stretch=rng.uniform(0.88, 1.12))
    if name == "ST elevation":
        heart, injury = injured(heart, rng)
        truth |= injury
    if name == "atrial fibrillation":
        heart = replace(heart, gains=np.where(np.arange(gains.shape[1]) < P.stop, 0.0, heart.gains))
        intervals = irregular_intervals(rng, heart_rate, samples / rate)
    else:
        intervals = sinus_intervals(rng, heart_rate, samples / rate, respiration)
    peaks = np.cumsum(intervals) - rng.uniform(1.0, 2.0)
    inside = peaks[(peaks >= 0) & (peaks < samples / rate)]
    truth["heart_rate"] = round(60 / float(np.mean(np.diff(inside))), 2)
    leads = heart.gains @ wave_trains(heart, peaks, samples, rate)
    leads *= 1 + rng.uniform(0.01, 0.05) * np.sin(2 * np.pi * respiration * np.arange(samples) / rate)
    if name == "atrial fibrillation":
        leads += fibrillatory_waves(rng, samples, rate)
    return leads, truth


def sinus_intervals(rng: np.random.Generator, heart_rate: float, seconds: float, respiration: float) -> NDArray:
    """RR intervals in s, of mean 60 / heart_rate: respiratory arrhythmia, Mayer waves at 0.1 Hz and 1/f drift."""
    mean = 60 / heart_rate
    beats = int(seconds / mean * 1.15) + 8
    time = np.arange(beats) * mean
    slowness = min(1.0, mean) ** 1.5  # a fast heart varies less
    breathing = rng.uniform(0.015, 0.055) * np.sin(2 * np.pi * respiration * time + rng.uniform(0, 2 * np.pi))
    mayer = rng.uniform(0.01, 0.03) * np.sin(2 * np.pi * 0.1 * time + rng.uniform(0, 2 * np.pi))
    drift = 0.015 * power_law_noise(rng, (beats,), 1 / mean, 1.0, 0.01)
    return mean * (1 + slowness * (breathing + mayer + drift))


def irregular_intervals(rng: np.random.Generator, heart_rate: float, seconds: float) -> NDArray:
    """RR intervals of atrial fibrillation in s: independent, skewed, coefficient of variation 0.17 to 0.27."""
    mean = 60 / heart_rate
    beats = int(seconds / mean * 1.3) + 12
    variation = rng.uniform(0.18, 0.28)
    floor = 0.45 * mean  # refractory AV node
    shape = ((mean - floor) / (variation * mean)) ** 2
    return floor + rng.gamma(shape, (mean - floor) / shape, beats)


def fibrillatory_waves(rng: np.random.Generator, samples: int, rate: float) -> NDArray[np.float64]:
    """f-waves in I, II, V1 … V6, (8, samples) mV: saw-tooth of wandering frequency in 4 to 9 Hz, largest in V1.

    Model: Stridh & Sörnmo 2001, doi 10.1109/10.959326: three harmonics under slow frequency and amplitude modulation.
    """
    view = np.array([0.35, 0.8, 1.3, 0.8, 0.5, 0.35, 0.3, 0.25])
    total = np.zeros((8, samples))
    for share in (1.0, 0.5):  # two atrial wavefronts
        frequency = rng.uniform(4.8, 7.8) + 0.5 * band_noise(rng, (samples,), rate, 0.05, 1.0)
        phase = 2 * np.pi * np.cumsum(np.clip(frequency, 4, 9)) / rate + rng.uniform(0, 2 * np.pi)
        size = np.clip(1 + 0.35 * band_noise(rng, (samples,), rate, 0.05, 0.8), 0.2, 2)
        wave = size * sum(np.sin(harmonic * phase) / harmonic for harmonic in (1, 2, 3))
        total += share * (view * np.exp(rng.normal(0, 0.3, 8)))[:, None] * wave
    return rng.uniform(0.035, 0.075) * total


def injured(heart: Heart, rng: np.random.Generator) -> tuple[Heart, dict[str, Any]]:
    """The heart with a current of injury: J point up in its region, down opposite, and taller T in the same leads."""
    region = str(rng.choice(list(INJURY)))
    millivolts = rng.uniform(0.22, 0.45)
    frontal, axis, precordial = INJURY[region]
    size = millivolts * np.exp(rng.normal(0, 0.1, 6))
    one_wave = gains_of(
        np.array([millivolts * frontal]), np.array([axis + rng.normal(0, 6)]), (size * precordial)[None]
    )
    gains = heart.gains.copy()
    gains[:, ST] += one_wave
    gains[:, T] += rng.uniform(0.15, 0.45) * one_wave
    if region == "anterior":
        gains[2:6, QRS][:, 1] *= rng.uniform(0.5, 0.9)  # loss of R over the injured wall
    return replace(heart, gains=gains), {"region": region, "injury_mv": round(millivolts, 3)}


def electrode_noise(rng: np.random.Generator, samples: int, rate: float, respiration: float) -> NDArray[np.float64]:
    """Noise of I, II, V1 … V6, (8, samples) mV, from noise at the nine electrodes RA, LA, LL, C1 … C6.

    Baseline wander with breathing and drift, muscle noise in bursts, and mains where the rate can hold it.
    """
    time = np.arange(samples) / rate
    breath = np.sin(2 * np.pi * respiration * time + rng.uniform(0, 2 * np.pi))
    wander = rng.uniform(0.01, 0.05, (9, 1)) * breath + 0.03 * rng.uniform(0.4, 1.6) * power_law_noise(
        rng, (9, samples), rate, 2.0, 0.05
    )
    bursts = np.clip(1 + 0.6 * band_noise(rng, (9, samples), rate, 0.02, 0.3), 0.2, None)
    muscle = rng.uniform(0.004, 0.011) * bursts * band_noise(rng, (9, samples), rate, 15.0, 0.45 * rate)
    noise = wander + muscle
    mains = rng.choice([50.0, 60.0])
    if rate > 2.5 * mains:
        noise += rng.uniform(0, 0.006, (9, 1)) * np.sin(2 * np.pi * mains * time + rng.uniform(0, 0.5, (9, 1)))
    right, left, foot = noise[:3]
    return np.concatenate([[left - right, foot - right], noise[3:] - noise[:3].mean(0)])
