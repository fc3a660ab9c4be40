"""Single heartbeats as rows of a table: 187 samples at 125 Hz, then the class, without a header (`mitbih_train.csv`).

Kachuee et al. 2018, ECG Heartbeat Classification, arXiv:1805.00794. Each beat was scaled to 0…1 and padded with zeros
to 187 samples; the classes are those of AAMI EC57. Rows name no patient, and the published training and test tables
hold beats of the same patients: all rows of all such tables are given one subject, so that no split can leak.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from synth_core.data.readers.base import Opening
from synth_core.data.readers.files import Files, head
from synth_core.data.readers.names import record_of
from synth_core.data.recording import Recording, Source
from synth_core.errors import DamagedFile, DataError
from synth_core.types import DataSpec

SAMPLES, RATE = 187, 125.0
CLASSES = ("N", "S", "V", "F", "Q")  # 0 … 4
PTB_CLASSES = ("normal", "abnormal")  # ptbdb_normal.csv and ptbdb_abnormal.csv: 0 and 1
NOT_KNOWN = "Neither the name of the table nor its classes say which collection it is: classes are shown as numbers."
LONGEST_ROW = 16_384  # bytes
MOST_ROWS = 2_000_000
SUBJECT = "patients not named"
WARNING = (
    "Amplitudes are relative, each beat scaled to 0…1: the unit mV holds for no value. The table names no patient, "
    "so all of its beats count as one subject; a split by beat would put one patient on both sides."
)
SOURCE = Source(
    "Heartbeats, relative amplitude", citation="Kachuee et al. 2018, ECG Heartbeat Classification, arXiv:1805.00794"
)
_BEGINNING = re.compile(rb"^\d(\.\d+)?(e[+-]\d+)?(,\d(\.\d+)?(e[+-]\d+)?){3},")


@dataclass(kw_only=True)
class Heartbeat(Recording):
    """One row, parsed on `read`; `offset` and `size` are its place in the file, in bytes."""

    file: Path
    offset: int
    size: int

    def read(self, start: int | None = None, stop: int | None = None) -> NDArray[np.float32]:
        """See Recording."""
        first, last = self.span(start, stop)
        try:
            with self.file.open("rb") as table:
                table.seek(self.offset)
                values = _numbers(table.read(self.size))
        except OSError as error:
            raise DataError(self.file, f"could not be read ({error.strerror or error}).") from error
        if values is None:
            raise DamagedFile(self.file, f"has changed at {self.record}; open it again.")
        return values[None, first:last]


def read(files: Files, opening: Opening) -> list[Recording]:
    """One recording per row of each table without a header whose first row is a heartbeat."""
    recordings: list[Recording] = []
    for file in files.named(".csv"):
        if _BEGINNING.match(files.head(file)) and _numbers(head(file, LONGEST_ROW).split(b"\n")[0]) is not None:
            files.take(file)
            try:
                recordings += list(_rows(file, files))
            except DataError as error:
                opening.skipped.append(error)
    return recordings


def _rows(file: Path, files: Files) -> Iterator[Heartbeat]:
    names, warnings = _meaning(file)
    name, evidence = record_of(files.relative(file)), files.evidence(file, table=SUBJECT)
    spec = DataSpec("ecg", (1, SAMPLES), "mV", RATE, ("ECG",))
    for row, (offset, size, label) in enumerate(_index(file)):
        if label >= len(names):
            raise DamagedFile(
                file, f"has the class {label} in row {row + 1:,}, which its collection has not; correct it."
            )
        yield Heartbeat(
            spec=spec,
            subject=SUBJECT,
            record=f"{name}/{row + 1}",
            evidence=evidence,
            warnings=(WARNING, *warnings),
            labels={one: int(number == label) for number, one in enumerate(names)},
            source=SOURCE,
            metadata={"amplitude": "relative"},
            file=file,
            offset=offset,
            size=size,
        )


def _meaning(file: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of the classes 0, 1, …, and what to warn of: tables of one shape come from several collections."""
    stem = file.stem.lower()
    if "mitbih" in stem:
        return CLASSES, ()
    if "ptbdb" in stem:
        return PTB_CLASSES, ()
    return tuple(f"class {number}" for number in range(len(CLASSES))), (NOT_KNOWN,)


def _index(file: Path) -> Iterator[tuple[int, int, int]]:
    """Offset, size and class of each row; the samples are not parsed."""
    offset = number = 0
    with file.open("rb") as table:
        while line := table.readline(LONGEST_ROW + 1):
            row = line.strip()
            if row:
                number += 1
                label = _label(row)
                if label is None or row.count(b",") != SAMPLES or len(line) > LONGEST_ROW:
                    problem = f"has a row {number:,} that is not {SAMPLES} samples and a class from 0 to 4; correct it."
                    raise DamagedFile(file, problem)
                if number > MOST_ROWS:
                    raise DataError(file, f"has more than {MOST_ROWS:,} rows; split it first.")
                yield offset, len(line), label
            offset += len(line)


def _label(row: bytes) -> int | None:
    try:
        value = float(row.rpartition(b",")[2])
    except ValueError:
        return None
    return int(value) if value in range(len(CLASSES)) else None


def _numbers(row: bytes) -> NDArray[np.float32] | None:
    """(187,) samples of a row; None when it is no heartbeat: another length, not numbers, or not within 0…1."""
    try:
        values = np.array(row.strip().split(b","), np.float64)
    except ValueError:
        return None
    if len(values) != SAMPLES + 1 or _label(row.strip()) is None or not ((values[:-1] >= 0) & (values[:-1] <= 1)).all():
        return None
    return values[:-1].astype(np.float32)
