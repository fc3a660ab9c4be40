"""Persyst: a text header `.lay` beside a file of samples, opened by MNE.

MNE gets a header of its own: without the patient, whom it fails on where a field is missing, and with the channels in
the order of their numbers, which it does not look at.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from synth_core.data.readers.base import Opening
from synth_core.data.readers.files import Files, read_bounded, sibling
from synth_core.data.readers.mne_raw import MOST_CHANNELS, aliased, mne_recording
from synth_core.data.recording import Recording
from synth_core.errors import DamagedFile, DataError

MAGIC = re.compile(rb"^(?:\xef\xbb\xbf)?\s*\[FileInfo\]", re.IGNORECASE)
LIMIT = 16 * 2**20  # bytes of a header
BYTES = {"0": 2, "7": 4}  # DataType → of a sample
# what MNE needs to be there: a date of birth and of the recording, which are nobody's
NOBODY = ("[Patient]", "BirthDate=01/01/00", "Sex=", "Hand=", "TestDate=01/01/2000", "TestTime=00:00:00")
_SECTION = re.compile(r"^\s*\[(.+)\]\s*$")
_COMMENT = re.compile(r"^\s*\d+(?:\.\d+)?\s*,\s*\d+(?:\.\d+)?\s*,[^,]*,[^,]*,.+$")


def read(files: Files, opening: Opening) -> list[Recording]:
    """One recording per header."""
    recordings: list[Recording] = []
    for file in [file for file in files if MAGIC.match(files.head(file))]:
        files.take(file)
        try:
            files.take(_data(file, _sections(file)))
            recordings.append(mne_recording(file, file, files, _open, opening))
        except DataError as error:
            problem = str(error).removeprefix(f"{file.name}: ")
            opening.skipped.append(
                error if "Persyst" in problem else DamagedFile(file, f"is a Persyst header (.lay) that {problem}")
            )
    return recordings


def _open(file: Path) -> Any:
    import mne

    sections = _sections(file)
    data, facts = _data(file, sections), _facts(sections["fileinfo"])
    channels = _facts(sections["channelmap"], lower=False)
    numbers = [channels[name].split("-")[0].strip() for name in channels]
    if not all(number.isdecimal() for number in numbers):
        raise _damaged(file, "numbers its channels wrongly")
    _check(file, data, facts, len(channels))
    in_order = [name for _, name in sorted(zip(map(int, numbers), channels, strict=True))]
    patient = _facts(sections["patient"])
    lines = ["[FileInfo]", f"File={data.name}", *(f"{key}={value}" for key, value in facts.items() if key != "file")]
    lines += ["[ChannelMap]", *(f"{name}={i + 1}" for i, name in enumerate(in_order))]
    lines += [*NOBODY, *([f"ID={patient['id']}"] if patient.get("id") else []), "[Comments]"]
    lines += [line for line in sections["comments"] if _COMMENT.match(line)]
    header = aliased({file.stem + ".lay": "\n".join(lines) + "\n", data.name: data})
    return mne.io.read_raw_persyst(header, preload=False, verbose="ERROR")


def _check(file: Path, data: Path, facts: dict[str, str], channels: int) -> None:
    """DamagedFile where MNE would read something else than is there."""
    if facts.get("filetype", "interleaved").lower() != "interleaved":
        raise _damaged(file, f"has samples of the kind {facts['filetype'][:30]!r}, not interleaved")
    missing = [name for name in ("SamplingRate", "Calibration", "DataType") if not facts.get(name.lower())]
    if missing or not channels:
        what = ", ".join(missing) if missing else "channel ([ChannelMap])"
        raise _damaged(file, f"states no {what}")
    if facts.get("waveformcount", str(channels)) != str(channels) or channels > MOST_CHANNELS:
        raise _damaged(file, f"declares {facts['waveformcount'][:9]} channels but names {channels}")
    facts["waveformcount"] = str(channels)
    if facts["datatype"] not in BYTES or facts.get("headerlength", "0") != "0":
        raise _damaged(file, "has samples of a type, or a header before them, that is not known")
    size = data.stat().st_size
    if not size or size % (channels * BYTES[facts["datatype"]]):
        raise DamagedFile(
            data, f"is cut, or not the samples of {channels} channels that {file.name} (Persyst) declares."
        )


def _sections(file: Path) -> dict[str, list[str]]:
    """The lines of each section, whose name is in lower case."""
    content = read_bounded(file, LIMIT, "a Persyst header")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", "replace")
    sections: dict[str, list[str]] = defaultdict(list)
    name = ""
    for line in text.splitlines():
        if found := _SECTION.match(line):
            name = found[1].strip().lower()
        elif line.strip():
            sections[name].append(line.strip())
    return sections


def _facts(lines: Sequence[str], *, lower: bool = True) -> dict[str, str]:
    """key=value, keys in lower case."""
    pairs = [line.partition("=") for line in lines if "=" in line]
    return {key.strip().lower() if lower else key.strip(): value.strip() for key, _, value in pairs}


def _data(file: Path, sections: dict[str, list[str]]) -> Path:
    """The file of samples, of which only the name counts: it is often given with a folder of another computer."""
    stated = _facts(sections["fileinfo"]).get("file", "")
    data = sibling(file, re.split(r"[\\/]", stated)[-1])
    if not data.is_file():
        raise _damaged(file, f"names the file of samples {data.name!r}, which is not beside it")
    return data


def _damaged(file: Path, problem: str) -> DamagedFile:
    return DamagedFile(file, f"is a Persyst header (.lay) that {problem}; copy it again, or export it as EDF+.")
