"""PTB-XL: WFDB records with a database table and SCP statements: Wagner et al. 2020, Scientific Data 7:154.

Labels are the five diagnostic superclasses. A superclass is 1 when the record has a diagnostic statement of that class
with a likelihood above 0. (PTB-XL writes 0 where the cardiologist gave no likelihood; the benchmark of Strodthoff et
al. 2021 counts those statements too, which changes fewer than 1 % of the records.)
"""

from __future__ import annotations

import ast
import io
from collections.abc import Hashable, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from synth_core.data.readers.base import Opening
from synth_core.data.readers.files import Files, check_cells, float_precision, read_bounded
from synth_core.data.readers.wfdb import read_header
from synth_core.data.readers.wfdb_comments import without_free_text
from synth_core.data.recording import Recording, Source
from synth_core.errors import DamagedFile, DataError, InvalidSetting

LIMIT = 256 * 2**20  # bytes of a table
DATABASE, STATEMENTS = "ptbxl_database.csv", "scp_statements.csv"
SUPERCLASSES = ("NORM", "MI", "STTC", "CD", "HYP")
FILENAME_COLUMNS = {100.0: "filename_lr", 500.0: "filename_hr"}  # Hz → column
SHOWN = ("age", "sex", "strat_fold")
FREE_TEXT = ("report", "recording_date", "nurse", "site", "device")  # not needed, and written about a person
SOURCE = Source("PTB-XL", "CC BY 4.0", "Wagner et al. 2020, PTB-XL, Scientific Data 7:154")


def read(files: Files, opening: Opening) -> list[Recording]:
    """The records whose files are there, at 100 Hz unless `opening.rate` is 500; the subject is the patient."""
    recordings: list[Recording] = []
    for database in files.named(DATABASE):
        recordings += _collection(database, files, opening)
    return recordings


def _collection(database: Path, files: Files, opening: Opening) -> list[Recording]:
    rate = opening.rate or 100.0
    if rate not in FILENAME_COLUMNS:
        raise InvalidSetting(f"PTB-XL has its records at 100 and 500 Hz. Got a rate of {rate:g} instead.")
    folder, column = database.parent, FILENAME_COLUMNS[rate]
    table = _table(database, ["patient_id", "scp_codes", column])
    classes = _superclass_of(folder / STATEMENTS)
    files.take(*(file for file in files if file.is_relative_to(folder)))
    recordings, problems = [], []
    for row in table.to_dict("records"):
        header = _header(folder, str(row[column]))
        if header.is_file():
            try:
                recordings.append(_recording(header, files, row, classes, database))
            except DataError as error:
                problems.append(error)
    if not recordings and not problems:
        raise DataError(database, f"names no record that is there at {rate:g} Hz; put the records beside it.")
    opening.skipped.extend(problems)
    return recordings


def superclasses(scp_codes: dict[str, float], superclass_of: dict[str, str]) -> dict[str, int]:
    """0/1 per superclass, from statement → likelihood in percent."""
    found = {superclass_of[code] for code, likelihood in scp_codes.items() if likelihood > 0 and code in superclass_of}
    return {name: int(name in found) for name in SUPERCLASSES}


def _recording(
    header: Path, files: Files, row: Mapping[Hashable, Any], classes: dict[str, str], database: Path
) -> Recording:
    try:
        codes = {str(code): float(likelihood) for code, likelihood in ast.literal_eval(str(row["scp_codes"])).items()}
        patient = f"patient-{int(float(str(row['patient_id'])))}"
    except (ValueError, SyntaxError, AttributeError, TypeError, MemoryError, RecursionError) as error:
        problem = f"has scp_codes or a patient_id that cannot be read for {header.stem}; correct that row."
        raise DamagedFile(database, problem) from error
    recording = read_header(header, files)
    shown = {key: row[key] for key in SHOWN if key in row and pd.notna(row[key])}
    removed = [key for key in FREE_TEXT if key in row and pd.notna(row[key])]
    metadata = {**without_free_text(recording.metadata), **shown, "scp_codes": codes, "removed": removed}
    labels = superclasses(codes, classes)
    evidence = files.evidence(header, table=patient)
    return replace(recording, evidence=evidence, labels=labels, source=SOURCE, metadata=metadata)


def _header(path: Path, name: str) -> Path:
    """The header that the table names, inside the folder."""
    parts = PurePosixPath(name).parts
    if not parts or parts[0] == "/" or ".." in parts or "\\" in name or "\0" in name:
        raise DamagedFile(
            path / DATABASE, f"names the record {name!r} outside its folder; only paths below it are read."
        )
    return path.joinpath(*parts).with_suffix(".hea")


def _table(file: Path, columns: list[str]) -> pd.DataFrame:
    content = read_bounded(file, LIMIT, "a table of records")
    check_cells(file, content, ",")
    try:
        table = pd.read_csv(io.BytesIO(content), low_memory=False, float_precision=float_precision(content))
    except ValueError as error:
        raise DamagedFile(file, "is not a readable CSV table; download it again.") from error
    for column in columns:
        if column not in table.columns:
            raise DamagedFile(file, f"has no column {column!r}; use the table that PTB-XL comes with.")
    return table


def _superclass_of(file: Path) -> dict[str, str]:
    """Statement code → superclass, for the diagnostic statements."""
    if not file.is_file():
        raise DataError(file, "is missing; put the table of SCP statements beside the database.")
    table = _table(file, ["diagnostic", "diagnostic_class"])
    diagnostic = table[table["diagnostic"] == 1]
    return dict(zip(diagnostic.iloc[:, 0].astype(str), diagnostic["diagnostic_class"].astype(str), strict=True))
