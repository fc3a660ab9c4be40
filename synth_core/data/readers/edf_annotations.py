"""Time-stamped annotation lists (TALs) of EDF+ and BDF+: Kemp & Olivan 2003, section 2.2.

`+onset[\\x15duration]\\x14text\\x14…text\\x14\\0`; the first list of each data record has an empty text and says when
the record begins.
"""

from __future__ import annotations

import re

from synth_core.data.readers.edf_header import Header, Signal
from synth_core.data.recording import Annotation
from synth_core.errors import DamagedFile

MOST_BYTES = 2**28  # of annotations in one file
MOST_ANNOTATIONS = 200_000
AT_ONCE = 2**25  # bytes of the file whose lists are collected together
_TIME = rb"([+-]\d{1,12}(?:\.\d{0,12})?)"
_LIST = re.compile(_TIME + rb"(?:\x15(\d{1,12}(?:\.\d{0,12})?))?\x14\x14?([^\x00\x14][^\x00]*)\x14\x00")
_RECORD = re.compile(_TIME + rb"\x14")


def read_annotations(header: Header) -> tuple[Annotation, ...]:
    """Everything marked in a file, in seconds from its start; at most MOST_ANNOTATIONS.

    Raises
    ------
    DamagedFile : when a file has more than MOST_BYTES for them.
    """
    found: list[Annotation] = []
    for signal in header.signals:
        if not signal.is_annotations or not signal.samples:
            continue
        for onset, duration, texts in _LIST.findall(b"".join(_lists(header, signal))):
            found += [
                Annotation(float(onset), float(duration or 0), text.decode("utf-8", "replace"))
                for text in texts.split(b"\x14")
                if text
            ]
            if len(found) >= MOST_ANNOTATIONS:
                break
    return tuple(sorted(found[:MOST_ANNOTATIONS], key=lambda one: one.onset))


def record_onsets(header: Header) -> list[float]:
    """When each data record begins, in seconds.

    Raises
    ------
    DamagedFile : when a record does not say so.
    """
    keeping = next((signal for signal in header.signals if signal.is_annotations and signal.samples), None)
    if keeping is None:
        problem = "is discontinuous but has no annotations that say when its records begin; export it as EDF+C."
        raise DamagedFile(header.file, problem)
    onsets: list[float] = []
    for content in _lists(header, keeping):
        found = _RECORD.match(content)
        if not found:
            problem = f"does not say when its data record {len(onsets) + 1} begins; export it as continuous EDF+C."
            raise DamagedFile(header.file, problem)
        onsets.append(float(found[1]))
    return onsets


def _lists(header: Header, signal: Signal) -> list[bytes]:
    """The bytes of a signal of annotations, one item per record."""
    size = signal.samples * header.width
    if size * header.records > MOST_BYTES:
        raise DamagedFile(header.file, f"has more than {MOST_BYTES >> 20} MB of annotations; export it without them.")
    lists: list[bytes] = []
    step = max(1, AT_ONCE // (header.per_record * header.width))
    for first in range(0, header.records, step):
        where = (slice(first, first + step), slice(signal.first, signal.first + signal.samples))
        content = header.stored.part(where).tobytes()
        lists += [content[i : i + size] for i in range(0, len(content), size)]
    return lists
