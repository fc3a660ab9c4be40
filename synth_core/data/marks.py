"""The annotations of recordings by their texts: which there are, how many, how long; and those that are asked for."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from synth_core.data.placement import ANY_END, BEATS, Placement, fits, plain
from synth_core.data.recording import BEAT, Annotation, Recording
from synth_core.errors import InvalidSetting

LISTED = 12  # texts that a sentence names
PREFERRED = ("II", "MLII", "I", "V5")  # the lead whose marks stand for the beat where each lead has its own
AnyPlacement = TypeVar("AnyPlacement", bound=Placement)


@dataclass(frozen=True)
class Listed:
    """One text, written as most marks write it.

    Parameters
    ----------
    count, recordings : how many marks have it, in how many recordings.
    seconds : how long all of them last together. shortest, longest : of one.
    channels : in which they were marked, none where they hold for all.
    beats : whether they are beats, whose symbols differ by case.
    """

    text: str
    count: int
    recordings: int
    seconds: float
    shortest: float
    longest: float
    channels: tuple[str, ...]
    beats: bool

    @property
    def described(self) -> str:
        """ "3 × 4.1 s in 2 recordings"."""
        lasts = "" if not self.longest else f" × {self.shortest:.4g}"
        lasts += f" to {self.longest:.4g}" if round(self.longest, 3) > round(self.shortest, 3) else ""
        leads = f", by lead ({len(self.channels)})" if self.channels else ""
        return f"{self.count}{lasts}{' s' if lasts else ''}{leads}"


def listed(recordings: Sequence[Recording]) -> list[Listed]:
    """Every text, the most frequent first."""
    marks: dict[str, list[Annotation]] = defaultdict(list)
    where: dict[str, set[int]] = defaultdict(set)
    for number, recording in enumerate(recordings):
        for mark in recording.annotations:
            marks[_key(mark)].append(mark)
            where[_key(mark)].add(number)
    found = [_listed(own, len(where[key])) for key, own in marks.items()]
    return sorted(found, key=lambda one: (-one.count, one.text))


def _listed(marks: list[Annotation], recordings: int) -> Listed:
    text = Counter(" ".join(mark.text.split()) for mark in marks).most_common(1)[0][0]
    lengths = [mark.duration for mark in marks]
    channels = tuple(dict.fromkeys(mark.channel for mark in marks if mark.channel))
    beats = any(mark.kind == BEAT for mark in marks)
    return Listed(text, len(marks), recordings, sum(lengths), min(lengths), max(lengths), channels, beats)


def _key(mark: Annotation) -> str:
    """What marks of one text share; A and a are different beats."""
    return mark.text if mark.kind == BEAT else plain(mark.text)


def marked(recording: Recording, texts: Sequence[str]) -> list[tuple[Annotation, str]]:
    """The marks that `texts` name, each with the text that named it, in order of time."""
    found = [(mark, text) for mark in recording.annotations if (text := _named(mark, texts))]
    return sorted(found, key=lambda pair: pair[0].onset)


def asked_for(recording: Recording, texts: Sequence[str]) -> list[tuple[Annotation, str]]:
    """The marks that `texts` name; where leads were marked one by one, those of one lead stand for all.

    One QRS complex is not twelve events.
    """
    found = marked(recording, texts)
    leads = Counter(mark.channel for mark, _ in found if mark.channel)
    if leads:
        chosen = next((lead for lead in PREFERRED if lead in leads), leads.most_common(1)[0][0])
        found = [(mark, text) for mark, text in found if mark.channel in ("", chosen)]
    return found


def _named(mark: Annotation, texts: Sequence[str]) -> str:
    if mark.kind == BEAT:
        return next((text for text in texts if text == mark.text), "")
    return next((text for text in texts if fits(text, mark.text)), "")


def spelt_out(placement: AnyPlacement, recordings: Sequence[Recording]) -> AnyPlacement:
    """With the texts that the recordings have in the place of a * at the end.

    Raises
    ------
    InvalidSetting : for a text that no recording has, and for a span without a duration; both say what there is.
    """
    field = "around" if placement.around is not None else "spans"
    asked: tuple[str, ...] = getattr(placement, field) or ()
    if not asked or asked == (BEATS,):
        return placement
    there = listed(recordings)
    texts: dict[str, str] = {}
    for text in asked:
        found = [one for one in there if one.text == text or (not one.beats and fits(text, one.text))]
        if not found:
            raise InvalidSetting(_missing(text, there))
        if field == "spans":
            found = [one for one in found if one.longest > 0]
            if not found:
                raise InvalidSetting(f"The marks called {text!r} last no time and cover no window; use `around`.")
        names = [one.text for one in found] if text.endswith(ANY_END) else [text]
        texts |= {name if found[0].beats else plain(name): name for name in names}
    return placement.model_copy(update={field: tuple(texts.values())})


def present(placement: AnyPlacement, recordings: Sequence[Recording]) -> AnyPlacement:
    """Without the texts that none of these recordings has, as long as one is left: for a look at one of them."""
    update = {}
    for field in ("around", "spans"):
        asked: tuple[str, ...] = getattr(placement, field) or ()
        kept = tuple(text for text in asked if text == BEATS or any(asked_for(one, [text]) for one in recordings))
        if kept and len(kept) < len(asked):
            update[field] = kept
    return placement.model_copy(update=update)


def _missing(text: str, there: Sequence[Listed]) -> str:
    names = ", ".join(f"{one.text!r} ({one.count})" for one in there[:LISTED]) + (", …" if there[LISTED:] else "")
    has = f"they have {names}" if there else "they have none at all"
    return f"No recording has annotated events called {text!r}; {has}. Choose other events."
