"""Files that come from elsewhere: found without following what they say, read with a bound on their size."""

from __future__ import annotations

import gzip
import os
import shlex
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath
from typing import Any

from synth_core.data.above import described_above
from synth_core.data.listing import LEFT_OUT, Listing, kind_left_out
from synth_core.data.recording import Evidence
from synth_core.errors import DamagedFile, DataError
from synth_core.stored_array import opened

HEAD = 512  # bytes that tell a format
LONGEST_LINE = 4 * 2**20  # bytes that name the columns of a table
MOST_COLUMNS, MOST_CELLS = 100_000, 2**27  # of a table: pandas takes 8 bytes and more for a cell


class Files:
    """The files at a path, listed once. A reader takes those that it reads; the readers after it do not see them.

    Parameters
    ----------
    path : a file, or a folder whose visible regular files are taken in order of name. Links count where they lead to
        a file inside the folder, or to the store of git-annex around it.

    within : tables above are looked for in no folder outside this one, None for no such bound.

    Attributes
    ----------
    above : tables and descriptions in the folders above (see `data/above.py`), which belong to what was opened.
    problems : one error for each kind of entry that was left out: pipes, devices, links that lead out, files that
        git-annex or git-lfs has not fetched.

    Raises
    ------
    DataError : for a folder with more than MOST_FILES files.
    """

    def __init__(self, path: Path, within: Path | None = None) -> None:
        self.path = path
        self.root = path if path.is_dir() else path.parent
        self._above = PurePath(self.root.resolve())
        self._listing = Listing(path)
        self._relative = {file: file.relative_to(self.root) for file in self._listing.files()}
        self._left = dict.fromkeys(self._relative)
        self._heads: dict[Path, bytes] = {}
        self.above: list[Path] = [] if self._is_archive() else described_above(path.resolve(), within)

    def _is_archive(self) -> bool:
        return self.path.is_file() and head(self.path, 2) == b"PK"

    def __iter__(self) -> Iterator[Path]:
        """What no reader has taken yet."""
        return iter(list(self._left))

    def __len__(self) -> int:
        return len(self._left)

    @property
    def problems(self) -> list[DataError]:
        """What was left out."""
        return self._listing.problems()

    def named(self, *endings: str) -> list[Path]:
        """Those left whose names end so, in lower case, such as ".edf"."""
        return [file for file in self._left if file.name.lower().endswith(endings)]

    def starting(self, *magic: bytes) -> list[Path]:
        """Those left whose content begins so."""
        return [file for file in self._left if self.head(file).startswith(magic)]

    def head(self, file: Path) -> bytes:
        """The first HEAD bytes of a file, read once; none when it cannot be read."""
        if file not in self._heads:
            self._heads[file] = head(file, HEAD)
        return self._heads[file]

    def take(self, *files: Path) -> None:
        """Leave these to no other reader; files that are not listed are ignored."""
        for file in files:
            self._left.pop(file, None)

    def relative(self, file: Path) -> Path:
        """Where a file lies below the root: what records and subjects are named by, also inside an archive."""
        return self._relative[file] if file in self._relative else file.relative_to(self.root)

    def evidence(self, file: Path, **known: Any) -> Evidence:
        """Of whose a file is: its place below what is above the opened folder, and what a reader knows (see Evidence).

        The place does not depend on which folder of a tree was opened.
        """
        relative = self.relative(file)
        return Evidence(self.place(file), "/".join((self._above.name, *relative.parts)), **known)

    def place(self, file: Path) -> PurePath:
        """Where a file lies, with all folders above it: the same whichever folder of a tree was opened."""
        return self._above / self.relative(file)

    def replace(self, archive: Path, folder: Path) -> None:
        """List what was unpacked from an archive in the place of the archive."""
        within = self._relative[archive].with_suffix("")
        for file in Listing(folder).files():
            self._relative[file] = within / file.relative_to(folder)
            self._left[file] = None
        self.take(archive)


def head(path: Path, size: int = 4096) -> bytes:
    """The first bytes of a regular file; none when it cannot be read."""
    try:
        with opened(path) as content:
            return os.pread(content, size, 0)
    except DataError:
        return b""


def read_bounded(path: Path, limit: int, purpose: str) -> bytes:
    """All bytes of a file, gzip undone; DataError when there are more than `limit`."""
    check_regular(path)
    try:
        compressed = head(path, 2) == b"\x1f\x8b"
        with gzip.open(path, "rb") if compressed else path.open("rb") as file:
            content = file.read(limit + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DamagedFile(path, "ends early or is not valid gzip; copy or download it again.") from error
    except OSError as error:
        raise DataError(path, f"could not be read ({error.strerror or error}).") from error
    if len(content) > limit:
        raise DataError(path, f"has more than the {limit / 2**20:.0f} MB that {purpose} may have; split it first.")
    return content


def check_cells(file: Path, content: bytes, separator: str) -> None:
    """DataError for a table of more columns or cells than are read, before any of it is parsed."""
    mark = separator.encode()
    columns = content[: content.find(b"\n") + 1 or None].count(mark) + 1
    if columns > MOST_COLUMNS:
        raise DataError(file, f"has {columns:,} columns; at most {MOST_COLUMNS:,} are read. Split or transpose it.")
    cells = columns * (content.count(b"\n") + 1)
    if cells > MOST_CELLS:
        problem = f"has about {cells / 1e6:,.0f} million cells; at most {MOST_CELLS / 1e6:,.0f} million are read."
        raise DataError(file, f"{problem} Split it first.")


def names_in_zip(file: Path) -> list[str] | None:
    """What a zip says it holds; None where it is damaged."""
    try:
        with zipfile.ZipFile(file) as content:
            return content.namelist()
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError):  # damage, in the words of zipfile
        return None


def are_arrays(names: Sequence[str]) -> bool:
    """Whether the members of a zip are arrays of NumPy and nothing else: then it is a .npz."""
    return bool(names) and all(name.endswith(".npy") for name in names)


def sibling(owner: Path, name: str) -> Path:
    """The file `name` that `owner` refers to; refused unless it is a plain name in the same folder."""
    plain = name not in ("", ".", "..") and len(name.encode()) <= 255
    if not plain or any(mark in name for mark in ("/", "\\", "\0", ":")):
        named = f"refers to the file {name[:60]!r} outside its own folder"
        raise DamagedFile(owner, f"{named}; only plain names are read.")
    beside = owner.parent / name
    if kind := kind_left_out(beside, beside.parent.resolve()):
        raise DamagedFile(beside, LEFT_OUT[kind].format(others="", name=shlex.quote(str(beside))))
    return beside


def check_regular(file: Path) -> None:
    """DamagedFile where something that is no file has come into the place of one: opening a pipe waits for ever."""
    with opened(file):
        pass
