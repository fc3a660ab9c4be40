"""PR, QRS and QT of an ECG by one delineator: wavelets (Martínez et al. 2004), as in neurokit2.

Its absolute values are its own (QRS complexes come out wide): compare only what it has measured on both sides.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth_core.beats import Beats, beats
from synth_core.errors import SpecMismatch

FEWEST_BEATS = 3
R_WAVE = 0.06  # s around a detected complex, within which its highest deflection is the R peak
PLAUSIBLE = {"pr_ms": (60.0, 400.0), "qrs_ms": (30.0, 300.0), "qt_ms": (180.0, 700.0)}
ENDS = {
    "pr_ms": ("ECG_P_Onsets", "ECG_R_Onsets"),
    "qrs_ms": ("ECG_R_Onsets", "ECG_R_Offsets"),
    "qt_ms": ("ECG_R_Onsets", "ECG_T_Offsets"),
}

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Intervals:
    """Medians over the beats of each record, in ms; NaN where fewer than three beats gave a plausible value.

    Parameters
    ----------
    rr_ms, pr_ms, qrs_ms, qt_ms : (n,) each, or () for one record.
    """

    rr_ms: Floats
    pr_ms: Floats
    qrs_ms: Floats
    qt_ms: Floats


def intervals(x: ArrayLike, rate: float, found: Iterable[Beats] | None = None) -> Intervals:
    """RR, PR, QRS and QT of single-lead records; about 0.1 s of computing each.

    Parameters
    ----------
    x : (samples,) or (n, samples) of one lead that shows P and T waves, such as II.
    rate : Hz.
    found : the beats of each record where they are known, for example from more leads; otherwise they are sought in x.

    Returns
    -------
    Intervals, NaN for records without measurable beats (flat lines, noise).

    Raises
    ------
    SpecMismatch : when the shape is another one.
    """
    records = np.asarray(x, dtype=np.float64)
    if records.ndim not in (1, 2):
        raise SpecMismatch(f"Single-lead records must have shape (samples,) or (n, samples). Got {records.shape}.")
    rows = np.atleast_2d(records)
    rhythms = [beats(row, rate) for row in rows] if found is None else list(found)
    table = np.array([_of_record(row, rate, rhythm) for row, rhythm in zip(rows, rhythms, strict=True)]).reshape(-1, 4)
    rr, pr, qrs, qt = (column.reshape(records.shape[:-1]) for column in table.T)
    return Intervals(rr, pr, qrs, qt)


def _of_record(record: Floats, rate: float, rhythm: Beats) -> list[float]:
    if not rhythm.measurable:
        return [np.nan] * 4
    waves = _waves(record, rate, _r_peaks(record, rate, rhythm.peaks))
    return [float(np.median(rhythm.rr_ms)), *(_median(waves, name, rate) for name in PLAUSIBLE)]


def _r_peaks(record: Floats, rate: float, peaks: NDArray[np.intp]) -> NDArray[np.intp]:
    reach = round(R_WAVE * rate)
    around = np.clip(peaks[:, None] + np.arange(-reach, reach + 1), 0, len(record) - 1)
    deflection = np.abs(record[around] - np.median(record))
    return np.unique(around[np.arange(len(peaks)), deflection.argmax(1)])


def _waves(record: Floats, rate: float, peaks: NDArray[np.intp]) -> Mapping[str, Sequence[Any]]:
    import neurokit2

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            cleaned = neurokit2.ecg_clean(record, sampling_rate=rate)
            return dict(neurokit2.ecg_delineate(cleaned, peaks, sampling_rate=rate, method="dwt")[1])
        except Exception:  # the delineator fails in many ways on odd shapes; each means that nothing was measured
            return {}


def _median(waves: Mapping[str, Sequence[Any]], name: str, rate: float) -> float:
    start, stop = (np.asarray(waves.get(end, ()), dtype=np.float64) for end in ENDS[name])
    if start.shape != stop.shape:
        return float("nan")
    durations = (stop - start) * 1000 / rate
    low, high = PLAUSIBLE[name]
    kept = durations[(durations >= low) & (durations <= high)]
    return float(np.median(kept)) if len(kept) >= FEWEST_BEATS else float("nan")
