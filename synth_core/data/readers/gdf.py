"""General Data Format, versions 1 and 2: Schlögl 2006, arXiv cs/0608052. Opened by MNE."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from synth_core.data.readers.base import Opening
from synth_core.data.readers.files import Files, head
from synth_core.data.readers.mne_raw import MOST_CHANNELS, mne_recording, named_as
from synth_core.data.recording import Recording
from synth_core.errors import DamagedFile, DataError

MAGIC = b"GDF "
TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 8, 8: 8, 16: 4, 17: 8, 18: 16, 279: 3, 535: 3}
# where the columns of the channel headers begin, per channel: samples per record, type of the samples
SAMPLES_AT, TYPE_AT = 216, 220


def read(files: Files, opening: Opening) -> list[Recording]:
    """One recording per file."""
    recordings: list[Recording] = []
    for file in files.starting(MAGIC):
        files.take(file)
        try:
            _check(file)
            recordings.append(mne_recording(named_as(file, ".gdf"), file, files, _open, opening))
        except DataError as error:
            opening.skipped.append(error)
    return recordings


def _open(file: Path) -> Any:
    import mne

    return mne.io.read_raw_gdf(file, preload=False, verbose="ERROR")


def _check(file: Path) -> None:
    """Raise unless the file holds the data records that it declares."""
    start = head(file, 256)
    second = start[4:5] == b"2"  # version 1 counts channels in 32 bits
    if len(start) < 256:
        raise DamagedFile(file, "ends within its header; copy or download it again.")
    records = int(np.frombuffer(start, "<i8", 1, 236)[0])
    count = int(np.frombuffer(start, "<u2" if second else "<u4", 1, 252)[0])
    if not 0 < count <= MOST_CHANNELS or not 0 < records < 2**40:
        raise DamagedFile(file, f"declares {count} channels in {records} records; export it again.")
    channels = head(file, 256 * (1 + count))[256:]
    if len(channels) < 256 * count:
        raise DamagedFile(file, "ends within its header; copy or download it again.")
    samples = np.frombuffer(channels, "<u4", count, SAMPLES_AT * count)
    types = np.frombuffer(channels, "<u4", count, TYPE_AT * count)
    per_record = sum(int(n) * TYPE_BYTES.get(int(kind), 1) for n, kind in zip(samples, types, strict=True))
    expected = 256 * (1 + count) + records * per_record
    size = file.stat().st_size
    if size < expected or per_record == 0:
        raise DamagedFile(file, f"is cut short: {size:,} of {expected:,} bytes are there. Copy or download it again.")
