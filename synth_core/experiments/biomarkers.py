"""Quantities of one example that disease changes, by modality: what a requested severity should move."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from synth_core.beats import beats_of_each
from synth_core.errors import InvalidSetting
from synth_core.metrics.lesions import peak_hu
from synth_core.metrics.skull import CALCIFICATION, brain_of, calcified, cranial_cavity
from synth_core.metrics.spectral import band_powers
from synth_core.types import Batch, Modality

J_POINT, ST_DELAY = 0.04, 0.06  # s from the R peak to the end of a narrow QRS, and from there to where ST is read
BASELINE = (0.10, 0.06)  # s before the R peak: the PR segment, against which ST is measured
QRS_REACH, QRS_SHARE = 0.1, 0.1  # s around the R peak; share of the steepest slope at which a complex begins and ends

Floats = NDArray[np.float64]
Name = Literal[
    "relative theta power",
    "relative alpha power",
    "relative beta power",
    "line length",
    "peak over spread",
    "heart rate",
    "ST level",
    "QRS width",
    "calcified area",
    "peak density",
]


@dataclass(frozen=True)
class Biomarker:
    """One quantity.

    Parameters
    ----------
    name : as settings call it.
    modality : what it is measured on.
    unit : of its values; "" for a share or a ratio.
    measure : (n,) from a Batch of n examples; NaN where it cannot be measured.
    """

    name: Name
    modality: Modality
    unit: str
    measure: Callable[[Batch], Floats]


def biomarker_of(modality: Modality, name: Name | None) -> Biomarker:
    """A biomarker of a modality, by default its first; InvalidSetting when it belongs to another one."""
    known = [one for one in BIOMARKERS if one.modality == modality]
    for one in known:
        if name in (None, one.name):
            return one
    names = ", ".join(one.name for one in known)
    raise InvalidSetting(f"{name} is not measured on {modality}; choose one of {names}.")


def _relative_power(band: str) -> Callable[[Batch], Floats]:
    def measure(batch: Batch) -> Floats:
        return band_powers(batch.values.numpy(), batch.spec.rate, relative=True)[band].mean(1)

    return measure


def _line_length(batch: Batch) -> Floats:
    """Mean way of the signal per second over channels (Esteller et al. 2001): seizures and spikes raise it."""
    return np.abs(np.diff(batch.values.numpy().astype(np.float64), axis=-1)).mean((1, 2)) * batch.spec.rate


def _peak_over_spread(batch: Batch) -> Floats:
    """Largest departure from the median over the standard deviation, the highest channel: a spike stands out."""
    values = batch.values.numpy().astype(np.float64)
    spread = values.std(-1)
    height = np.abs(values - np.median(values, -1, keepdims=True)).max(-1)
    return np.divide(height, spread, out=np.full_like(height, np.nan), where=spread > 0).max(1)


def _heart_rate(batch: Batch) -> Floats:
    found = beats_of_each(batch.values.numpy(), batch.spec.rate)
    return np.array([60_000 / np.median(one.rr_ms) if one.measurable else np.nan for one in found])


def _st_level(batch: Batch) -> Floats:
    """ST deviation 60 ms after the J point against the PR segment, the lead in which it is largest, its sign kept."""
    rate = batch.spec.rate
    before = np.arange(round(-BASELINE[0] * rate), round(-BASELINE[1] * rate) + 1)
    at = round((J_POINT + ST_DELAY) * rate)
    return _over_beats(batch, lambda record, peaks: _largest(record[:, peaks + at] - _level(record, peaks, before)))


def _qrs_width(batch: Batch) -> Floats:
    """ms for which the summed slope of all leads stays above a tenth of its maximum around the R peak."""
    rate = batch.spec.rate
    around = np.arange(-round(QRS_REACH * rate), round(QRS_REACH * rate) + 1)

    def width(record: Floats, peaks: NDArray[np.intp]) -> float:
        slope = np.abs(np.gradient(record, axis=-1)).sum(0)[peaks[:, None] + around].mean(0)  # (samples,)
        steep = np.flatnonzero(slope > QRS_SHARE * slope.max())
        return float(steep[-1] - steep[0] + 1) * 1000 / rate

    return _over_beats(batch, width)


def _over_beats(batch: Batch, quantity: Callable[[Floats, NDArray[np.intp]], float]) -> Floats:
    """A quantity of records, from those beats that lie wholly inside; NaN where there are none."""
    records = batch.values.numpy().astype(np.float64)
    margin = round(0.15 * batch.spec.rate)
    values = np.full(len(records), np.nan)
    for row, found in enumerate(beats_of_each(records, batch.spec.rate)):
        peaks = found.peaks[(found.peaks >= margin) & (found.peaks < records.shape[-1] - margin)]
        if len(peaks):
            values[row] = quantity(records[row], peaks)
    return values


def _level(record: Floats, peaks: NDArray[np.intp], before: NDArray[np.intp]) -> Floats:
    return record[:, peaks[:, None] + before].mean(-1)  # (leads, beats)


def _largest(deviation: Floats) -> float:
    level = np.median(deviation, axis=-1)
    return float(level[np.abs(level).argmax()])


def _calcified_area(batch: Batch) -> Floats:
    """Area of the pieces above 100 HU that keep away from the skull; NaN where no skull closes."""
    images, cavity = _cavities(batch)
    area = calcified(images, cavity, batch.spec.rate).sum((1, 2)) / batch.spec.rate**2
    return np.where(cavity.any((1, 2)), area, np.nan)


def _peak_density(batch: Batch) -> Floats:
    """Highest HU of the brain, ridges of bone that reach its rim left out."""
    images, cavity = _cavities(batch)
    brain = brain_of(cavity, batch.spec.rate)
    ridges = (images >= CALCIFICATION) & ~calcified(images, cavity, batch.spec.rate)
    return np.asarray(peak_hu(images, brain & ~ridges), dtype=np.float64)


def _cavities(batch: Batch) -> tuple[Floats, NDArray[np.bool_]]:
    images = batch.values[:, 0].numpy().astype(np.float64)
    return images, cranial_cavity(images, batch.spec.rate)


BIOMARKERS: tuple[Biomarker, ...] = (
    Biomarker("line length", "eeg", "µV/s", _line_length),
    Biomarker("relative theta power", "eeg", "", _relative_power("theta")),
    Biomarker("relative alpha power", "eeg", "", _relative_power("alpha")),
    Biomarker("relative beta power", "eeg", "", _relative_power("beta")),
    Biomarker("peak over spread", "eeg", "", _peak_over_spread),
    Biomarker("heart rate", "ecg", "1/min", _heart_rate),
    Biomarker("ST level", "ecg", "mV", _st_level),
    Biomarker("QRS width", "ecg", "ms", _qrs_width),
    Biomarker("calcified area", "ct", "mm²", _calcified_area),
    Biomarker("peak density", "ct", "HU", _peak_density),
)
