"""What all verbs share: progress on stderr, results on stdout."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import typer

from synth_core.errors import InvalidSetting


class Progress:
    """`progress(done, total, message)` on stderr, at most five times a second; one line on a terminal."""

    def __init__(self, quiet: bool = False) -> None:
        self._quiet, self._last, self._began = quiet, 0.0, time.monotonic()

    def __call__(self, done: int, total: int, message: str = "") -> None:
        """Show how far it is and how long it will take."""
        now = time.monotonic()
        interval = 0.2 if sys.stderr.isatty() else 10.0
        if self._quiet or (done < total and now - self._last < interval):
            return
        self._last = now
        left = (now - self._began) / max(done, 1) * (total - done)
        line = f"{done}/{total} {message}" + (f", {_span(left)} left" if 0 < done < total else "")
        with suppress(OSError):  # a full disk under a log must not end the work
            sys.stderr.write(f"\r\x1b[K{line}" if sys.stderr.isatty() else f"{line}\n")
            if done >= total and sys.stderr.isatty():
                sys.stderr.write("\n")
            sys.stderr.flush()


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def new_directory(path: Path, option: str = "--out") -> Path:
    """A directory that a verb will make; InvalidSetting, before any work, when it is there or cannot be made."""
    if path.exists() or path.is_symlink():
        raise InvalidSetting(f"{option}: {path} exists already; choose another name or remove it first.")
    _check_writable(path.parent, path, option)
    return path


def directory_to_fill(path: Path, option: str = "--out") -> Path:
    """A directory that may be there already, such as one that is gone on with."""
    if path.exists() and not path.is_dir():
        raise InvalidSetting(f"{option}: {path} is a file where a folder is meant; choose another name.")
    _check_writable(path if path.is_dir() else path.parent, path, option)
    return path


def new_file(path: Path, *endings: str, option: str = "--out") -> Path:
    """A file that a verb will write, whose name ends as its format does."""
    if path.is_dir():
        raise InvalidSetting(
            f"{option}: {path} is a folder; name a file in it, such as {path / f'result{endings[0]}'}."
        )
    if path.suffix.lower() not in endings:
        ending = f"ends in {path.suffix}" if path.suffix else "has no ending"
        raise InvalidSetting(f"{option}: {path.name} {ending}, but {endings[0]} is what is written; end it so.")
    return new_directory(path, option)


def _check_writable(folder: Path, path: Path, option: str) -> None:
    """The folder is made where it is missing; a file is written and removed, since permissions do not say all."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        problem = f"{option}: {path} cannot be written ({error.strerror}); choose another place."
        raise InvalidSetting(problem) from error


def show(result: Any, as_json: bool, text: str) -> None:
    """Print the result for a machine, or the text for a person."""
    typer.echo(json.dumps(result, indent=1) if as_json else text)


def table(rows: list[list[str]], header: list[str]) -> str:
    """Columns of text, aligned."""
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in [header, *rows]]
    return "\n".join(line.rstrip() for line in lines)
