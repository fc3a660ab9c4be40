"""Voxels in one block of a file, or in one file for each slice, as NIfTI, MetaImage and NRRD keep them.

Uncompressed volumes whose slices follow one another in the file are read slice by slice. Of compressed ones, and of
those that lie in another order, the last two that were read stay in memory, an image and its mask, for the whole
process; more of them while they are small.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth_core.data.readers.unpacking import BLOCK, kept, unpacked
from synth_core.data.recording import Evidence
from synth_core.errors import DamagedFile, DataError
from synth_core.stored_array import COPY_AGAIN, StoredArray

LARGEST_PACKED, LARGEST_PLAIN = 2**30, 2**35  # bytes of voxels
PEEK = 2**22  # bytes of a packed volume that tell what its values are
PEEKED, SPREAD = 3, 16  # planes that are looked at first, and where these do not tell
MOST_PEEKED = 2**20  # voxels of a plane
AXIS_DROPPED = (
    "The file has {words} values: axes of one value were left out, and the others taken as columns, rows and slices."
)
LEAST_COSINE = 0.8  # 37 degrees: more than any gantry tilts


@dataclass(frozen=True)
class Voxels:
    """One volume as files keep it.

    Parameters
    ----------
    file : that holds the voxels, or the first of `parts`. record : its name. evidence : of whose it is, see Recording.
    start : byte of the file where voxels, or the packed stream, begin. skip : unpacked bytes before the voxels.
    packed : whether the stream is gzip or zlib.
    dtype, shape : of the three axes, the first changes fastest.
    slope, intercept : stored value → value.
    affine : (4, 4) from indices to mm right, anterior, up.
    parts : files that hold one plane of the first two axes each, in order; none where `file` holds all.
    name : of the file that users know the volume by, such as its header; "" for that of `file`.
    notes : what else the file says, for display. warnings : what whoever uses it should know.
    """

    file: Path
    record: str
    evidence: Evidence
    start: int
    skip: int
    packed: bool
    dtype: np.dtype[Any]
    shape: tuple[int, int, int]
    slope: float
    intercept: float
    affine: NDArray[np.float64]
    parts: tuple[Path, ...] = ()
    name: str = ""
    notes: dict[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        size = self.bytes
        limit = LARGEST_PACKED if self.packed else LARGEST_PLAIN
        if min(self.shape) < 1 or not 0 < size <= limit or self.start < 0 or not 0 <= self.skip <= BLOCK * 64:
            words = " × ".join(map(str, self.shape))
            problem = f"declares a volume of {words} voxels; at most {limit / 2**30:.0f} GB are read."
            raise DamagedFile(self.file, problem)
        if not np.isfinite([*self.affine.ravel(), self.slope, self.intercept]).all() or self.slope == 0:
            raise DamagedFile(self.file, "has a position or scale that is not a number; export it again.")
        if not 0.01 < self.spacing.min() <= self.spacing.max() < 50:
            raise DamagedFile(self.file, f"declares voxels of {self.spacing.round(3).tolist()} mm, which no CT has.")
        if self.parts and len(self.parts) != self.shape[2]:
            raise DamagedFile(self.file, f"is one of {len(self.parts)} files of a volume of {self.shape[2]} slices.")
        if not self.packed:
            for part in self.parts or (self.file,):
                self._check_length(part, size // (len(self.parts) or 1))
        self.axes  # noqa: B018 - refuses what is not axial

    def _check_length(self, file: Path, size: int) -> None:
        there = max(0, file.stat().st_size - self.start - self.skip)
        if there < size:
            raise DamagedFile(file, f"is cut short: {there:,} of {size:,} bytes are there. Copy it again.")

    @property
    def bytes(self) -> int:
        """Of the voxels, unpacked; exact however large."""
        return int(self.dtype.itemsize) * int(self.shape[0]) * int(self.shape[1]) * int(self.shape[2])

    @property
    def known_as(self) -> str:
        """The name of the file that stands for the volume."""
        return self.name or self.file.name

    @property
    def spacing(self) -> NDArray[np.float64]:
        """mm from one voxel to the next along each axis of the file."""
        return np.linalg.norm(self.affine[:3, :3], axis=0)

    @property
    def axes(self) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
        """Which axis of the file runs along slices, rows and columns of the result, and in which direction (1, −1).

        Slices go up, rows from anterior to posterior, columns from the right of the patient to the left.
        """
        cosines = self.affine[:3, :3] / self.spacing  # (mm direction, file axis)
        order, directions = [], []
        for world, wanted in ((2, 1.0), (1, -1.0), (0, -1.0)):
            axis = int(np.abs(cosines[world]).argmax())
            if abs(cosines[world, axis]) < LEAST_COSINE:
                raise DataError(self.file, "is not along the axes of the head; resample it to axial slices first.")
            order.append(axis)
            directions.append(1 if cosines[world, axis] * wanted > 0 else -1)
        if sorted(order) != [0, 1, 2]:
            raise DamagedFile(self.file, "has an orientation in which two axes are one; export it again.")
        return (order[0], order[1], order[2]), (directions[0], directions[1], directions[2])

    @property
    def oriented_shape(self) -> tuple[int, int, int]:
        """Slices, rows, columns."""
        slices, rows, columns = (self.shape[axis] for axis in self.axes[0])
        return slices, rows, columns

    def same_grid(self, other: Voxels) -> bool:
        """Whether voxel by voxel both lie at the same place, to a tenth of a millimetre."""
        return self.shape == other.shape and bool(np.allclose(self.affine, other.affine, atol=0.1))

    def read(self, first: int, last: int) -> NDArray[np.float32]:
        """(last − first, height, width) values by slope and intercept; the whole file may be unpacked for it."""
        order, directions = self.axes
        depth = self.shape[order[0]]
        along = slice(first, last) if directions[0] > 0 else slice(depth - last, depth - first)
        where = [slice(None)] * 3
        where[order[0]] = along
        turned = tuple(slice(None, None, step) for step in directions)
        stored = self._stored(where).transpose(order)[turned]
        return stored.astype(np.float32) * np.float32(self.slope) + np.float32(self.intercept)

    def sample(self, *, spread: bool) -> NDArray[np.float64]:
        """(planes, rows, columns) of values: a few planes or the beginning of a packed volume; `spread` over all of it.

        Rows and columns are neighbours in the file, so that what is constant in places can be told from noise.
        """
        if self.packed:
            stored = self._evenly_packed() if spread else self._beginning()
        else:
            stored = self._planes(SPREAD if spread else PEEKED)
        return stored.astype(np.float64) * self.slope + self.intercept

    def as_signed(self) -> Voxels:
        """The same bytes read with a sign."""
        return replace(self, dtype=np.dtype(f"{self.dtype.byteorder}i{self.dtype.itemsize}"))

    def _beginning(self) -> NDArray[Any]:
        """Whole planes of the first two axes, or a part of the first."""
        row = self.shape[0]
        rows = max(1, min(PEEK // (row * self.dtype.itemsize), self.shape[1] * self.shape[2]))
        content = b"".join(unpacked(self.file, self.start, self.skip, rows * row * self.dtype.itemsize))
        flat = np.frombuffer(content, self.dtype).reshape(rows, row)
        whole = rows // self.shape[1]
        return flat[: whole * self.shape[1]].reshape(whole, self.shape[1], row) if whole else flat[None]

    def _evenly_packed(self) -> NDArray[Any]:
        chosen = np.unique(np.linspace(0, self.shape[2] - 1, SPREAD).astype(int))
        return self._kept()[:, :, chosen].transpose(2, 1, 0)

    def _planes(self, count: int) -> NDArray[Any]:
        """About `count` slices, evenly over the volume."""
        axis = self.axes[0][0]
        depth = self.shape[axis]
        chosen = np.unique(((np.arange(count) + 1) * depth // (count + 1)).clip(0, depth - 1))
        where = [slice(None)] * 3
        planes = []
        for position in chosen.tolist():
            where[axis] = slice(position, position + 1)
            plane = np.squeeze(self._stored(where), axis)
            planes.append(plane[: max(1, MOST_PEEKED // plane.shape[1])])
        return np.stack(planes)

    def _plain(self, file: Path, shape: tuple[int, ...]) -> StoredArray:
        """The voxels of a file that is not packed."""
        return StoredArray(file, self.dtype, shape, self.start + self.skip, fortran=True)

    def _stored(self, where: list[slice]) -> NDArray[Any]:
        """A part in the axes of the file."""
        if self.parts:
            wanted = self.parts[where[2]]
            planes = [self._plain(one, self.shape[:2]).part(where[:2]) for one in wanted]
            shape = (*(len(range(*one.indices(n))) for one, n in zip(where[:2], self.shape[:2], strict=True)), 0)
            return np.stack(planes, axis=2) if planes else np.empty(shape, self.dtype)
        follow = self.axes[0][0] == 2
        if not self.packed and (follow or self.bytes > LARGEST_PACKED):
            return self._plain(self.file, self.shape).part(where)
        return self._kept()[tuple(where)]

    def _kept(self) -> NDArray[Any]:
        """All of it, in the axes of the file."""
        try:
            state = self.file.stat()
        except OSError as error:
            raise DamagedFile(self.file, f"is gone since it was opened; {COPY_AGAIN}") from error
        key = (self.file, self.start, self.skip, self.dtype, state.st_mtime_ns, state.st_size)
        return kept(key, self._unpack if self.packed else self._plain(self.file, self.shape).part)

    def _unpack(self) -> NDArray[Any]:
        content = np.empty(self.bytes, np.uint8)
        filled = 0
        for block in unpacked(self.file, self.start, self.skip, self.bytes):
            content[filled : filled + len(block)] = np.frombuffer(block, np.uint8)
            filled += len(block)
        return content.view(self.dtype).reshape(self.shape, order="F")


def three_axes(file: Path, sizes: Sequence[int]) -> tuple[tuple[int, int, int], tuple[str, ...]]:
    """The axes of a volume where others have one value, and what to warn of where one of these lay between them.

    Raises
    ------
    DataError : for several volumes in one file, such as a series in time.
    """
    long = [size for size in sizes if size != 1]
    words = " × ".join(map(str, sizes))
    if len(long) > 3:
        raise DataError(file, f"holds {words} values and not one volume of three axes; split it first.")
    if len(sizes) < 2:
        raise DataError(file, f"has {len(sizes)} axes; a volume has three.")
    if all(size == 1 for size in sizes[3:]):
        return (sizes[0], sizes[1], sizes[2] if len(sizes) > 2 else 1), ()
    kept = [*long, 1, 1][:3]
    return (kept[0], kept[1], kept[2]), (AXIS_DROPPED.format(words=words),)
