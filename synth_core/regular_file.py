"""Reading and appending to files that others can replace: by anything, such as a pipe that nobody writes to."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path

from synth_core.errors import DamagedFile

COPY_AGAIN = "copy or download it again."


@contextmanager
def opened(file: Path, remedy: str = COPY_AGAIN) -> Iterator[int]:
    """The descriptor of a regular file; DamagedFile, while it is open too, where the system finds fault.

    A pipe without a writer is not waited for.
    """
    try:
        content = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if not stat.S_ISREG(os.fstat(content).st_mode):
                raise DamagedFile(file, f"is a folder or a device where a file was; {remedy}")
            yield content
        finally:
            os.close(content)
    except FileNotFoundError as error:
        raise DamagedFile(file, f"is gone since it was opened; {remedy}") from error
    except OSError as error:
        raise DamagedFile(file, f"cannot be read ({error.strerror}); {remedy}") from error


def read_bytes(file: Path, limit: int, remedy: str = COPY_AGAIN) -> bytes:
    """All of a regular file; DamagedFile, before it is read, where it has more than `limit` bytes."""
    with opened(file, remedy) as content:
        size = os.fstat(content).st_size
        if size > limit:
            raise DamagedFile(file, f"has {size:,} bytes, and a file of its kind at most {limit:,}; {remedy}")
        with open(content, "rb", closefd=False) as reader:
            return reader.read(limit)


def append_to(file: Path) -> TextIOWrapper:
    """A regular file for appending UTF-8, a line at a time; OSError for anything else, which is not waited for."""
    content = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC, 0o666)
    if not stat.S_ISREG(os.fstat(content).st_mode):
        os.close(content)
        raise IsADirectoryError(0, "a folder or a device is where a file was", str(file))
    return open(content, "a", buffering=1, encoding="utf-8")
