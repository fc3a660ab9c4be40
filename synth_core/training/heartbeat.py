"""Keeps status.json fresh while a worker works, and says how it ended."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from synth_core.errors import SynthScopeError
from synth_core.training.run import RunDirectory, Status

INTERVAL = 1.0  # seconds between beats; far below run.SILENCE

log = logging.getLogger(__name__)


class Heartbeat:
    """Writes the status each second from a thread, so that a long step does not look like a dead worker."""

    def __init__(self, run: RunDirectory | None, steps: int, clock: Callable[[], float]) -> None:
        self.run, self.clock = run, clock
        self.status = Status("starting", steps=steps, started=clock(), pid=os.getpid())
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def update(self, **changes: Any) -> None:
        """Change some fields; they are written with the next beat."""
        with self._lock:
            self.status = replace(self.status, **changes)

    def _write(self) -> None:
        if self.run:
            with self._lock:
                self.status = replace(self.status, heartbeat=self.clock())
                self.run.write_status(self.status)

    def _beat(self) -> None:
        while not self._stop.wait(INTERVAL):
            self._write()

    def __enter__(self) -> Self:
        self._write()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        if isinstance(error, SynthScopeError):
            self.update(state="failed", message=str(error), seconds_left=None)
        elif isinstance(error, Exception):
            log.exception("The run stopped.")
            self.update(state="failed", message=f"Training stopped unexpectedly ({error}); the log has the details.")
        elif error is not None:  # interrupted, or the consumer of the records went away
            self.update(state="cancelled", message="Interrupted; resume continues from the last checkpoint.")
        self._write()
