"""Tables of participants: labels and severity from any of their columns, for recordings grouped by subject."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from synth_core.data.readers.base import Opening
from synth_core.data.readers.files import check_cells, read_bounded
from synth_core.data.recording import Recording
from synth_core.errors import DamagedFile, DataError, InvalidSetting

LIMIT = 64 * 2**20  # bytes of a table
MOST_CLASSES = 64
MISSING = ("n/a", "N/A", "NaN", "nan", "")
PERSONAL = re.compile(r"name|birth|\bdob\b|address|phone|mail|date|insurance|_mrn|\bmrn\b", re.I)
AnyRecording = TypeVar("AnyRecording", bound=Recording)


@dataclass(frozen=True)
class Participants:
    """Rows by subject, as text; missing values are left out. `removed`: personal columns that were dropped."""

    file: Path
    columns: tuple[str, ...]
    rows: Mapping[str, Mapping[str, str]]
    removed: tuple[str, ...]


def read_table(file: Path, limit: int = LIMIT) -> pd.DataFrame:
    """A tab-separated table of text in which "n/a" means missing; DamagedFile when it is none."""
    content = read_bounded(file, limit, "a table")
    check_cells(file, content, "\t")
    try:
        table = pd.read_csv(
            io.BytesIO(content), sep="\t", dtype=str, keep_default_na=False, na_values=list(MISSING),
            encoding="utf-8-sig", encoding_errors="replace", quoting=3, index_col=False,
        )  # fmt: skip
    except (ValueError, OverflowError) as error:
        raise DamagedFile(file, "is not a readable table with tabs between its columns; export it again.") from error
    table.columns = [str(column).strip() for column in table.columns]
    return table


def read_participants(file: Path) -> Participants:
    """`participants.tsv`: one row per `participant_id`; DamagedFile when rows of one contradict one another."""
    table = read_table(file)
    if "participant_id" not in table.columns:
        raise DamagedFile(file, "has no column participant_id, which says whose row it is; add it.")
    table = table[table["participant_id"].notna()].drop_duplicates()
    if table["participant_id"].duplicated().any():
        twice = table["participant_id"][table["participant_id"].duplicated()].iloc[0]
        raise DamagedFile(file, f"has rows for {str(twice)[:40]} that differ; keep one.")
    columns = [column for column in table.columns if column != "participant_id"]
    personal = [column for column in columns if PERSONAL.search(column)]
    shown = [column for column in columns if column not in personal]
    rows = {
        str(row["participant_id"]): {name: str(row[name]) for name in shown if isinstance(row[name], str)}
        for row in table.to_dict("records")
    }
    return Participants(file, tuple(shown), rows, tuple(personal))


def with_participants(
    recordings: Sequence[AnyRecording], whose: Sequence[str], table: Participants, opening: Opening
) -> list[AnyRecording]:
    """The recordings with the labels and the severity that `opening` asks for.

    Parameters
    ----------
    whose : the participant of each recording.

    A recording without a value in `opening.labels_from` goes to `opening.skipped`: unknown is not negative.
    Severity is (value − lowest) / (highest − lowest) over the participants that have recordings.

    Raises
    ------
    InvalidSetting : for a column that is not there, has too many values for classes, or none for a severity.
    """
    own = [table.rows.get(person, {}) for person in whose]
    chosen = [
        replace(one, metadata={**one.metadata, **row, **_removed(one, table)})
        for one, row in zip(recordings, own, strict=True)
    ]
    if opening.severity_from is not None:
        opening.used.add("severity_from")
        values = _severities(table, opening.severity_from, own)
        chosen = [replace(one, severity=value) for one, value in zip(chosen, values, strict=True)]
    if opening.labels_from is None:
        return chosen
    opening.used.add("labels_from")
    return _labelled(chosen, own, whose, table, opening.labels_from, opening)


def _labelled(
    recordings: list[AnyRecording],
    own: Sequence[Mapping[str, str]],
    whose: Sequence[str],
    table: Participants,
    column: str,
    opening: Opening,
) -> list[AnyRecording]:
    _check_column(table, column)
    classes = sorted({row[column] for row in own if column in row})
    if not 0 < len(classes) <= MOST_CLASSES:
        problem = f"Column {column!r} of {table.file.name} has {len(classes)} different values; classes need 1 to "
        raise InvalidSetting(problem + f"{MOST_CLASSES}. Use it for the severity, or choose another column.")
    labelled = []
    for one, row, person in zip(recordings, own, whose, strict=True):
        if column not in row:
            opening.skipped.append(DataError(table.file, f"has no {column} for {person}; it is left out."))
            continue
        labels = {class_name(column, value): int(value == row[column]) for value in classes}
        labelled.append(replace(one, labels=labels))
    return labelled


def class_name(column: str, value: str) -> str:
    """The value itself; a number says nothing alone and comes after the name of its column."""
    return f"{column} {value}" if re.fullmatch(r"[+-]?[\d.]+", value) else value


def _severities(table: Participants, column: str, own: Sequence[Mapping[str, str]]) -> list[float | None]:
    _check_column(table, column)
    numbers = np.array([_number(table, column, row[column]) if column in row else np.nan for row in own])
    known = numbers[np.isfinite(numbers)]
    if not len(known) or known.min() == known.max():
        problem = f"Column {column!r} of {table.file.name} has fewer than two different numbers"
        raise InvalidSetting(f"{problem}, so that it says nothing about severity; choose another column.")
    scaled = (numbers - known.min()) / (known.max() - known.min())
    return [float(value) if np.isfinite(value) else None for value in scaled]


def _number(table: Participants, column: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError as error:
        problem = f"Column {column!r} of {table.file.name} has {text[:40]!r} where a severity needs numbers"
        raise InvalidSetting(f"{problem}; choose another column.") from error
    return value if np.isfinite(value) else np.nan


def _check_column(table: Participants, column: str) -> None:
    if column not in table.columns:
        there = ", ".join(table.columns) or "none"
        raise InvalidSetting(f"{table.file.name} has no column {column!r}. Columns that can be used: {there}.")


def _removed(recording: Recording, table: Participants) -> dict[str, Any]:
    before = list(recording.metadata.get("removed", ()))
    return {"removed": [*before, *table.removed]} if before or table.removed else {}
