"""Opening, checking and preparing in a child process, for servers: the same results, and no file can stop them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from synth_core.data import archives
from synth_core.data.confined import Limits, Progress, confined
from synth_core.data.opening import open_recordings
from synth_core.data.preparation import Preparation
from synth_core.data.prepare import prepare
from synth_core.data.quality import Flag, quality_flags
from synth_core.data.recording import Recording
from synth_core.errors import DataError

PREPARING = Limits(cpu=48 * 3600, wall=48 * 3600)


def open_guarded(
    path: Path, told: dict[str, Any], *, limits: Limits | None = None
) -> tuple[list[Recording], list[DataError]]:
    """`open_recordings(path, **told)`, and what it skipped."""
    path = path.absolute()
    found: tuple[list[Recording], list[DataError]] = confined(
        _open, path, told, archives.folder(), path=path, limits=limits
    )
    return found


def check_guarded(recordings: Sequence[Recording], path: Path, *, progress: Progress | None = None) -> list[Flag]:
    """`quality_flags(recordings)`; `path` is where they come from."""
    flags: list[Flag] = confined(_check, recordings, path=path, limits=PREPARING, progress=progress or _silent)
    return flags


def prepare_guarded(
    recordings: Sequence[Recording],
    out: Path,
    preparation: Preparation,
    *,
    name: str | None = None,
    source: Path | None = None,
    progress: Progress | None = None,
) -> Path:
    """`prepare(…)`; `source` is where the recordings come from. Returns `out`."""
    out = out.absolute()
    confined(
        _prepare,
        recordings,
        out,
        preparation,
        name,
        path=source or out,
        limits=PREPARING,
        progress=progress or _silent,
        leaves=out,
    )
    return out


def _open(path: Path, told: dict[str, Any], unpacked: Path) -> tuple[list[Recording], list[DataError]]:
    archives.use_folder(unpacked)
    skipped: list[DataError] = []
    recordings = open_recordings(path, skipped=skipped, **told)
    for error in skipped:
        error.__cause__ = error.__context__ = None
    return recordings, skipped


def _check(recordings: Sequence[Recording], *, progress: Progress) -> list[Flag]:
    return quality_flags(recordings, progress=progress)


def _prepare(
    recordings: Sequence[Recording], out: Path, preparation: Preparation, name: str | None, *, progress: Progress
) -> None:
    prepare(recordings, out, preparation, name=name, progress=progress)


def _silent(done: int, total: int, message: str) -> None:
    """Nobody is told."""
