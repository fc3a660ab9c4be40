"""Whether a worker is at work, judged by what moves; no two clocks are ever compared."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from synth_core.training.status import ENDED, Status

if TYPE_CHECKING:
    from synth_core.training.run import RunDirectory

Liveness = Literal["alive", "silent", "ended"]
SILENCE = 15.0  # seconds of one's own watching without a beat after which a worker counts as dead; it beats each second
STARTING = 180.0  # the same before its first beat: importing torch takes its time on a busy machine


def is_process(pid: int) -> bool:
    """Whether a process of this machine has the id; a dead one that nobody asked after still has."""
    if pid < 2:
        raise ValueError(f"{pid} is no id of a worker")
    try:
        os.kill(pid, 0)  # signal 0 reaches nobody
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


class Watch:
    """Remembers what was seen of each run, and since when it has not changed.

    A worker is silent when its process is gone, or when its beat has not moved for `SILENCE` seconds between looks,
    on the monotonic clock of whoever looks. What is seen for the first time is taken to be alive as long as there is
    such a process; ids are reused, so a process alone proves nothing for longer.

    Parameters
    ----------
    clock : seconds; never set back or forward.
    exists : whether a process of this machine is there.
    host : name of this machine; of another one's processes nothing is known.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        exists: Callable[[int], bool] = is_process,
        host: str | None = None,
    ) -> None:
        self._clock, self._exists = clock, exists
        self._host = socket.gethostname() if host is None else host
        self._seen: dict[Path, tuple[Status, float]] = {}
        self._lock = threading.Lock()

    def liveness(self, run: RunDirectory, status: Status | None = None) -> Liveness:
        """Of a run, now; RunError when its status cannot be read. A status that was just read is taken as it is."""
        return self._judge(run.path, run.status() if status is None else status)

    def _judge(self, path: Path, status: Status) -> Liveness:
        now = self._clock()
        with self._lock:
            if status.state in ENDED:
                self._seen.pop(path, None)
                return "ended"
            before, since = self._seen.get(path, (None, now))
            if status != before:
                self._seen[path] = status, now
                since = now
        if status.pid is None:
            return "alive" if now - since < STARTING else "silent"
        if status.host == self._host and not self._exists(status.pid):
            return "silent"
        return "alive" if now - since < SILENCE else "silent"
