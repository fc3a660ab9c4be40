"""Beats of the 12-lead ECG: waves in time, and how strongly each lead sees them.

The model is ECGSYN (McSharry et al. 2003, doi 10.1109/TBME.2003.808805) in the multilead form of NeuroKit2
(`ecg_simulate(method="multileads")`): one rhythm drives all leads, and a table of lead × wave amplitudes makes
the twelve. Three things differ, so that the result is a plausible 12-lead ECG and not twelve separate traces:

* the z equation is used in closed form, a sum of Gaussians (Sameni et al. 2007, doi 10.1155/2007/43407), without
  the leak whose 1 s time constant would bend ST segments; widths are in seconds, so that QRS does not stretch with RR;
* limb leads are projections of one frontal vector per wave, so that Einthoven's and Goldberger's equations are exact;
* amplitudes are in mV (NeuroKit2 scales every lead to 1.6 mV).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from synth_core.leads import TWELVE_LEADS, lead_matrix

WAVES = ("P right", "P left", "Q", "R", "S", "ST", "T rise", "T fall")
P, QRS, ST, T = slice(0, 2), slice(2, 5), slice(5, 6), slice(6, 8)

FRONTAL_MV = np.array([0.075, 0.085, 0.08, 1.05, 0.26, 0.02, 0.17, 0.20])
FRONTAL_AXIS = np.array([65.0, 50.0, 200.0, 50.0, 240.0, 40.0, 42.0, 42.0])  # degrees, 0 = lead I, 90 = aVF
PRECORDIAL_MV = np.array(  # rows as WAVES; V1 … V6
    [
        [0.060, 0.060, 0.050, 0.045, 0.040, 0.040],
        [-0.050, 0.010, 0.030, 0.040, 0.040, 0.040],
        [0.000, 0.000, 0.000, -0.030, -0.080, -0.080],
        [0.220, 0.450, 0.900, 1.500, 1.450, 1.050],
        [-0.950, -1.400, -0.950, -0.500, -0.220, -0.060],
        [0.020, 0.060, 0.060, 0.030, 0.010, 0.000],
        [-0.020, 0.200, 0.230, 0.210, 0.170, 0.120],
        [-0.030, 0.250, 0.280, 0.250, 0.200, 0.140],
    ]
)


@dataclass(frozen=True)
class Heart:
    """What makes one subject's beat; amplitudes in mV, times in seconds.

    Parameters
    ----------
    gains : (8 independent leads I, II, V1 … V6; 8 waves) mV at the peak of each wave.
    pr : from the middle of P to R, at one beat per second. qt : from the start of Q to the end of T, at one per second.
    qrs_stretch : width of Q, R and S relative to normal.
    """

    gains: NDArray[np.float64]
    pr: float = 0.15
    qt: float = 0.40
    qrs_stretch: float = 1.0
    widths: NDArray[np.float64] = field(
        default_factory=lambda: np.array([0.018, 0.020, 0.009, 0.012, 0.012, 0.0, 0.050, 0.033])
    )


def gains_of(frontal_mv: NDArray, frontal_axis: NDArray, precordial_mv: NDArray) -> NDArray[np.float64]:
    """(8, waves) mV in I, II, V1 … V6 from frontal vectors (mV, degrees) and precordial amplitudes (waves, 6)."""
    angle = np.deg2rad(frontal_axis)
    limb = frontal_mv * np.stack([np.cos(angle), np.cos(angle - np.pi / 3)])
    return np.concatenate([limb, np.asarray(precordial_mv).T])


def draw_gains(rng: np.random.Generator) -> tuple[NDArray[np.float64], float]:
    """One subject's (8, waves) amplitudes in mV and the QRS axis in degrees.

    The axis turns QRS fully and P and T by half; the precordial transition moves by up to a lead.
    """
    axis = float(np.clip(rng.normal(48, 24), -25, 95))
    turn = (axis - 50) * np.where(np.isin(np.arange(len(WAVES)), (2, 3, 4)), 1.0, 0.4)
    size = np.exp(rng.normal(0, 0.12, len(WAVES)))
    size[P], size[T] = size[0] * np.exp(rng.normal(0, 0.15)), size[6] * np.exp(rng.normal(0, 0.2))
    lead = np.clip(np.arange(6) + np.clip(rng.normal(0, 0.5), -1, 1), 0, 5)
    precordial = np.stack([np.interp(lead, np.arange(6), row) for row in PRECORDIAL_MV])
    whole_limb, whole_chest = np.exp(rng.normal(0, 0.16, 2))
    gains = gains_of(whole_limb * size * FRONTAL_MV, FRONTAL_AXIS + turn, whole_chest * size[:, None] * precordial)
    return gains, axis


def wave_trains(heart: Heart, peaks: NDArray[np.float64], samples: int, rate: float) -> NDArray[np.float64]:
    """The waves of all beats, (8 waves, samples), each of height 1.

    Parameters
    ----------
    peaks : times of the R waves in seconds; beats before 0 and after the end give the tails inside.
    """
    before, after = int(0.5 * rate), int(0.9 * rate)
    intervals = np.clip(np.diff(peaks, prepend=2 * peaks[0] - peaks[1]), 0.25, 1.8)
    centre = np.round(peaks * rate).astype(int)
    since_r = (np.arange(-before, after) + (centre - peaks * rate)[:, None]) / rate  # (beats, window)
    beats = _beat_waves(heart, intervals, since_r)  # (waves, beats, window)
    train = np.zeros((len(WAVES), samples + before + after))
    for beat, start in enumerate(centre):
        if -after < start < samples + before:
            first = max(0, start)
            last = min(start + before + after, train.shape[1])
            train[:, first:last] += beats[:, beat, first - start : last - start]
    return train[:, before : before + samples]


def _beat_waves(heart: Heart, intervals: NDArray, since_r: NDArray) -> NDArray[np.float64]:
    pr = heart.pr * np.clip(intervals, 0.35, 1.2) ** 0.25
    t_end = heart.qt * np.sqrt(np.clip(intervals, 0.3, 1.3)) - 0.045  # Bazett 1920; Q starts 45 ms before R
    t_peak = t_end - 0.075 * np.clip(intervals, 0.5, 1.0) ** 0.5
    q, s = -0.027 * heart.qrs_stretch, 0.028 * heart.qrs_stretch
    one = np.ones_like(intervals)
    centres = np.stack([-pr - 0.013, -pr + 0.018, q * one, 0 * one, s * one, 0 * one, t_peak - 0.035, t_peak])
    widths = heart.widths * np.where(np.isin(np.arange(len(WAVES)), (2, 3, 4)), heart.qrs_stretch, 1.0)
    waves = np.empty((len(WAVES), *since_r.shape))
    for wave, width in enumerate(widths):
        if WAVES[wave] == "ST":
            waves[wave] = _plateau(since_r, 0.045 * heart.qrs_stretch, t_peak[:, None])
        else:
            waves[wave] = np.exp(-0.5 * ((since_r - centres[wave][:, None]) / width) ** 2)
    return waves


def _plateau(time: NDArray, start: float, stop: NDArray) -> NDArray[np.float64]:
    return 1 / (1 + np.exp(-(time - start) / 0.006)) / (1 + np.exp(np.clip((time - stop) / 0.025, -40, 40)))


def twelve_leads(independent: NDArray[np.float64]) -> NDArray[np.float64]:
    """(12, samples) in the order of TWELVE_LEADS from I, II, V1 … V6 (8, samples)."""
    return lead_matrix(TWELVE_LEADS) @ independent
