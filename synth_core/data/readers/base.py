"""What a reader is, and what it is asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from synth_core.data.readers.files import Files
from synth_core.data.recording import Recording
from synth_core.errors import DataError


@dataclass
class Opening:
    """What the caller wants of an opening, and what could not be opened.

    Parameters
    ----------
    rate : Hz, for collections that keep each recording at several rates; None takes the collection's usual one.
    window : HU at black and at white of 8-bit images; None takes 0 … 80, the brain window.
    hu_offset : what is added to the values of 16-bit images to make them HU; without it these are refused.
    skipped : one error for each file of a readable collection that is itself damaged.
    """

    rate: float | None = None
    window: tuple[float, float] | None = None
    hu_offset: float | None = None
    skipped: list[DataError] = field(default_factory=list)


class Reader(Protocol):
    """A module of `synth_core.data.readers`: one format."""

    def read(self, files: Files, opening: Opening) -> list[Recording]:
        """The recordings of this format among `files`, which it takes; headers only where the format has headers.

        None, and nothing taken, where no file is of the format by its content. A damaged file goes to
        `opening.skipped`; a damaged collection raises DataError.
        """
        ...
