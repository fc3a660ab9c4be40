"""How a table is written as text: its encoding, what stands above its columns, its separator and its decimal mark.

Nothing of this is declared in a CSV file, so it is told from the first lines: rows of samples are those whose cells are
mostly numbers, the line above them with as many cells names the columns, and a line of units may stand between. What
can be read in two ways is not read.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import pandas as pd

from synth_core.data.readers.channels import kinds_by_name
from synth_core.data.readers.files import LONGEST_LINE, check_cells, check_regular, float_precision, head
from synth_core.data.readers.names import is_number
from synth_core.data.readers.units import volts
from synth_core.errors import DamagedFile, DataError

LINES, FEW, BYTES = 60, 6, 2**18  # of the beginning, which tells how a table is written
SEPARATORS = ("\t", ";", "|", ",", " ")
TRIED = 5  # rows of samples that must agree
FEWEST_SAMPLES = 64  # of a row that is a channel
COMMENT = re.compile(r"^\s*(?:#|%|//)+\s*")
SECONDS = {
    "s",
    "sec",
    "seconds",
    "ms",
    "us",
    "µs",
    "μs",
    "ns",
    "min",
    "h:m:s",
    "hh:mm:ss",
    "hh:mm:ss.mmm",
    "hh:mm:ss.sss",
}
NOT_KNOWN = {"", "-", "none", "n/a", "a.u.", "count", "counts", "sample", "samples", "1", "#"}
BOTH_COMMAS = "uses the comma between its columns and within its numbers; export it with semicolons or decimal points."
ONE_NAME_LESS = "has {names} names above {width} columns, so that it is not known which one lacks its name; add it."
EITHER = (
    "has numbers such as {number}, whose comma may mark decimals or thousands; export it with decimal points and "
    "without marks for thousands."
)
_IN_BRACKETS = re.compile(r"\s*[(\[][^)\]]*[)\]]$")
_FIELDS = re.compile(r"Expected (\d+) fields in line (\d+), saw (\d+)")
_CLOCK = re.compile(r"^\[?\d{1,4}[:\-/.]\d{1,2}[:\-/.]\d{1,4}\S*(?:[ T]\S+)?$|^\d{1,3}:\d{1,2}(?:[.,]\d+)?$")
_POINT = re.compile(r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$|^[+-]?(?:nan|inf)$", re.IGNORECASE)
_COMMA = re.compile(r"^[+-]?(?:\d+,\d*|,\d+)(?:[eE][+-]?\d+)?$")
_THOUSANDS = re.compile(r"^[+-]?\d{1,3}(?:[.,'’ \u00a0\u202f]\d{3})+(?:[.,]\d+)?$")
_ONLY_DECIMAL = re.compile(rb"(?<![\d.,])(?:[+-]?0?,\d|\d+,(?:\d{1,2}|\d{4,})(?![\d,])|\d{4,},\d)")
_WITH_COMMA = re.compile(rb"(?<![\d.,])[+-]?\d+,\d+")


@dataclass(frozen=True)
class Text:
    """How one table is written.

    Parameters
    ----------
    names : of the columns; none where no line names them. units : of the columns, "" where not known.
    above : the lines before the names, without marks for comments.
    first : number of lines before the first row of samples.
    transposed : whether a row is a channel and a column a sample. channels : of the first lines, where so. times : the
        line above them, where it holds numbers.
    trailing : whether rows end with a separator that the names do not have.
    problem : why it cannot be read, as a sentence; "" where it can.
    """

    encoding: str
    separator: str
    names: tuple[str, ...]
    units: tuple[str, ...]
    above: tuple[str, ...]
    first: int
    width: int
    transposed: bool = False
    channels: tuple[str, ...] = ()
    times: tuple[str, ...] = ()
    trailing: bool = False
    problem: str = ""


def described(file: Path, content: bytes | None = None) -> Text:
    """How the table of a file is written, from its beginning, or from that of all its bytes where these are given.

    Raises
    ------
    DataError : for a first line of more than LONGEST_LINE bytes, or of more columns than are read.
    """
    start = _beginning(file) if content is None else _lines(file, io.BytesIO(content))
    encoding = encoding_of(start)
    widest = max(start.splitlines() or [b""], key=len)
    for separator in SEPARATORS[:-1]:
        check_cells(file, widest, separator)  # before a line is cut into cells
    lines = start.decode(encoding, "replace").splitlines()[:LINES]
    found = [one for one in (_as(lines, separator) for separator in SEPARATORS) if one is not None]
    told = (one for one in found if one.names or one.transposed or one.problem)
    best = next(told, found[0] if found else _named_only(lines))
    problem = best.problem or ("" if best in found and (best.names or best.transposed) else _commas(lines))
    return replace(best, encoding=encoding, problem=problem)


def frame_of(file: Path, content: bytes, text: Text) -> pd.DataFrame:
    """All rows of a table, by column; DataError where it cannot be read.

    Parameters
    ----------
    content : the bytes of the file. text : as described.
    """
    if text.problem:
        raise DataError(file, text.problem)
    check_cells(file, content, text.separator)
    if not text.width:
        return pd.DataFrame()
    decimal = _decimal(file, content, text)
    names = [*text.names, ""] if text.trailing else list(text.names or map(str, range(text.width)))
    try:
        frame: pd.DataFrame = pd.read_csv(
            io.BytesIO(content),
            sep=r"\s+" if text.separator == " " else text.separator,
            decimal=decimal,
            skiprows=text.first,
            skip_blank_lines=True,
            skipinitialspace=True,
            header=None,
            float_precision=float_precision(content),
            low_memory=False,
            encoding=text.encoding,
            encoding_errors="replace",
        )
    except pd.errors.EmptyDataError:
        return pd.DataFrame(columns=names)
    except pd.errors.ParserError as error:
        if (found := _FIELDS.search(str(error))) is None:
            raise
        problem = f"has {found[3]} cells in line {found[2]} where other lines have {found[1]}; correct that line."
        raise DamagedFile(file, problem) from error
    if frame.shape[1] != len(names):
        raise DamagedFile(
            file, f"has rows of {frame.shape[1]} cells below {len(names)} names; correct or export it again."
        )
    frame.columns = pd.Index(names)
    return frame.iloc[:, :-1] if text.trailing else frame


def first_text(frame: pd.DataFrame, columns: Sequence[str]) -> tuple[str, str, bool]:
    """The first cell that is no number, its column, and whether it is a number with marks for thousands."""
    for column in columns:
        cells = frame[column]
        wrong = cells[pd.to_numeric(cells, errors="coerce").isna() & cells.notna()].astype(str)
        if len(wrong):
            other = wrong[~wrong.str.match(_COMMA)]  # decimal commas stay text where another cell is no number
            wrong = other if len(other) else wrong
            cell = str(wrong.iloc[0])
            return cell[:30], column, bool(_THOUSANDS.match(cell.strip()))
    return "", "", False


def cells_of(line: str, separator: str) -> list[str]:
    """The cells of a line, quotation marks undone."""
    if separator == " ":
        return [cell.strip("'\"") for cell in line.split()]
    if separator not in line:
        return [line.strip().strip("'\"").strip()]
    try:
        parsed = next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])
    except csv.Error:  # a cell of more than 128 KB
        return [line]
    return [cell.strip().strip("'").strip() for cell in parsed]


def _beginning(file: Path) -> bytes:
    try:
        check_regular(file)
        with gzip.open(file, "rb") if head(file, 2) == b"\x1f\x8b" else file.open("rb") as content:
            return _lines(file, content)
    except (OSError, EOFError, zlib.error):
        return b""


def _lines(file: Path, content: io.BufferedIOBase | gzip.GzipFile | io.BytesIO) -> bytes:
    lines: list[bytes] = []
    while len(lines) < FEW or (len(lines) < LINES and sum(map(len, lines)) < BYTES):
        line = content.readline(LONGEST_LINE)
        if len(line) == LONGEST_LINE:
            which = "line" if lines else "first line"
            problem = f"has a {which} of more than {LONGEST_LINE >> 20} MB, which no table has; correct it."
            raise DataError(file, problem)
        if not line:
            break
        lines.append(line)
    return b"".join(lines)


def encoding_of(start: bytes) -> str:
    """What a text is encoded in, from its bytes or the first of them."""
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    nulls = (start[:200:2].count(0), start[1:200:2].count(0))
    if max(nulls) > 20:
        return "utf-16-be" if nulls[0] > nulls[1] else "utf-16-le"
    try:
        start[: start.rfind(b"\n") + 1 or None].decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"  # what Windows writes µ in
    return "utf-8-sig"


def _as(lines: Sequence[str], separator: str) -> Text | None:
    """The table with this separator; None where no rows of at least two numbers agree."""
    rows = [cells_of(line, separator) if line.strip() else [] for line in lines]
    row = next((i for i in range(len(rows)) if _begins(rows, i)), None)
    if row is None:
        return None
    width = len(rows[row])
    if channels := _channels(rows[row:], width):
        times = () if _are_named([rows[row][0]]) else tuple(rows[row][1:])
        first = row + bool(times)
        return Text("", separator, (), (), _above(lines[:row]), first, width, True, channels, times)
    units: list[str] = []
    trailing = False
    named = row - 1
    while named >= 0:
        cells = rows[named] if not COMMENT.match(lines[named]) else cells_of(COMMENT.sub("", lines[named]), separator)
        trailing = len(cells) == width - 1 and all(not one[-1] for one in rows[row:] if len(one) == width)
        if len(cells) == width + 1 and not cells[-1]:
            cells = cells[:-1]
        if len(cells) == width - 1 and not trailing and len(cells) > 1:
            if not _are_numbers_of_rows([one[0] for one in rows[row:] if len(one) == width]):
                problem = ONE_NAME_LESS.format(names=len(cells), width=width)
                return Text("", separator, (), (), _above(lines[:row]), row, width, problem=problem)
            cells = ["", *cells]  # as R writes them
        if not units and cells and _are_units(cells):
            units = cells
            named -= 1
            continue
        if lines[named].strip():
            break
        named -= 1
    else:
        cells = []
    if len(cells) != width - trailing or all(_is_number(cell) for cell in cells):
        return Text("", separator, (), (), _above(lines[:row]), row, width)
    units = [cell.strip("()[]") for cell in units] or [""] * len(cells)
    names, above = tuple(_unnamed(cells)), _above(lines[:named])
    if channels := _channels(rows[row:], width):
        return Text("", separator, (), (), above, row, width, True, channels)
    return Text("", separator, names, tuple(units[: len(names)]), above, row, width, trailing=trailing)


def _begins(rows: Sequence[Sequence[str]], i: int) -> bool:
    """Whether rows of samples begin here: of one length, most cells being numbers."""
    following = [row for row in rows[i : i + TRIED + 1] if row]
    if not rows[i] or len(rows[i]) < 2 or len({len(row) for row in following[:-1] or following}) > 1:
        return False
    return all(2 * sum(_is_number(cell) for cell in row) >= len(row) for row in following[:TRIED])


def _are_numbers_of_rows(cells: Sequence[str]) -> bool:
    """Whether a first column without a name counts rows, or is text."""
    if all(cell.isdecimal() for cell in cells):
        return all(int(after) - int(before) == 1 for before, after in pairwise(cells))
    return not any(map(is_number, cells))


def _is_number(cell: str) -> bool:
    """Whether a cell is a number of any spelling, a time, or empty."""
    return not cell or any(one.match(cell) for one in (_POINT, _COMMA, _CLOCK, _THOUSANDS))


def _channels(rows: Sequence[Sequence[str]], width: int) -> tuple[str, ...]:
    """The first cells of rows where they name electrodes or leads, none twice, and many samples follow."""
    names = [row[0] for row in rows if len(row) == width]
    names = names[1:] if len(names) > 1 and not _are_named(names[:1]) else names
    fitting = width > FEWEST_SAMPLES and _are_named(names) and len(set(names)) == len(names)
    return tuple(names) if fitting else ()


def _are_named(names: Sequence[str]) -> bool:
    plain = [_IN_BRACKETS.sub("", name) for name in names]
    kinds = [kind in ("eeg", "ecg", "reference", "other") for kind in kinds_by_name(plain)]
    return 2 * sum(kinds) > len(kinds) and not any(map(is_number, names))


def _are_units(cells: Sequence[str]) -> bool:
    plain = [cell.strip("()[]").lower() for cell in cells]
    return any(map(volts, plain)) and all(volts(cell) or cell in SECONDS or cell in NOT_KNOWN for cell in plain)


def _above(lines: Sequence[str]) -> tuple[str, ...]:
    return tuple(COMMENT.sub("", line).strip() for line in lines)


def _unnamed(names: Sequence[str]) -> list[str]:
    return [name.lstrip("\ufeff").strip() or f"Unnamed: {i}" for i, name in enumerate(names)]


def _named_only(lines: Sequence[str]) -> Text:
    """A table without rows of numbers, such as one of participants: the first line names its columns."""
    number = next((i for i, line in enumerate(lines) if line.strip() and not COMMENT.match(line)), None)
    if number is None:
        return Text("", ",", (), (), _above(lines), len(lines), 0)
    line = lines[number]
    separator = max(SEPARATORS[:-1], key=lambda one: len(cells_of(line, one)))
    names = tuple(_unnamed(cells_of(line, separator)))
    return Text("", separator, names, ("",) * len(names), _above(lines[:number]), number + 1, len(names))


def _commas(lines: Sequence[str]) -> str:
    """What is wrong where numbers with decimal commas are also separated by commas: rows have too many cells."""
    rows = [cells_of(line, ",") for line in lines if line.strip() and not COMMENT.match(line)]
    if len(rows) < 2:
        return ""
    names, numbers = rows[0], rows[1 : TRIED + 1]
    whole = all(re.fullmatch(r"[+-]?\d+", cell) for row in numbers for cell in row)
    more = all(len(names) < len(row) <= 2 * len(names) for row in numbers)
    return BOTH_COMMAS if whole and more and not any(_is_number(name) for name in names) else ""


def _decimal(file: Path, content: bytes, text: Text) -> str:
    if text.separator == ",":  # then a number with a comma is quoted
        lines = content[: 2**16].decode(text.encoding, "replace").splitlines()[text.first : text.first + LINES]
        quoted = [cell for line in lines for cell in cells_of(line, ",") if _COMMA.match(cell)]
        return "," if any(not _THOUSANDS.match(cell) or cell.lstrip("+-").startswith("0") for cell in quoted) else "."
    if text.encoding.startswith("utf-16"):
        content = content.decode(text.encoding, "replace").encode()
    number = _WITH_COMMA.search(content, _offset(content, text.first))
    if number is None:
        return "."
    if not _ONLY_DECIMAL.search(content, number.start()):
        raise DamagedFile(file, EITHER.format(number=number[0].decode()))
    return ","


def _offset(content: bytes, lines: int) -> int:
    """Where the line after so many begins."""
    position = 0
    for _ in range(lines):
        position = content.find(b"\n", position) + 1
    return position
