"""The class of a window from the spans that cover it, such as the stages of a night or a seizure.

A window has a class when spans of it cover at least `Placement.span_share` of the window; with the whole (the default)
a window across a boundary has none and is left out. `Placement.outside_spans` names the class of windows of which no
more than the rest, with the default nothing, lies in any span.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence

from synth_core.data.example import BOUNDARY, NO_SPAN
from synth_core.data.marks import marked
from synth_core.data.preparation import Preparation
from synth_core.data.recording import Recording

Span = tuple[float, float]


def span_classes(preparation: Preparation) -> tuple[str, ...]:
    """Every class that a window can get, in the order that the spans were asked for; the one outside comes last."""
    names = [preparation.class_of(text) for text in preparation.spans or ()]
    return tuple(dict.fromkeys([*names, *([preparation.outside_spans] if preparation.outside_spans else [])]))


class SpanLabels:
    """The spans of a recording by class."""

    def __init__(self, recording: Recording, preparation: Preparation) -> None:
        spans: dict[str, list[Span]] = defaultdict(list)
        for mark, text in marked(recording, preparation.spans or ()):
            if mark.duration > 0:
                spans[preparation.class_of(text)].append((mark.onset, mark.onset + mark.duration))
        self._of_class = {name: _joined(own) for name, own in spans.items()}
        self._of_any = _joined([span for own in spans.values() for span in own])
        self._share, self._outside = preparation.span_share, preparation.outside_spans
        self._tolerance = 0.5 / recording.spec.rate

    def __bool__(self) -> bool:
        return bool(self._of_any)

    def of(self, start: float, stop: float) -> tuple[tuple[str, ...], str]:
        """The classes of the window from `start` to `stop` seconds, and why it has none, "" where it has."""
        needed = self._share * (stop - start) - self._tolerance
        labels = tuple(name for name, spans in self._of_class.items() if _covered(spans, start, stop) >= needed)
        if labels:
            return labels, ""
        inside = _covered(self._of_any, start, stop)
        if stop - start - inside < needed:
            return (), BOUNDARY
        return ((self._outside,), "") if self._outside else ((), NO_SPAN)


def _joined(spans: Sequence[Span]) -> list[Span]:
    """Spans that touch or overlap as one, in order."""
    result: list[Span] = []
    for start, stop in sorted(spans):
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(stop, result[-1][1]))
        else:
            result.append((start, stop))
    return result


def _covered(spans: Sequence[Span], start: float, stop: float) -> float:
    """Seconds of the window that lie in the spans, which are in order and apart."""
    first = bisect_right(spans, start, key=lambda span: span[1])
    covered = 0.0
    for begin, end in spans[first:]:
        if begin >= stop:
            break
        covered += min(stop, end) - max(start, begin)
    return covered
