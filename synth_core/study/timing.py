"""How long an item was seen, and what was chosen on the way to the answer, as the browser measured it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LONGEST = 3_600_000  # ms; a rater who leaves the page open is not an hour-long thinker
MOST_CHOICES = 50  # kept of one item: the first, and the newest


@dataclass(frozen=True)
class Timing:
    """Times of one showing, in milliseconds from its first frame.

    Parameters
    ----------
    shown_ms : until the answer, without the time in which the tab or window was hidden.
    hidden_ms : that hidden time.
    choices : (shown_ms, value) of each choice; the first is the first answer, the last the one that stood.
    """

    shown_ms: int
    hidden_ms: int = 0
    choices: Sequence[Sequence[int]] = ()

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Timing:
        """From a browser's message; KeyError, TypeError or ValueError when it is not one."""
        choices = [(int(spent), int(value)) for spent, value in list(given["choices"])]
        return cls(int(given["shown"]), int(given["hidden"]), choices)

    def columns(self, steps: int) -> dict[str, Any]:
        """What is kept with an answer on a scale of `steps`: bounded, whatever a browser sends."""
        kept = [[_bounded(spent), value] for spent, value in self.choices if 1 <= value <= steps]
        return {
            "shown_ms": _bounded(self.shown_ms),
            "hidden_ms": _bounded(self.hidden_ms),
            "choices": kept[:1] + kept[1:][-(MOST_CHOICES - 1) :],
        }


def _bounded(milliseconds: int) -> int:
    return min(max(milliseconds, 0), LONGEST)
