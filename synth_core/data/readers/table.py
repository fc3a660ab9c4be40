"""Tables of samples, CSV, TSV or Parquet: one row per sample and one column per channel, or one row per window.

A table is taken only where its columns say what they are, or the caller does: names of electrodes or leads, or
`channels`; time in seconds, or `rate`; the unit in the names such as "Cz (uV)", or `unit`. Rows of one window have
their samples in at least MOST_COMMON columns that are called alike but for a number (x1, x2, …).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth_core.data.readers.base import Opening
from synth_core.data.readers.channels import kinds_by_name
from synth_core.data.readers.files import Files
from synth_core.data.readers.names import electrode_name, is_number, lead_name, record_of, unique
from synth_core.data.readers.table_content import PARQUET, columns_of, content_of
from synth_core.data.readers.table_text import first_text
from synth_core.data.readers.table_times import rate_of, time_column
from synth_core.data.readers.units import factor, unit_of, volts
from synth_core.data.recording import MemoryRecording, Recording, Source
from synth_core.errors import DamagedFile, DataError, InvalidSetting, UnrecognisedData
from synth_core.types import DataSpec, Modality

LEFT_OUT = (
    "Columns that are not read as channels: {names}. `label_column` and `subject_column` say what a column means."
)
WHOLE_FILE = "The table does not say which of its rows are of one person, so all of them count as one."
MOST_COMMON = 20  # columns that are called alike make a row a window
MOST_CLASSES, MOST_RECORDINGS = 256, 1_000_000
ENDINGS = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
_UNIT = re.compile(r"^(.*?)(?:\s*[(\[]\s*([\w\u00b5\u03bc]+)\s*[)\]]|[_ ]((?:[umn\u00b5\u03bc])V))$")
_NUMBERED = re.compile(r"^(.*?)(\d+)$")


def read(files: Files, opening: Opening) -> list[Recording]:
    """The recordings of every table that says enough; of others only why not, where nothing else is there."""
    recordings: list[Recording] = []
    for file in [*files.named(*ENDINGS, ".txt"), *files.starting(PARQUET)]:
        try:
            columns = columns_of(file, files.head(file), opening.channels)
        except DataError as error:
            if file.name.lower().endswith(ENDINGS):
                files.take(file)
                opening.skipped.append(error)
            continue
        asked = _is_asked_for(opening) and not file.name.lower().endswith(".txt")
        if not (_is_told(columns, opening) or asked or files.path == file):
            continue
        if not columns:
            continue  # other readers know some tables without names of columns
        files.take(file)
        try:
            recordings += _Table(file, files, opening).recordings()
        except DataError as error:
            opening.skipped.append(error)
    return recordings


def why_not(file: Path, files: Files, opening: Opening) -> DataError:
    """What a table that no reader took does not say, for where nothing else is there."""
    try:
        _Table(file, files, opening).recordings()
    except DataError as error:
        return error
    return UnrecognisedData(file, "does not say that it holds signals; state its `channels`, `unit` and `rate`.")


class _Table:
    """What the columns of one table mean."""

    def __init__(self, file: Path, files: Files, opening: Opening) -> None:
        self.file, self.opening = file, opening
        self.record = record_of(files.relative(file))
        self.evidence = files.evidence(file, whole=self.record, note=WHOLE_FILE)
        content = content_of(file, opening.channels)
        self.frame, self.units = content.frame, content.units
        self.warnings: list[str] = []
        for option in ("label_column", "subject_column", "time_column"):
            self._check_column(option, getattr(opening, option))
        self.special = {opening.label_column, opening.subject_column, self._time_column()}

    def recordings(self) -> list[Recording]:
        """One per window, or per run of rows of one person and class."""
        if self.frame.empty:
            raise DamagedFile(self.file, "has no rows; export it again.")
        several = self.opening.channels is not None and len(self.opening.channels) > 1
        windows = [] if several or self._time_column() is not None else self._window_columns()
        labels, subjects = self._labels(), self._subjects()
        return list(self._rows(windows, labels, subjects) if windows else self._runs(labels, subjects))

    def _rows(self, columns: list[str], labels: list[dict[str, int]], subjects: list[str]) -> Iterator[Recording]:
        modality = self._modality([])
        scale = self._scale(self.opening.unit, modality)
        name = (self.opening.channels or (modality.upper(),))[0]
        spec = DataSpec(modality, (1, len(columns)), unit_of(modality), self._rate(None), (name,))
        values = self._values(columns) * scale
        for i in range(len(values)):
            yield self._recording(spec, f"#{i}", labels[i], subjects[i], values[i : i + 1])

    def _runs(self, labels: list[dict[str, int]], subjects: list[str]) -> Iterator[Recording]:
        columns, names, stated = self._sample_columns()
        modality = self._modality(names)
        naming = electrode_name if modality == "eeg" else lead_name
        channels = unique([naming(name) for name in names])
        keys = [(subject, tuple(sorted(given.items()))) for subject, given in zip(subjects, labels, strict=True)]
        changes = [i for i in range(1, len(keys)) if keys[i] != keys[i - 1]]
        if len(changes) >= MOST_RECORDINGS:
            raise DataError(self.file, "changes its person or class too often; sort it first.")
        try:
            scales = [self._scale(unit or self.opening.unit, modality) for unit in stated]
        except DataError as error:
            raise self._also(error, slice(0, changes[0] if changes else len(keys))) from error
        values = self._values(columns) * np.array(scales, np.float32)  # (samples, channels)
        for number, (first, last) in enumerate(zip([0, *changes], [*changes, len(keys)], strict=True)):
            rate = self._rate(slice(first, last))
            spec = DataSpec(modality, (len(channels), last - first), unit_of(modality), rate, channels)
            record = f"#{number}" if changes else ""
            part = self._recording(spec, record, labels[first], subjects[first], values[first:last].T)
            yield replace(part, stated_unit=stated[0])

    def _recording(
        self, spec: DataSpec, number: str, labels: dict[str, int], subject: str, values: NDArray[np.float32]
    ) -> MemoryRecording:
        return MemoryRecording(
            spec=spec,
            subject="",
            record=self.record + number,
            evidence=replace(self.evidence, table=subject),
            labels=labels,
            source=Source(self.file.parent.resolve().name),
            warnings=tuple(dict.fromkeys(self.warnings)),
            values=np.ascontiguousarray(values, np.float32),
        )

    def _check_column(self, option: str, column: str | None) -> None:
        if column is None:
            return
        if column not in self.frame.columns:
            there = ", ".join(list(self.frame.columns)[:12])
            raise InvalidSetting(f"`{option}`: {self.file.name} has no column {column!r}. It has {there}.")
        self.opening.used.add(option)

    def _time_column(self) -> str | None:
        if self.opening.time_column is not None:
            return self.opening.time_column
        return time_column(self.frame.columns)

    def _window_columns(self) -> list[str]:
        return _alike([name for name in self.frame.columns if name not in self.special])

    def _sample_columns(self) -> tuple[list[str], list[str], list[str]]:
        """Columns with samples, the names of their channels, and the units in their names."""
        split = {name: _split_unit(name) for name in self.frame.columns if name not in self.special}
        if self.opening.channels:
            wanted = {
                channel: [name for name in split if channel in (name, split[name][0])]
                for channel in self.opening.channels
            }
            for channel, found in wanted.items():
                if not found:
                    there = ", ".join(list(split)[:12])
                    raise InvalidSetting(f"`channels`: {self.file.name} has no column {channel!r}. It has {there}.")
            columns = [found[0] for found in wanted.values()]
        else:
            kinds = dict(zip(split, kinds_by_name([name for name, _ in split.values()]), strict=True))
            modality = self.opening.modality or ("eeg" if "eeg" in kinds.values() else "ecg")
            columns = [name for name, kind in kinds.items() if kind == modality]
        if not columns:
            there = ", ".join(list(split)[:8])
            problem = f"has no columns called like electrodes or leads (found {there}); state `channels`."
            raise UnrecognisedData(self.file, problem)
        others = [name for name in split if name not in columns]
        if others and not self.opening.channels:
            names = ", ".join(others[:8]) + (" …" if len(others) > 8 else "")
            self.warnings.append(LEFT_OUT.format(names=names))
        units = [split[name][1] or self.units.get(name, "") for name in columns]
        return columns, [split[name][0] for name in columns], units

    def _modality(self, names: Sequence[str]) -> Modality:
        if self.opening.modality is not None:
            return self.opening.modality
        kinds = set(kinds_by_name(names)) & {"eeg", "ecg"}
        if len(kinds) != 1:
            raise DataError(self.file, "does not say what it holds; state the `modality`: eeg or ecg.")
        return "eeg" if kinds == {"eeg"} else "ecg"

    def _rate(self, rows: slice | None) -> float:
        """From the times of these rows, in seconds; else as stated."""
        column = self._time_column()
        if column is None or rows is None or rows.stop - rows.start < 2:
            if self.opening.rate is None:
                raise DataError(self.file, "does not say its sampling rate; state the `rate` or a `time_column`.")
            return float(self.opening.rate)
        cells, unit = self.frame[column].iloc[rows], self.units.get(column, "")
        found = rate_of(self.file, column, cells, unit=unit, told=self.opening.rate)
        self.warnings += [found.warning] if found.warning else []
        return found.hertz

    def _also(self, error: DataError, rows: slice) -> DataError:
        """What is asked, with what is not known of the rate, so that one answer can give both."""
        try:
            self._rate(rows)
        except DataError as other:
            asked, more = (str(one).removeprefix(f"{self.file.name}: ") for one in (error, other))
            return DataError(self.file, f"{asked} It also {more}")
        return error

    def _scale(self, unit: str | None, modality: Modality) -> float:
        if modality == "ct":
            raise DataError(self.file, "is a table, which holds no CT slices; state the `modality` eeg or ecg.")
        scale = factor(unit or "", modality)
        if scale is None:
            raise DataError(self.file, "does not say the unit of its values; state the `unit`: uV, mV, V or nV.")
        return scale

    def _values(self, columns: list[str]) -> NDArray[np.float32]:
        """(rows, columns); empty cells are NaN."""
        try:
            values = self.frame[columns].to_numpy(np.float32)
        except (ValueError, TypeError) as error:
            cell, column, thousands = first_text(self.frame, columns)
            problem = f"has text where samples should be: {cell!r} in {column!r}; correct it or state `channels`."
            if thousands:
                problem = f"marks thousands in numbers, such as {cell!r} in {column!r}; export it without such marks."
            raise DamagedFile(self.file, problem) from error
        if np.isinf(values).any():
            column = columns[int(np.argmax(np.isinf(values).any(axis=0)))]
            raise DamagedFile(self.file, f"has a number in {column!r} that is too large to be a sample; correct it.")
        return values

    def _labels(self) -> list[dict[str, int]]:
        column = self.opening.label_column
        if column is None:
            return [{}] * len(self.frame)
        texts = [_text(value) for value in self.frame[column]]
        classes = sorted(set(texts) - {""})
        if not 0 < len(classes) <= MOST_CLASSES:
            raise InvalidSetting(
                f"`label_column`: {column!r} has {len(classes)} different values; these are no classes."
            )
        names = {value: f"{column} {value}" if is_number(value) else value for value in classes}
        rows = {given: {names[value]: int(value == given) for value in classes} for given in {*classes, ""}}
        if "" in texts:
            raise DamagedFile(self.file, f"has rows without a value in {column!r}; complete or remove them.")
        return [rows[text] for text in texts]

    def _subjects(self) -> list[str]:
        column = self.opening.subject_column
        if column is None:
            return [""] * len(self.frame)
        texts = [_text(value) for value in self.frame[column]]
        if "" in texts:
            raise DamagedFile(self.file, f"has rows without a person in {column!r}; complete or remove them.")
        return texts


def _is_told(columns: Sequence[str], opening: Opening) -> bool:
    """Whether names of columns say that a table holds signals: electrodes or leads, and time or a stated rate."""
    kinds = set(kinds_by_name([_split_unit(name)[0] for name in columns])) if columns else set()
    timed = opening.rate is not None or time_column(columns) is not None
    return timed and bool(kinds & {"eeg", "ecg"})


def _is_asked_for(opening: Opening) -> bool:
    """Whether the caller has named columns."""
    columns = (opening.label_column, opening.subject_column, opening.time_column, opening.channels)
    return any(column is not None for column in columns)


def _alike(columns: Sequence[str]) -> list[str]:
    """Those called alike but for a number, in order of it; none where they are few."""
    groups: dict[str, list[tuple[int, str]]] = {}
    for name in columns:
        found = _NUMBERED.match(name)
        if found and len(found[2]) < 10:
            groups.setdefault(found[1], []).append((int(found[2]), name))
    by_size = sorted(groups.values(), key=len)
    largest = sorted(by_size[-1]) if by_size else []
    return [name for _, name in largest] if len(largest) >= MOST_COMMON else []


def _split_unit(name: str) -> tuple[str, str]:
    """ "Cz (uV)" → ("Cz", "uV")."""
    found = _UNIT.match(name)
    unit = (found[2] or found[3]) if found else ""
    return (found[1], unit) if found and volts(unit) is not None else (name, "")


def _text(value: Any) -> str:
    if value is None or (isinstance(value, float) and not np.isfinite(value)):
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()
