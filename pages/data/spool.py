"""Uploads, from memory to disk: safe names, bounded sizes, zip archives unpacked when no reader takes them whole."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import IO, Protocol

from synth_core.errors import DamagedFile, DataError, UnrecognisedData
from synth_core.storage import publish_directory
from synth_core.workspace import safe_name

LARGEST_TOTAL = 8 * 2**30  # bytes that one upload may unpack to
MOST_FILES = 50_000
_BLOCK = 2**20


class Upload(Protocol):
    """What Streamlit hands over: a name from the browser, and bytes."""

    name: str

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes."""


def spool(files: Sequence[Upload], folder: Path) -> Path:
    """Write uploads into `folder`; a failed one leaves nothing.

    Returns
    -------
    What to open: the folder, or the file when there is only one that is no archive to unpack.
    """
    with publish_directory(folder) as temporary:
        for upload in files:
            with (temporary / _unused(temporary, upload.name)).open("wb") as out:
                shutil.copyfileobj(upload, out, _BLOCK)
        for archive in [path for path in temporary.iterdir() if zipfile.is_zipfile(path) and not _readable(path)]:
            unpack(archive, temporary / _unused(temporary, archive.stem))
            archive.unlink()
    written = list(folder.iterdir())
    return written[0] if len(written) == 1 else folder


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a zip under safe names; DataError when it is damaged or too large."""
    try:
        with zipfile.ZipFile(archive) as content:
            members = [member for member in content.infolist() if _wanted(member)]
            if len(members) > MOST_FILES or sum(member.file_size for member in members) > LARGEST_TOTAL:
                raise DataError(
                    archive, "would unpack to more than 8 GB or 50 000 files; unpack it yourself and give the folder."
                )
            for member in members:
                target = folder.joinpath(*map(safe_name, PurePosixPath(member.filename.replace("\\", "/")).parts))
                target.parent.mkdir(parents=True, exist_ok=True)
                with content.open(member) as packed, target.open("wb") as out:
                    _copy(packed, out, member.file_size)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise DamagedFile(
            archive, "cannot be unpacked; it is damaged or has a password. Make the archive again."
        ) from error


def _copy(packed: IO[bytes], out: IO[bytes], size: int) -> None:
    """At most the bytes that the archive declared, however many it holds."""
    while size > 0 and (block := packed.read(min(_BLOCK, size))):
        out.write(block)
        size -= len(block)


def _wanted(member: zipfile.ZipInfo) -> bool:
    """Files, without the resource forks that macOS adds."""
    return not member.is_dir() and not member.filename.startswith("__MACOSX/")


def _readable(path: Path) -> bool:
    from synth_core.data import open_recordings

    try:
        return bool(open_recordings(path))
    except UnrecognisedData:
        return False
    except DataError:
        return True


def _unused(folder: Path, name: str) -> str:
    stem, number = safe_name(name), 2
    candidate = stem
    while (folder / candidate).exists():
        candidate, number = f"{number}-{stem}", number + 1
    return candidate
