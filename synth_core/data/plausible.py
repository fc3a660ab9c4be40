"""Whether signals have amplitudes that an EEG or ECG can have: volts read as µV and counts read as mV are asked about.

The amplitude is what 99 of 100 samples of a channel stay below after its mean over a second was subtracted, and of
channels the median: offsets of electrodes, drift, disconnected and saturated channels do not decide. Scalp EEG is 10 to
100 µV, seizures and intracranial EEG up to some mV; QRS complexes are 0.1 to 5 mV. The ranges leave a factor of ten
and more on both sides, so that only a wrong unit, a factor of a thousand, falls out. An offset of electrodes stays
below 0.3 V (IEC 60601-2-27), which raw counts around the middle or the end of a converter's range exceed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from synth_core.data.readers.units import factor
from synth_core.data.recording import Recording
from synth_core.errors import DataError

RANGES = {"eeg": (0.5, 5000.0), "ecg": (0.02, 20.0)}  # µV, mV
OFFSETS = {"eeg": 5e5, "ecg": 500.0}  # half a volt in µV, mV
CANDIDATES = ("V", "mV", "uV")
LOOKED_AT = 64  # recordings of an opening; all where one of them is impossible, and all before they are prepared
EXCERPTS, EXCERPT_SECONDS = 3, 4.0
LARGEST_EXCERPT = 2**21  # values
STUCK = 0.5  # share of samples at the ends of the range beyond which a channel is flat or saturated
ASKED = (
    "{what}, which no {modality} has ({low:g} to {high:,.0f} {unit}). {guess} State their unit by "
    "`--unit {option}` (on the Data page: What files do not say, Unit), or correct the file."
)
TAKEN = "{what}, which no {modality} has; the numbers were taken as {told}, as you stated."


@dataclass(frozen=True)
class Amplitude:
    """What channels typically do, in the unit of the recording; `whole`: all values are whole numbers."""

    usual: float
    offset: float
    whole: bool


@dataclass(kw_only=True)
class Rescaled(Recording):
    """A recording whose file states a wrong unit: its values times `by`."""

    inner: Recording
    by: float

    def read(self, start: int | None = None, stop: int | None = None) -> NDArray[np.float32]:
        """See Recording."""
        return (self.inner.read(start, stop) * np.float64(self.by)).astype(np.float32)


def asked_about(recordings: Sequence[Recording], told: str | None) -> list[Recording]:
    """The recordings, those of an impossible amplitude with the question as a warning, or as the user told.

    They can be looked at; `prepare` refuses them until they are told or mended.

    Parameters
    ----------
    told : the unit that the user stated; where what a file says is impossible, it wins.
    """
    signals = [one for one in recordings if not one.spec.is_image]
    step = -(-len(signals) // LOOKED_AT) if signals else 1
    if not any(impossible(one) for one in signals[::step]):
        return list(recordings)
    return [_asked(one, told) for one in recordings]


def _asked(recording: Recording, told: str | None) -> Recording:
    question = impossible(recording)
    if not question:
        return recording
    if told is not None:
        return _as_told(recording, told)
    return replace(recording, warnings=(*recording.warnings, f"The recording {question}"))


def impossible(recording: Recording) -> str:
    """The question about an amplitude that no EEG or ECG has; "" where it is possible, unknown or was stated."""
    if recording.spec.is_image or "amplitude" in recording.metadata:
        return ""
    found = amplitude(recording)
    if found is None or _fits(found, recording.spec.modality):
        return ""
    modality, unit = recording.spec.modality, recording.spec.unit
    low, high = RANGES[modality]
    likely = _likely(found, recording)
    return ASKED.format(
        what=_described(found, recording), modality=modality.upper(), low=low, high=high,
        unit=_written(unit), guess=_guess(found, recording, likely), option=likely or unit,
    ).replace("  ", " ")  # fmt: skip


def _likely(found: Amplitude, recording: Recording) -> str:
    """The unit in which the numbers would be possible; "" where there is none."""
    changes = {unit: _change(recording, unit) for unit in CANDIDATES}
    modality = recording.spec.modality
    return next((unit for unit, by in changes.items() if by != 1 and _fits(_times(found, by), modality)), "")


def _guess(found: Amplitude, recording: Recording, likely: str) -> str:
    modality, unit = recording.spec.modality, _written(recording.spec.unit)
    if (found.whole and found.usual > RANGES[modality][1]) or found.offset > OFFSETS[modality]:
        other = f"{_written(likely)} or " if likely else ""
        return f"The numbers look like {other}raw counts of a converter, which have to be exported as {unit} first."
    return f"The numbers look like {_written(likely)}." if likely else ""


def _written(unit: str) -> str:
    return unit.replace("u", "µ")


def amplitude(recording: Recording) -> Amplitude | None:
    """From some seconds at the beginning, middle and end; None where no channel does anything, or nothing can be
    read."""
    rate, samples = recording.spec.rate, recording.spec.shape[1]
    excerpts = EXCERPTS if samples > EXCERPTS * EXCERPT_SECONDS * rate else 1
    length = max(1, min(round(EXCERPT_SECONDS * rate), samples, LARGEST_EXCERPT // recording.spec.shape[0]))
    begins = {(samples - length) * (i + 1) // (excerpts + 1) for i in range(excerpts)}
    usual: list[float] = []
    offsets: list[float] = []
    whole = True
    for begin in sorted(begins):
        try:
            values = recording.read(begin, begin + length).astype(np.float64)
        except DataError:
            continue  # said when the recording is prepared
        for row in values:
            row = row[np.isfinite(row)]
            if len(row) < 2 or ((row == row.max()) | (row == row.min())).mean() > STUCK:
                continue
            rest = np.abs(row - uniform_filter1d(row, min(len(row), max(1, round(rate)))))
            usual.append(float(np.percentile(rest, 99)))
            offsets.append(float(abs(np.median(row))))
            whole = whole and bool((row == np.round(row)).all())
    return Amplitude(float(np.median(usual)), float(np.median(offsets)), whole) if usual else None


def _fits(found: Amplitude, modality: str) -> bool:
    low, high = RANGES[modality]
    return low <= found.usual <= high and found.offset <= OFFSETS[modality]


def _times(found: Amplitude, by: float) -> Amplitude:
    return replace(found, usual=by * found.usual, offset=by * found.offset)


def _change(recording: Recording, unit: str) -> float:
    """What the values are multiplied with if the numbers of the file are in `unit`."""
    modality = recording.spec.modality
    taken = factor(recording.stated_unit or recording.spec.unit, modality) or 1.0
    return (factor(unit, modality) or 1.0) / taken


def _described(found: Amplitude, recording: Recording) -> str:
    unit = _written(recording.spec.unit)
    usual = f"has a typical amplitude of {_number(found.usual)} {unit}"
    around = f" around {_number(found.offset)} {unit}" if found.offset > OFFSETS[recording.spec.modality] else ""
    return usual + around


def _number(value: float) -> str:
    """Two significant digits, without an exponent."""
    if value >= 100:
        return f"{float(f'{value:.2g}'):,.0f}"
    return np.format_float_positional(value, 2, unique=False, fractional=False, trim="-")


def _as_told(recording: Recording, told: str) -> Recording:
    """With the unit that the user stated in the place of that of the file; a table or array has it already."""
    found = amplitude(recording)
    what = "The file " + (_described(found, recording) if found else "has an amplitude")
    said = TAKEN.format(what=what, modality=recording.spec.modality.upper(), told=_written(told))
    by = _change(recording, told) if recording.stated_unit else 1.0
    known = {one.name: getattr(recording, one.name) for one in fields(Recording)}
    known["metadata"] = {**recording.metadata, "amplitude": f"in {told}, as stated by the user"}
    known["warnings"] = (*recording.warnings, said)
    return Rescaled(**known, inner=recording, by=by)
