"""Tables that lie beside recordings, joined to them: classes and people, for images, volumes and signals alike.

A row names a file by its path, as long a part of it as the table writes, by its name or its number (7, 007 and 007.png
are one), by a number after a common prefix, by the folder of a patient, or by patient and slice. What is ambiguous is
refused; how many rows and files found one another is always said.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from synth_core.data.above import TABLES
from synth_core.data.deidentify import pseudonym
from synth_core.data.layouts import named_by_layout, without_ending
from synth_core.data.readers.files import Files, read_bounded
from synth_core.data.readers.names import is_number
from synth_core.data.readers.participants import PERSONAL, class_name
from synth_core.data.recording import Recording
from synth_core.errors import DataError

LIMIT = 2**26  # bytes of a table
MOST_CLASSES = 20
NUMBERED = ("CT-ICH", "Brain CT hemorrhage")  # whose tables lie at the top and name patients and slices by number
DEPTH = 5  # parts of a path that a row may name
_SUBJECT = re.compile(
    r"^(?:subject|patient|participant|person|case)s?[_\- ]?(?:id|nr|no|number|name|code)?$", re.IGNORECASE
)
_FILE = re.compile(r"^(?:id|name|key|(?:file|image|img|scan|slice|record(?:ing)?|path|volume|study).*)$", re.IGNORECASE)
_SLICE = re.compile(r"slice", re.IGNORECASE)
_LABEL = re.compile(
    r"label|class|diagnos|target|categor|outcome|group|condition|^y$|^dx$|haemorr|hemorr|finding", re.IGNORECASE
)
_NO_LABEL = re.compile(
    r"\b(?:sex|gender|age|split|fold|set|date|device|site|hospital|scanner|rate|unit)\b", re.IGNORECASE
)
_NO_CLASS = re.compile(
    r"^(?:train(?:ing)?|test(?:ing)?|val(?:id(?:ation)?)?|dev|eval|fold.*|(?:train|test|val)[_\- ]?(?:set|data|split)|"
    r"brain|bone|subdural|images?|imgs?|pics?|data|files?|records?|raw|ct|eeg|ecg|edf|nii|dicom|dcm|scans?|slices?|png|"
    r"jpe?g|tiff?|ct_scans|ses.*|sub.*|pat.*|.*\.zip)$",
    re.IGNORECASE,
)
_TAIL = re.compile(r"^(.*?)(\d+)$")
Key = tuple[str, ...]


@dataclass(frozen=True)
class Row:
    """What one row gives: 0 or 1 for the classes that it knows, and the person, "" where it names none."""

    labels: Mapping[str, int]
    subject: str


@dataclass(frozen=True)
class _Table:
    """The columns of a file as text."""

    file: Path
    columns: Mapping[str, list[str]]

    @property
    def rows(self) -> int:
        return len(next(iter(self.columns.values()), ()))


def with_tables(recordings: Sequence[Recording], files: Files) -> list[Recording]:
    """The recordings with what tables in their folder, or in one above, say of them.

    Only recordings that have no classes yet are looked at. A table that is not used is a warning on them; one that
    lies above what was opened counts only where it surely means these files, and nothing is said of it otherwise.

    Raises
    ------
    DataError : for a table that could mean several files by one row, or that most rows and files do not share.
    """
    result = list(recordings)
    above = [file for file in files.above if file.name in TABLES]
    for file in (*files.named(".csv", ".tsv"), *above):
        folder = file.parent if file in above else files.place(file).parent
        own = [i for i, one in enumerate(result) if _is_open(one) and _below(one, folder)]
        table = _read(file) if own else None
        if table is None:
            continue
        try:
            joined = _joined(table, [result[i] for i in own], folder, file in above)
        except DataError:
            if file in above:
                continue  # it is of other files
            raise
        files.take(file)
        for i, one in zip(own, joined, strict=True):
            result[i] = one
    return result


def with_class_folders(recordings: Sequence[Recording]) -> tuple[list[Recording], frozenset[str]]:
    """Recordings without classes, labelled by the folders that they lie in; and the names of these folders.

    The folder right above the files, where there are a few of them, called by words and each with two files at least:
    parts of a split, windows, people and sessions are no classes.
    """
    own = [i for i, one in enumerate(recordings) if _is_open(one)]
    names = {i: folder for i in own if (folder := _class_folder(recordings[i]))}
    counts = Counter(names.values())
    if len(names) < len(own) or not 1 < len(counts) <= MOST_CLASSES or min(counts.values()) < 2:
        return list(recordings), frozenset()
    result = list(recordings)
    said = f"The classes are the names of the folders: {', '.join(sorted(counts))}."
    for i, name in names.items():
        labels = {one: int(one == name) for one in sorted(counts)}
        result[i] = replace(result[i], labels=labels, warnings=(*result[i].warnings, said))
    return result, frozenset(counts)


def _class_folder(recording: Recording) -> str:
    """The folder above a file, within what was opened, where it may be a class; else ""."""
    parts = PurePath(recording.evidence.shown).parts[1:-1] if recording.evidence is not None else ()
    name = parts[-1] if parts else ""
    return "" if _NO_CLASS.match(name) or any(map(str.isdigit, name)) else name


def _is_open(recording: Recording) -> bool:
    return recording.evidence is not None and not recording.labels


def _below(recording: Recording, folder: PurePath) -> bool:
    return recording.evidence is not None and recording.evidence.place.is_relative_to(folder)


def _read(file: Path) -> _Table | None:
    """A table with a header and at least two columns; None for any other text."""
    try:
        text = read_bounded(file, LIMIT, "a table of labels").decode("utf-8-sig", "replace")
        first = text.partition("\n")[0]
        delimiter = max(",;\t", key=first.count)
        rows = list(csv.DictReader(io.StringIO(text), delimiter=delimiter))
    except (DataError, csv.Error):
        return None
    names = [name for name in (rows[0] if rows else {}) if name and name.strip()]
    if len(names) < 2:
        return None
    return _Table(file, {name.strip(): [str(row.get(name) or "").strip() for row in rows] for name in names})


def _joined(table: _Table, recordings: list[Recording], folder: PurePath, above: bool) -> list[Recording]:
    paths = [_key(one.evidence.place) for one in recordings if one.evidence is not None]
    found = _by_slice(table, recordings, paths) or _by_two(table, paths) or _by_one(table, paths)
    if above and (found is None or not _is_sure(table, found, recordings, folder)):
        return recordings
    if found is None:
        return _unused(table, recordings, folder)
    keys, matched = found
    rows_found = len({row for rows in matched for row in rows})
    files_found = sum(bool(rows) for rows in matched)
    counts = f"{rows_found} of {table.rows} rows matched, {len(matched) - files_found} files without a row"
    if 2 * files_found < len(matched) and 2 * rows_found < table.rows:
        raise DataError(table.file, f"{counts}. Its column {keys[0]!r} names other files; correct it.")
    said = f"{table.file.name}: {counts}."
    given = _rows(table, keys)
    return [_with_rows(one, [given[row] for row in rows], said) for one, rows in zip(recordings, matched, strict=True)]


def _is_sure(table: _Table, found: Matched, recordings: list[Recording], folder: PurePath) -> bool:
    """Whether a table above means these files: it lies beside them, its rows name their folder too, or it is of a
    collection of volumes and slices that names its files by numbers."""
    keys, matched = found
    named = [table.columns[keys[0]][row] for rows in matched for row in rows]
    if named and all(set(cell) & {"/", "\\"} for cell in named):
        return True
    places = [one.evidence.place for one in recordings if one.evidence is not None]
    if all(place.parent == folder for place in places):
        return True
    layouts = [named_by_layout(place) for place in places]
    return all(layout is not None and layout.collection in NUMBERED for layout in layouts)


def _with_rows(recording: Recording, rows: list[Row], said: str) -> Recording:
    """One row is of the whole recording; several are of its slices, in order."""
    warnings = (*recording.warnings, said)
    if not rows or recording.evidence is None:
        return replace(recording, warnings=warnings)
    subjects = {row.subject for row in rows} - {""}
    evidence = replace(recording.evidence, table=next(iter(subjects))) if len(subjects) == 1 else recording.evidence
    if len(rows) == 1:
        return replace(recording, labels=rows[0].labels, evidence=evidence, warnings=warnings)
    names = dict.fromkeys(name for row in rows for name in row.labels)
    labels = {name: max(row.labels.get(name, 0) for row in rows) for name in names}
    slices = tuple(row.labels for row in rows)
    return replace(recording, labels=labels, slice_labels=slices, evidence=evidence, warnings=warnings)


def _unused(table: _Table, recordings: list[Recording], folder: PurePath) -> list[Recording]:
    """An error where the table stands for files in its own folder, else a warning."""
    beside = any(one.evidence is not None and one.evidence.place.parent == folder for one in recordings)
    if beside and any(_FILE.match(name) or _SUBJECT.match(name) for name in table.columns):
        problem = (
            f"0 of {table.rows} rows matched, {len(recordings)} files without a row; its columns name other files."
        )
        raise DataError(table.file, problem)
    sentence = f"{table.file.name} lies with the recordings and was not used: none of its columns names them."
    return [replace(one, warnings=(*one.warnings, sentence)) for one in recordings]


Matched = tuple[tuple[str, ...], list[list[int]]]  # columns of the key; rows of each recording


def _by_one(table: _Table, paths: list[Key]) -> Matched | None:
    """By one column: the longest path, the name, a number after a prefix, or the folder of a person."""
    ways: tuple[Callable[[_Table, str, list[Key]], list[list[int]] | None], ...] = (_by_path, _by_tail, _by_folder)
    for way in ways:
        best: Matched | None = None
        for name in table.columns:
            rows = way(table, name, paths)
            if rows is not None and any(rows) and (best is None or _hits(rows) > _hits(best[1])):
                best = (name,), rows
        if best is not None:
            return best
    return None


def _hits(rows: list[list[int]]) -> int:
    return sum(map(bool, rows))


def _by_path(table: _Table, name: str, paths: list[Key]) -> list[list[int]] | None:
    """Each cell is the end of a path; DataError where it is the end of several."""
    owners: dict[Key, list[int]] = defaultdict(list)
    for number, path in enumerate(paths):
        for length in range(1, len(path) + 1):
            owners[path[-length:]].append(number)
    result: list[list[int]] = [[] for _ in paths]
    for row, cell in enumerate(table.columns[name]):
        key = _key(PurePath(cell.replace("\\", "/"))) if cell else ()
        found = owners.get(key, []) if key else []
        if len({paths[one] for one in found}) > 1:
            if not (_FILE.match(name) or "/" in cell or "." in cell):
                return None  # a number that many files share is no name of one
            both = " or ".join("/".join(paths[one]) for one in found[:2])
            raise DataError(table.file, f"{cell!r} could be {both}; write the folder into the column {name!r}.")
        for one in found:
            result[one].append(row)
    return None if any(len(rows) > 1 for rows in result) else result


def _by_tail(table: _Table, name: str, paths: list[Key]) -> list[list[int]] | None:
    """img1 and 1.png: numbers after one prefix on each side."""
    cells = [_TAIL.match(PurePath(cell).stem) for cell in table.columns[name]]
    stems = [_TAIL.match(path[-1]) for path in paths]
    prefixes = [{found[1] for found in side if found} for side in (cells, stems)]
    numbers = Counter(int(found[2]) for found in stems if found)
    if not all(cells) or not all(stems) or any(len(one) > 1 for one in prefixes) or max(numbers.values()) > 1:
        return None
    if not _FILE.match(name):
        return None
    rows = defaultdict(list)
    for row, found in enumerate(cells):
        rows[int(found[2]) if found else -1].append(row)
    result = [rows.get(int(found[2]), []) if found else [] for found in stems]
    return None if any(len(own) > 1 for own in result) else result


def _by_folder(table: _Table, name: str, paths: list[Key]) -> list[list[int]] | None:
    """Each cell is the folder of a person, whose recordings share the row."""
    row_of = {_key(PurePath(cell))[-1]: row for row, cell in enumerate(table.columns[name]) if cell}
    if not _SUBJECT.match(name) or len(row_of) < sum(map(bool, table.columns[name])):
        return None
    return [next(([row_of[part]] for part in path[-2::-1] if part in row_of), []) for path in paths]


def _by_two(table: _Table, paths: list[Key]) -> Matched | None:
    """By patient and slice: a folder of the path, and the name of the file."""
    people = [name for name in table.columns if _SUBJECT.match(name)]
    slices = [name for name in table.columns if _SLICE.search(name)]
    if not people or not slices:
        return None
    rows: dict[tuple[str, str], list[int]] = defaultdict(list)
    for row, pair in enumerate(zip(table.columns[people[0]], table.columns[slices[0]], strict=True)):
        rows[_number(pair[0]), _number(pair[1])].append(row)
    matched = [next((rows[part, path[-1]] for part in path[-2::-1] if (part, path[-1]) in rows), []) for path in paths]
    return ((people[0], slices[0]), matched) if any(matched) and max(map(len, matched)) == 1 else None


def _by_slice(table: _Table, recordings: list[Recording], paths: list[Key]) -> Matched | None:
    """By the volume of a patient and the number of a slice within it: as many rows as it has slices."""
    slices = next((name for name in table.columns if _SLICE.search(name)), None)
    if slices is None or all(one.slices == 1 for one in recordings):
        return None
    for name in table.columns:
        rows: dict[str, list[int]] = defaultdict(list)
        for row, cell in enumerate(table.columns[name]):
            rows[_key(PurePath(cell))[-1] if cell else ""].append(row)
        if name == slices or not any(path[-1] in rows for path in paths):
            continue
        ordered = {key: sorted(own, key=lambda row: _order(table.columns[slices][row])) for key, own in rows.items()}
        matched = [ordered.get(path[-1], []) for path in paths]
        for one, own in zip(recordings, matched, strict=True):
            if own and len(own) != one.slices:
                problem = f"has {len(own)} rows for {one.record}, which has {one.slices} slices; correct one of them."
                raise DataError(table.file, problem)
        return (name, slices), matched
    return None


def _rows(table: _Table, keys: tuple[str, ...]) -> list[Row]:
    """What each row says, in the order of the table."""
    classes = _classes(table, keys)
    subject = next((name for name in table.columns if _SUBJECT.match(name)), None)
    people = table.columns[subject] if subject is not None else [""] * table.rows
    return [
        Row(
            {name: value for name, values in classes.items() if (value := values[row]) is not None},
            _person(people[row]),
        )
        for row in range(table.rows)
    ]


def _person(cell: str) -> str:
    return pseudonym(cell) if cell else ""


def _classes(table: _Table, keys: tuple[str, ...]) -> dict[str, list[int | None]]:
    """0, 1 or not known, per class and row: columns of 0 and 1, of codes, or of a few words."""
    left = {
        name: cells
        for name, cells in table.columns.items()
        if name not in keys and not any(one.search(name) for one in (_NO_LABEL, PERSONAL)) and not _SUBJECT.match(name)
    }
    named = {name: cells for name, cells in left.items() if _LABEL.search(name)}
    classes: dict[str, list[int | None]] = {}
    for name, cells in left.items():
        distinct = set(cells) - {""}
        if distinct and distinct <= {"0", "1", "0.0", "1.0"} and (name not in named or not _FILE.match(name)):
            classes[name] = [int(float(cell)) if cell else None for cell in cells]
        elif name in named or (not named and (_are_codes(distinct) or not any(map(is_number, distinct)))):
            classes |= _words(name, cells)
    return classes


def _are_codes(values: set[str]) -> bool:
    """Whether these are grades or codes of classes: whole numbers below 10."""
    return bool(values) and all(re.fullmatch(r"\d", value) for value in values)


def _words(name: str, cells: list[str]) -> dict[str, list[int | None]]:
    """One class for each value; several in one cell are parted by ; or |."""
    values = [[part.strip() for part in re.split(r"[;|]", cell) if part.strip()] for cell in cells]
    distinct = sorted({value for own in values for value in own}, key=lambda text: (len(text), text))
    if not 1 < len(distinct) <= MOST_CLASSES:
        return {}
    return {class_name(name, value): [int(value in own) if own else None for own in values] for value in distinct}


def _key(path: PurePath) -> Key:
    """The last parts of a path as they are compared: no endings, numbers as numbers, in lower case."""
    parts = PurePath(without_ending(path)).parts[-DEPTH:]
    return tuple(_number(part) for part in parts) or ("",)


def _number(text: str) -> str:
    plain = text.strip().lower()
    if re.fullmatch(r"\d+(?:\.0+)?", plain):
        return str(int(float(plain)))
    return plain


def _order(cell: str) -> float:
    try:
        return float(cell.replace(",", "."))
    except ValueError:
        return 0.0
