"""European Data Format and its relatives, EDF, EDF+ (continuous or not), BDF and BDF+, whatever the file is called.

Samples stay in the file until they are asked for. A discontinuous file is one recording in true
time whose gaps are NaN, as long as these are at most MOST_GAPS times as long as what was recorded; else each run of
records is a recording of its own, `record#1` and so on, and a window never spans two of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth_core.data.readers.base import Opening
from synth_core.data.readers.channels import NO_KINDS, Choice, choose, kinds_by_name
from synth_core.data.readers.edf_annotations import read_annotations, record_onsets
from synth_core.data.readers.edf_companions import with_events_beside
from synth_core.data.readers.edf_header import Header, Signal, is_edf, patient_code, read_header
from synth_core.data.readers.eegmat import with_task
from synth_core.data.readers.files import Files
from synth_core.data.readers.names import record_of
from synth_core.data.readers.units import factor, unit_of, volts
from synth_core.data.recording import Annotation, Recording, Source
from synth_core.errors import DamagedFile, DataError
from synth_core.types import DataSpec

MOST_GAPS = 4  # times the samples that were recorded
MOST_PARTS = 10_000
AT_ONCE = 2**24  # bytes of records that are decoded together
NO_SAMPLES = "holds annotations without samples, and no recording beside it is named alike; it is left out."
NO_UNIT = (
    "The header leaves the unit of channels empty: they are taken to be in {unit}; state the `unit` if that is wrong."
)
_GARBLED = re.compile(r"^[^A-Za-z0-9/%°]{1,3}V$")  # µV in an encoding that was lost on the way
TOLERANCE = 0.001  # s; onsets of records are often written in whole milliseconds


@dataclass(frozen=True)
class Run:
    """Samples without a gap: `start` in the recording, `first` in the file, and how many."""

    start: int
    first: int
    samples: int


@dataclass(kw_only=True)
class EdfRecording(Recording):
    """One file, or one run of its records; samples are decoded on `read`.

    Parameters
    ----------
    header : of the file.
    picks : which signals of the file, one per channel of the spec.
    units : of the picked signals.
    runs : where the samples are; what lies between runs was not recorded and is NaN.
    """

    header: Header
    picks: tuple[int, ...]
    units: tuple[str, ...]
    runs: tuple[Run, ...]

    def read(self, start: int | None = None, stop: int | None = None) -> NDArray[np.float32]:
        """See Recording. NaN where a discontinuous file has a gap."""
        first, last = self.span(start, stop)
        values = np.full((len(self.picks), last - first), np.nan, np.float32)
        for run in self.runs:
            begin, end = max(first, run.start), min(last, run.start + run.samples)
            if begin < end:
                shift = run.first - run.start
                self._decode(begin + shift, end + shift, values[:, begin - first : end - first])
        return values

    def _decode(self, first: int, last: int, out: NDArray[np.float32]) -> None:
        """Samples first … last − 1 of the file into `out`, (channels, last − first), some records at a time."""
        signals = [self.header.signals[pick] for pick in self.picks]
        size = signals[0].samples  # per record, the same for all that were picked
        scales = [factor(unit, self.spec.modality) or np.nan for unit in self.units]
        left = min(signal.first for signal in signals)
        right = max(signal.first for signal in signals) + size
        step = max(1, AT_ONCE // (self.header.per_record * self.header.width))
        for begin in range(first // size, -(-last // size), step):
            start, stop = max(first, begin * size), min(last, (begin + step) * size)
            where = (slice(begin, -(-stop // size)), slice(left, right))
            records = self.header.stored.part(where)
            here = slice(start - begin * size, stop - begin * size)
            for row, signal, scale in zip(out, signals, scales, strict=True):
                stored = _integers(records[:, signal.first - left : signal.first - left + size])[here]
                row[start - first : stop - first] = signal.physical(stored) * scale


def read(files: Files, opening: Opening) -> list[Recording]:
    """One recording per file, or several for a discontinuous file that is mostly gaps."""
    recordings: dict[Path, list[EdfRecording]] = {}
    hypnograms: dict[Path, tuple[Annotation, ...]] = {}
    for file in [file for file in files if is_edf(files.head(file))]:
        files.take(file)
        try:
            header = read_header(file)
            if header.seconds == 0 and all(signal.is_annotations for signal in header.signals):
                hypnograms[file] = read_annotations(header)
            else:
                recordings[file] = read_file(file, files, opening)
        except DataError as error:
            opening.skipped.append(error)
    found, alone = with_events_beside(recordings, hypnograms, files)
    opening.skipped.extend(DataError(file, NO_SAMPLES) for file in alone)
    return list(found)


def read_file(file: Path, files: Files, opening: Opening, kinds: Mapping[str, str] = NO_KINDS) -> list[EdfRecording]:
    """The recordings of one EDF or BDF file; DataError says why there is none.

    Parameters
    ----------
    kinds : of channels by their labels, where known from elsewhere, as in `channels.choose`.
    """
    header = read_header(file)
    if header.seconds == 0:
        if all(signal.is_annotations for signal in header.signals):
            raise DataError(file, NO_SAMPLES)
        raise DamagedFile(file, "declares that its record duration is 0 though it has samples; export it again.")
    choice = _choose(header, opening, kinds)
    signals = [header.signals[i] for i in choice.picks]
    units = tuple(_unit_taken(signal, choice, opening) for signal in signals)
    size = signals[0].samples
    rate = size / header.seconds
    onset, runs = _runs(header, size, rate)
    whole = EdfRecording(
        spec=DataSpec(
            choice.modality,
            (len(signals), runs[-1].start + runs[-1].samples),
            unit_of(choice.modality),
            rate,
            choice.names,
        ),
        subject="",
        record=record_of(files.relative(file)),
        evidence=files.evidence(file, stated=patient_code(files.head(file))),
        annotations=_from_start(read_annotations(header), onset),
        source=Source(file.parent.resolve().name),
        metadata=_metadata(header, choice, signals, opening),
        stated_unit=signals[0].unit,
        warnings=(NO_UNIT.format(unit=unit_of(choice.modality)),)
        if _without_unit(choice, signals) and opening.unit is None
        else (),
        header=header,
        picks=choice.picks,
        units=units,
        runs=runs,
    )
    return [with_task(part, file) for part in _in_parts(whole)]


def _choose(header: Header, opening: Opening, known: Mapping[str, str]) -> Choice:
    """Signals in volts, or without a unit, by their names."""
    labels = [signal.label for signal in header.signals if not signal.is_annotations]
    numbers = [i for i, signal in enumerate(header.signals) if not signal.is_annotations]
    kinds = [
        kind if _is_voltage(header.signals[i], opening) else "other"
        for i, kind in zip(numbers, map(known.get, labels, kinds_by_name(labels)), strict=True)
    ]
    rates = [float(header.signals[i].samples) for i in numbers]
    strange = sorted({one.unit for i in numbers if (one := header.signals[i]).unit and volts(one.unit) is None})
    if strange and not any(kind in ("eeg", "ecg", "unknown") for kind in kinds):
        problem = f"has no channel in volts: the unit that stands there is {', '.join(map(repr, strange[:4]))}"
        garbled = any(map(_GARBLED.match, strange))
        way = "State the `unit` that was meant: uV, mV, V or nV." if garbled else "Export it with units of voltage."
        raise DataError(header.file, f"{problem}. {way}")
    choice = choose(header.file, labels, kinds, rates=rates, modality=opening.modality)
    return replace(choice, picks=tuple(numbers[pick] for pick in choice.picks))


def _is_voltage(signal: Signal, opening: Opening) -> bool:
    """Whether a signal is in volts, or may be: without a unit, or with a garbled one where the caller states it."""
    known = not signal.unit or volts(signal.unit) is not None
    stated = bool(opening.unit and _GARBLED.match(signal.unit))
    return signal.samples > 0 and signal.is_scaled and (known or stated)


def _unit_taken(signal: Signal, choice: Choice, opening: Opening) -> str:
    """Its own; as stated, or else the usual one, where the header leaves it empty or it is garbled."""
    if signal.unit and volts(signal.unit) is not None:
        return signal.unit
    return opening.unit if opening.unit and volts(opening.unit) else unit_of(choice.modality)


def _metadata(header: Header, choice: Choice, signals: Sequence[Signal], opening: Opening) -> dict[str, Any]:
    metadata: dict[str, Any] = dict(choice.metadata)
    if unnamed := _without_unit(choice, signals):
        taken = next(_unit_taken(signal, choice, opening) for signal in signals if not signal.unit)
        metadata["unit"] = f"not stated for {', '.join(unnamed[:8])}; taken as {taken}"
    filters = sorted({signal.prefilter for signal in signals if signal.prefilter})
    if filters:
        metadata["filters"] = filters[:8]
    metadata["removed"] = list(header.removed)
    return metadata


def _without_unit(choice: Choice, signals: Sequence[Signal]) -> list[str]:
    """Names of channels whose unit the header leaves empty."""
    return [name for name, signal in zip(choice.names, signals, strict=True) if not signal.unit]


def _runs(header: Header, size: int, rate: float) -> tuple[float, tuple[Run, ...]]:
    """When the first record begins, in seconds, and the samples that follow one another without a gap."""
    keeps_time = any(signal.is_annotations and signal.samples for signal in header.signals)
    if not header.discontinuous and not keeps_time:
        return 0.0, (Run(0, 0, size * header.records),)
    onsets = np.array(record_onsets(header))
    gaps = np.diff(onsets) - header.seconds
    tolerance = max(TOLERANCE, 0.5 / rate)
    if not len(onsets) or gaps.min(initial=0) < -tolerance:
        raise DamagedFile(header.file, "has data records that overlap or are out of order; export it as EDF+C.")
    firsts = [0, *(np.flatnonzero(gaps > tolerance) + 1)]
    runs: list[Run] = []
    for first, last in zip(firsts, [*firsts[1:], header.records], strict=True):
        end = runs[-1].start + runs[-1].samples if runs else 0
        start = max(end, round((onsets[first] - onsets[0]) * rate))
        runs.append(Run(start, int(first) * size, int(last - first) * size))
    return float(onsets[0]), tuple(runs)


def _in_parts(whole: EdfRecording) -> list[EdfRecording]:
    """The recording itself, or one per run where the gaps are most of it."""
    recorded = sum(run.samples for run in whole.runs)
    length = whole.spec.shape[1]
    if length - recorded <= MOST_GAPS * recorded:
        if len(whole.runs) == 1:
            return [whole]
        seconds = round((length - recorded) / whole.spec.rate, 3)
        gaps = {"gaps": f"{len(whole.runs) - 1}, together {seconds:g} s, filled with NaN"}
        return [replace(whole, metadata={**whole.metadata, **gaps})]
    if len(whole.runs) > MOST_PARTS:
        problem = f"consists of {len(whole.runs):,} pieces, more than the {MOST_PARTS:,} that are read; split it first."
        raise DataError(whole.header.file, problem)
    return [_part(whole, number, run) for number, run in enumerate(whole.runs, 1)]


def _part(whole: EdfRecording, number: int, run: Run) -> EdfRecording:
    begin, end = run.start / whole.spec.rate, (run.start + run.samples) / whole.spec.rate
    return replace(
        whole,
        spec=replace(whole.spec, shape=(whole.spec.shape[0], run.samples)),
        record=f"{whole.record}#{number}",
        annotations=_from_start([mark for mark in whole.annotations if begin <= mark.onset < end], begin),
        metadata={**whole.metadata, "begins at (s)": round(begin, 3)},
        runs=(Run(0, run.first, run.samples),),
    )


def _from_start(marks: Sequence[Annotation], start: float) -> tuple[Annotation, ...]:
    return tuple(replace(mark, onset=mark.onset - start) for mark in marks) if start else tuple(marks)


def _integers(stored: NDArray[Any]) -> NDArray[np.int16] | NDArray[np.int32]:
    """(records × samples,) from (records, samples) int16 or (records, samples, 3) bytes of 24-bit numbers."""
    if stored.ndim == 2:
        return stored.reshape(-1)
    wide = np.zeros((*stored.shape[:2], 4), np.uint8)
    wide[..., 1:] = stored
    return wide.view("<i4").reshape(-1) >> 8
