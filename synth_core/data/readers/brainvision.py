"""BrainVision Core Data Format: a text header beside a file of samples and one of markers, opened by MNE.

https://www.brainproducts.com/support-resources/brainvision-core-data-format-1-0. The files that the header names are
looked at before MNE opens them: plain names, in the same folder.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synth_core.data.readers.base import Opening
from synth_core.data.readers.files import Files, read_bounded, sibling
from synth_core.data.readers.mne_raw import MOST_CHANNELS, NO_KINDS, MneRecording, mne_recording, named_as
from synth_core.data.recording import Recording
from synth_core.errors import DamagedFile, DataError

MAGIC = (b"Brain Vision Data Exchange Header File", b"BrainVision Data Exchange Header File")
BOM = b"\xef\xbb\xbf"
LIMIT = 16 * 2**20  # bytes of a header or a marker file
LARGEST_TEXT = 256 * 2**20  # bytes of samples as text, which are not read lazily
_ENTRY = re.compile(
    r"^\s*(DataFile|MarkerFile|NumberOfChannels|DataFormat|SamplingInterval)\s*=\s*(.*?)\s*$", re.I | re.M
)


def read(files: Files, opening: Opening) -> list[Recording]:
    """One recording per header."""
    recordings: list[Recording] = []
    for file in files.starting(*MAGIC, *(BOM + magic for magic in MAGIC)):
        files.take(file)
        try:
            recordings.append(read_file(file, files, opening))
        except DataError as error:
            opening.skipped.append(error)
    return recordings


def read_file(file: Path, files: Files, opening: Opening, kinds: Mapping[str, str] = NO_KINDS) -> MneRecording:
    """The recording of one header; DataError says why there is none. `kinds`: of channels, if known from elsewhere."""
    belonging = _belonging(file)
    files.take(*belonging)
    return mne_recording(named_as(file, ".vhdr", *belonging), file, files, _open, opening, kinds=kinds)


def _open(file: Path) -> Any:
    import mne

    return mne.io.read_raw_brainvision(file, preload=False, verbose="ERROR")


def _belonging(file: Path) -> list[Path]:
    """The files of samples and markers, checked."""
    text = read_bounded(file, LIMIT, "a BrainVision header").decode("utf-8", "replace").partition("[Comment]")[0]
    entries = {key.lower(): value for key, value in reversed(_ENTRY.findall(text))}
    if "datafile" not in entries:
        raise DamagedFile(file, "names no file of samples (DataFile=); export the recording again.")
    channels, interval = entries.get("numberofchannels", ""), entries.get("samplinginterval", "")
    if not channels.isdecimal() or not 0 < int(channels) <= MOST_CHANNELS or not _positive(interval):
        raise DamagedFile(file, f"declares {channels or 'no'} channels every {interval or '?'} µs; export it again.")
    data = sibling(file, entries["datafile"])
    if not data.is_file():
        raise DamagedFile(file, f"names the file of samples {data.name}, which is not beside it; put it there.")
    if entries.get("dataformat", "").upper() == "ASCII" and data.stat().st_size > LARGEST_TEXT:
        raise DataError(data, "has more samples as text than are read; export the recording in binary form.")
    markers = [sibling(file, entries["markerfile"])] if entries.get("markerfile") else []
    for one in [*(one for one in markers if one.is_file()), file.with_suffix(".vmrk")]:
        if one.is_file():
            read_bounded(one, LIMIT, "a file of markers")
            markers.append(one)
    return [data, *dict.fromkeys(one for one in markers if one.is_file())]


def _positive(text: str) -> bool:
    try:
        return 0 < float(text) < 1e12
    except ValueError:
        return False
