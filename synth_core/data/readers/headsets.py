"""Text files of headsets: EMOTIV (Testbench and EmotivPRO), OpenBCI GUI, and Muse by Mind Monitor.

They are tables with lines of their own above the columns: metadata in one row `title:…,sampling:128,…`, comments such
as `%Sample Rate = 250 Hz`, or names such as RAW_TP9. Values are µV by what the makers document: EMOTIV, "CSV file
format"; OpenBCI, "OpenBCI GUI data format"; Mind Monitor, technical manual. Columns of motion, battery and quality are
left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from synth_core.data.readers.base import Opening
from synth_core.data.readers.files import Files, read_bounded
from synth_core.data.readers.names import channel_kind, electrode_name, lead_name, record_of, unique
from synth_core.data.readers.table_content import LIMIT
from synth_core.data.readers.table_text import Text, described, first_text, frame_of
from synth_core.data.readers.table_times import mean_rate, rate_of
from synth_core.data.readers.units import factor, unit_of
from synth_core.data.recording import Annotation, MemoryRecording, Recording, Source
from synth_core.errors import DamagedFile, DataError, InvalidSetting
from synth_core.types import DataSpec

SHOWN = 8  # names in a sentence
MUSE_RATES = (256.0, 220.0)  # Hz, of the models since and before 2016
CLOSE = 0.03  # of a rate: what times that the receiver stamped may differ from it
MARKERS = ("MarkerValueInt", "EEG.MarkerHardware", "EEG.Marker", "MARKER")
LEFT_OUT = "Columns that are no channels are left out: {names}."
NOT_TOLD = "The file does not say what its channels record: they are taken as {modality}; state the `modality`."
TIMES_DIFFER = "Time stamps say {own:g} Hz where the file states {rate:g} Hz, which is taken: samples may be missing."
LOST = "The counter of samples skips {count:,} times: samples were lost there, and later ones are early."
_SAMPLING = re.compile(r"(?:^|,)\s*sampling(?: rate)?\s*:\s*(?:eeg_)?(\d+(?:\.\d+)?)", re.IGNORECASE)
_EMOTIV = re.compile(
    r"^\W*title:[^\n]*(?:sampling|labels|headset|timestamp)|(?:EEG\.[A-Z]+[0-9z]\b[^\n]*){2}", re.IGNORECASE
)
_FACT = re.compile(r"^\s*(number of channels|sample rate|board)\s*=\s*(\S+)", re.IGNORECASE)


@dataclass(frozen=True)
class Found:
    """What a file of a headset holds.

    Parameters
    ----------
    rows : all columns of its samples. columns, names : of the channels. rate : Hz.
    told : whether the names say that the channels are EEG. subject : a code. marks : in time. warnings : sentences.
    """

    rows: pd.DataFrame
    columns: Sequence[str]
    names: Sequence[str]
    rate: float
    told: bool = True
    subject: str = ""
    marks: tuple[Annotation, ...] = ()
    warnings: tuple[str, ...] = ()


def read(files: Files, opening: Opening) -> list[Recording]:
    """One recording per file."""
    recordings: list[Recording] = []
    for file in files.named(".csv", ".txt", ".csv.gz"):
        start = files.head(file).decode("utf-8", "replace")
        how = next((one for is_one, one in MAKERS if is_one(start)), None)
        if how is None:
            continue
        files.take(file)
        try:
            content = read_bounded(file, LIMIT, "a recording of a headset")
            found = _found(how, file, content, opening)
            recordings.append(_recording(file, found, files, opening))
        except DataError as error:
            opening.skipped.append(error)
    return recordings


def _found(how: Maker, file: Path, content: bytes, opening: Opening) -> Found:
    try:
        return how(file, content, described(file, content), opening)
    except (DataError, InvalidSetting):
        raise
    except Exception as error:  # pandas raises whatever its parsing raised
        raise DamagedFile(file, "has rows that do not fit their columns; export the recording again.") from error


def _recording(file: Path, found: Found, files: Files, opening: Opening) -> MemoryRecording:
    if not found.columns:
        raise DamagedFile(file, "has no columns of channels; export the recording again.")
    modality = opening.modality or "eeg"
    scale = factor("uV", modality) if modality != "ct" else None
    if scale is None:
        raise DataError(file, "is a recording of a headset, which holds no CT; state the `modality` eeg or ecg.")
    try:
        values = found.rows[list(found.columns)].to_numpy(np.float32).T * scale  # (channels, samples)
    except (ValueError, TypeError) as error:
        cell, column, _ = first_text(found.rows, found.columns)
        raise DamagedFile(file, f"has text where samples should be: {cell!r} in {column!r}; correct it.") from error
    others = [str(name) for name in found.rows.columns if name not in found.columns]
    warnings = [*found.warnings]
    if others:
        warnings.append(LEFT_OUT.format(names=", ".join(others[:SHOWN]) + (" …" if len(others) > SHOWN else "")))
    if not found.told and opening.modality is None:
        warnings.append(NOT_TOLD.format(modality=modality.upper()))
    naming = electrode_name if modality == "eeg" else lead_name
    channels = unique([naming(name) for name in _named(file, found.names, opening)])
    return MemoryRecording(
        spec=DataSpec(modality, (len(channels), values.shape[1]), unit_of(modality), found.rate, channels),
        subject="",
        record=record_of(files.relative(file)),
        evidence=files.evidence(file, stated=found.subject),
        annotations=found.marks,
        source=Source(file.resolve().parent.name),
        metadata={"channels left out": others, "removed": ["start date", "start time"]},
        warnings=tuple(warnings),
        values=np.ascontiguousarray(values, np.float32),
    )


def _rows(file: Path, content: bytes, text: Text) -> pd.DataFrame:
    rows = frame_of(file, content, text)
    if rows.empty:
        raise DamagedFile(file, "has no rows of samples; export the recording again.")
    return rows


def _named(file: Path, names: Sequence[str], opening: Opening) -> Sequence[str]:
    """The names that the caller states for them, else their own."""
    if opening.channels is None:
        return names
    if len(opening.channels) != len(names):
        given = len(opening.channels)
        raise InvalidSetting(f"`channels`: {file.name} has {len(names)} channels, but {given} names were given.")
    return opening.channels


def _emotiv(file: Path, content: bytes, text: Text, opening: Opening) -> Found:
    metadata = content[:65536].decode(text.encoding, "replace").lstrip("\ufeff").splitlines()[0]
    facts = {
        key.strip().lower(): value.strip() for key, _, value in (part.partition(":") for part in metadata.split(","))
    }
    if facts.get("labels"):
        labels = facts["labels"].split()[: text.width]
        labels += [f"Unnamed: {i}" for i in range(len(labels), text.width)]
        text = replace(text, names=tuple(labels), trailing=False)
    rows = _rows(file, content, text)
    columns = [name for name in rows.columns if channel_kind(name.removeprefix("EEG.")) == "eeg"]
    stated = _SAMPLING.search(metadata)
    rate, warnings = _rate(file, rows, "Timestamp", float(stated[1]) if stated else None, opening)
    marks = tuple(_marks(rows, rate))
    names = [name.removeprefix("EEG.") for name in columns]
    return Found(rows, columns, names, rate, subject=facts.get("subject", ""), marks=marks, warnings=warnings)


def _openbci(file: Path, content: bytes, text: Text, opening: Opening) -> Found:
    above = content[:65536].decode(text.encoding, "replace").replace("%", "").splitlines()
    facts = {found[1].lower(): found[2] for line in above if (found := _FACT.match(line))}
    rows = _rows(file, content, text)
    columns = [name for name in rows.columns if name.startswith(("EXG Channel", "EEG Channel"))]
    count = int(facts["number of channels"]) if facts.get("number of channels", "").isdecimal() else len(columns)
    if not text.names:  # before version 5: the counter, then the channels
        rows.columns = pd.Index(
            ["Sample Index", *(f"EXG Channel {i}" for i in range(count))][: text.width]
            + [f"column {i + 1}" for i in range(count + 1, text.width)]
        )
        columns = [f"EXG Channel {i}" for i in range(min(count, text.width - 1))]
    if len(columns) != count:
        raise DamagedFile(file, f"declares {count} channels but has {len(columns)}; export the recording again.")
    stated = float(facts["sample rate"]) if re.fullmatch(r"\d+(\.\d*)?", facts.get("sample rate", "")) else None
    rate, warnings = _rate(file, rows, "Timestamp", stated, opening)
    return Found(rows, columns, columns, rate, told=False, warnings=(*warnings, *_lost(rows.iloc[:, 0])))


def _muse(file: Path, content: bytes, text: Text, opening: Opening) -> Found:
    every = _rows(file, content, text)
    columns = [name for name in every.columns if name.startswith("RAW_") and channel_kind(name[4:]) == "eeg"]
    is_sample = every[columns].notna().all(axis=1)
    rows = every[is_sample].reset_index(drop=True)
    if len(rows) < 2:
        raise DamagedFile(file, "has no rows of raw samples; record with raw EEG switched on.")
    own = mean_rate(rows["TimeStamp"])
    rate = next((one for one in MUSE_RATES if abs(own - one) <= CLOSE * one), opening.rate)
    if rate is None:
        problem = (
            f"has {own:g} rows a second, which is no rate of a Muse: it was saved at an interval. State the `rate`."
        )
        raise DataError(file, problem)
    before = np.cumsum(is_sample.to_numpy())
    marks = []
    if "Elements" in every.columns:
        texts = every["Elements"]
        marks = [Annotation(before[i] / rate, 0.0, str(texts[i])) for i in np.flatnonzero(texts.notna())]
    return Found(rows, columns, [name[4:] for name in columns], rate, marks=tuple(marks))


def _rate(
    file: Path, rows: pd.DataFrame, column: str, stated: float | None, opening: Opening
) -> tuple[float, tuple[str, ...]]:
    """As the file states it, else by its time stamps, else as the caller does; and what to warn of."""
    has_times = column in rows.columns and len(rows) > 1
    if stated is None and has_times:
        found = rate_of(file, column, rows[column], told=opening.rate)
        return found.hertz, (found.warning,) if found.warning else ()
    rate = stated or opening.rate
    if rate is None:
        raise DataError(file, "does not say its sampling rate; state the `rate`.")
    own = mean_rate(rows[column]) if has_times else rate
    return rate, (TIMES_DIFFER.format(own=own, rate=rate),) if abs(own - rate) > CLOSE * rate else ()


def _marks(rows: pd.DataFrame, rate: float) -> list[Annotation]:
    """Where a column of markers becomes another number than nothing and 0."""
    for column in MARKERS:
        if column in rows.columns:
            numbers = pd.to_numeric(rows[column], errors="coerce").fillna(0).to_numpy(float)
            begins = np.flatnonzero((numbers != 0) & (np.diff(numbers, prepend=0) != 0))
            if len(begins):
                return [Annotation(i / rate, 0.0, f"marker {numbers[i]:g}") for i in begins]
    return []


def _lost(counter: pd.Series) -> tuple[str, ...]:
    """What is said where a counter that starts anew at its highest value skips."""
    numbers = pd.to_numeric(counter, errors="coerce").dropna().to_numpy(float)
    if len(numbers) < 3:
        return ()
    steps = np.diff(numbers)
    usual = float(np.median(steps))
    skips = int(((steps != usual) & (steps >= 0)).sum()) + int(
        (steps[steps < 0] != numbers.min() - numbers.max()).sum()
    )
    return (LOST.format(count=skips),) if usual > 0 and skips else ()


Maker = Callable[[Path, bytes, Text, Opening], Found]
MAKERS: tuple[tuple[Callable[[str], object], Maker], ...] = (
    (_EMOTIV.search, _emotiv),
    (re.compile(r"^\W*%?\s*OpenBCI Raw", re.IGNORECASE).match, _openbci),
    (re.compile(r"^\W*TimeStamp,.*\bRAW_TP9\b", re.IGNORECASE | re.DOTALL).match, _muse),
)
