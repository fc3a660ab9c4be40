"""Keeps status.json fresh while a worker works, and says how it ended."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from synth_core.errors import SynthScopeError
from synth_core.training.faults import in_words
from synth_core.training.run import RunDirectory
from synth_core.training.status import Status

INTERVAL = 1.0  # seconds between beats; far below liveness.SILENCE
RESERVE = 2**16  # bytes kept on the disk while a run goes on, so that one that fills it can still say so

log = logging.getLogger(__name__)


class Heartbeat:
    """Writes the status each second from a thread, so that a long step does not look like a dead worker."""

    def __init__(self, run: RunDirectory | None, steps: int, clock: Callable[[], float]) -> None:
        self.run, self.clock = run, clock
        self._began = clock()
        self.status = Status(
            "starting", steps=steps, started=time.time(), pid=os.getpid(), host=socket.gethostname()[:255]
        )
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
                self.status = replace(
                    self.status,
                    heartbeat=time.time(),
                    beat=self.status.beat + 1,
                    seconds=round(max(0.0, self.clock() - self._began), 1),
                )
                self.run.write_status(self.status)

    def _beat(self) -> None:
        while not self._stop.wait(INTERVAL):
            try:
                self._write()
            except OSError as error:  # the training itself meets it at the next checkpoint, or it passes
                log.warning("The status could not be written: %s", error)

    def __enter__(self) -> Self:
        self._write()
        if self.run:
            (self.run.path / ".reserve").write_bytes(bytes(RESERVE))
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        if isinstance(error, SynthScopeError):
            self._failed(str(error))
        elif isinstance(error, Exception):
            log.exception("The run stopped.", exc_info=error)
            said = in_words(error, self.run.name if self.run else "this one")
            self._failed(said or f"Training stopped unexpectedly ({str(error)[:300]}); the log has the details.")
        elif error is not None:  # interrupted, or the consumer of the records went away
            self.update(state="cancelled", message="Interrupted; resume continues from the last checkpoint.")
        try:
            if self.run:
                (self.run.path / ".reserve").unlink(missing_ok=True)
            self._write()
        except OSError as unwritten:
            if error is None:
                raise
            log.error("How the run ended could not be written: %s", unwritten)

    def _failed(self, message: str) -> None:
        self.update(state="failed", message=message, seconds_left=None)
