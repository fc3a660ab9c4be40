"""A run directory: the only thing that a worker, the dashboard and the command line share.

Others may have written, replaced or cut any file in it. What is read is checked whole, and what does not hold is one
sentence, RunError, which names the file.
"""

from __future__ import annotations

import fcntl
import io
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import ValidationError

from synth_core.errors import DataError, RunError
from synth_core.regular_file import append_to, opened, read_bytes
from synth_core.storage import write_json_atomic
from synth_core.training.checkpoint import steps_in
from synth_core.training.description import RunDescription, fault_of, sentence
from synth_core.training.faults import told
from synth_core.training.preview import Preview, preview_bytes, read_preview
from synth_core.training.record import Metrics, metrics_of, read_lines
from synth_core.training.status import STATUS, Status

LARGEST_JSON = 2**24  # bytes
LARGEST_RECORD = 2**32
_PREVIEW = re.compile(r"[0-9]{1,12}\.npz", re.ASCII)


class RunDirectory:
    """Reads and writes one run; every method works while a worker writes."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.name

    def _own(self, file: Path) -> Path:
        """The file itself; RunError for a link that leads out of the run."""
        if not Path(os.path.realpath(file)).is_relative_to(os.path.realpath(self.path)):
            raise RunError(sentence(file, "is a link that leads out of the run; put the file itself there."))
        return file

    def _read(self, name: str, limit: int, remedy: str) -> bytes | None:
        """None where there is no such file."""
        file = self.path / name
        if not os.path.lexists(file):
            return None
        try:
            return read_bytes(self._own(file), limit, remedy)
        except DataError as error:
            raise RunError(sentence(file, str(error).removeprefix(f"{name}: "))) from error

    # what it is

    def config(self) -> dict[str, Any]:
        """generator, spec, config, scaling (None before the first step), run, dataset; RunError when there is none."""
        remedy = "start another run."
        content = self._read("config.json", LARGEST_JSON, remedy)
        if content is None:
            raise RunError(f"{self.name} is not a training run: config.json is missing.")
        try:
            return RunDescription.model_validate_json(content, strict=True).model_dump(mode="json")
        except ValidationError as error:
            problem = f"does not describe a run of this version ({fault_of(error)}); {remedy}"
            raise RunError(sentence(self.path / "config.json", problem)) from error

    def write_config(self, content: dict[str, Any]) -> None:
        """Replace config.json."""
        self.path.mkdir(parents=True, exist_ok=True)
        write_json_atomic(self.path / "config.json", content)

    # how it goes

    def status(self) -> Status:
        """The latest status; state "starting" before a worker wrote one."""
        remedy = "resuming writes a new one."
        content = self._read("status.json", LARGEST_JSON, remedy)
        if content is None:
            return Status("starting")
        try:
            return STATUS.validate_json(content)
        except ValidationError as error:
            problem = f"is no status of a run ({fault_of(error)}); {remedy}"
            raise RunError(sentence(self.path / "status.json", problem)) from error

    def last_status(self) -> Status:
        """The latest status, or one that says nothing where it cannot be read: a worker writes a new one anyway."""
        try:
            return self.status()
        except RunError:
            return Status("starting")

    def write_status(self, status: Status) -> None:
        """Replace status.json."""
        write_json_atomic(self.path / "status.json", asdict(status))

    def metrics(self) -> pd.DataFrame:
        """One row per step: `step` and the terms of each phase, "flow.total" for example."""
        return self.recorded().table

    def recorded(self) -> Metrics:
        """The same, with what had to be left out; RunError where nothing can be read."""
        return metrics_of(self._lines())

    def _lines(self) -> bytes:
        return self._read("metrics.jsonl", LARGEST_RECORD, "the run itself is not affected.") or b""

    def cut_metrics(self, step: int) -> None:
        """Forget what was recorded after `step`, and lines that a crash left unfinished."""
        kept = [json.dumps(record) + "\n" for record in read_lines(self._lines())[0] if record["step"] <= step]
        temporary = self.path / ".metrics.jsonl"
        temporary.write_text("".join(kept), encoding="utf-8")
        temporary.replace(self.path / "metrics.jsonl")

    def open_metrics(self) -> io.TextIOWrapper:
        """metrics.jsonl for appending, a line at a time."""
        return append_to(self.path / "metrics.jsonl")

    def log(self, lines: int = 50) -> str:
        """The end of log.txt."""
        file = self.path / "log.txt"
        if not os.path.lexists(file):
            return ""
        try:
            with opened(self._own(file)) as content, open(content, "rb", closefd=False) as reader:
                reader.seek(max(0, reader.seek(0, io.SEEK_END) - 200 * lines))
                return "\n".join(reader.read(200 * lines).decode("utf-8", "replace").splitlines()[-lines:])
        except DataError as error:
            raise RunError(f"{self.name}: {error}") from error

    # what it made

    def checkpoints(self) -> list[Path]:
        """Checkpoints that were written to the end, the oldest first."""
        return steps_in(self.path / "checkpoints")

    def previews(self) -> list[Path]:
        """Preview files, the oldest first."""
        try:
            found = list((self.path / "previews").iterdir())
        except OSError:
            return []
        return sorted((path for path in found if _PREVIEW.fullmatch(path.name)), key=lambda path: int(path.stem))

    def preview(self, path: Path) -> Preview:
        """Read one of `previews()`; RunError where it is damaged."""
        spec = self.config()["spec"]
        return read_preview(self._own(path), tuple(spec["shape"]), len(spec["classes"]))

    def write_preview(self, preview: Preview) -> None:
        """Add one, atomically."""
        folder = self.path / "previews"
        folder.mkdir(exist_ok=True)
        temporary = folder / ".preview.npz"
        try:
            temporary.write_bytes(preview_bytes(preview))
            temporary.replace(folder / f"{preview.step:09d}.npz")
        finally:
            temporary.unlink(missing_ok=True)

    # what is asked of it

    def cancel(self) -> None:
        """Ask the worker to stop after its step; it keeps a checkpoint, so the run can be resumed."""
        with told(self.name):
            (self.path / "CANCEL").touch()

    @property
    def cancel_requested(self) -> bool:
        """True once `cancel` was called and until the run is resumed."""
        return (self.path / "CANCEL").exists()

    def clear_cancel(self) -> None:
        """Forget an earlier request, on resume."""
        (self.path / "CANCEL").unlink(missing_ok=True)

    def delete(self) -> None:
        """Remove the run; RunError while a worker holds it."""
        with told(self.name), self.held():
            shutil.rmtree(self.path)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Exclusive right to write; the kernel drops it when the process dies, however it dies."""
        self.path.mkdir(parents=True, exist_ok=True)
        with append_to(self.path / ".lock") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise RunError(f"Run {self.name} is being trained by another process; cancel it first.") from error
            yield
