"""Arrays on disk in pieces: written as a stream, read row by row."""

from __future__ import annotations

import io
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from synth_core.errors import DamagedFile
from synth_core.stored_array import StoredArray

SHARD_BYTES = 256 * 2**20
WRITTEN = 2**20  # bytes at once: Linux then caches the file in larger pieces, which are faster to read again
PREPARE_AGAIN = "prepare the dataset again."


class ShardWriter:
    """Writes examples one by one into `<stem>-00000.npy`, … of at most about `shard_bytes` each; a context manager."""

    def __init__(
        self, folder: Path, stem: str, shape: tuple[int, ...], dtype: DTypeLike, shard_bytes: int = SHARD_BYTES
    ) -> None:
        self.folder, self.stem, self.shape, self.dtype = folder, stem, shape, np.dtype(dtype)
        self._per_shard = max(1, shard_bytes // (int(np.prod(shape)) * self.dtype.itemsize))
        self._file: BinaryIO | None = None
        self._in_shard = self._shards = 0

    def append(self, example: NDArray[np.generic]) -> bytes:
        """Write one example; returns the bytes written, for a hash."""
        if self._file is None or self._in_shard == self._per_shard:
            self._next_shard()
        assert self._file is not None
        content = np.ascontiguousarray(example, self.dtype).reshape(self.shape).tobytes()
        self._file.write(content)
        self._in_shard += 1
        return content

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._finish_shard()

    def _next_shard(self) -> None:
        self._finish_shard()
        self._file = (self.folder / f"{self.stem}-{self._shards:05d}.npy").open("wb", buffering=WRITTEN)
        self._file.write(self._header(0))
        self._shards += 1

    def _finish_shard(self) -> None:
        if self._file is not None:
            self._file.seek(0)
            self._file.write(self._header(self._in_shard))  # numpy pads a header so that its length can grow in place
            self._file.close()
        self._file, self._in_shard = None, 0

    def _header(self, count: int) -> bytes:
        buffer = io.BytesIO()
        fields = {
            "descr": np.lib.format.dtype_to_descr(self.dtype),
            "fortran_order": False,
            "shape": (count, *self.shape),
        }
        np.lib.format.write_array_header_1_0(buffer, fields)
        return buffer.getvalue()


class Shards:
    """The shards of one stem; nothing is held open, so that a shard that changes later is found out when it is read.

    Raises
    ------
    DamagedFile : when a shard is missing, cut short, or of another shape or type.
    """

    def __init__(self, folder: Path, stem: str, shape: tuple[int, ...], dtype: DTypeLike, count: int) -> None:
        self.shape, self.dtype = shape, np.dtype(dtype)
        paths = sorted(folder.glob(f"{stem}-[0-9][0-9][0-9][0-9][0-9].npy"))
        self._shards = [self._open(path) for path in paths]
        self._starts = np.cumsum([0, *map(len, self._shards)])
        if self._starts[-1] != count:
            problem = f"holds {self._starts[-1]:,} of {count:,} examples in its {stem} files; prepare it again."
            raise DamagedFile(folder, problem)

    def take(self, rows: NDArray[np.int64]) -> NDArray[np.generic]:
        """(rows, *shape), copied into memory; DamagedFile when a shard is not as it was when it was opened."""
        result = np.empty((len(rows), *self.shape), self.dtype)
        owner = np.searchsorted(self._starts, rows, side="right") - 1
        for number in np.unique(owner):
            places = np.flatnonzero(owner == number)
            self._shards[number].take(rows[places] - self._starts[number], result, places)
        return result

    def _open(self, path: Path) -> StoredArray:
        shard = StoredArray.npy(path, PREPARE_AGAIN)
        if shard.shape[1:] != self.shape or shard.dtype != self.dtype or shard.fortran:
            problem = f"holds {shard.dtype} {shard.shape} where (n, {self.shape}) {self.dtype} is declared"
            raise DamagedFile(path, f"{problem}; {PREPARE_AGAIN}")
        return shard
