"""EEG during mental arithmetic (EEGMAT): Zyma et al. 2019, Data 4(1):14.

EDF files beside a `subject-info.csv`; labels come from the file names: `_1` rest, `_2` mental arithmetic.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from synth_core.data.readers.files import read_bounded
from synth_core.data.recording import Recording, Source
from synth_core.errors import DamagedFile

TABLE = "subject-info.csv"
TASKS = {"1": "rest", "2": "arithmetic"}
SOURCE = Source(
    "EEG during mental arithmetic", "ODC-By 1.0", "Zyma et al. 2019, EEG during mental arithmetic tasks, Data 4(1):14"
)
AnyRecording = TypeVar("AnyRecording", bound=Recording)


def with_task(recording: AnyRecording, file: Path) -> AnyRecording:
    """Labels and the subject's row, where `file` is of the collection; else the recording as it is."""
    table = file.with_name(TABLE)
    subject, _, task = file.stem.rpartition("_")
    if not table.is_file() or task not in TASKS:
        return recording
    labels = {name: int(key == task) for key, name in TASKS.items()}
    metadata = {**recording.metadata, **_subject_row(table, subject)}
    evidence = None if recording.evidence is None else replace(recording.evidence, known=SOURCE.name, whole=subject)
    return replace(recording, evidence=evidence, labels=labels, source=SOURCE, metadata=metadata)


def _subject_row(table: Path, subject: str) -> Mapping[str, Any]:
    content = read_bounded(table, 2**20, "a table of subjects")
    try:
        rows = pd.read_csv(io.BytesIO(content), float_precision="round_trip")
        found = rows[rows["Subject"] == subject]
    except (ValueError, KeyError) as error:
        raise DamagedFile(table, "has no column 'Subject' or is not a CSV table; download it again.") from error
    return {} if found.empty else {str(key): value for key, value in found.to_dict("records")[0].items()}
