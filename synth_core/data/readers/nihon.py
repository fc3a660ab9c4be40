"""Nihon Kohden: `.EEG` with electrodes (`.21E`), events (`.LOG`) and patient (`.PNT`) beside it, opened by MNE.

MNE finds what lies beside a file only where it is spelt in capitals, and reads across the blocks of a file wrongly: it
gets links in capitals, and is asked for one block at a time.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth_core.data.readers.base import Opening
from synth_core.data.readers.files import Files, sibling
from synth_core.data.readers.mne_raw import MneRecording, aliased, mne_recording
from synth_core.data.recording import Recording
from synth_core.errors import DamagedFile, DataError

MAGIC = (b"EEG-1100", b"EEG-1200", b"EEG-2100", b"QI-403A", b"DAE-2100D")
BESIDE = (".21E", ".PNT", ".LOG")
OTHERS = (
    ".pnt",
    ".log",
    ".cnt",
    ".cn2",
    ".cn3",
    ".egf",
    ".cmt",
    ".ecf",
    ".11d",
    ".edf",
    ".reg",
    ".bft",
    ".fds",
    ".vor",
)
DATA_AT, PER_CHANNEL = 0x27, 10  # of a block: what stands before its samples
DAMAGED = "is a Nihon Kohden file (.EEG) that {problem}; copy it again, or export it as EDF+."
NO_NAMES = (
    "There is no .21E file beside the recording, which names the electrodes: they are named as the amplifier usually "
    "has them."
)


@dataclass(kw_only=True)
class NihonRecording(MneRecording):
    """One file; `ends` are the samples after its blocks."""

    ends: tuple[int, ...]

    def read(self, start: int | None = None, stop: int | None = None) -> NDArray[np.float32]:
        """See Recording."""
        first, last = self.span(start, stop)
        cuts = [first, *(end for end in self.ends if first < end < last), last]
        parts = [super(NihonRecording, self).read(a, b) for a, b in pairwise(cuts)]
        return np.concatenate(parts, axis=1)


def read(files: Files, opening: Opening) -> list[Recording]:
    """One recording per file of samples."""
    recordings: list[Recording] = []
    for file in files.starting(*MAGIC):
        files.take(file)
        if file.suffix.lower() in OTHERS:
            continue  # what belongs to a recording begins like it
        try:
            recordings.append(_recording(file, files, opening))
        except DataError as error:
            problem = str(error).removeprefix(f"{file.name}: ")
            named = f"is a Nihon Kohden file (.EEG) that {problem}"
            opening.skipped.append(error if "Nihon" in problem else DamagedFile(file, named))
    return recordings


def _recording(file: Path, files: Files, opening: Opening) -> NihonRecording:
    found = mne_recording(file, file, files, _open, opening)
    files.take(*_beside(file).values())
    ends = np.cumsum([block["n_samples"] for block in _blocks(found.raw)])
    warnings = found.warnings if ".21E" in _beside(file) else (*found.warnings, NO_NAMES)
    known = {field.name: getattr(found, field.name) for field in fields(found)}
    return replace(NihonRecording(**known, ends=tuple(map(int, ends))), warnings=warnings)


def _open(file: Path) -> Any:
    import mne

    size = file.stat().st_size
    if size < 0x1800:
        raise DamagedFile(file, DAMAGED.format(problem=f"ends within its header ({size:,} bytes)"))
    beside = {file.stem + ending: path for ending, path in _beside(file).items()}
    raw = mne.io.read_raw_nihon(
        aliased({file.stem + ".EEG": file, **beside}), preload=False, encoding="latin1", verbose="ERROR"
    )
    for block in _blocks(raw):
        channels, samples = int(block["n_channels"]), int(block["n_samples"])
        end = int(block["address"]) + DATA_AT + PER_CHANNEL * channels + 2 * samples * (channels + 1)
        if end > size:
            problem = f"is cut short: {size:,} of {end:,} bytes are there"
            raise DamagedFile(file, DAMAGED.format(problem=problem))
    return raw


def _blocks(raw: Any) -> list[dict[str, Any]]:
    """Channels, samples and place of each block, as MNE has read them."""
    return list(raw._raw_extras[0]["header"]["controlblocks"][0]["datablocks"])


def _beside(file: Path) -> dict[str, Path]:
    """Ending in capitals → the file of the same name that has it, in any spelling."""
    found: dict[str, Path] = {}
    for ending in BESIDE:
        for spelt in (ending, ending.lower()):
            one = sibling(file, file.with_suffix(spelt).name)
            if one.is_file():
                found.setdefault(ending, one)
    return found
