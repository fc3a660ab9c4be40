"""Delineated waves in WFDB annotation files: `(`, a peak and `)` become one annotation "P", "QRS", "T" or "U".

Such files are LUDB's, one per lead and named by it (Kalyakulina et al. 2020, IEEE Access 8:186181), those of the
QT Database (.q1c, .pu0; Laguna et al. 1997, Comput Cardiol 24:673), and what ecgpuwave writes. Any of the three marks
may be missing: a wave without its beginning starts, and one without its end stops, at its peak.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from synth_core.data.recording import Annotation

ONSET, END = "(", ")"
_PEAKS = {"p": "P", "t": "T", "u": "U"}
LONGEST = 0.8  # s from a mark of a wave to its peak: what lies further away belongs to another wave
Mark = tuple[float, str, str]  # seconds, symbol, note


@dataclass
class _Wave:
    """A wave whose end may still come."""

    name: str
    onset: float
    peak: float

    def until(self, end: float | None, channel: str) -> Annotation:
        stop = self.peak if end is None or end - self.peak > LONGEST else end
        return Annotation(self.onset, max(0.0, stop - self.onset), self.name, channel=channel)


def is_delineated(marks: Sequence[Mark]) -> bool:
    """Whether an annotation file marks waves rather than beats alone."""
    return any(symbol in (ONSET, END) or symbol in _PEAKS for _, symbol, _ in marks)


def waves(marks: Sequence[Mark], beats: frozenset[str], channel: str = "") -> list[Annotation]:
    """The waves of one file, in order of their onset.

    Parameters
    ----------
    marks : in order of time. beats : symbols that mark the peak of a QRS complex.
    channel : the lead that the file is of, "" for all.
    """
    found: list[Annotation] = []
    begun: float | None = None  # where a bracket opened
    wave: _Wave | None = None
    for seconds, symbol, _ in marks:
        name = _PEAKS.get(symbol) or ("QRS" if symbol in beats else "")
        if symbol == ONSET:
            if wave is not None:
                found.append(wave.until(None, channel))
            begun, wave = seconds, None
        elif symbol == END:
            if wave is not None:
                found.append(wave.until(seconds, channel))
            begun, wave = None, None
        elif name and wave is not None and wave.name == name and seconds - wave.peak <= LONGEST / 4:
            wave.peak = seconds  # the second peak of a wave that has two
        elif name:
            if wave is not None:
                found.append(wave.until(None, channel))
            onset = begun if begun is not None and seconds - begun <= LONGEST else seconds
            begun, wave = None, _Wave(name, onset, seconds)
    if wave is not None:
        found.append(wave.until(None, channel))
    return found
