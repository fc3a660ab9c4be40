"""Where windows are put: around annotated events, or around heartbeats, annotated or detected."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from synth_core.data.preparation import BEATS, Preparation
from synth_core.data.recording import BEAT, Annotation, Recording

# ANSI/AAMI EC57, table 3: symbols of the MIT-BIH database by class
AAMI = {
    symbol: name
    for name, symbols in {"N": "NLRejnB", "S": "AaJS", "V": "VEr", "F": "F", "Q": "/fQ?"}.items()
    for symbol in symbols
}
DETECTION_SECONDS, OVERLAP_SECONDS = 300.0, 10.0  # pieces in which beats are detected
PREFERRED = ("II", "MLII", "I", "V5")


@dataclass(frozen=True)
class Event:
    """A moment in seconds, and its class: the text of the annotation, or the symbol of the beat; "" if detected."""

    onset: float
    label: str


def events(recording: Recording, preparation: Preparation) -> list[Event]:
    """The events that `preparation.around` names, in order of time; beats are detected where none are annotated."""
    found = annotated(recording, preparation)
    if not found and preparation.around == BEATS and recording.spec.modality == "ecg":
        return [Event(onset, "") for onset in _detected(recording)]
    return found


def annotated(recording: Recording, preparation: Preparation) -> list[Event]:
    """The annotated events that `preparation.around` names."""
    if preparation.around == BEATS:
        return [
            Event(mark.onset, _beat_class(mark, preparation.aami))
            for mark in recording.annotations
            if mark.kind == BEAT
        ]
    return [Event(mark.onset, mark.text) for mark in recording.annotations if mark.text == preparation.around]


def event_classes(recordings: list[Recording], preparation: Preparation) -> tuple[str, ...]:
    """Every class that an annotated event of the recordings has; the five of AAMI where they are grouped."""
    if preparation.aami:
        return ("N", "S", "V", "F", "Q")
    return tuple(sorted({event.label for one in recordings for event in annotated(one, preparation)}))


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
