"""Runs as a list shows them: a damaged one is a name and a sentence, the others are whole."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synth_core.errors import RunError
from synth_core.training.run import RunDirectory
from synth_core.training.status import Status


@dataclass(frozen=True)
class Listed:
    """One run.

    Parameters
    ----------
    path : its folder.
    description : what config.json says; None where that is damaged.
    status : how it goes; None where that cannot be read.
    problem : a sentence on what is damaged, and what to do; "" for nothing.
    """

    path: Path
    description: dict[str, Any] | None
    status: Status | None
    problem: str = ""


def listed(path: Path) -> Listed:
    """A run by its folder; nothing in it makes this fail."""
    run = RunDirectory(path)
    problems: list[str] = []
    description, status = None, None
    try:
        description = run.config()
    except RunError as error:
        problems.append(str(error))
    try:
        status = run.status()
    except RunError as error:
        problems.append(str(error))
    return Listed(path, description, status, " ".join(problems))
