"""Every error that a user can meet.

    SynthScopeError
    ├── DataError          a file or folder cannot be used; `path` says which
    │   ├── UnrecognisedData   nothing in it is of a format that we read
    │   └── DamagedFile        the format is known, the content is broken
    ├── SpecMismatch       arrays contradict what they are declared to be
    ├── InvalidSetting     a parameter is out of its range
    ├── ModelError         a model directory cannot be loaded
    ├── RunError           a training run cannot start, resume or go on
    └── StudyError         a study does not allow what was asked

A message is one sentence or two: what was wrong, where, and what to do next.
"""

from pathlib import Path
from typing import Any

LONGEST = 380  # characters of a message: damaged files are quoted, and can hold anything


class SynthScopeError(Exception):
    """Base of all errors shown to users as a sentence, never as a traceback."""


class DataError(SynthScopeError):
    """A file or folder cannot be used.

    Parameters
    ----------
    path : the file or folder at fault; its name opens the message.
    problem : what is wrong, then what to do, as sentences.
    """

    def __init__(self, path: Path | str, problem: str) -> None:
        self.path = Path(path)
        message = f"{self.path.name or self.path}: {problem}"
        printable = "".join(character if character.isprintable() else "?" for character in message)
        super().__init__(printable if len(printable) <= LONGEST else f"{printable[: LONGEST - 1]}…")

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (type(self), self.path, str(self)), dict(self.__dict__)


def _again(kind: type[DataError], path: Path, message: str) -> DataError:
    """The error as it was in another process."""
    error = kind.__new__(kind, message)
    error.path = path
    return error


class UnrecognisedData(DataError):
    """Nothing at the path is of a format that we read."""


class DamagedFile(DataError):
    """The format is known but the content is truncated or contradictory."""


class SpecMismatch(SynthScopeError, ValueError):
    """Arrays contradict the DataSpec that they come with."""


class InvalidSetting(SynthScopeError, ValueError):
    """A parameter is out of its range or not known."""


class ModelError(SynthScopeError):
    """A model directory is incomplete, damaged or not one of ours."""


class RunError(SynthScopeError):
    """A training run cannot start, resume or go on."""


class StudyError(SynthScopeError):
    """A study does not allow what was asked of it."""


class BlindingError(StudyError):
    """Something but the content of the items tells real from synthetic; `leaks` has the sentences."""

    def __init__(self, leaks: tuple[str, ...]) -> None:
        self.leaks = leaks
        super().__init__(
            f"The audit found that raters could tell the kinds apart without looking at the content. {' '.join(leaks)} "
            "Bring both sides into the same form, or give a reason to go on nevertheless; it is kept with the study."
        )
