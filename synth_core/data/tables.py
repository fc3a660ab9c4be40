"""Tables that lie beside recordings, joined to them: classes and people, for images, volumes and signals alike.

A row names a file by its path, as long a part of it as the table writes, by its name or its number (7, 007 and 007.png
are one), by a number after a common prefix, by the folder of a patient, or by patient and slice. What is ambiguous is
refused; how many rows and files found one another is always said.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import PurePath

from synth_core.data.above import TABLES
from synth_core.data.label_table import (
    ENDINGS,
    MOST_CLASSES,
    NAMES_FILES,
    NAMES_PEOPLE,
    LabelTable,
    Row,
    read_label_table,
    rows_of,
)
from synth_core.data.layouts import named_by_layout, without_ending
from synth_core.data.readers.files import Files
from synth_core.data.readers.names import is_number
from synth_core.data.recording import Recording
from synth_core.errors import DataError

NUMBERED = ("CT-ICH", "Brain CT hemorrhage")  # whose tables lie at the top and name patients and slices by number
DEPTH = 5  # parts of a path that a row may name
_SLICE = re.compile(r"slice", re.IGNORECASE)
_TAIL = re.compile(r"^(.*?)(\d+)$")
Key = tuple[str, ...]


@dataclass(frozen=True)
class _Join:
    """What one table says of the recordings that it may be about.

    Parameters
    ----------
    own : numbers of these recordings. rows : of each, in the order of its slices where there are several.
    shared : whether a row is of several recordings, such as those of one patient.
    by_folders : whether every row that was found writes folders too.
    said : the counts, or why nothing was used. problem : what speaks against using the table at all.
    """

    table: LabelTable
    own: tuple[int, ...]
    rows: tuple[tuple[Row, ...], ...] = ()
    shared: bool = False
    by_folders: bool = False
    said: str = ""
    problem: DataError | None = None

    @property
    def by_slice(self) -> bool:
        """Whether each slice of a volume has a row."""
        return any(len(rows) > 1 for rows in self.rows)


def with_tables(recordings: Sequence[Recording], files: Files) -> list[Recording]:
    """The recordings with what tables in their folder, or in one above, say of them.

    Only recordings that have no classes yet are looked at. Where several tables speak of a recording, one that names
    files or slices comes before one of patients: the classes are those of the first that has any, the person too. A
    table that is not used is a warning; one that lies above what was opened counts only where it surely means these
    files, and nothing is said of it otherwise.

    Raises
    ------
    DataError : where no table fits, for one that could mean several files by one row, or that most rows and files do
        not share.
    """
    result = list(recordings)
    above = [file for file in files.above if file.name in TABLES]
    joins = []
    for file in (*files.named(*ENDINGS), *files.named(".txt"), *above):
        folder = file.parent if file in above else files.place(file).parent
        own = [i for i, one in enumerate(result) if _is_open(one) and _below(one, folder)]
        table = read_label_table(file) if own else None
        join = _joined(table, own, [result[i] for i in own], folder) if table is not None else None
        if join is None or (not join.rows and not file.name.lower().endswith(ENDINGS)):
            continue  # any text
        if file in above and (join.problem is not None or not join.rows or not _is_sure(join, result, folder)):
            continue  # it is of other files
        files.take(file)
        joins.append(join)
    joins.sort(key=lambda join: 0 if join.by_slice else 2 if join.shared else 1)
    result = _given(result, joins)
    return _with_spreadsheets(result, files)


def _given(recordings: list[Recording], joins: Sequence[_Join]) -> list[Recording]:
    """What the tables say, the more particular ones first; DataError where there is only one that does not fit."""
    result = list(recordings)
    labelled: dict[int, str] = {}  # recordings that a table before has spoken of → its name
    for join in joins:
        if join.problem is not None and not any(other.rows and set(join.own) <= set(other.own) for other in joins):
            raise join.problem
        name = join.table.file.name
        classes = any(row.labels for rows in join.rows for row in rows)
        said = str(join.problem) if join.problem is not None else join.said
        before = next((labelled[i] for i in join.own if i in labelled), "")
        if classes and before:
            said = f"{said} Its classes were not used: {before} gives classes more particularly."
        elif classes and join.shared:
            said = f"{said} Its classes are of whole people: each file of a person has them."
        elif join.rows and not classes and not any(row.subject for rows in join.rows for row in rows):
            said = f"{said} It gives no classes: no column has 0 and 1, yes and no, or 2 to {MOST_CLASSES} words."
        for i, rows in zip(join.own, join.rows or ((),) * len(join.own), strict=True):
            result[i] = _with_rows(result[i], rows, said, not before)
        if classes and not before:
            labelled |= dict.fromkeys(join.own, name)
    return result


def _with_spreadsheets(recordings: list[Recording], files: Files) -> list[Recording]:
    """A warning where a table lies there in a form that is not read."""
    sheets = files.named(".xlsx", ".xls", ".ods")
    if not sheets or not any(map(_is_open, recordings)):
        return recordings
    said = f"{sheets[0].name} is a spreadsheet, which is not read; save it as CSV where it says who or what these are."
    return [replace(one, warnings=(*one.warnings, said)) if _is_open(one) else one for one in recordings]


def _is_open(recording: Recording) -> bool:
    return recording.evidence is not None and not recording.labels


def _below(recording: Recording, folder: PurePath) -> bool:
    return recording.evidence is not None and recording.evidence.place.is_relative_to(folder)


def _joined(table: LabelTable, own: list[int], recordings: list[Recording], folder: PurePath) -> _Join:
    paths = [_key(one.evidence.place) for one in recordings if one.evidence is not None]
    try:
        found = _by_slice(table, recordings, paths) or _by_two(table, paths) or _by_one(table, paths)
    except DataError as error:
        return _Join(table, tuple(own), problem=error)
    if found is None:
        return _unused(table, own, recordings, folder)
    keys, matched = found
    hits = Counter(row for rows in matched for row in rows)
    files_found = sum(map(bool, matched))
    counts = f"{len(hits)} of {table.rows} rows matched, {len(matched) - files_found} files without a row"
    if 2 * files_found < len(matched) and 2 * len(hits) < table.rows:
        problem = DataError(table.file, f"{counts}. Its column {keys[0]!r} names other files; correct it.")
        return _Join(table, tuple(own), problem=problem)
    given = rows_of(table, keys)
    rows = tuple(tuple(given[row] for row in rows) for rows in matched)
    by_folders = bool(hits) and all(set(table.columns[keys[0]][row]) & {"/", "\\"} for row in hits)
    shared = max(hits.values(), default=0) > 1
    return _Join(table, tuple(own), rows, shared, by_folders, f"{table.file.name}: {counts}.")


def _is_sure(join: _Join, recordings: Sequence[Recording], folder: PurePath) -> bool:
    """Whether a table above means these files: it lies beside them, its rows name their folder too, or it is of a
    collection of volumes and slices that names its files by numbers."""
    if join.by_folders:
        return True
    places = [one.evidence.place for i in join.own if (one := recordings[i]).evidence is not None]
    if all(place.parent == folder for place in places):
        return True
    layouts = [named_by_layout(place) for place in places]
    return all(layout is not None and layout.collection in NUMBERED for layout in layouts)


def _with_rows(recording: Recording, rows: Sequence[Row], said: str, classes: bool) -> Recording:
    """One row is of the whole recording; several are of its slices, in order."""
    warnings = (*recording.warnings, said)
    evidence = recording.evidence
    if not rows or evidence is None:
        return replace(recording, warnings=warnings)
    subjects = {row.subject for row in rows} - {""}
    if len(subjects) == 1 and not evidence.table:
        evidence = replace(evidence, table=next(iter(subjects)))
    if not classes:
        return replace(recording, evidence=evidence, warnings=warnings)
    if len(rows) == 1:
        return replace(recording, labels=rows[0].labels, evidence=evidence, warnings=warnings)
    names = dict.fromkeys(name for row in rows for name in row.labels)
    labels = {name: max(row.labels.get(name, 0) for row in rows) for name in names}
    slices = tuple(row.labels for row in rows)
    return replace(recording, labels=labels, slice_labels=slices, evidence=evidence, warnings=warnings)


def _unused(table: LabelTable, own: list[int], recordings: list[Recording], folder: PurePath) -> _Join:
    """An error where the table stands for files in its own folder, else a warning."""
    beside = any(one.evidence is not None and one.evidence.place.parent == folder for one in recordings)
    if beside and any(NAMES_FILES.match(name) or NAMES_PEOPLE.match(name) for name in table.columns):
        problem = (
            f"0 of {table.rows} rows matched, {len(recordings)} files without a row; its columns name other files."
        )
        return _Join(table, tuple(own), problem=DataError(table.file, problem))
    said = f"{table.file.name} lies with the recordings and was not used: none of its columns names them."
    return _Join(table, tuple(own), said=said)


Matched = tuple[tuple[str, ...], list[list[int]]]  # columns of the key; rows of each recording


def _by_one(table: LabelTable, paths: list[Key]) -> Matched | None:
    """By one column: the longest path, the name, a number after a prefix, or the folder of a person."""
    ways: tuple[Callable[[LabelTable, str, list[Key]], list[list[int]] | None], ...] = (_by_path, _by_tail, _by_folder)
    for way in ways:
        best: Matched | None = None
        for name in _naming(table):
            rows = way(table, name, paths)
            if rows is not None and any(rows) and (best is None or _hits(rows) > _hits(best[1])):
                best = (name,), rows
        if best is not None:
            return best
    return None


def _naming(table: LabelTable) -> list[str]:
    """Columns that may name files: ages and counts are numbers too, and are not called so."""
    first = next(iter(table.columns))
    return [
        name
        for name, cells in table.columns.items()
        if name == first or NAMES_FILES.match(name) or NAMES_PEOPLE.match(name) or not all(map(is_number, cells))
    ]


def _hits(rows: list[list[int]]) -> int:
    return sum(map(bool, rows))


def _by_path(table: LabelTable, name: str, paths: list[Key]) -> list[list[int]] | None:
    """Each cell is the end of a path; DataError where it is the end of several."""
    owners: dict[Key, list[int]] = defaultdict(list)
    for number, path in enumerate(paths):
        for length in range(1, len(path) + 1):
            owners[path[-length:]].append(number)
    result: list[list[int]] = [[] for _ in paths]
    written = [PurePath(cell.replace("\\", "/")) for cell in table.columns[name]]
    elsewhere = _common(written)  # such as the folders of another machine
    for row, (cell, place) in enumerate(zip(table.columns[name], written, strict=True)):
        found = owners.get(_key(place), []) or owners.get(_key(PurePath(*place.parts[elsewhere:])), []) if cell else []
        if len({paths[one] for one in found}) > 1:
            if not (NAMES_FILES.match(name) or "/" in cell or "." in cell):
                return None  # a number that many files share is no name of one
            both = " or ".join("/".join(paths[one]) for one in found[:2])
            raise DataError(table.file, f"{cell!r} could be {both}; write the folder into the column {name!r}.")
        for one in found:
            result[one].append(row)
    twice = next((i for i, rows in enumerate(result) if len(rows) > 1), None)
    if twice is not None and NAMES_FILES.match(name):
        problem = (
            f"has {len(result[twice])} rows for {'/'.join(paths[twice][-2:])} that differ; keep one for each file."
        )
        raise DataError(table.file, problem)
    return None if twice is not None else result


def _common(written: Sequence[PurePath]) -> int:
    """How many folders all of these begin with."""
    folders = [path.parts[:-1] for path in written if path.parts]
    same = takewhile(lambda parts: len(set(parts)) == 1, zip(*folders, strict=False))
    return sum(1 for _ in same)


def _by_tail(table: LabelTable, name: str, paths: list[Key]) -> list[list[int]] | None:
    """img1 and 1.png: numbers after one prefix on each side."""
    cells = [_TAIL.match(PurePath(cell).stem) for cell in table.columns[name]]
    stems = [_TAIL.match(path[-1]) for path in paths]
    prefixes = [{found[1] for found in side if found} for side in (cells, stems)]
    numbers = Counter(int(found[2]) for found in stems if found)
    if not all(cells) or not all(stems) or any(len(one) > 1 for one in prefixes) or max(numbers.values()) > 1:
        return None
    if not NAMES_FILES.match(name):
        return None
    rows = defaultdict(list)
    for row, found in enumerate(cells):
        rows[int(found[2]) if found else -1].append(row)
    result = [rows.get(int(found[2]), []) if found else [] for found in stems]
    return None if any(len(own) > 1 for own in result) else result


def _by_folder(table: LabelTable, name: str, paths: list[Key]) -> list[list[int]] | None:
    """Each cell is the folder of a person, whose recordings share the row."""
    row_of = {_key(PurePath(cell))[-1]: row for row, cell in enumerate(table.columns[name]) if cell}
    if not NAMES_PEOPLE.match(name) or len(row_of) < sum(map(bool, table.columns[name])):
        return None
    return [next(([row_of[part]] for part in path[-2::-1] if part in row_of), []) for path in paths]


def _by_two(table: LabelTable, paths: list[Key]) -> Matched | None:
    """By patient and slice: a folder of the path, and the name of the file."""
    people = [name for name in table.columns if NAMES_PEOPLE.match(name)]
    slices = [name for name in table.columns if _SLICE.search(name)]
    if not people or not slices:
        return None
    rows: dict[tuple[str, str], list[int]] = defaultdict(list)
    for row, pair in enumerate(zip(table.columns[people[0]], table.columns[slices[0]], strict=True)):
        rows[_number(pair[0]), _number(pair[1])].append(row)
    matched = [next((rows[part, path[-1]] for part in path[-2::-1] if (part, path[-1]) in rows), []) for path in paths]
    return ((people[0], slices[0]), matched) if any(matched) and max(map(len, matched)) == 1 else None


def _by_slice(table: LabelTable, recordings: list[Recording], paths: list[Key]) -> Matched | None:
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
