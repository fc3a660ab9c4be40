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
from synth_core.data.readers.files import Files, check_cells, read_bounded
from synth_core.data.readers.wfdb import headers, read_header
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
    """The records whose files are there, at 100 Hz, or at 500 where `opening.rate` says so or only those are there.

    The subject is the patient. The table may lie above the folder that was opened.
    """
    recordings: list[Recording] = []
    inside = files.named(DATABASE)
    above = [file for file in files.above if file.name == DATABASE]
    for database in inside:
        recordings += _collection(database, files, opening)
    if not inside and above:
        recordings += _collection(above[0], files, opening, is_above=True)
    return recordings


def _collection(database: Path, files: Files, opening: Opening, is_above: bool = False) -> list[Recording]:
    folder = database.parent
    here = {file.relative_to(folder).as_posix(): file for file in headers(files) if file.is_relative_to(folder)}
    if is_above and not here:
        return []
    rates = list(FILENAME_COLUMNS) if opening.rate is None else [opening.rate]
    if rates[0] not in FILENAME_COLUMNS:
        raise InvalidSetting(f"PTB-XL has its records at 100 and 500 Hz. Got a rate of {rates[0]:g} instead.")
    table = _table(database, ["patient_id", "scp_codes", FILENAME_COLUMNS[rates[0]]])
    columns = [FILENAME_COLUMNS[rate] for rate in rates if FILENAME_COLUMNS[rate] in table.columns]
    named = {column: [_named(database, str(name)) for name in table[column]] for column in columns}
    column = next((one for one in columns if any(name in here for name in named[one])), "")
    if not column and is_above:
        return []  # other records beside the collection
    classes = _superclass_of(folder / STATEMENTS)
    files.take(*(file for file in files if file.is_relative_to(folder)))
    recordings, problems = [], []
    for row, name in zip(table.to_dict("records"), named.get(column, []), strict=False):
        if name in here:
            try:
                recordings.append(_recording(here[name], files, row, classes, database))
            except DataError as error:
                problems.append(error)
    if not recordings and not problems:
        hertz = " or at ".join(f"{rate:g} Hz" for rate in rates)
        raise DataError(database, f"names no record that is there at {hertz}; put the records beside it.")
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


def _named(database: Path, name: str) -> str:
    """The header that the table names, below the folder of the table."""
    parts = PurePosixPath(name).parts
    if not parts or parts[0] == "/" or ".." in parts or "\\" in name or "\0" in name:
        problem = f"names the record {name!r} outside its folder; only paths below it are read."
        raise DamagedFile(database, problem)
    return PurePosixPath(*parts).with_suffix(".hea").as_posix()


def _table(file: Path, columns: list[str]) -> pd.DataFrame:
    content = read_bounded(file, LIMIT, "a table of records")
    check_cells(file, content, ",")
    try:
        table = pd.read_csv(io.BytesIO(content), low_memory=False, float_precision="round_trip")
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
