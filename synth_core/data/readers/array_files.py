"""Named arrays in files of NumPy (.npy, .npz), HDF5 and MATLAB, read in parts where the format allows it.

Nothing is unpickled. An array that has to be loaded whole has at most matlab.LARGEST bytes.
"""

from __future__ import annotations

import math
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth_core.data.readers.files import are_arrays, check_regular, head, names_in_zip
from synth_core.data.readers.matlab import HDF5, LARGEST, VERSION_5, VERSION_7, check_array, check_hdf5
from synth_core.data.readers.matlab5 import read_variables
from synth_core.errors import DamagedFile, DataError
from synth_core.stored_array import StoredArray

NPY, ZIP = b"\x93NUMPY", b"PK\x03\x04"
SAVE_AGAIN = "save it again."
SMALL = 64 * 2**20  # bytes of labels, names and the like


class ArrayFile(ABC):
    """The arrays of a file by name. Whatever a library raises becomes DamagedFile."""

    def __init__(self, file: Path) -> None:
        self.file = file

    @cached_property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """The shape of every array, without reading it."""
        check_regular(self.file)
        try:
            return self._shapes()
        except DataError:
            raise
        except Exception as error:  # numpy, h5py and scipy raise whatever their parsing raised
            problem = "holds arrays that cannot be read (Python objects are never unpickled); save it again."
            raise DamagedFile(self.file, problem) from error

    def part(self, name: str, where: tuple[Any, ...] = ()) -> NDArray[Any]:
        """`array[where]`, a copy."""
        check_regular(self.file)
        try:
            return np.array(self._part(name, where))
        except DataError:
            raise
        except Exception as error:  # as above
            raise DamagedFile(self.file, f"has an array {name!r} that cannot be read; save it again.") from error

    def small(self, name: str) -> NDArray[Any]:
        """A whole array of labels, names or the like."""
        if math.prod(self.shapes[name]) * 8 > SMALL:
            raise DataError(self.file, f"has more values in {name!r} than labels or names can be; rename the array.")
        return self.part(name)

    @abstractmethod
    def _shapes(self) -> dict[str, tuple[int, ...]]: ...

    @abstractmethod
    def _part(self, name: str, where: tuple[Any, ...]) -> Any: ...


def array_file(file: Path, start: bytes) -> ArrayFile | None:
    """By content; None for anything else. `start`: the first bytes of the file."""
    if start.startswith(NPY):
        return _Npy(file)
    if start.startswith(ZIP):
        return _Npz(file) if _holds_arrays(file) else None
    if start.startswith(VERSION_5):
        return _Matlab5(file)
    if start.startswith((VERSION_7, HDF5)):
        return _Hdf5(file)
    return None


def _holds_arrays(file: Path) -> bool:
    """Whether a zip is an archive of NumPy arrays."""
    return are_arrays(names_in_zip(file) or [])


class _Npy(ArrayFile):
    """One array, read in parts; it is called "data"."""

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        return {"data": StoredArray.npy(self.file, SAVE_AGAIN).shape}

    def _part(self, name: str, where: tuple[Any, ...]) -> Any:
        return StoredArray.npy(self.file, SAVE_AGAIN).part(where)


class _Npz(ArrayFile):
    """Arrays of an archive: read in parts where they are stored as they are, loaded once where they are compressed."""

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        with zipfile.ZipFile(self.file) as archive:
            return {one.filename.removesuffix(".npy"): self._header(archive, one)[0] for one in archive.infolist()}

    def _part(self, name: str, where: tuple[Any, ...]) -> Any:
        with zipfile.ZipFile(self.file) as archive:
            member = archive.getinfo(f"{name}.npy")
            if self._header(archive, member)[1].hasobject:
                raise DamagedFile(self.file, f"holds Python objects in {name!r}, which are not unpickled.")
            if member.compress_type != zipfile.ZIP_STORED:
                return self._loaded(archive, member)[where]
        return StoredArray.npy(self.file, SAVE_AGAIN, offset=self._content_at(member)).part(where)

    def _header(self, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> tuple[tuple[int, ...], np.dtype[Any]]:
        """Shape and type."""
        with archive.open(member) as opened:
            version = np.lib.format.read_magic(opened)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, _, kind = read(opened)
            return shape, kind

    def _content_at(self, member: zipfile.ZipInfo) -> int:
        """Where the bytes of a stored member begin: after its local header of 30 bytes, its name and extra field."""
        with self.file.open("rb") as opened:
            opened.seek(member.header_offset + 26)
            return member.header_offset + 30 + sum(np.frombuffer(opened.read(4), "<u2").tolist())

    def _loaded(self, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> NDArray[Any]:
        if member.filename not in self._kept:
            if member.file_size > LARGEST:
                raise DataError(self.file, f"unpacks to more than {LARGEST >> 30} GB; save it without compression.")
            with archive.open(member) as opened:
                self._kept[member.filename] = np.lib.format.read_array(opened, allow_pickle=False)
        return self._kept[member.filename]

    @cached_property
    def _kept(self) -> dict[str, NDArray[Any]]:
        return {}


class _Matlab5(ArrayFile):
    """Variables of a MATLAB file, loaded together; structures are none of ours."""

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        return {name: value.shape for name, value in self._content.items()}

    def _part(self, name: str, where: tuple[Any, ...]) -> Any:
        return self._content[name][where]

    @cached_property
    def _content(self) -> dict[str, NDArray[Any]]:
        content = read_variables(self.file)
        return {name: _as_array(value) for name, value in content.items() if not _is_structure(value)}


class _Hdf5(ArrayFile):
    """Arrays of an HDF5 file, by their path. MATLAB writes its axes in reverse."""

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        import h5py

        check_hdf5(self.file, loaded=False)
        found: dict[str, tuple[int, ...]] = {}
        with h5py.File(self.file, "r") as content:
            content.visititems(
                lambda path, one: found.update({path: self._ordered(one.shape)}) if _is_array(one) else None
            )
        return {name: shape for name, shape in found.items() if not name.startswith("#")}

    def _part(self, name: str, where: tuple[Any, ...]) -> Any:
        import h5py

        with h5py.File(self.file, "r") as content:
            array = content[name]
            check_array(self.file, array)
            if array.dtype.hasobject and h5py.check_string_dtype(array.dtype):
                return np.array(array.asstr()[()], dtype=str)
            if not self._reversed:
                return array[where]
            full = (*where, *[slice(None)] * (array.ndim - len(where)))
            return np.transpose(array[full[::-1]])

    def _ordered(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return shape[::-1] if self._reversed else shape

    @cached_property
    def _reversed(self) -> bool:
        return head(self.file, len(VERSION_7)) == VERSION_7


def _is_array(one: Any) -> bool:
    import h5py

    return isinstance(one, h5py.Dataset) and one.shape is not None


def _is_structure(value: Any) -> bool:
    return value is None or isinstance(value, dict) or (isinstance(value, list) and any(map(_is_structure, value)))


def _as_array(value: Any) -> NDArray[Any]:
    """Text as one value, a cell as one value per item: its text or its first number."""
    if isinstance(value, np.ndarray):
        return value
    if isinstance(value, str):
        return np.array([value])
    return np.array([one if isinstance(one, str) else _first_number(one) for one in value])


def _first_number(value: Any) -> str:
    return f"{value.reshape(-1)[0]:g}" if isinstance(value, np.ndarray) and value.size else ""


def texts_of(values: NDArray[Any]) -> list[str]:
    """Every value as text: whole numbers without a point, MATLAB cells and bytes as what they hold."""
    texts = []
    for value in values.reshape(-1).tolist():
        while isinstance(value, np.ndarray):
            value = value.reshape(-1)[0] if value.size else ""
        if isinstance(value, bytes):
            value = value.decode("utf-8", "replace")
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        texts.append(str(value).strip())
    return texts
