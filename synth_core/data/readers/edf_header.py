"""The headers of EDF (Kemp et al. 1992, Electroenceph Clin Neurophysiol 82:391), EDF+ (Kemp & Olivan 2003, Clin
Neurophysiol 114:1755) and BDF (BioSemi, www.biosemi.com/faq/file_format.htm), checked against the size of the file.

256 bytes about the file, then 256 per signal in columns; then the data records, each with a run of samples of every
signal: int16 in EDF, 24 bits in BDF, little-endian.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from synth_core.data.readers.files import head
from synth_core.errors import DamagedFile
from synth_core.stored_array import StoredArray

EDF, BDF = b"0       ", b"\xffBIOSEMI"
MOST_CHANNELS = 4096
ANNOTATIONS = ("EDF Annotations", "BDF Annotations")
FILLERS = {"", "x", "0", "00", "unknown", "anonymous", "anonymized", "anonymised"}
PERSONAL = {  # bytes of the fixed header → what they hold
    (8, 88): "patient identification",
    (88, 168): "recording identification",
    (168, 176): "start date",
    (176, 184): "start time",
}
COLUMNS = {  # of the signal headers: bytes per signal, in order
    "label": 16, "transducer": 80, "unit": 8, "low": 8, "high": 8, "digital low": 8, "digital high": 8,
    "prefilter": 80, "samples": 8,
}  # fmt: skip


@dataclass(frozen=True)
class Signal:
    """One signal: `low` … `high` in its unit are stored as `digital_low` … `digital_high`.

    Parameters
    ----------
    first, samples : where its samples lie in a data record, counted in samples.
    """

    label: str
    unit: str
    prefilter: str
    low: float
    high: float
    digital_low: float
    digital_high: float
    first: int
    samples: int

    @property
    def is_annotations(self) -> bool:
        """Whether it holds time-stamped annotations instead of samples."""
        return self.label in ANNOTATIONS

    @property
    def is_scaled(self) -> bool:
        """Whether the header says what its numbers mean."""
        return self.high != self.low and self.digital_high != self.digital_low

    def physical(self, stored: NDArray[np.integer]) -> NDArray[np.float64]:
        """Stored numbers in the unit of the signal."""
        gain = (self.high - self.low) / (self.digital_high - self.digital_low)
        return np.asarray(stored * gain + (self.low - self.digital_low * gain), np.float64)


@dataclass(frozen=True)
class Header:
    """What a file says about itself, without anything personal.

    Parameters
    ----------
    width : bytes per sample, 2 or 3.
    records, seconds : number of data records, and how long each is.
    discontinuous : whether there may be time between the records (EDF+D, BDF+D).
    removed : names of the fields about the person and the date that were filled in.
    """

    file: Path
    width: int
    signals: tuple[Signal, ...]
    records: int
    seconds: float
    discontinuous: bool
    removed: tuple[str, ...]

    @property
    def per_record(self) -> int:
        """Samples of all signals in one data record."""
        return sum(signal.samples for signal in self.signals)

    @property
    def stored(self) -> StoredArray:
        """The data records where they lie in the file: (records, samples) int16, or (records, samples, 3) bytes."""
        shape = (self.records, self.per_record) if self.width == 2 else (self.records, self.per_record, 3)
        kind = np.dtype("<i2") if self.width == 2 else np.dtype("u1")
        return StoredArray(self.file, kind, shape, 256 * (1 + len(self.signals)))


def is_edf(start: bytes) -> bool:
    """Whether a file begins as EDF or BDF does."""
    return start[:8] in (EDF, BDF) and start[252:256].strip(b" \0").isdigit()


def patient_code(start: bytes) -> str:
    """The code that the header gives the patient, which may be a filler."""
    return start[8:88].decode("latin-1").split(" ")[0].strip(" \0")


def read_header(file: Path) -> Header:
    """The header of a file that `is_edf`.

    Raises
    ------
    DamagedFile : when it cannot be parsed, or declares more than the file holds.
    """
    start = head(file, 256)
    count = int(start[252:256].strip(b" \0"))
    if not 0 < count <= MOST_CHANNELS:
        raise DamagedFile(file, f"declares {count} signals, which no recording has; export it again.")
    width = 3 if start[:8] == BDF else 2
    try:
        signals = _signals(head(file, 256 * (1 + count))[256:], count)
        records, seconds = int(_text(start[236:244])), _number(start[244:252])
    except ValueError as error:
        raise DamagedFile(file, "has a header that cannot be read; copy or download it again.") from error
    records = _check_size(file, signals, width, records, seconds)
    return Header(
        file, width, signals, records, seconds, start[192:197] in (b"EDF+D", b"BDF+D"), tuple(_filled_in(start))
    )


def _signals(content: bytes, count: int) -> tuple[Signal, ...]:
    columns: dict[str, list[bytes]] = {}
    offset = 0
    for name, size in COLUMNS.items():
        columns[name] = [content[offset + size * i : offset + size * (i + 1)] for i in range(count)]
        offset += size * count
    samples = [int(_text(field)) for field in columns["samples"]]
    if min(samples) < 0:
        raise ValueError("a negative number of samples")
    firsts = [0, *np.cumsum(samples, dtype=object)]
    texts = {name: [_text(field) for field in columns[name]] for name in ("label", "unit", "prefilter")}
    scales = {
        name: [_scale(field) for field in columns[name]] for name in ("low", "high", "digital low", "digital high")
    }
    return tuple(
        Signal(
            texts["label"][i], texts["unit"][i], texts["prefilter"][i], scales["low"][i], scales["high"][i],
            scales["digital low"][i], scales["digital high"][i], int(firsts[i]), samples[i],
        )
        for i in range(count)
    )  # fmt: skip


def _check_size(file: Path, signals: tuple[Signal, ...], width: int, records: int, seconds: float) -> int:
    """Number of data records; −1, written while recording, means as many as there are."""
    per_record = width * sum(signal.samples for signal in signals)
    if per_record < 1 or not 0 <= seconds < 1e6 or records == 0 or records < -1:
        problem = f"declares {len(signals)} signals in {records} records of {seconds:g} s; export it again."
        raise DamagedFile(file, problem)
    size, first = file.stat().st_size, 256 * (1 + len(signals))
    if records == -1:
        records = (size - first) // per_record
    expected = first + per_record * max(records, 1)
    if size < expected:
        raise DamagedFile(file, f"is cut short: {size:,} of {expected:,} bytes are there. Copy or download it again.")
    return records


def _filled_in(start: bytes) -> list[str]:
    """Names of the fields about the person and the date that hold more than fillers."""
    return [
        name
        for (first, last), name in PERSONAL.items()
        if any(part.lower() not in FILLERS | {"startdate"} for part in _text(start[first:last]).split())
    ]


def _text(field: bytes) -> str:
    return field.decode("latin-1").strip(" \0")


def _number(field: bytes) -> float:
    value = float(_text(field).replace(",", "."))
    if not math.isfinite(value):
        raise ValueError("not finite")
    return value


def _scale(field: bytes) -> float:
    """A number of the scaling; 0 where there is none, which leaves the signal out."""
    try:
        return _number(field)
    except ValueError:
        return 0.0
