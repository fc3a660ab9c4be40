"""Atomic writing of the files and directories that other processes read."""

from __future__ import annotations

import errno
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from synth_core.errors import DataError
from synth_core.regular_file import read_bytes


def write_json_atomic(path: Path, content: Any) -> None:
    """Write JSON so that a reader sees the old file or the new one, never a part."""
    write_text_atomic(path, json.dumps(content, indent=1))


def write_text_atomic(path: Path, content: str) -> None:
    """Write UTF-8 text so that a reader sees the old file or the new one, never a part."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        write_bytes_synced(temporary, content.encode("utf-8"))
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_bytes_synced(path: Path, content: bytes) -> None:
    """Write a file that is on the disk when this returns."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def read_json(path: Path, *, limit: int = 16 * 2**20) -> Any:
    """Read a regular JSON file of at most `limit` bytes; DataError when absent, too large or not JSON."""
    if not os.path.lexists(path):
        raise DataError(path, "is missing.")
    try:
        return json.loads(read_bytes(path, limit, "restore it from a copy.").decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise DataError(path, "is not valid JSON; it may be damaged.") from error


@contextmanager
def publish_directory(target: Path) -> Iterator[Path]:
    """A temporary sibling that becomes `target` when the block ends well, and vanishes when it does not.

    What is in it reaches the disk before the name does: after a power cut there is all of it or nothing.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}")
    temporary.mkdir()
    try:
        yield temporary
        for folder, _, names in os.walk(temporary):
            for name in names:
                sync(Path(folder, name))
            sync(Path(folder))
        os.rename(temporary, target)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    sync(target.parent)


def sync(path: Path) -> None:
    """Wait until a regular file or a folder is on the disk; links and the like are nothing to wait for."""
    if path.is_symlink() or not (path.is_file() or path.is_dir()):
        return
    content = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(content)
    except OSError as error:
        if error.errno != errno.EINVAL:  # there are disks that know no such thing for folders
            raise
    finally:
        os.close(content)


def unused(target: Path) -> Path:
    """The path, or one with a number before its name where something has that already."""
    candidate, number = target, 2
    while candidate.exists():
        candidate, number = target.with_name(f"{number}-{target.name}"), number + 1
    return candidate
