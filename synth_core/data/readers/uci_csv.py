"""The Bonn EEG in the shape of UCI "Epileptic Seizure Recognition": one row per 178 samples, 23 rows from each file.

The id column `X<chunk>.<file>` names the file a row was cut from. Rows of one file are put together again, so that
windows can be cut anew and no file falls on both sides of a split.
"""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synth_core.data.readers.base import Opening
from synth_core.data.readers.bonn import CLASSES, NO_PERSONS, RATE, SOURCE
from synth_core.data.readers.files import Files, check_cells, read_bounded
from synth_core.data.recording import Evidence, MemoryRecording, Recording
from synth_core.errors import DamagedFile, DataError
from synth_core.types import DataSpec

CHUNK = 178  # samples of a row
SAMPLE_COLUMNS = [f"X{number}" for number in range(1, CHUNK + 1)]
CLASS_OF = dict(zip(range(1, 6), CLASSES, strict=True))  # y: 1 = S, 2 = F, 3 = N, 4 = O, 5 = Z
LIMIT = 256 * 2**20
_ID = re.compile(r"^X(\d{1,6})\.(\S+)$")


def read(files: Files, opening: Opening) -> list[Recording]:
    """One recording per file the rows were cut from, or per run of chunks where some are missing."""
    recordings: list[Recording] = []
    for file in files.named(".csv", ".gz"):
        if _has_sample_columns(files.head(file)):
            files.take(file)
            try:
                recordings += _recordings(file, files, opening)
            except DataError as error:
                opening.skipped.append(error)
    return recordings


def _recordings(file: Path, files: Files, opening: Opening) -> list[Recording]:
    table = _table(file)
    values = _values(file, table)
    chunks, names, classes = _identity(file, table)
    recordings: list[Recording] = []
    for name in dict.fromkeys(names):
        rows = np.flatnonzero(names == name)
        rows = rows[np.argsort(chunks[rows], kind="stable")]
        try:
            _check_rows(file, name, chunks[rows], classes[rows])
        except DataError as error:
            opening.skipped.append(error)
            continue
        runs = np.split(rows, np.flatnonzero(np.diff(chunks[rows]) != 1) + 1)
        for run in runs:
            record = name if len(runs) == 1 else f"{name}/{chunks[run[0]]}-{chunks[run[-1]]}"
            evidence = files.evidence(file, known=SOURCE.name, whole=name, note=NO_PERSONS)
            label = CLASS_OF[int(classes[run[0]])]
            recordings.append(_recording(record, evidence, label, values[run].reshape(1, -1)))
    return recordings


def _recording(record: str, evidence: Evidence, label: str, values: NDArray[np.float32]) -> MemoryRecording:
    return MemoryRecording(
        spec=DataSpec("eeg", (1, values.shape[1]), "uV", RATE, ("EEG",)),
        subject="",
        record=record,
        labels={key: int(key == label) for key in CLASSES},
        source=SOURCE,
        metadata={"set": CLASSES[label]},
        evidence=evidence,
        values=values,
    )


def _has_sample_columns(start: bytes) -> bool:
    if start[:2] == b"\x1f\x8b":
        start = _inflate_start(start)
    first = start.decode("utf-8-sig", "replace").partition("\n")[0]
    columns = {column.strip().strip('"') for column in first.split(",")}
    return len(columns.intersection(SAMPLE_COLUMNS)) >= 20


def _inflate_start(start: bytes) -> bytes:
    """What the first compressed bytes hold."""
    import zlib

    try:
        return zlib.decompressobj(wbits=31).decompress(start, 4096)
    except zlib.error:
        return b""


def _table(file: Path) -> pd.DataFrame:
    content = read_bounded(file, LIMIT, "a table of EEG chunks")
    check_cells(file, content, ",")
    try:
        table = pd.read_csv(io.BytesIO(content), low_memory=False, float_precision="round_trip")
    except ValueError as error:
        raise DamagedFile(file, "is not a readable CSV table; download it again.") from error
    table.columns = [str(column).strip() for column in table.columns]
    missing = [column for column in [*SAMPLE_COLUMNS, "y"] if column not in table.columns]
    if missing:
        some = ", ".join(missing[:3]) + (" …" if len(missing) > 3 else "")
        problem = f"has no column {some}; a table of EEG chunks has an id, X1 to X178 and y."
        raise DamagedFile(file, problem)
    if table.empty:
        raise DamagedFile(file, "has no rows; download it again.")
    return table


def _values(file: Path, table: pd.DataFrame) -> NDArray[np.float32]:
    """(rows, 178) µV."""
    try:
        return table[SAMPLE_COLUMNS].to_numpy(np.float32)
    except ValueError as error:
        raise DamagedFile(file, "has text where samples should be in the columns X1 to X178; correct it.") from error


def _identity(file: Path, table: pd.DataFrame) -> tuple[NDArray[np.int64], NDArray[np.str_], NDArray[np.int64]]:
    """Chunk number, file name and class of every row."""
    found = [_ID.match(str(value)) for value in table.iloc[:, 0]]
    if not all(found):
        problem = "has no first column of ids such as X21.F001, which name the file that a row was cut from; "
        raise DamagedFile(file, problem + "without it rows of one file would fall on both sides of a split.")
    classes = pd.to_numeric(table["y"], errors="coerce")
    if not classes.isin(CLASS_OF).all():
        raise DamagedFile(file, "has classes other than 1 to 5 in the column y; correct them.")
    chunks = np.array([int(match[1]) for match in found if match])
    return chunks, np.array([match[2] for match in found if match]), classes.to_numpy(np.int64)


def _check_rows(file: Path, name: str, chunks: NDArray[np.int64], classes: NDArray[np.int64]) -> None:
    if len(np.unique(chunks)) < len(chunks):
        raise DamagedFile(file, f"has the same chunk of {name} twice; remove the repeated rows.")
    if len(np.unique(classes)) > 1:
        raise DamagedFile(file, f"gives {name} several classes; rows of one file must agree in y.")
