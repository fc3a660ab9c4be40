"""WFDB records (PhysioNet): a text header `.hea` beside signal files `.dat` or `.mat`.

Format: https://physionet.org/physiotools/wag/header-5.htm. Samples are decoded by the `wfdb` package.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth_core.data.readers.base import Opening
from synth_core.data.readers.files import Files, read_bounded, sibling
from synth_core.data.readers.names import (
    channel_kind,
    electrode_name,
    is_lead,
    lead_name,
    record_of,
    subject_of,
    unique,
)
from synth_core.data.recording import Annotation, Recording, Source
from synth_core.errors import DamagedFile, DataError
from synth_core.types import DataSpec, Modality

# bytes per sample; the compressed formats 508, 516 and 524 have no fixed size
SAMPLE_BYTES = {"8": 1.0, "16": 2.0, "24": 3.0, "32": 4.0, "61": 2.0, "80": 1.0, "160": 2.0, "212": 1.5, "310": 4 / 3}
SAMPLE_BYTES["311"] = SAMPLE_BYTES["310"]
TO_MILLIVOLT = {"mv": 1.0, "uv": 1e-3, "µv": 1e-3, "v": 1e3, "nv": 1e-6}
MOST_CHANNELS, MOST_SAMPLES = 1024, 2**36
ANNOTATIONS = (".atr",)
_RECORD_LINE = re.compile(rb"^\S+\s+\d+(\s|$)")
_SAME_PERSON = {"202": "201"}  # MIT-BIH: 201 and 202 are from one man (record notes of the database)


@dataclass(kw_only=True)
class WfdbRecording(Recording):
    """One record; samples are decoded on `read`.

    Parameters
    ----------
    header : the `.hea` file.
    picks : which signals of the record, one per channel of the spec.
    scales : factor from the file's unit to the spec's, one per channel.
    """

    header: Path
    picks: tuple[int, ...]
    scales: tuple[float, ...]

    def read(self, start: int | None = None, stop: int | None = None) -> NDArray[np.float32]:
        """See Recording."""
        import wfdb

        first, last = self.span(start, stop)
        if first == last:
            return np.zeros((len(self.picks), 0), np.float32)
        try:
            record = wfdb.rdrecord(
                str(self.header.with_suffix("")), sampfrom=first, sampto=last, channels=list(self.picks)
            )
            values = np.asarray(record.p_signal, np.float64).T
        except Exception as error:  # the package raises whatever numpy raised
            problem = "has signal files that cannot be decoded; copy or download the record again."
            raise DamagedFile(self.header, problem) from error
        return (values * np.array(self.scales)[:, None]).astype(np.float32)  # (channels, samples)


def read(files: Files, opening: Opening) -> list[Recording]:
    """Every record; the diagnoses of `#Dx:` comments become labels over all of the collection."""
    headers = [file for file in _headers(files) if _is_header(files.head(file))]
    recordings = read_headers(headers, files, opening)
    return with_labels(recordings, {recording.record: _diagnoses(recording) for recording in recordings})


def read_headers(headers: Iterable[Path], files: Files, opening: Opening) -> list[WfdbRecording]:
    """One recording per header; those that are damaged go to `opening.skipped`."""
    recordings = []
    for header in headers:
        files.take(header, *(header.with_suffix(ending) for ending in (".dat", ".mat", *ANNOTATIONS)))
        try:
            recordings.append(read_header(header, files.relative(header)))
        except DataError as error:
            opening.skipped.append(error)
    return recordings


def with_labels(recordings: list[WfdbRecording], named: dict[str, list[str]]) -> list[Recording]:
    """The recordings with 0/1 for every class that any of them has."""
    classes = sorted({name for names in named.values() for name in names})
    return [
        replace(recording, labels={name: int(name in named[recording.record]) for name in classes})
        for recording in recordings
    ]


def read_header(header: Path, relative: Path) -> WfdbRecording:
    """One record from its header, checked against the sizes of the signal files that it names."""
    import wfdb

    read_bounded(header, 2**20, "a WFDB header")
    try:
        record = wfdb.rdheader(str(header.with_suffix("")))
    except Exception as error:  # the package raises whatever its parsing raised
        raise DamagedFile(header, "is not a valid WFDB header; copy or download it again.") from error
    if not isinstance(record, wfdb.Record) or not record.n_sig:
        raise DataError(header, "has no signals of its own (several segments, or annotations only); it is left out.")
    samples = _check_signal_files(header, record)
    modality, picks = _choose(header, list(record.sig_name), list(record.units))
    to_unit = 1.0 if modality == "ecg" else 1e3
    naming = lead_name if modality == "ecg" else electrode_name
    names = unique([naming(record.sig_name[i]) for i in picks])
    unit = "mV" if modality == "ecg" else "uV"
    left_out = [record.sig_name[i] for i in range(record.n_sig) if i not in picks]
    return WfdbRecording(
        spec=DataSpec(modality, (len(picks), samples), unit, float(record.fs), names),
        subject=_subject(header, relative, samples, record.fs),
        record=record_of(relative),
        annotations=_annotations(header, record.fs),
        source=Source(header.resolve().parent.name),
        metadata={"comments": list(record.comments), "channels left out": left_out},
        header=header,
        picks=picks,
        scales=tuple(TO_MILLIVOLT[record.units[i].lower()] * to_unit for i in picks),
    )


def _headers(files: Files) -> list[Path]:
    if files.path.is_file() and files.path.suffix.lower() != ".hea":
        header = files.path.with_suffix(".hea")
        return [header] if header.is_file() else []
    return files.named(".hea")


def _is_header(start: bytes) -> bool:
    lines = (line.strip() for line in start.splitlines())
    first = next((line for line in lines if line and not line.startswith(b"#")), b"")
    return bool(_RECORD_LINE.match(first))


def _check_signal_files(header: Path, record: Any) -> int:
    """Number of samples per channel, once every named file is there and long enough."""
    if record.n_sig > MOST_CHANNELS or (record.sig_len or 0) > MOST_SAMPLES or not 0 < (record.fs or 0) < 1e6:
        raise DamagedFile(header, f"declares {record.n_sig} channels of {record.sig_len} samples at {record.fs} Hz.")
    described = (
        record.file_name,
        record.fmt,
        record.units,
        record.sig_name,
        record.samps_per_frame,
        record.byte_offset,
    )
    if any(column is None or len(column) != record.n_sig for column in described) or None in record.sig_name:
        raise DamagedFile(header, f"does not describe each of its {record.n_sig} signals; download it again.")
    lengths = []
    for name in dict.fromkeys(record.file_name):
        file = sibling(header, name)
        if not file.is_file():
            raise DamagedFile(header, f"names the signal file {name}, which is not beside it; put it there.")
        own = [i for i in range(record.n_sig) if record.file_name[i] == name]
        size = file.stat().st_size - (record.byte_offset[own[0]] or 0)
        frame = sum(SAMPLE_BYTES.get(record.fmt[i], 0.0) * record.samps_per_frame[i] for i in own)
        if frame:
            lengths.append((file, int(size / frame + 1e-9)))
    samples = record.sig_len or min((length for _, length in lengths), default=0)
    for file, length in lengths:
        if length < samples:
            problem = f"is cut short: {length:,} of {samples:,} samples are there. Copy or download it again."
            raise DamagedFile(file, problem)
    if samples < 1:
        raise DamagedFile(header, "declares no samples.")
    return int(samples)


def _choose(header: Path, names: list[str], units: list[str]) -> tuple[Modality, tuple[int, ...]]:
    """The signals that are voltages of one modality; EEG when electrodes of the 10-05 system prevail."""
    voltages = [i for i, unit in enumerate(units) if (unit or "").lower() in TO_MILLIVOLT]
    brain = [i for i in voltages if channel_kind(names[i]) == "eeg"]
    leads = [i for i in voltages if is_lead(names[i])]
    if len(brain) > len(leads):
        return "eeg", tuple(brain)
    chosen = leads or [i for i in voltages if channel_kind(names[i]) == "unknown"]
    if not chosen:
        raise DataError(header, f"has no ECG or EEG channel in volts (found {', '.join(names)}); it is left out.")
    return "ecg", tuple(chosen)


def _subject(header: Path, relative: Path, samples: int, rate: float) -> str:
    if (samples, rate) == (650_000, 360):
        return _SAME_PERSON.get(header.stem, header.stem)
    return subject_of(relative)


def _annotations(header: Path, rate: float) -> tuple[Annotation, ...]:
    import wfdb

    file = header.with_suffix(".atr")
    if not file.is_file() or file.stat().st_size > 16 * 2**20:
        return ()
    try:
        marks = wfdb.rdann(str(header.with_suffix("")), "atr")
    except Exception as error:  # the package raises whatever numpy raised
        raise DamagedFile(file, "is not a valid annotation file; remove it or download it again.") from error
    notes = (note.strip("\x00 ") for note in marks.aux_note)
    return tuple(
        Annotation(float(sample / rate), 0.0, f"{symbol} {note}".strip())
        for sample, symbol, note in zip(marks.sample, marks.symbol, notes, strict=True)
        if math.isfinite(sample)
    )


def _diagnoses(recording: WfdbRecording) -> list[str]:
    """The codes of the `#Dx:` comment, SNOMED codes by acronym where the collection has a table of them."""
    for comment in recording.metadata["comments"]:
        key, _, value = comment.partition(":")
        if key.strip().lower() == "dx":
            codes = [code.strip() for code in value.split(",")]
            table = _acronyms(recording.header.parent)
            return [table.get(code, code) for code in codes if code and code.lower() != "unknown"]
    return []


@cache
def _acronyms(folder: Path) -> dict[str, str]:
    """SNOMED code → acronym, from `ConditionNames_SNOMED-CT.csv` (Chapman-Shaoxing) where the folder has it."""
    file = folder / "ConditionNames_SNOMED-CT.csv"
    if not file.is_file():
        return {}
    text = read_bounded(file, 2**20, "a table of conditions").decode("utf-8-sig", "replace")
    rows = csv.DictReader(io.StringIO(text))
    return {row["Snomed_CT"]: row["AcronymName"] for row in rows if row.get("Snomed_CT") and row.get("AcronymName")}
