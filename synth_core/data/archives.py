"""Zip archives, unpacked once into a folder of this process, within bounds and under safe names."""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import IO

from synth_core.data.readers.files import Files, are_arrays, names_in_zip
from synth_core.errors import DamagedFile, DataError
from synth_core.storage import publish_directory, unused
from synth_core.workspace import safe_name

ZIP = b"PK\x03\x04"
LARGEST = 64 * 2**30  # bytes that one archive may unpack to
FREELY = 2**28  # bytes that any archive may unpack to, however small it is
LARGEST_TABLE = 2**29  # bytes of a table: more is not read, and need not be unpacked
LARGEST_RATIO = 50  # beyond that: recordings and slices never pack better, bombs always do
TABLES = (".csv", ".tsv", ".txt")
MOST_MEMBERS = 500_000
DEEPEST = 2  # archives within archives: Bonn is one of five
ROOM = 2**30  # bytes of the disk that are left alone
_BLOCK = 2**20
_PLAIN = re.compile(r"^(?![. ])[\w .,()+=@~\[\]-]{1,120}(?<![. ])$")

_folder: Path | None = None  # where archives are unpacked
_own: list[tempfile.TemporaryDirectory[str]] = []  # removed when this process ends


def folder() -> Path:
    """The folder in which this process unpacks archives; it is removed when the process ends."""
    if _folder is None:
        _own.append(tempfile.TemporaryDirectory(prefix="synthscope-"))
        use_folder(Path(_own[0].name))
    assert _folder is not None
    return _folder


def use_folder(other: Path) -> None:
    """Unpack into the folder of another process, which outlives this one."""
    global _folder
    _folder = other


def unpack_archives(files: Files) -> list[DataError]:
    """Put the content of each zip among `files` in its place; returns why some could not be unpacked."""
    problems: list[DataError] = []
    for _ in range(DEEPEST):
        archives = [file for file in files.starting(ZIP) if is_archive(file)]
        for archive in archives:
            try:
                files.replace(archive, _content_of(archive))
            except DataError as error:
                files.take(archive)
                problems.append(error)
        if not archives:
            break
    return problems


def is_archive(file: Path) -> bool:
    """Whether a zip is a collection of files: arrays of NumPy (.npz) and office documents are zips too."""
    names = names_in_zip(file)
    if names is None:
        return True  # cut short: unpacking says so
    return "[Content_Types].xml" not in names and not are_arrays(names)


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a zip into a folder that exists; DataError when it is damaged, locked or too large."""
    try:
        with zipfile.ZipFile(archive) as content:
            members = [member for member in content.infolist() if _wanted(member)]
            _check_size(archive, members, folder)
            for member in members:
                target = unused(folder.joinpath(*map(_plain, _parts(archive, member))))
                target.parent.mkdir(parents=True, exist_ok=True)
                with content.open(member) as packed, target.open("wb") as out:
                    _copy(packed, out, member.file_size)
    # zipfile raises RuntimeError for a password, NotImplementedError for a method it has not, the others for damage
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError, OSError, zlib.error) as error:
        raise DamagedFile(
            archive, "cannot be unpacked; it is damaged or has a password. Make the archive again."
        ) from error


def _content_of(archive: Path) -> Path:
    """The folder with what an archive holds; unpacked once for as long as the folder of archives stays."""
    state = archive.stat()
    key = repr((str(archive.resolve()), state.st_mtime_ns, state.st_size))
    target = folder() / hashlib.sha256(key.encode()).hexdigest()[:32]
    if not target.is_dir():
        with publish_directory(target) as temporary:
            unpack(archive, temporary)
    return target


def _check_size(archive: Path, members: list[zipfile.ZipInfo], folder: Path) -> None:
    total = sum(member.file_size for member in members)
    for member in members:
        if member.filename.lower().endswith(TABLES) and member.file_size > LARGEST_TABLE:
            size = f"{member.file_size >> 20:,} MB"
            raise DataError(archive, f"holds a table of {size}; at most {LARGEST_TABLE >> 20} MB are read. Split it.")
    if len(members) > MOST_MEMBERS or total > LARGEST:
        problem = f"would unpack to {total / 2**30:.0f} GB in {len(members):,} files; unpack it and point at a part."
        raise DataError(archive, problem)
    if total > max(FREELY, LARGEST_RATIO * archive.stat().st_size):
        problem = f"would unpack to {total / 2**30:.1f} GB, more than {LARGEST_RATIO} times its size; unpack it first."
        raise DataError(archive, problem)
    if total > shutil.disk_usage(folder).free - ROOM:
        raise DataError(archive, f"would unpack to {total / 2**30:.1f} GB, for which the disk has no room.")


def _wanted(member: zipfile.ZipInfo) -> bool:
    """Files, without the resource forks that macOS adds and without hidden ones."""
    parts = PurePosixPath(member.filename).parts
    return bool(parts) and not member.is_dir() and "__MACOSX" not in parts and not parts[-1].startswith(".")


def _parts(archive: Path, member: zipfile.ZipInfo) -> tuple[str, ...]:
    name = member.filename.replace("\\", "/")
    parts = PurePosixPath(name).parts
    if name.startswith("/") or ".." in parts:
        raise DataError(archive, f"names the file {name[:80]!r} outside itself; make the archive again.")
    return parts


def _plain(part: str) -> str:
    return part if _PLAIN.match(part) else safe_name(part)


def _copy(packed: IO[bytes], out: IO[bytes], size: int) -> None:
    """At most the bytes that the archive declared, however many it holds."""
    while size > 0 and (block := packed.read(min(_BLOCK, size))):
        out.write(block)
        size -= len(block)
