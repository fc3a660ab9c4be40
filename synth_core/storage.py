"""Atomic writing of the files and directories that other processes read."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from synth_core.errors import DataError


def write_json_atomic(path: Path, content: Any) -> None:
    """Write JSON so that a reader sees the old file or the new one, never a part."""
    write_text_atomic(path, json.dumps(content, indent=1))


def write_text_atomic(path: Path, content: str) -> None:
    """Write UTF-8 text so that a reader sees the old file or the new one, never a part."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def read_json(path: Path, *, limit: int = 16 * 2**20) -> Any:
    """Read a JSON file of at most `limit` bytes; DataError when absent, too large or not JSON."""
    try:
        size = path.stat().st_size
        if size > limit:
            raise DataError(path, f"has {size} bytes; a file of this kind has at most {limit}.")
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(path, f"could not be read ({error.strerror}).") from error
    except (ValueError, RecursionError) as error:
        raise DataError(path, "is not valid JSON; it may be damaged.") from error


@contextmanager
def publish_directory(target: Path) -> Iterator[Path]:
    """A temporary sibling that becomes `target` when the block ends well, and vanishes when it does not."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}")
    temporary.mkdir()
    try:
        yield temporary
        os.rename(temporary, target)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def unused(target: Path) -> Path:
    """The path, or one with a number before its name where something has that already."""
    candidate, number = target, 2
    while candidate.exists():
        candidate, number = target.with_name(f"{number}-{target.name}"), number + 1
    return candidate
