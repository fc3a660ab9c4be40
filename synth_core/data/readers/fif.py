"""FIF, the format of MNE and MEGIN: raw data in one file or in parts that name the next one. Opened by MNE.

A file is a chain of tags (kind, type, size, position of the next one), big-endian. The chain is walked before MNE opens
the file, because MNE follows the name of the next part wherever it leads.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

from synth_core.data.readers.base import Opening
from synth_core.data.readers.files import Files, sibling
from synth_core.data.readers.mne_raw import MneRecording, mne_recording
from synth_core.data.recording import Recording
from synth_core.errors import DamagedFile, DataError

MAGIC = struct.pack(">iii", 100, 31, 20)  # a file identifier, of the type that it has, 20 bytes
TAG = struct.Struct(">iiii")
FILE_NAME = 118  # the kind of tag that names another file
MOST_TAGS = 5_000_000
LARGEST_TAG = 2**30  # bytes; a buffer of samples is a few MB


def read(files: Files, opening: Opening) -> list[Recording]:
    """One recording per raw file with the parts that follow it; epochs and averages are no recordings."""
    recordings: list[MneRecording] = []
    later_parts: set[Path] = set()
    for file in files.starting(MAGIC):
        files.take(file)
        try:
            _check(file)
            recording = mne_recording(file, file, files, _open, opening, types_known=True)
            later_parts.update(Path(name).resolve() for name in recording.raw.filenames[1:])
            recordings.append(recording)
        except DataError as error:
            opening.skipped.append(error)
    return [recording for recording in recordings if recording.file.resolve() not in later_parts]


def _open(file: Path) -> Any:
    import mne

    try:
        return mne.io.read_raw_fif(file, preload=False, on_split_missing="raise", verbose="ERROR")
    except ValueError as error:
        if "No raw data" in str(error):
            raise DataError(file, "holds no continuous recording (epochs, averages or positions?).") from error
        raise


def _check(file: Path) -> None:
    """Raise unless the tags lie within the file and the parts that it names beside it."""
    size, position = file.stat().st_size, 0
    with file.open("rb") as opened:
        for _ in range(MOST_TAGS):
            opened.seek(position)
            tag = opened.read(TAG.size)
            if len(tag) < TAG.size:
                raise DamagedFile(file, "ends before its last tag; copy or download it again.")
            kind, _, length, following = TAG.unpack(tag)
            if not 0 <= length <= LARGEST_TAG or position + TAG.size + length > size:
                raise DamagedFile(file, "has a tag that is longer than the file; copy or download it again.")
            if kind == FILE_NAME:
                sibling(file, opened.read(min(length, 4096)).decode("latin-1").strip("\0"))
            if following < 0 or (following == 0 and position + TAG.size + length == size):
                return
            after = following or position + TAG.size + length
            if after <= position:
                raise DamagedFile(file, "has tags that follow one another in a circle; export it again.")
            position = after
    raise DamagedFile(file, "has more tags than any recording; export it again.")
