"""What all verbs share: progress on stderr, results on stdout."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import typer


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
        sys.stderr.write(f"\r\x1b[K{line}" if sys.stderr.isatty() else f"{line}\n")
        if done >= total and sys.stderr.isatty():
            sys.stderr.write("\n")
        sys.stderr.flush()


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def show(result: Any, as_json: bool, text: str) -> None:
    """Print the result for a machine, or the text for a person."""
    typer.echo(json.dumps(result, indent=1) if as_json else text)


def table(rows: list[list[str]], header: list[str]) -> str:
    """Columns of text, aligned."""
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in [header, *rows]]
    return "\n".join(line.rstrip() for line in lines)
