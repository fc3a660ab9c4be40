"""Files that come from elsewhere: found without following what they say, read with a bound on their size."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from pathlib import Path

from synth_core.errors import DamagedFile, DataError

MOST_FILES = 500_000  # in one folder tree: PTB-XL complete has 87,000


def files_under(path: Path, suffixes: tuple[str, ...] = ()) -> Iterator[Path]:
    """The file itself, or every visible file of a folder tree in order of name.

    Parameters
    ----------
    path : a file or a folder; links out of the tree are not followed.
    suffixes : lower-case endings such as ".edf"; none takes every file.
    """
    if path.is_file():
        yield path
        return
    seen = 0
    for folder, subfolders, names in os.walk(path):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith((".", "__MACOSX")))
        for name in sorted(names):
            seen += 1
            if seen > MOST_FILES:
                raise DataError(path, f"holds more than {MOST_FILES:,} files; point at one collection inside it.")
            if not name.startswith(".") and name.lower().endswith(suffixes or ("",)):
                yield Path(folder, name)


def head(path: Path, size: int = 4096) -> bytes:
    """The first bytes of a file; none when it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(size)
    except OSError:
        return b""


def read_bounded(path: Path, limit: int, purpose: str) -> bytes:
    """All bytes of a file, gzip undone; DataError when there are more than `limit`."""
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


def sibling(owner: Path, name: str) -> Path:
    """The file `name` that `owner` refers to; refused unless it is a plain name in the same folder."""
    if name in ("", ".", "..") or any(mark in name for mark in ("/", "\\", "\0", ":")):
        raise DamagedFile(owner, f"refers to the file {name!r} outside its own folder; only plain names are read.")
    return owner.parent / name
