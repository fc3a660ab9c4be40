"""WFDB annotation files beside a record: beats, waves, rhythms and noise marks as Annotations.

Format and codes: https://physionet.org/physiotools/wag/annot-5.htm. Decoded by the `wfdb` package.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from synth_core.data.readers.wfdb_waves import Mark, is_delineated, waves
from synth_core.data.recording import BEAT, NOISE, RHYTHM, Annotation
from synth_core.errors import DamagedFile

REFERENCE = ".atr"
# in order of trust: reference and corrected beats before those of a detector
ENDINGS = (
    REFERENCE, ".qrsc", ".man", ".ecg", ".ari", ".qrs", ".q1c", ".q2c", ".qt1", ".qt2", ".pu", ".pu0", ".pu1", ".ann",
    ".wabp", ".apn", ".st", ".st-", ".event",
)  # fmt: skip
_SIGNAL = {".pu0": 0, ".pu1": 1}  # which signal of the record a delineator looked at
LARGEST = 4 * 2**20  # bytes; a day of beats has less than one MB
BEATS = frozenset("NLRBAaJSVrFejnE/fQ?")
_RHYTHM, _NOISE = frozenset("+[]!"), frozenset("~|")
_OF_WAVES = frozenset("()ptu")
_NO_BEATS = {".apn", ".st", ".st-", ".event", ".wabp"}  # apnoea minutes are written N and A; pulses are not beats


def read_marks(
    header: Path, beside: set[str], rate: float, seconds: float, leads: Mapping[str, str]
) -> tuple[tuple[Annotation, ...], list[str]]:
    """What the annotation files beside a header mark, in order of time, and the names of files that are none.

    Parameters
    ----------
    beside : endings of the files that share the stem of the header.
    rate : Hz of the record, in which an annotation file counts unless it names another.
    seconds : how long the record is. leads : the name in the file of every signal → its channel.

    Beats are taken from one file, the first of `ENDINGS` that has any, and so are the waves of all leads; those of one
    lead come from the file that is called by it, such as 1.avr. Other marks are taken from all.

    Raises
    ------
    DamagedFile : when the reference annotations (.atr) cannot be read.
    """
    found: list[Annotation] = []
    unread: list[str] = []
    named = {name.lower(): channel for name, channel in leads.items()}
    delineated: set[str] = set()
    own = sorted((ending for ending in beside if ending[1:].lower() in named), key=str.lower)
    for ending in (*own, *(ending for ending in ENDINGS if ending in beside)):
        file = header.with_suffix(ending)
        try:
            marks = _marks(file, ending, rate)
        except DamagedFile:
            if ending == REFERENCE:
                raise
            unread.append(file.name)
            continue
        if ending in own:
            found += waves(marks, BEATS, named[ending[1:].lower()])
            continue
        channel = list(leads.values())[number] if (number := _SIGNAL.get(ending, len(leads))) < len(leads) else ""
        has_beats = any(mark.kind == BEAT for mark in found)
        is_wave_file = is_delineated(marks) and ending not in _NO_BEATS
        if is_wave_file and not own and not delineated & {channel, ""}:
            found += waves(marks, BEATS, channel)
            delineated.add(channel)
        plain = [mark for mark in marks if not (is_wave_file and mark[1] in _OF_WAVES)]
        others = [_annotation(mark, ending) for mark in plain]
        found += [mark for mark in others if mark.kind != BEAT or not has_beats]
    return _rhythms_last(sorted(found, key=lambda mark: mark.onset), seconds), unread


def kind_of(symbol: str) -> str:
    """ "beat", "rhythm", "noise" or "", of a WFDB annotation symbol."""
    if symbol in BEATS:
        return BEAT
    return RHYTHM if symbol in _RHYTHM else NOISE if symbol in _NOISE else ""


def _rhythms_last(marks: list[Annotation], seconds: float) -> tuple[Annotation, ...]:
    """A rhythm lasts from its mark to that of the next, or to the end of the record."""
    changes = [i for i, mark in enumerate(marks) if mark.kind == RHYTHM and mark.text.startswith("+")]
    ends = [marks[i].onset for i in changes[1:]] + [seconds]
    for i, end in zip(changes, ends, strict=True) if changes else ():
        marks[i] = replace(marks[i], duration=max(0.0, end - marks[i].onset))
    return tuple(marks)


def _annotation(mark: Mark, ending: str) -> Annotation:
    seconds, symbol, note = mark
    return Annotation(seconds, 0.0, f"{symbol} {note}".strip(), "" if ending in _NO_BEATS else kind_of(symbol))


def _marks(file: Path, ending: str, rate: float) -> list[Mark]:
    """The marks at or after the beginning of the record, in order."""
    import wfdb

    problem = "is not a valid annotation file; remove it or download it again."
    if not file.is_file() or file.stat().st_size > LARGEST:
        raise DamagedFile(file, problem)
    try:
        read = wfdb.rdann(str(file.with_suffix("")), ending[1:])
        rate = float(read.fs or rate)
        notes = [note.strip("\x00 ") for note in read.aux_note]
        marks = list(zip([float(sample) for sample in read.sample], read.symbol, notes, strict=True))
    except Exception as error:  # the package raises whatever numpy raised
        raise DamagedFile(file, problem) from error
    if not rate > 0 or any(symbol is None for _, symbol, _ in marks):
        raise DamagedFile(file, problem)
    timed = [(sample / rate, symbol, note) for sample, symbol, note in marks if math.isfinite(sample) and sample >= 0]
    return sorted(timed, key=lambda mark: mark[0])
