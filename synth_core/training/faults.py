"""What the machine lacks, in sentences: room on the disk, rights, memory."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from synth_core.errors import RunError

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
CLOSED = (errno.EACCES, errno.EPERM, errno.EROFS)
# torch knows a class for a GPU alone
MEMORY_WORDS = ("DefaultCPUAllocator", "not enough memory", "Cannot allocate memory", "out of memory")


def in_words(error: BaseException, run: str) -> str | None:
    """A sentence on what ran out or was refused, and what to do; None for an error of another kind.

    Parameters
    ----------
    run : name of the run that met it.
    """
    if isinstance(error, torch.OutOfMemoryError):
        return f"The memory of the GPU ran out. {_smaller(run)}"
    if isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and _is_memory(str(error))):
        return f"The memory of this machine ran out. {_smaller(run)}"
    if not isinstance(error, OSError):
        return None
    if error.errno == errno.ENOMEM:
        return f"The memory of this machine ran out. {_smaller(run)}"
    if error.errno in FULL:
        return f"The disk of run {run} is full. Make room, then resume it: its last checkpoint is kept."
    if error.errno in CLOSED:
        return f"The folder of run {run} cannot be written ({error.strerror}). Give yourself the right, then resume it."
    what = f"{error.strerror}: {error.filename}" if error.filename else str(error.strerror or error)
    return f"The folder of run {run} could not be read or written ({what}). Look at it, then resume the run."


@contextmanager
def told(run: str) -> Iterator[None]:
    """A block whose errors of that kind become RunError."""
    try:
        yield
    except (OSError, MemoryError, RuntimeError) as error:
        sentence = in_words(error, run)
        if sentence is None:
            raise
        raise RunError(sentence) from error


def _is_memory(message: str) -> bool:
    return any(words in message for words in MEMORY_WORDS)


def _smaller(run: str) -> str:
    return (
        f"Resume {run} when other programs have ended: its last checkpoint is kept. Or start another run "
        "with a smaller batch or network."
    )
