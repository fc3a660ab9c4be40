"""Where windows are put: around annotated events, or around heartbeats, annotated or detected."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from synth_core.data.marks import PREFERRED, asked_for
from synth_core.data.placement import BEATS
from synth_core.data.preparation import Preparation
from synth_core.data.recording import BEAT, Annotation, Recording

# ANSI/AAMI EC57, table 3: symbols of the MIT-BIH database by class
AAMI = {
    symbol: name
    for name, symbols in {"N": "NLRejnB", "S": "AaJS", "V": "VEr", "F": "F", "Q": "/fQ?"}.items()
    for symbol in symbols
}
DETECTION_SECONDS, OVERLAP_SECONDS = 300.0, 10.0  # pieces in which beats are detected


@dataclass(frozen=True)
class Event:
    """A moment in seconds, and its class: by the text of the annotation or the symbol of the beat; "" if detected."""

    onset: float
    label: str


def events(recording: Recording, preparation: Preparation) -> list[Event]:
    """The events that `preparation.around` names, in order of time; beats are detected where none are annotated."""
    found = annotated(recording, preparation)
    if not found and preparation.around == (BEATS,) and recording.spec.modality == "ecg":
        return [Event(onset, "") for onset in _detected(recording)]
    return found


def annotated(recording: Recording, preparation: Preparation) -> list[Event]:
    """The annotated events that `preparation.around` names, in order of time."""
    if preparation.around == (BEATS,):
        beats = [mark for mark in recording.annotations if mark.kind == BEAT]
        labels = [_beat_class(mark, preparation.aami) for mark in beats]
        found = [Event(mark.onset, preparation.class_of(label)) for mark, label in zip(beats, labels, strict=True)]
        return sorted(found, key=lambda event: event.onset)
    marks = asked_for(recording, preparation.around or ())
    return [Event(mark.onset, preparation.class_of(text)) for mark, text in marks]


def event_classes(recordings: Sequence[Recording], preparation: Preparation) -> tuple[str, ...]:
    """Every class that an annotated event of the recordings has, in the order that they were asked for; of beats in
    that of the alphabet, or the five of AAMI where they are grouped."""
    if preparation.around != (BEATS,):
        return tuple(dict.fromkeys(preparation.class_of(text) for text in preparation.around or ()))
    if preparation.aami:
        return tuple(dict.fromkeys(preparation.class_of(name) for name in ("N", "S", "V", "F", "Q")))
    return tuple(sorted({event.label for one in recordings for event in annotated(one, preparation)}))


@dataclass(frozen=True)
class Moment:
    """Where a window begins, in samples, for the event at `onset`: with the classes of all events there.

    `overlaps`: whether it shares samples with the window of an event of another class.
    """

    start: int
    onset: float
    labels: tuple[str, ...]
    overlaps: bool


def moments(found: Sequence[Event], rate: float, before: int, length: int) -> list[Moment]:
    """One window for all events that fall on one sample, in order of time.

    Parameters
    ----------
    before, length : of a window, in samples at `rate`.
    """
    labels: dict[int, dict[str, None]] = {}
    onsets: dict[int, float] = {}
    for event in sorted(found, key=lambda event: event.onset):
        start = round(event.onset * rate) - before
        labels.setdefault(start, {})[event.label] = None
        onsets.setdefault(start, event.onset)
    result = []
    starts = list(labels)
    for i, start in enumerate(starts):
        earlier = any(labels[one] != labels[start] for one in _until(starts[:i][::-1], start, length))
        later = any(labels[one] != labels[start] for one in _until(starts[i + 1 :], start, length))
        result.append(Moment(start, onsets[start], tuple(labels[start]), earlier or later))
    return result


def _until(starts: Sequence[int], here: int, length: int) -> Iterator[int]:
    """Those that lie less than a window away."""
    for one in starts:
        if abs(one - here) >= length:
            return
        yield one


def _beat_class(mark: Annotation, aami: bool) -> str:
    symbol = mark.text[:1]
    return AAMI.get(symbol, "Q") if aami else symbol


def _detected(recording: Recording) -> Iterator[float]:
    """Onsets of R peaks in one lead, piece by piece: pieces overlap, and each gives those of its middle."""
    import neurokit2

    rate, samples = recording.spec.rate, recording.spec.shape[1]
    channels = recording.spec.channels
    row = next((channels.index(name) for name in PREFERRED if name in channels), 0)
    piece, overlap = round(DETECTION_SECONDS * rate), round(OVERLAP_SECONDS * rate)
    for start in range(0, samples, piece):
        begin, end = max(0, start - overlap), min(samples, start + piece + overlap)
        lead = np.nan_to_num(recording.read(begin, end)[row].astype(np.float64))
        try:
            cleaned = neurokit2.ecg_clean(lead, sampling_rate=rate)
            peaks = neurokit2.ecg_findpeaks(cleaned, sampling_rate=rate)["ECG_R_Peaks"]
        except Exception:  # the package raises whatever numpy raised on a lead without beats
            continue
        yield from (float(peak + begin) / rate for peak in peaks if start <= peak + begin < start + piece)
