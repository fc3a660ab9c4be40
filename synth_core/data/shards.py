"""Arrays on disk in pieces: written as a stream, read by mapping."""

from __future__ import annotations

import io
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from synth_core.errors import DamagedFile

SHARD_BYTES = 256 * 2**20


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
        self._file = (self.folder / f"{self.stem}-{self._shards:05d}.npy").open("wb")
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
    """The shards of one stem, mapped on first use; pickles as its paths alone.

    Raises
    ------
    DamagedFile : when a shard is missing, cut short, or of another shape or type.
    """

    def __init__(self, folder: Path, stem: str, shape: tuple[int, ...], dtype: DTypeLike, count: int) -> None:
        self.paths = sorted(folder.glob(f"{stem}-[0-9][0-9][0-9][0-9][0-9].npy"))
        self.shape, self.dtype = shape, np.dtype(dtype)
        self._maps = [self._open(path) for path in self.paths]
        self._starts = np.cumsum([0, *(len(shard) for shard in self._maps)])
        if self._starts[-1] != count:
            problem = f"holds {self._starts[-1]:,} of {count:,} examples in its {stem} files; prepare it again."
            raise DamagedFile(folder, problem)

    def take(self, rows: NDArray[np.int64]) -> NDArray[np.generic]:
        """(rows, *shape), copied into memory."""
        result = np.empty((len(rows), *self.shape), self.dtype)
        if len(self._maps) == 1:
            return np.take(self._maps[0], rows, axis=0, out=result, mode="clip")  # "raise" would copy twice
        owner = np.searchsorted(self._starts, rows, side="right") - 1
        for shard in np.unique(owner):
            mine = owner == shard
            result[mine] = self._maps[shard][rows[mine] - self._starts[shard]]
        return result

    def _open(self, path: Path) -> NDArray[np.generic]:
        try:
            mapped = np.load(path, mmap_mode="r", allow_pickle=False)
        except (ValueError, OSError, EOFError) as error:
            raise DamagedFile(path, "is cut short or not an array; prepare the dataset again.") from error
        if mapped.shape[1:] != self.shape or mapped.dtype != self.dtype:
            problem = f"holds {mapped.dtype} {mapped.shape} where (n, {self.shape}) {self.dtype} is declared."
            raise DamagedFile(path, problem + " Prepare the dataset again.")
        return mapped

    def __getstate__(self) -> dict[str, object]:
        return {key: value for key, value in self.__dict__.items() if key != "_maps"}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self._maps = [self._open(path) for path in self.paths]
