"""WFDB annotation files beside a record: beats, rhythms and noise marks as Annotations.

Format and codes: https://physionet.org/physiotools/wag/annot-5.htm. Decoded by the `wfdb` package.
"""

from __future__ import annotations

import math
from pathlib import Path

from synth_core.data.recording import BEAT, NOISE, RHYTHM, Annotation
from synth_core.errors import DamagedFile

REFERENCE = ".atr"
# in order of trust: reference and corrected beats before those of a detector
ENDINGS = (
    REFERENCE, ".qrsc", ".man", ".ecg", ".ari", ".qrs", ".pu0", ".pu", ".ann", ".wabp", ".apn", ".st", ".st-", ".event",
)  # fmt: skip
LARGEST = 4 * 2**20  # bytes; a day of beats has less than one MB
BEATS = frozenset("NLRBAaJSVrFejnE/fQ?")
_RHYTHM, _NOISE = frozenset("+[]!"), frozenset("~|")
_NO_BEATS = {".apn", ".st", ".st-", ".event", ".wabp"}  # apnoea minutes are written N and A; pulses are not beats


def read_marks(header: Path, beside: set[str], rate: float) -> tuple[tuple[Annotation, ...], list[str]]:
    """What the annotation files beside a header mark, in order of time, and the names of files that are none.

    Parameters
    ----------
    beside : endings of the files that share the stem of the header.
    rate : Hz of the record, in which an annotation file counts unless it names another.

    Beats are taken from one file, the first of `ENDINGS` that has any; other marks are taken from all.

    Raises
    ------
    DamagedFile : when the reference annotations (.atr) cannot be read.
    """
    found: list[Annotation] = []
    unread: list[str] = []
    for ending in ENDINGS:
        if ending in beside:
            file = header.with_suffix(ending)
            try:
                marks = _marks(file, ending, rate)
            except DamagedFile:
                if ending == REFERENCE:
                    raise
                unread.append(file.name)
                continue
            has_beats = any(mark.kind == BEAT for mark in found)
            found += [mark for mark in marks if mark.kind != BEAT or not has_beats]
    return tuple(sorted(found, key=lambda mark: mark.onset)), unread


def kind_of(symbol: str) -> str:
    """ "beat", "rhythm", "noise" or "", of a WFDB annotation symbol."""
    if symbol in BEATS:
        return BEAT
    return RHYTHM if symbol in _RHYTHM else NOISE if symbol in _NOISE else ""


def _marks(file: Path, ending: str, rate: float) -> list[Annotation]:
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
    return [
        Annotation(sample / rate, 0.0, f"{symbol} {note}".strip(), "" if ending in _NO_BEATS else kind_of(symbol))
        for sample, symbol, note in marks
        if math.isfinite(sample) and sample >= 0
    ]
