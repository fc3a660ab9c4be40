"""Work on files that come from elsewhere, in a child process with limits: it may fail, and the server goes on.

The child comes from multiprocessing's fork server, which imports the readers once; a fork of a server with threads
could not be trusted. What goes in and out lies in files of a temporary folder, so that no copy of it waits in a pipe.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import multiprocessing.context
import os
import pickle
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, NoReturn

from synth_core.errors import DataError, SynthScopeError

Progress = Callable[[int, int, str], None]
PRELOADED = ["synth_core.data.preload"]
GRACE = 5.0  # seconds to clean up in after being told to end
LOOK = 0.2  # seconds between two looks at whether the work is to be cancelled
_CALL, _ANSWER, _SCRATCH = "call.pickle", "answer.pickle", "scratch"


@dataclass(frozen=True)
class Limits:
    """What one piece of work may use.

    Parameters
    ----------
    memory : bytes of data beyond what the process has when it begins.
    cpu, wall : seconds.
    """

    memory: int = 4 * 2**30
    cpu: float = 1800
    wall: float = 7200


class _OutOfTime(BaseException):
    """Raised in the child when its CPU time is used up; no handler of errors may catch it."""


def confined(
    work: Callable[..., Any],
    *arguments: Any,
    path: Path,
    limits: Limits | None = None,
    progress: Progress | None = None,
    leaves: Path | None = None,
) -> Any:
    """`work(*arguments)` in a child process.

    Parameters
    ----------
    work : a function of a module, which the child imports. With `progress` it is also given a keyword `progress`.
    path : the file or folder that errors name.
    progress : told of what the child says, and again every LOOK seconds; what it raises ends the child.
    leaves : a directory that the work publishes; what a killed child left beside it is removed.

    Raises
    ------
    SynthScopeError : that the work raised, as it was.
    DataError : when the work ran out of memory or time, or the process crashed or was killed.
    """
    limits = limits or Limits()
    with tempfile.TemporaryDirectory(prefix="synthscope-") as name:
        folder = Path(name)
        (folder / _SCRATCH).mkdir()
        with (folder / _CALL).open("wb") as file:
            pickle.dump((work, arguments, limits, progress is not None), file, pickle.HIGHEST_PROTOCOL)
        code, late = _run(folder, limits.wall, progress, leaves)
        with contextlib.suppress(FileNotFoundError), (folder / _ANSWER).open("rb") as file:
            kind, value = pickle.load(file)  # written by our own child
            if kind == "done":
                return value
            if kind == "raised":
                raise value
            raise DataError(path, _limit(kind, limits))
    raise DataError(path, _limit("wall", limits) if late else _end(code, limits))


def warm_up() -> None:
    """Start the fork server, which imports the readers while nobody waits."""
    _context()
    forkserver.ensure_running()


def _context() -> multiprocessing.context.ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    return context


def _run(folder: Path, wall: float, progress: Progress | None, leaves: Path | None) -> tuple[int, bool]:
    """The exit code of the child, and whether it was ended for its time."""
    context = _context()
    mine, its = context.Pipe(duplex=False)
    child = context.Process(target=_child, args=(folder, its), daemon=True)
    child.start()
    its.close()
    began, late, last = time.monotonic(), False, (0, 0, "")
    try:
        while child.is_alive():
            wait([mine, child.sentinel], LOOK)
            last = _latest(mine, last)
            if progress is not None and last[1]:
                progress(*last)
            late = time.monotonic() - began > wall
            if late:
                break
    finally:
        _end_child(child)
        mine.close()
        if child.exitcode and leaves is not None:
            for left in leaves.parent.glob(f".{leaves.name}.*"):
                shutil.rmtree(left, ignore_errors=True)
    return int(child.exitcode or 0), late


def _latest(connection: Connection, last: tuple[int, int, str]) -> tuple[int, int, str]:
    """The newest message that waits."""
    with contextlib.suppress(EOFError, OSError):
        while connection.poll():
            last = connection.recv()
    return last


def _end_child(child: Any) -> None:
    if child.is_alive():
        child.terminate()
        child.join(GRACE)
    if child.is_alive():
        child.kill()
    child.join()


def _child(folder: Path, connection: Connection) -> None:
    """What the child does: the call, within its limits, and the answer."""
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGXCPU, _stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    tempfile.tempdir = str(folder / _SCRATCH)  # whatever the work leaves there goes with the folder
    with (folder / _CALL).open("rb") as file:
        work, arguments, limits, reports = pickle.load(file)
    keywords = {"progress": lambda *said: connection.send(said)} if reports else {}
    try:
        with _limited(limits):
            answer = ("done", work(*arguments, **keywords))
    except _OutOfTime:
        answer = ("cpu", None)
    except Exception as error:
        answer = ("memory", None) if _is_of_memory(error) else ("raised", _portable(error))
    with (folder / f"{_ANSWER}.part").open("wb") as file:
        pickle.dump(answer, file, pickle.HIGHEST_PROTOCOL)
    os.replace(folder / f"{_ANSWER}.part", folder / _ANSWER)


@contextlib.contextmanager
def _limited(limits: Limits) -> Iterator[None]:
    """Memory counts from what is there now; the limit is lifted at the end, so that the answer can be written."""
    before = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (_data_bytes() + limits.memory, before[1]))
    seconds = int(time.process_time() + limits.cpu) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + int(2 * GRACE)))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


def _data_bytes() -> int:
    """What the limit on data counts of this process so far."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmData")), 0)


def _leave(*_: object) -> NoReturn:
    sys.exit(128 + signal.SIGTERM)  # by exception, so that half a directory is removed


def _stop(*_: object) -> NoReturn:
    raise _OutOfTime


def _is_of_memory(error: BaseException | None) -> bool:
    """Whether the lack of memory is the error or its cause: libraries and readers wrap it."""
    seen: set[int] = set()  # an error that was raised again while its own cause was handled is its own ancestor
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, MemoryError) or "out of memory" in str(error).lower():
            return True
        error = error.__cause__ or error.__context__
    return False


def _portable(error: Exception) -> Exception:
    """The error, with where an unforeseen one came from, as far as it can be pickled."""
    error.__cause__ = error.__context__ = None
    if not isinstance(error, SynthScopeError):
        error.add_note("".join(traceback.format_exception(error)))
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError("".join(traceback.format_exception(error)))
    return error


def _limit(kind: str, limits: Limits) -> str:
    if kind == "memory":
        return f"needs more than the {limits.memory / 2**30:.2g} GB of memory that it may have; split it first."
    seconds = limits.cpu if kind == "cpu" else limits.wall
    span = f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{seconds:g} seconds"
    return f"was given up after {span}; choose a part of it, or split it first."


def _end(code: int, limits: Limits) -> str:
    if code in (-signal.SIGKILL, -signal.SIGABRT):
        return "took more memory than this machine gives to one file, and was stopped; split it first."
    if code == -signal.SIGXCPU:
        return _limit("cpu", limits)
    how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    return f"made its reader crash ({how}); it may be damaged. Copy or download it again, or leave it out."
