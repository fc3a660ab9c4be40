"""A run directory: the only thing that a worker, the dashboard and the command line share."""

from __future__ import annotations

import fcntl
import io
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synth_core.errors import DataError, RunError
from synth_core.storage import read_json, write_json_atomic

State = Literal["starting", "running", "cancelled", "finished", "failed"]
Liveness = Literal["alive", "silent", "ended"]
SILENCE = 15.0  # seconds without a heartbeat after which a worker counts as dead; it beats every second
STARTING = 180.0  # the same before its first heartbeat: importing torch takes its time on a busy machine


@dataclass(frozen=True)
class Status:
    """What a run says of itself.

    Times are seconds since the epoch; `seconds_left` is None until it can be estimated. `message` is a sentence for
    the user, of a failure for example. `pid` is None until a worker has taken the run up.
    """

    state: State
    step: int = 0
    steps: int = 0
    heartbeat: float = 0.0
    started: float = 0.0
    device: str = ""
    examples_per_second: float = 0.0
    seconds_left: float | None = None
    message: str = ""
    pid: int | None = None


@dataclass(frozen=True)
class Preview:
    """Samples drawn while training: values (n, *shape) in physical units and the labels asked for, (n, classes)."""

    step: int
    values: NDArray[np.float32]
    labels: NDArray[np.float32] | None


class RunDirectory:
    """Reads and writes one run; every method works while a worker writes."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.name

    # what it is

    def config(self) -> dict[str, Any]:
        """generator, spec, config, scaling (None before the first step), run, dataset; RunError when there is none."""
        try:
            content = read_json(self.path / "config.json")
        except DataError as error:
            raise RunError(f"{self.path.name} is not a training run: {error}") from error
        if not isinstance(content, dict) or "generator" not in content or "run" not in content:
            raise RunError(f"{self.path.name} is not a training run: config.json lacks the generator.")
        return content

    def write_config(self, content: dict[str, Any]) -> None:
        """Replace config.json."""
        self.path.mkdir(parents=True, exist_ok=True)
        write_json_atomic(self.path / "config.json", content)

    # how it goes

    def status(self) -> Status:
        """The latest status; state "starting" before a worker wrote one."""
        try:
            content = read_json(self.path / "status.json")
        except DataError:
            return Status("starting")
        known = {field.name for field in fields(Status)}
        return Status(**{key: value for key, value in content.items() if key in known})

    def write_status(self, status: Status) -> None:
        """Replace status.json."""
        write_json_atomic(self.path / "status.json", asdict(status))

    def liveness(self, now: float) -> Liveness:
        """From state and heartbeat, never from the process id: a dead worker can be a zombie, and ids are reused."""
        status = self.status()
        if status.state in ("cancelled", "finished", "failed"):
            return "ended"
        patience = SILENCE if status.pid else STARTING
        return "alive" if now - status.heartbeat < patience else "silent"

    def metrics(self) -> pd.DataFrame:
        """One row per step: `step` and the terms of each phase, "flow.total" for example."""
        return pd.DataFrame(self._metric_records())

    def _metric_records(self) -> list[dict[str, Any]]:
        try:
            lines = (self.path / "metrics.jsonl").read_text().split("\n")
        except FileNotFoundError:
            return []
        return [json.loads(line) for line in lines[:-1]]  # what follows the last line break is unfinished

    def cut_metrics(self, step: int) -> None:
        """Forget what was recorded after `step`, and a line that a crash left unfinished."""
        kept = [json.dumps(record) + "\n" for record in self._metric_records() if record["step"] <= step]
        temporary = self.path / ".metrics.jsonl"
        temporary.write_text("".join(kept))
        temporary.replace(self.path / "metrics.jsonl")

    def open_metrics(self) -> io.TextIOWrapper:
        """metrics.jsonl for appending, a line at a time."""
        return (self.path / "metrics.jsonl").open("a", buffering=1, encoding="utf-8")

    def log(self, lines: int = 50) -> str:
        """The end of log.txt."""
        try:
            with (self.path / "log.txt").open("rb") as file:
                file.seek(max(0, file.seek(0, io.SEEK_END) - 200 * lines))
                return "\n".join(file.read().decode("utf-8", "replace").splitlines()[-lines:])
        except FileNotFoundError:
            return ""

    # what it made

    def checkpoints(self) -> list[Path]:
        """Complete checkpoints, the oldest first."""
        folder = self.path / "checkpoints"
        names = [path for path in folder.iterdir() if path.name.isdigit()] if folder.is_dir() else []
        return sorted(names, key=lambda path: int(path.name))

    def previews(self) -> list[Path]:
        """Preview files, the oldest first."""
        return sorted((self.path / "previews").glob("[0-9]*.npz"))

    def preview(self, path: Path) -> Preview:
        """Read one of `previews()`."""
        with np.load(path, allow_pickle=False) as arrays:
            return Preview(int(path.stem), arrays["values"], arrays.get("labels"))

    def write_preview(self, preview: Preview) -> None:
        """Add one, atomically."""
        folder = self.path / "previews"
        folder.mkdir(exist_ok=True)
        temporary = folder / ".preview.npz"
        arrays = {"values": preview.values} | ({} if preview.labels is None else {"labels": preview.labels})
        np.savez(temporary, **arrays)  # type: ignore[arg-type]
        temporary.replace(folder / f"{preview.step:09d}.npz")

    # what is asked of it

    def cancel(self) -> None:
        """Ask the worker to stop after its step; it keeps a checkpoint, so the run can be resumed."""
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
        with self.held():
            shutil.rmtree(self.path)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Exclusive right to write; the kernel drops it when the process dies, however it dies."""
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise RunError(f"Run {self.name} is being trained by another process; cancel it first.") from error
            yield
