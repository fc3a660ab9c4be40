"""The Bonn EEG sets as archived: one text file of 4097 integers per segment, in folders or an archive of archives.

Andrzejak et al. 2001, Physical Review E 64:061907. 173.61 Hz, one channel, about 1 µV per unit. The archive names no
persons: a file is the subject.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from synth_core.data.readers.base import Opening
from synth_core.data.readers.files import Files, read_bounded
from synth_core.data.recording import Recording, Source
from synth_core.errors import DamagedFile, DataError
from synth_core.types import DataSpec

RATE = 173.61  # Hz
SAMPLES = 4097
CLASSES = {
    "S": "seizure",
    "F": "interictal, epileptogenic zone",
    "N": "interictal, opposite hemisphere",
    "O": "eyes closed",
    "Z": "eyes open",
}
SOURCE = Source("Bonn EEG", citation="Andrzejak et al. 2001, Physical Review E 64:061907")
LIMIT = 2**20  # bytes
NO_PERSONS = "The archive names no persons: each of its files counts as one, though a person may have several."
_SEGMENT = re.compile(r"^([SFNOZ])(\d{3})\.txt$", re.IGNORECASE)
_NUMBER = re.compile(rb"\s*-?\d+(\.\d+)?\s")


@dataclass(kw_only=True)
class BonnRecording(Recording):
    """One segment; its text is parsed on `read`."""

    file: Path

    def read(self, start: int | None = None, stop: int | None = None) -> NDArray[np.float32]:
        """See Recording."""
        first, last = self.span(start, stop)
        return parse(self.file)[None, first:last]


def read(files: Files, opening: Opening) -> list[Recording]:
    """One recording per file called like Z001.txt that begins with a number; its set is its class."""
    recordings: list[Recording] = []
    seen: set[str] = set()
    for file in files.named(".txt"):
        stem = file.stem.upper()
        if not _SEGMENT.match(file.name) or not _NUMBER.match(files.head(file)):
            continue
        files.take(file)
        if stem in seen:  # the archive holds some sets twice
            continue
        try:
            recordings.append(_recording(file, files))
            seen.add(stem)
        except DataError as error:
            opening.skipped.append(error)
    return recordings


def parse(file: Path) -> NDArray[np.float32]:
    """(samples,) µV of one segment, one number per line."""
    content = read_bounded(file, LIMIT, "a Bonn segment")
    try:
        values = np.array(content.split(), dtype=np.float32)
    except ValueError as error:
        raise DamagedFile(file, "holds something other than numbers; download it again.") from error
    if len(values) != SAMPLES:
        raise DamagedFile(file, f"holds {len(values):,} of {SAMPLES:,} samples; download it again.")
    return values


def _recording(file: Path, files: Files) -> BonnRecording:
    parse(file)
    stem = file.stem.upper()
    return BonnRecording(
        spec=DataSpec("eeg", (1, SAMPLES), "uV", RATE, ("EEG",)),
        subject="",
        record=stem,
        evidence=files.evidence(file, known=SOURCE.name, whole=stem, note=NO_PERSONS),
        labels={key: int(key == stem[0]) for key in CLASSES},
        source=SOURCE,
        metadata={"set": CLASSES[stem[0]]},
        file=file,
    )
