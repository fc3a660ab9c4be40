"""What the text headers of raw volumes have in common: MetaImage and NRRD."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from synth_core.data.readers.files import sibling
from synth_core.errors import DamagedFile, DataError

LONGEST_HEADER = 2**18  # bytes
MOST_PARTS = 5000  # files of one volume
SPACES = {"LPS": (-1, -1, 1), "RAS": (1, 1, 1), "LAS": (-1, 1, 1)}  # to right, anterior, up
AT_THE_END = -1  # in the place of a number of bytes to skip: the voxels are the last of the file
_NUMBERED = re.compile(r"%0?\d{0,2}d")


@dataclass(frozen=True)
class Header:
    """One header.

    Parameters
    ----------
    dtype : with its order of bytes. shape : the first axis changes fastest. affine : to mm right, anterior, up.
    files : the one with all voxels, or one for each slice. skip : bytes before them, or AT_THE_END.
    packed : gzip or zlib. placed : whether the orientation is given.
    warnings : what whoever uses the volume should know.
    """

    dtype: str
    shape: tuple[int, int, int]
    affine: NDArray[np.float64]
    files: tuple[Path, ...]
    skip: int
    packed: bool
    placed: bool
    warnings: tuple[str, ...] = ()

    @property
    def start(self) -> int:
        """Byte of each file where its voxels begin.

        Raises
        ------
        DamagedFile : for files that are not there, or not alike.
        """
        for file in self.files:
            if not file.is_file():
                raise DamagedFile(file, "is named by a header beside it and is not there; put it there.")
        if self.skip != AT_THE_END:
            return self.skip
        size = np.dtype(self.dtype).itemsize * int(np.prod(self.shape, dtype=object)) // len(self.files)
        starts = {file.stat().st_size - size for file in self.files}
        if len(starts) > 1 or min(starts) < 0:
            shortest = min(self.files, key=lambda file: file.stat().st_size)
            there = shortest.stat().st_size
            raise DamagedFile(shortest, f"is cut short: {there:,} of {size:,} bytes are there. Copy it again.")
        return starts.pop()


def listed(owner: Path, names: list[str]) -> tuple[Path, ...]:
    """The files beside a header that it names; DamagedFile for a way out of the folder."""
    if not 0 < len(names) <= MOST_PARTS:
        raise DamagedFile(owner, f"names {len(names)} files of voxels; 1 to {MOST_PARTS} are read.")
    return tuple(sibling(owner, name) for name in names)


def numbered(owner: Path, text: str) -> list[str] | None:
    """The names that a pattern such as `slice%03d.raw 1 6 1` stands for: first, last, step; None for a plain name.

    Raises
    ------
    DamagedFile : for a pattern without sound numbers.
    """
    pattern, *numbers = text.split()[:4] if text.split() else [""]
    if len(_NUMBERED.findall(pattern)) != 1 or pattern.count("%") != 1 or len(numbers) < 2:
        return None
    try:
        first, last, step = (int(number) for number in [*numbers, "1"][:3])
        wanted = range(first, last + (1 if step > 0 else -1), step)
        count = len(wanted)
    except (ValueError, OverflowError) as error:
        raise DamagedFile(owner, f"names its files {text[:60]!r}, which are no sound numbers; correct it.") from error
    if not 0 < count <= MOST_PARTS:
        raise DamagedFile(owner, f"names {count} files of voxels; 1 to {MOST_PARTS} are read.")
    return [pattern % number for number in wanted]


def affine_of(columns: NDArray[np.float64], origin: NDArray[np.float64], space: str) -> NDArray[np.float64]:
    """(4, 4) to mm right, anterior, up, from the step of each axis (as columns) in another space."""
    if columns.shape != (3, 3) or origin.shape != (3,):
        raise ValueError(f"{columns.shape} directions and {origin.shape} origin of three axes")
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = columns, origin
    return np.diag([*SPACES[space], 1.0]) @ affine


def numbers_in(text: str) -> NDArray[np.float64]:
    """Numbers parted by blanks or commas."""
    return np.array([float(part) for part in text.replace(",", " ").split()])


def beginning(file: Path) -> bytes:
    """What can be header."""
    with file.open("rb") as opened:
        return opened.read(LONGEST_HEADER)


def check_packed(file: Path, files: tuple[Path, ...], skip: int) -> None:
    """DataError for packed voxels in several files, or at the end of one: how long they are is not known."""
    if len(files) > 1 or skip == AT_THE_END:
        raise DataError(file, "keeps compressed voxels in several files or after other data; export it as one file.")
