"""Patterns of the user that find a person in a path: checked, and matched within a limit of time.

Some regular expressions take time that grows exponentially with a path. What shows it at once, a repetition of a
repetition, is refused; of the rest, the matching of all paths together has a limit, which the engine of Python keeps to
since it looks for signals. Signals reach the main thread only: elsewhere, as in a page, a child process does the work.
"""

from __future__ import annotations

import re
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

from synth_core.data.confined import Limits, confined
from synth_core.errors import DataError, InvalidSetting

LONGEST_PATTERN, LONGEST_PATH = 200, 1000  # characters; of a longer path its end is searched
SECONDS = 3.0  # of the processor, for all paths: 100,000 take a tenth of that
TOO_SLOW = "The subject pattern {pattern!r} takes too long on these paths; simplify it, such as 'sub-([0-9]+)'."


@dataclass(frozen=True)
class Preview:
    """Whom a pattern finds in each path, "" where it does not match."""

    people: tuple[str, ...]

    @property
    def missed(self) -> int:
        """How many paths it does not match."""
        return sum(not person for person in self.people)

    @property
    def subjects(self) -> int:
        """How many people it tells apart."""
        return len(set(self.people) - {""})


def compiled(pattern: str) -> re.Pattern[str]:
    """A pattern for subjects; InvalidSetting says what is wrong with it."""
    if not 0 < len(pattern) <= LONGEST_PATTERN:
        raise InvalidSetting(f"A subject pattern has 1 to {LONGEST_PATTERN} characters. Got {len(pattern)}.")
    try:
        found = re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise InvalidSetting(f"The subject pattern {pattern!r} is no regular expression: {error}.") from error
    if re.search(r"[+*}]\)[+*{]", pattern):
        raise InvalidSetting(
            f"The subject pattern {pattern!r} repeats a repetition, which can take for ever; simplify it."
        )
    return found


def people(pattern: str, paths: Sequence[str]) -> Preview:
    """Whom the pattern finds in each path: its group `subject`, else its first group, else all that it matches.

    Raises
    ------
    InvalidSetting : for a pattern that is no regular expression, or takes too long.
    """
    compiled(pattern)
    if threading.current_thread() is threading.main_thread():
        try:
            with _limited(SECONDS):
                return Preview(_matched(pattern, paths))
        except _TooSlow:
            raise InvalidSetting(TOO_SLOW.format(pattern=pattern)) from None
    try:
        found: tuple[str, ...] = confined(
            _matched, pattern, list(paths), path=Path("pattern"), limits=Limits(cpu=SECONDS, wall=10 * SECONDS)
        )
    except DataError as error:
        raise InvalidSetting(TOO_SLOW.format(pattern=pattern)) from error
    return Preview(found)


def _matched(pattern: str, paths: Sequence[str]) -> tuple[str, ...]:
    search = re.compile(pattern)
    return tuple(_person(search, path[-LONGEST_PATH:]) for path in paths)


def _person(search: re.Pattern[str], path: str) -> str:
    found = search.search(path)
    if not found:
        return ""
    if "subject" in search.groupindex:
        return found["subject"] or ""
    return (found[1] if search.groups else found[0]) or ""


class _TooSlow(BaseException):
    """Raised by the timer."""


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """_TooSlow after so many seconds of this process's own processor time."""
    before = signal.signal(signal.SIGVTALRM, _stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    raise _TooSlow
