"""European Data Format, EDF and continuous EDF+: Kemp & Olivan 2003, Clinical Neurophysiology 114:1755.

The header is checked against the size of the file here; samples are decoded by MNE. A folder with the
`subject-info.csv` of the EEGMAT collection (Zyma et al. 2019) takes its labels from the file names: `_1` rest,
`_2` mental arithmetic.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synth_core.data.readers.base import Opening
from synth_core.data.readers.files import Files, head
from synth_core.data.readers.names import channel_kind, electrode_name, lead_name, record_of, subject_of, unique
from synth_core.data.recording import Annotation, Recording, Source
from synth_core.errors import DamagedFile, DataError
from synth_core.types import DataSpec, Modality

MAGIC = b"0       "
MOST_CHANNELS = 4096
PER_VOLT = {"eeg": 1e6, "ecg": 1e3}  # MNE gives volts; ours are µV and mV
FILLERS = {"", "x", "0", "00", "unknown", "anonymous", "anonymized", "anonymised"}
EEGMAT_TABLE = "subject-info.csv"
EEGMAT_TASKS = {"1": "rest", "2": "arithmetic"}
_GRID = re.compile(r"^[A-I]\d{1,2}$")  # BioSemi caps: A1 … H32, where A1 is no ear and C3 not of the 10-20 system
EEGMAT = Source(
    "EEG during mental arithmetic", "ODC-By 1.0", "Zyma et al. 2019, EEG during mental arithmetic tasks, Data 4(1):14"
)


@dataclass(kw_only=True)
class EdfRecording(Recording):
    """One file; samples are decoded on `read`. `picks` are the numbers, in the file, of the channels of the spec."""

    file: Path
    picks: tuple[int, ...]

    @cached_property
    def raw(self) -> Any:
        """The file as MNE sees it, no samples in memory."""
        return _open(self.file)

    def read(self, start: int | None = None, stop: int | None = None) -> NDArray[np.float32]:
        """See Recording."""
        first, last = self.span(start, stop)
        try:
            volts = self.raw.get_data(picks=list(self.picks), start=first, stop=last, verbose="ERROR")
        except (ValueError, OSError, RuntimeError) as error:
            raise DamagedFile(self.file, "cannot be decoded to its end; copy or download it again.") from error
        return (volts * PER_VOLT[self.spec.modality]).astype(np.float32)  # (channels, samples)


def read(files: Files, opening: Opening) -> list[Recording]:
    """One recording per EDF file."""
    recordings: list[Recording] = []
    for file in [file for file in files if _is_edf(files.head(file))]:
        files.take(file)
        try:
            recordings.append(_recording(file, files.relative(file)))
        except DataError as error:
            opening.skipped.append(error)
    return recordings


def _recording(file: Path, relative: Path) -> Recording:
    _check_header(file)
    raw = _open(file)
    modality, picks, left_out = _choose(file, raw.ch_names)
    naming = electrode_name if modality == "eeg" else lead_name
    names = unique([naming(raw.ch_names[i]) for i in picks])
    recording = EdfRecording(
        spec=DataSpec(
            modality, (len(picks), raw.n_times), "uV" if modality == "eeg" else "mV", raw.info["sfreq"], names
        ),
        subject=_subject(file, relative),
        record=record_of(relative),
        annotations=tuple(
            Annotation(float(mark["onset"]), float(mark["duration"]), str(mark["description"]))
            for mark in raw.annotations
        ),
        source=Source(file.resolve().parent.name),
        metadata={"channels left out": left_out},
        file=file,
        picks=picks,
    )
    return _with_task(recording)


def _is_edf(start: bytes) -> bool:
    return start[:8] == MAGIC and start[252:256].strip().isdigit()


def _check_header(file: Path) -> None:
    """Raise unless the file is as long as its header says (fixed header of 256 bytes, then 256 per signal)."""
    start = head(file, 256)
    if start[192:197] == b"EDF+D":
        raise DataError(file, "is a discontinuous EDF+ file, whose gaps are not read; export it as continuous EDF+C.")
    signals = int(start[252:256])
    signal_headers = head(file, 256 + 256 * min(signals, MOST_CHANNELS))[256:]
    try:
        records, seconds = int(start[236:244]), float(start[244:252])
        offset = 216 * signals
        per_record = sum(int(signal_headers[offset + 8 * i : offset + 8 * i + 8]) for i in range(signals))
    except ValueError as error:
        raise DamagedFile(file, "has a header that cannot be read; copy or download it again.") from error
    if not 0 < signals <= MOST_CHANNELS or per_record < 1 or not 0 < seconds < 1e6 or records == 0:
        raise DamagedFile(file, f"declares {signals} signals in {records} records of {seconds:g} s; export it again.")
    expected = 256 + 256 * signals + 2 * per_record * max(records, 1)
    size = file.stat().st_size
    if size < expected:
        problem = f"is cut short: {size:,} of {expected:,} bytes are there. Copy or download it again."
        raise DamagedFile(file, problem)


def _open(file: Path) -> Any:
    import mne

    try:
        return mne.io.read_raw_edf(file, preload=False, verbose="ERROR")
    except Exception as error:  # MNE raises whatever its parsing raised
        raise DamagedFile(file, "has a header that cannot be read; copy or download it again.") from error


def _choose(file: Path, labels: list[str]) -> tuple[Modality, tuple[int, ...], list[str]]:
    """Modality, numbers of its channels, labels of the others: EEG by name, else ECG, else whatever is unnamed."""
    kinds = [channel_kind(label) for label in labels]
    grid = [i for i, label in enumerate(labels) if _GRID.match(label)]
    if len(grid) > max(32, len(labels) // 2):
        kinds = ["eeg" if i in grid else "other" for i in range(len(labels))]
    for kind, modality in (("eeg", "eeg"), ("ecg", "ecg"), ("unknown", "eeg")):
        picks = tuple(i for i, found in enumerate(kinds) if found == kind)
        if picks:
            left_out = [label for i, label in enumerate(labels) if i not in picks]
            return modality, picks, left_out  # type: ignore[return-value]
    raise DataError(file, f"has no EEG or ECG channel (found {', '.join(labels[:8])}); it is left out.")


def _subject(file: Path, relative: Path) -> str:
    """By the file name where it names one; else the patient code of the header, hashed; else the file."""
    by_name = subject_of(relative)
    code = head(file, 88)[8:].decode("latin-1").split(" ")[0].strip()
    if by_name != record_of(relative) or code.lower() in FILLERS:
        return by_name
    return f"patient-{hashlib.sha256(code.encode()).hexdigest()[:8]}"


def _with_task(recording: EdfRecording) -> Recording:
    """Labels and the subject's row, where the file is of the EEGMAT collection."""
    table = recording.file.with_name(EEGMAT_TABLE)
    subject, _, task = recording.file.stem.rpartition("_")
    if not table.is_file() or task not in EEGMAT_TASKS:
        return recording
    labels = {name: int(key == task) for key, name in EEGMAT_TASKS.items()}
    metadata = {**recording.metadata, **_subject_row(table, subject)}
    return replace(recording, subject=subject, labels=labels, source=EEGMAT, metadata=metadata)


def _subject_row(table: Path, subject: str) -> Mapping[str, Any]:
    try:
        rows = pd.read_csv(table)
        found = rows[rows["Subject"] == subject]
    except (ValueError, KeyError) as error:
        raise DamagedFile(table, "has no column 'Subject' or is not a CSV table; download it again.") from error
    return {} if found.empty else {str(key): value for key, value in found.to_dict("records")[0].items()}
