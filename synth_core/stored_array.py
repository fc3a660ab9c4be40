"""Parts of an array that lies flat in a file, read with its bounds checked.

A memory map is not an option for files that others can change: touching a page that a shortened file no longer has
kills the whole process by SIGBUS. Here every reading opens the file, looks at what it is and how long, and copies.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from synth_core.errors import DamagedFile
from synth_core.regular_file import COPY_AGAIN, opened

PAGE = 4096  # bytes between wanted ones that cost no more to read than to skip
BLOCK = 2**23  # bytes read at once where a part of them is wanted


@dataclass(frozen=True)
class StoredArray:
    """An array in a file. It holds nothing open: it can be pickled, and a file that is gone is found out.

    Parameters
    ----------
    file, offset : where its bytes begin.
    dtype, shape : what they are; no Python objects.
    fortran : whether the first axis changes fastest, else the last.
    remedy : what a user should do when the file is not as it was.

    Raises
    ------
    DamagedFile : by every reading, when the file has become too short, is gone, is no regular file or cannot be read.
    """

    file: Path
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    offset: int = 0
    fortran: bool = False
    remedy: str = COPY_AGAIN

    @classmethod
    def npy(cls, file: Path, remedy: str = COPY_AGAIN, *, offset: int = 0) -> Self:
        """The array whose `.npy` header begins at `offset` of a file."""
        with opened(file, remedy) as content:
            form = np.lib.format
            header = FileIO(content, closefd=False)
            header.seek(offset)
            try:
                version = form.read_magic(header)
                read = form.read_array_header_1_0 if version == (1, 0) else form.read_array_header_2_0
                shape, fortran, dtype = read(header)
            except OSError:
                raise
            except Exception as error:  # numpy raises whatever evaluating a damaged header raised
                raise DamagedFile(file, f"is cut short or not an array; {remedy}") from error
            if dtype.hasobject:
                raise DamagedFile(file, f"holds Python objects, which are never unpickled; {remedy}")
            if min(shape, default=0) < 0:
                raise DamagedFile(file, f"declares an array of {shape}; {remedy}")
            array = cls(file, dtype, tuple(map(int, shape)), header.tell(), fortran, remedy)
            array._check(content)
        return array

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def bytes(self) -> int:
        """Of all values; exact however large."""
        return math.prod(self.shape) * self.dtype.itemsize

    def take(self, rows: Sequence[int] | NDArray[np.integer], out: NDArray[Any], places: NDArray[np.integer]) -> None:
        """`out[places] = self[rows]` for an array whose last axis changes fastest, as `out` does; neighbours at once.

        Raises
        ------
        IndexError : for a row that the array does not have.
        """
        wanted, targets = np.asarray(rows).tolist(), np.asarray(places).tolist()
        if self.fortran or not out.flags.c_contiguous or out.dtype != self.dtype or out.shape[1:] != self.shape[1:]:
            raise ValueError(f"rows of {self.shape} {self.dtype} cannot go into {out.shape} {out.dtype}")
        if not len(wanted) or not self.bytes:
            return
        if min(wanted) < 0 or max(wanted) >= len(self) or min(targets) < 0 or max(targets) >= len(out):
            raise IndexError(f"rows {min(wanted)} to {max(wanted)} of {len(self)}")
        size = self.bytes // len(self)
        room = _room(out)
        with opened(self.file, self.remedy) as content:
            self._check(content)
            for source, target, count in _runs(wanted, targets):
                self._fill(content, room[target * size : (target + count) * size], source * size)

    def part(self, where: Sequence[int | slice] = ()) -> NDArray[Any]:
        """`array[where]` for positions and slices without a step, one per axis from the first; axes left out are whole.

        Raises
        ------
        IndexError : for a position beyond an axis, or more of them than axes.
        """
        if len(where) > len(self.shape):
            raise IndexError(f"{len(where)} positions in an array of {len(self.shape)} axes")
        full = [*where, *[slice(None)] * (len(self.shape) - len(where))]
        spans = [_span(one, size) for one, size in zip(full, self.shape, strict=True)]
        kept = tuple(0 if isinstance(one, int | np.integer) else slice(None) for one in full)
        sizes = list(self.shape)
        if self.fortran:
            spans, sizes = spans[::-1], sizes[::-1]
        result = np.empty([last - first for first, last in spans], self.dtype)
        with opened(self.file, self.remedy) as content:
            self._check(content)
            if result.nbytes:
                self._gather(content, result, spans, sizes, 0)
        return np.asarray((result.T if self.fortran else result)[kept])

    def blocks(self, size: int = BLOCK) -> Iterator[NDArray[Any]]:
        """All of it in parts of about `size` bytes, cut along the axis that changes slowest."""
        length = self.shape[-1 if self.fortran else 0]
        step = max(1, size * length // max(1, self.bytes))
        before = [slice(None)] * (len(self.shape) - 1) if self.fortran else []
        for first in range(0, length, step):
            yield self.part([*before, slice(first, first + step)])

    def _gather(
        self,
        content: int,
        out: NDArray[Any],
        spans: Sequence[tuple[int, int]],
        sizes: Sequence[int],
        begin: int,
    ) -> None:
        """Fill `out` from `begin`; spans and sizes from the slowest axis to the fastest."""
        if not spans:
            self._fill(content, _room(out), begin)
            return
        (first, last), *inner = spans
        stride = math.prod(sizes[1:]) * self.dtype.itemsize
        wanted = math.prod(out.shape[1:]) * self.dtype.itemsize
        begin += first * stride
        if wanted == stride:
            self._fill(content, _room(out), begin)
        elif stride <= max(PAGE, 2 * wanted):
            among = tuple(slice(*span) for span in inner)
            step = max(1, BLOCK // stride)
            for done in range(0, last - first, step):
                block = np.empty((min(step, last - first - done), *sizes[1:]), self.dtype)
                self._fill(content, _room(block), begin + done * stride)
                out[done : done + step] = block[(slice(None), *among)]
        else:
            for number in range(last - first):
                self._gather(content, out[number], inner, sizes[1:], begin + number * stride)

    def _fill(self, content: int, room: memoryview, begin: int) -> None:
        """Read as many bytes as there is room for."""
        begin += self.offset
        while (count := os.preadv(content, [room], begin)) < len(room):
            if not count:
                raise self._shorter()
            room, begin = room[count:], begin + count

    def _check(self, content: int) -> None:
        if os.fstat(content).st_size < self.offset + self.bytes:
            raise self._shorter()

    def _shorter(self) -> DamagedFile:
        return DamagedFile(self.file, f"is cut short, it holds fewer values than it declares; {self.remedy}")


def _runs(rows: Sequence[int], places: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """Where rows are, where they go, and how many follow one another in both."""
    first = 0
    for i in range(1, len(rows) + 1):
        if i == len(rows) or rows[i] != rows[i - 1] + 1 or places[i] != places[i - 1] + 1:
            yield rows[first], places[first], i - first
            first = i


def _room(out: NDArray[Any]) -> memoryview:
    """The bytes of a contiguous array."""
    return out.reshape(-1).view(np.uint8).data


def _span(where: int | slice, size: int) -> tuple[int, int]:
    """First position and the one after the last."""
    if isinstance(where, slice):
        first, last, step = where.indices(size)
        if step != 1:
            raise IndexError("only slices without a step are read")
        return first, max(first, last)
    position = int(where) + (size if where < 0 else 0)
    if not 0 <= position < size:
        raise IndexError(f"position {where} of {size}")
    return position, position + 1
