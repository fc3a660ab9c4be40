"""What a reader is, and what it is asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from synth_core.data.recording import Recording
from synth_core.errors import DataError


@dataclass
class Opening:
    """What the caller wants of an opening, and what could not be opened.

    Parameters
    ----------
    rate : Hz, for collections that keep each recording at several rates; None takes the collection's usual one.
    skipped : one error for each file of a readable collection that is itself damaged.
    """

    rate: float | None = None
    skipped: list[DataError] = field(default_factory=list)


class Reader(Protocol):
    """A module of `synth_core.data.readers`: one format."""

    def recognise(self, path: Path) -> bool:
        """Whether the content of a file, or of a file in a folder, is of this format. Cheap; raises nothing."""
        ...

    def read(self, path: Path, opening: Opening) -> list[Recording]:
        """The recordings at a recognised path; headers only where the format has headers.

        A damaged file goes to `opening.skipped`; a damaged collection raises DataError.
        """
        ...
