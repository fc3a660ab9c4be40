"""The Bonn EEG sets as archived: one text file of 4097 integers per segment, in zips, zips of zips, or folders.

Andrzejak et al. 2001, Physical Review E 64:061907. 173.61 Hz, one channel, about 1 µV per unit. The archive names no
persons: a file is the subject.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from synth_core.data.readers.base import Opening
from synth_core.data.readers.files import files_under, head, read_bounded
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
MEMBER_LIMIT, ARCHIVE_LIMIT, MOST_MEMBERS = 2**20, 64 * 2**20, 20_000
_SEGMENT = re.compile(r"^([SFNOZ])(\d{3})\.txt$", re.IGNORECASE)
_ZIP = b"PK\x03\x04"

Content = Callable[[], bytes]
Archive = Callable[[], zipfile.ZipFile]


@dataclass(kw_only=True)
class BonnRecording(Recording):
    """One segment; `content` reads its text again."""

    content: Content
    file: Path

    def read(self, start: int | None = None, stop: int | None = None) -> NDArray[np.float32]:
        """See Recording."""
        first, last = self.span(start, stop)
        return parse(self.file, self.record, self.content())[None, first:last]


def recognise(path: Path) -> bool:
    """Whether there are files called like Z001.txt, in folders or in zips, that hold numbers."""
    try:
        segment = next(_segments(path), None)
    except DataError:
        return False
    if segment is None:
        return False
    try:
        return bool(re.match(rb"\s*-?\d+(\.\d+)?\s", segment[2]()[:64]))
    except DataError:
        return True  # named like a segment, in an archive: `read` says what is wrong with it


def read(path: Path, opening: Opening) -> list[Recording]:
    """One recording per segment; its set is its class."""
    recordings: list[Recording] = []
    try:
        for file, name, content in _segments(path):
            try:
                recordings.append(_recording(file, name, content))
            except DataError as error:
                opening.skipped.append(error)
    except DataError as error:
        opening.skipped.append(error)
    return recordings


def parse(file: Path, name: str, content: bytes) -> NDArray[np.float32]:
    """(samples,) µV of one segment, one number per line."""
    try:
        values = np.array(content.split(), dtype=np.float32)
    except ValueError as error:
        raise DamagedFile(file, f"holds something other than numbers in {name}; download it again.") from error
    if len(values) != SAMPLES:
        problem = f"holds {len(values):,} of {SAMPLES:,} samples in {name}; download it again."
        raise DamagedFile(file, problem)
    return values


def _recording(file: Path, name: str, content: Content) -> BonnRecording:
    stem = name.rsplit(".", 1)[0].upper()
    parse(file, stem, content())
    return BonnRecording(
        spec=DataSpec("eeg", (1, SAMPLES), "uV", RATE, ("EEG",)),
        subject=stem,
        record=stem,
        labels={key: int(key == stem[0]) for key in CLASSES},
        source=SOURCE,
        metadata={"set": CLASSES[stem[0]]},
        content=content,
        file=file,
    )


def _segments(path: Path) -> Iterator[tuple[Path, str, Content]]:
    """(file on disk, name of the segment, its content) in order of discovery, each name once."""
    seen: set[str] = set()
    for file in files_under(path, (".txt", ".zip")):
        if head(file, 4) == _ZIP:
            found = _members(file, partial(zipfile.ZipFile, file), nested=True)
        elif _SEGMENT.match(file.name):
            found = iter([(file.name, partial(read_bounded, file, MEMBER_LIMIT, "a Bonn segment"))])
        else:
            continue
        for name, content in found:
            if name.upper() not in seen:
                seen.add(name.upper())
                yield file, name, content


def _members(file: Path, archive: Archive, nested: bool) -> Iterator[tuple[str, Content]]:
    """Segments inside a zip, read in memory; nothing is ever extracted by its name."""
    try:
        with archive() as opened:
            infos = opened.infolist()
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise DamagedFile(file, "is not a complete zip archive; download it again.") from error
    if len(infos) > MOST_MEMBERS:
        raise DataError(file, f"holds {len(infos):,} files; the Bonn archive has about 500.")
    for info in infos:
        parts = PurePosixPath(info.filename).parts
        if info.is_dir() or "__MACOSX" in parts or parts[-1].startswith("._"):
            continue
        if _SEGMENT.match(parts[-1]):
            yield parts[-1], _content(file, archive, info, MEMBER_LIMIT)
        elif nested and parts[-1].lower().endswith(".zip"):
            inner = _content(file, archive, info, ARCHIVE_LIMIT)()
            yield from _members(file, partial(_in_memory, inner), nested=False)


def _in_memory(content: bytes) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(content))


def _content(file: Path, archive: Archive, info: zipfile.ZipInfo, limit: int) -> Content:
    return partial(_member_bytes, file, archive, info, limit)


def _member_bytes(file: Path, archive: Archive, info: zipfile.ZipInfo, limit: int) -> bytes:
    try:
        with archive() as opened, opened.open(info) as member:
            data = member.read(limit + 1)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, OSError, EOFError, zlib.error) as error:
        problem = f"holds {info.filename}, which cannot be unpacked (damaged or encrypted); download it again."
        raise DamagedFile(file, problem) from error
    if len(data) > limit:
        raise DataError(file, f"holds {info.filename}, which is larger than {limit / 2**20:.0f} MB; remove it.")
    return data
