"""A table of labels as it is written, and what its rows say: classes, and people.

Text in UTF-8, UTF-16 or Windows' own encoding; commas, semicolons or tabs; with a line of names, or none where that
line names a file like those below it. A cell that says "not known" is a missing label and no class; columns of yes and
no are classes like those of 1 and 0. `ID_7_epidural, 1`, one row for each class, becomes one row for each file.
"""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from synth_core.data.deidentify import pseudonym
from synth_core.data.readers.files import read_bounded
from synth_core.data.readers.names import is_number
from synth_core.data.readers.participants import PERSONAL, class_name
from synth_core.data.readers.table_text import encoding_of
from synth_core.errors import DataError

LIMIT = 2**26  # bytes of a table
MOST_CLASSES = 20
ENDINGS = (".csv", ".tsv")
NAMES_PEOPLE = re.compile(
    r"^(?:subject|patient|participant|person|case)s?[_\- ]?(?:id|nr|no|number|name|code)?$", re.IGNORECASE
)
NAMES_FILES = re.compile(
    r"^(?:id|name|key|(?:file|image|img|scan|slice|record(?:ing)?|path|volume|study).*)$", re.IGNORECASE
)
_GENERIC = re.compile(
    r"^(?:y|dx|labels?|class(?:es)?|categor(?:y|ies)|target|outcome|diagnos[ie]s|group)$", re.IGNORECASE
)
_LABEL = re.compile(
    r"label|class|diagnos|target|categor|outcome|group|condition|^y$|^dx$|haemorr|hemorr|finding", re.IGNORECASE
)
_NO_LABEL = re.compile(
    r"\b(?:sex|gender|age|split|fold|set|date|device|site|hospital|scanner|rate|unit)\b", re.IGNORECASE
)
_NOT_KNOWN = re.compile(
    r"(?:n/?a|nan|null|<na>|#n/a|missing|unknown|not (?:known|available|stated)|[-?.]+)?", re.IGNORECASE
)
_FILE_NAME = re.compile(
    r"\.(?:png|jpe?g|tiff?|bmp|dcm|ima|nii|nii\.gz|mh[ad]|nrrd|npy|npz|edf|bdf|gdf|set|vhdr|fif|mat)$"
)
_CLASS_AFTER_FILE = re.compile(r"(.+)_([A-Za-z][A-Za-z ]*)")
_YES_NO = tuple(
    {yes: 1, no: 0}
    for yes, no in (("1", "0"), ("1.0", "0.0"), ("yes", "no"), ("y", "n"), ("true", "false"), ("present", "absent"),
                    ("positive", "negative"))
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """What one row gives: 0 or 1 for the classes that it knows, and the person, "" where it names none."""

    labels: Mapping[str, int]
    subject: str


@dataclass(frozen=True)
class LabelTable:
    """The columns of a file as text; rows that are there twice count once."""

    file: Path
    columns: Mapping[str, list[str]]

    @property
    def rows(self) -> int:
        """How many."""
        return len(next(iter(self.columns.values()), ()))


def read_label_table(file: Path) -> LabelTable | None:
    """A table of at least two columns; None for any other text."""
    try:
        content = read_bounded(file, LIMIT, "a table of labels")
        text = content.decode(encoding_of(content), "replace").lstrip("\ufeff")
        first = text.partition("\n")[0]
        delimiter = max(",;\t", key=first.count)
        delimiter = delimiter if delimiter in first else " "
        rows = [row for row in csv.reader(io.StringIO(text), delimiter=delimiter) if any(map(str.strip, row))]
    except (DataError, csv.Error):
        return None
    if len(rows) < 2 or len(rows[0]) < 2:
        return None
    names = _names(rows)
    body = list(dict.fromkeys(tuple(cell.strip() for cell in row) for row in (rows if names else rows[1:])))
    names = names or [cell.strip() for cell in rows[0]]
    columns = {
        name: [row[i] if i < len(row) else "" for row in body] for i, name in enumerate(names) if name
    }  # a row may be shorter than the line of names
    return LabelTable(file, _one_row_a_file(columns) or columns) if len(columns) > 1 else None


def _names(rows: Sequence[Sequence[str]]) -> list[str]:
    """Names for columns that have none, where the first line names a file like the line below it; else none."""
    files = [
        bool(_FILE_NAME.search(above.strip().lower()) and _FILE_NAME.search(below.strip().lower()))
        for above, below in zip(rows[0], rows[1], strict=False)
    ]
    if not any(files):
        return []
    own = files.index(True)
    others = [i for i in range(len(rows[0])) if i != own]
    return ["file" if i == own else "label" if len(others) == 1 else f"label {others.index(i) + 1}"
            for i in range(len(rows[0]))]  # fmt: skip


def _one_row_a_file(columns: Mapping[str, list[str]]) -> dict[str, list[str]] | None:
    """A row for each file and class as a row for each file; None where the table is not written so."""
    if len(columns) != 2:
        return None
    (name, cells), (_, values) = columns.items()
    found = [_CLASS_AFTER_FILE.fullmatch(cell) for cell in cells]
    given: dict[str, dict[str, str]] = defaultdict(dict)
    for one, value in zip(found, values, strict=True):
        if one is None or value not in ("0", "1"):
            return None
        given[one[1]][one[2]] = value
    classes = list(dict.fromkeys(name for own in given.values() for name in own))
    whole = all(len(own) == len(classes) for own in given.values()) and len(given) * len(classes) == len(cells)
    if not whole or not 1 < len(classes) <= MOST_CLASSES:
        return None
    return {name: list(given), **{one: [own[one] for own in given.values()] for one in classes}}


def rows_of(table: LabelTable, keys: tuple[str, ...]) -> list[Row]:
    """What each row says, in the order of the table.

    Parameters
    ----------
    keys : the columns that name files, which are no classes.
    """
    classes = _classes(table, keys)
    subject = next((name for name in table.columns if NAMES_PEOPLE.match(name)), None)
    people = table.columns[subject] if subject is not None else [""] * table.rows
    return [
        Row(
            {name: value for name, values in classes.items() if (value := values[row]) is not None},
            "" if is_missing(people[row]) else pseudonym(people[row]),
        )
        for row in range(table.rows)
    ]


def is_missing(cell: str) -> bool:
    """Whether a cell says that something is not known."""
    return bool(_NOT_KNOWN.fullmatch(cell.strip()))


def _classes(table: LabelTable, keys: tuple[str, ...]) -> dict[str, list[int | None]]:
    """0, 1 or not known, per class and row: columns of 0 and 1, of yes and no, of codes, or of a few words."""
    left = {
        name: ["" if is_missing(cell) else cell for cell in cells]
        for name, cells in table.columns.items()
        if name not in keys
        and not any(one.search(name) for one in (_NO_LABEL, PERSONAL))
        and not NAMES_PEOPLE.match(name)
    }
    named = {name: cells for name, cells in left.items() if _LABEL.search(name)}
    classes: dict[str, list[int | None]] = {}
    for name, cells in left.items():
        distinct = set(cells) - {""}
        if (code := _yes_no(name, distinct)) and (name not in named or not NAMES_FILES.match(name)):
            classes[name] = [code.get(cell.lower()) for cell in cells]
        elif name in named or (not named and (_are_codes(distinct) or not any(map(is_number, distinct)))):
            classes |= _words(name, cells)
    return classes


def _yes_no(name: str, distinct: set[str]) -> Mapping[str, int]:
    """What the values of a column of yes and no mean; words below "label" or "class" are classes themselves."""
    plain = {value.lower() for value in distinct}
    for code in _YES_NO:
        if plain and plain <= set(code) and (plain <= {"0", "1", "0.0", "1.0"} or not _GENERIC.match(name)):
            return code
    return {"1": 1, "0": 0, "1.0": 1, "0.0": 0} if plain and plain <= {"0", "1", "0.0", "1.0"} else {}


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
