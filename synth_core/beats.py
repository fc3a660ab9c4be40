"""R peaks with a gate: a record in which no beats can be told from noise has none, and says so.

Peaks are sought in the length of the vector of all leads between 8 and 20 Hz, where QRS complexes stand out (Elgendi
et al. 2010), against a threshold that follows the amplitude of the last seconds. The gate asks three things of them:
a plausible rhythm, complexes that stand out of what lies between, and complexes that look like one another (template
correlation: Orphanidou et al. 2015, IEEE J Biomed Health Inform 19:832).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage
from scipy import signal as sps

from synth_core.errors import InvalidSetting, SpecMismatch

QRS_BAND = (8.0, 20.0)  # Hz
SMOOTHING = 0.08  # s, about one QRS
REFRACTORY = 0.24  # s; 250 beats per minute
NEIGHBOURHOOD = 8.0  # s, over which the threshold looks for the usual height of a complex
THRESHOLD = 0.4  # of that height
TEMPLATE = 0.1  # s on either side of a peak
RATES = (25.0, 250.0)  # beats per minute, median
FEWEST_BEATS = 3
SHORTEST = 2.5  # s
PROMINENCE = 3.3  # median height of the complexes over the median of the rest
LIKENESS = 0.8  # median correlation of a complex with the template
BLOCK = 256  # records at once

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Beats:
    """The beats of one record.

    Parameters
    ----------
    peaks : (beats,) samples of the R peaks; empty when not measurable.
    rr_ms : (beats − 1,) intervals between successive peaks in ms.
    measurable : whether beats could be told from noise.
    reason : why not; "" when measurable.
    """

    peaks: NDArray[np.intp]
    rr_ms: Floats
    measurable: bool
    reason: str = ""


def beats(x: ArrayLike, rate: float) -> Beats:
    """R peaks of one record.

    Parameters
    ----------
    x : (samples,), or (leads, samples), which give one list of beats together.
    rate : Hz, at least 60.

    Returns
    -------
    Beats: of a flat line, of noise and of less than 2.5 s not measurable, with the reason, never zero.

    Raises
    ------
    SpecMismatch : when the shape is another one.
    InvalidSetting : when the rate is below 60 Hz.
    """
    record = np.asarray(x, dtype=np.float64)
    if record.ndim not in (1, 2):
        raise SpecMismatch(f"One record must have shape (samples,) or (leads, samples). Got {record.shape} instead.")
    return next(beats_of_each(np.atleast_2d(record)[None], rate))


def beats_of_each(x: ArrayLike, rate: float) -> Iterator[Beats]:
    """The beats of record after record: x of (n, leads, samples), otherwise as for `beats`."""
    records = np.asarray(x)
    if records.ndim != 3:
        raise SpecMismatch(f"Records must have shape (n, leads, samples). Got {records.shape} instead.")
    if rate < 3 * QRS_BAND[1]:
        raise InvalidSetting(f"Beats need a sampling rate of at least {3 * QRS_BAND[1]:g} Hz. Got {rate:g} Hz instead.")
    for start in range(0, len(records), BLOCK):
        block = records[start : start + BLOCK].astype(np.float64)
        if block.shape[-1] < SHORTEST * rate:
            yield from (_refused("too short") for _ in block)
            continue
        complexes = _qrs_band(block, rate)
        lengths = np.sqrt((complexes**2).sum(1))
        lengths = ndimage.uniform_filter1d(lengths, max(1, round(SMOOTHING * rate)), axis=-1, mode="nearest")
        yield from (_judged(signal, length, rate) for signal, length in zip(complexes, lengths, strict=True))


def _qrs_band(block: Floats, rate: float) -> Floats:
    sos = sps.butter(2, QRS_BAND, "bandpass", fs=rate, output="sos")
    return np.asarray(sps.sosfiltfilt(sos, block, axis=-1, padlen=min(block.shape[-1] - 1, round(0.5 * rate))))


def _judged(complexes: Floats, length: Floats, rate: float) -> Beats:
    if not np.isfinite(length).all():
        return _refused("values are missing")
    if not length.max() > 1e-6 or not np.median(length) > 0:
        return _refused("flat")
    found = _peaks(length, rate)
    if len(found) < FEWEST_BEATS:
        return _refused("fewer than three beats")
    rr_ms = np.diff(found) * 1000 / rate
    slowest, fastest = 60_000 / RATES[0], 60_000 / RATES[1]
    if not fastest <= np.median(rr_ms) <= slowest:
        return _refused("no plausible heart rate")
    if _prominence(length, found, rate) < PROMINENCE:
        return _refused("complexes do not stand out")
    if _likeness(complexes, found, rate) < LIKENESS:
        return _refused("complexes are not alike")
    return Beats(found, rr_ms, True)


def _peaks(length: Floats, rate: float) -> NDArray[np.intp]:
    candidates, _ = sps.find_peaks(length, distance=max(1, round(REFRACTORY * rate)))
    # The largest value of each 1.5 s is a complex at any rate above 40 a minute; their running median is its height.
    highest = ndimage.maximum_filter1d(length, round(1.5 * rate), mode="nearest")
    stride = max(1, round(0.25 * rate))
    usual = ndimage.median_filter(highest[::stride], size=min(len(highest[::stride]), round(NEIGHBOURHOOD / 0.25)))
    height = np.interp(np.arange(len(length)), np.arange(len(usual)) * stride, usual)
    edge = round(SMOOTHING * rate)  # a complex that the record cuts through has its peak in the wrong place
    whole = candidates[(candidates >= edge) & (candidates < len(length) - edge)]
    return np.asarray(whole[length[whole] > THRESHOLD * height[whole]])


def _prominence(length: Floats, found: NDArray[np.intp], rate: float) -> float:
    """Median height of the peaks over the median of what lies more than 100 ms from any; 1.2 to 2.5 for noise."""
    away = np.ones(len(length), dtype=bool)
    reach = round(TEMPLATE * rate)
    for offset in range(-reach, reach + 1):
        away[np.clip(found + offset, 0, len(length) - 1)] = False
    rest = np.median(length[away]) if away.any() else np.inf
    return float(np.median(length[found]) / max(rest, 1e-12))


def _likeness(complexes: Floats, found: NDArray[np.intp], rate: float) -> float:
    """Median correlation of the complexes, all leads together, with their median; 0 where fewer than two are whole."""
    reach = max(2, round(TEMPLATE * rate))
    inner = found[(found >= reach) & (found < complexes.shape[-1] - reach)]
    if len(inner) < 2:
        return 0.0
    snippets = complexes[:, inner[:, None] + np.arange(-reach, reach + 1)]  # (leads, beats, samples)
    snippets = snippets.transpose(1, 0, 2).reshape(len(inner), -1)
    template = np.median(snippets, axis=0)
    sizes = np.linalg.norm(snippets, axis=-1) * np.linalg.norm(template)
    return float(np.median(snippets @ template / np.maximum(sizes, 1e-12)))


def _refused(reason: str) -> Beats:
    return Beats(np.empty(0, dtype=np.intp), np.empty(0), False, reason)
