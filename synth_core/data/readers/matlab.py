"""MATLAB files of versions 5 and 7.3, looked at before a library parses them.

https://www.mathworks.com/help/pdf_doc/matlab/matfile_format.pdf; version 7.3 is HDF5. Small compressed elements can
unpack to any size, and an HDF5 file can name other files: both are refused here.
"""

from __future__ import annotations

import struct
import subprocess
import sys
import zlib
from functools import cache
from pathlib import Path
from typing import Any

from synth_core.data.readers import hdf5_trial
from synth_core.data.readers.files import check_regular
from synth_core.errors import DamagedFile, DataError

VERSION_5, VERSION_7 = b"MATLAB 5.0 MAT-file", b"MATLAB 7.3 MAT-file"
HDF5 = b"\x89HDF\r\n\x1a\n"
LARGEST = 2 * 2**30  # bytes that are loaded at once
MOST_ELEMENTS = 100_000
MOST_ITEMS = 100_000  # groups and arrays of an HDF5 file
LARGEST_CHUNK = 2**28
_COMPRESSED = 15
_BLOCK = 2**20


def check_version_5(file: Path) -> None:
    """Raise unless the elements lie within the file and unpack to at most LARGEST bytes."""
    check_regular(file)
    size = file.stat().st_size
    if size > LARGEST:
        raise DataError(file, f"has more than {LARGEST >> 30} GB; save it with -v7.3, which is read in parts.")
    with file.open("rb") as opened:
        order = {b"IM": "<", b"MI": ">"}.get(opened.read(128)[126:128])
        if order is None:
            raise DamagedFile(file, "ends within its header or has a damaged one; save it again.")
        position, unpacked = 128, 0
        for _ in range(MOST_ELEMENTS):
            opened.seek(position)
            tag = opened.read(8)
            if not tag:
                return
            if len(tag) < 8:
                raise DamagedFile(file, "ends early; copy or download it again.")
            kind, length = struct.unpack(order + "II", tag)
            if position + 8 + length > size:
                raise DamagedFile(file, "ends before its last variable does; copy or download it again.")
            unpacked += _unpacked_size(file, opened, length, LARGEST - unpacked) if kind == _COMPRESSED else length
            if unpacked > LARGEST:
                problem = f"unpacks to more than {LARGEST >> 30} GB; save it with -v7.3, which is read in parts."
                raise DataError(file, problem)
            position += 8 + length
    raise DamagedFile(file, "has more variables than any recording; save the one that holds it alone.")


def check_hdf5(file: Path, *, loaded: bool) -> None:
    """Raise when an HDF5 file refers to other files, has absurd chunks, or, if it is `loaded` whole, is too large."""
    import h5py

    state = file.stat()
    if not _survives(file.resolve(), state.st_mtime_ns, state.st_size):
        raise DamagedFile(file, "is a damaged HDF5 file, which cannot be read to its end; copy or save it again.")
    total = 0
    try:
        with h5py.File(file, "r") as content:
            groups: list[Any] = [content]
            seen = 0
            visited: set[Any] = set()
            while groups:
                group = groups.pop()
                for name in group:
                    seen += 1
                    if seen > MOST_ITEMS:
                        raise DataError(file, f"holds more than {MOST_ITEMS:,} arrays; split it first.")
                    link = group.get(name, getlink=True)
                    if isinstance(link, h5py.ExternalLink):
                        raise DamagedFile(file, "refers to another file, which is not followed; save it whole.")
                    one = group[name]
                    if isinstance(one, h5py.Group):
                        address = h5py.h5o.get_info(one.id).addr
                        if address not in visited:
                            visited.add(address)
                            groups.append(one)
                        continue
                    if isinstance(one, h5py.Dataset):
                        total += check_array(file, one)
    except DataError:
        raise
    except Exception as error:  # h5py raises whatever HDF5 raised
        raise DamagedFile(file, "is a damaged HDF5 file; copy or save it again.") from error
    if loaded and total > LARGEST:
        raise DataError(file, f"holds more than {LARGEST >> 30} GB; save the recording in parts.")


def check_array(file: Path, array: Any) -> int:
    """Bytes of an HDF5 array that is stored in its own file in chunks that fit into memory."""
    if array.external or array.is_virtual:
        raise DamagedFile(file, "keeps its samples in another file, which is not followed; save it whole.")
    bytes_per_value = array.dtype.itemsize
    chunk = bytes_per_value
    for length in array.chunks or (1,):
        chunk *= length
    if chunk > LARGEST_CHUNK:
        raise DamagedFile(file, f"has chunks of {chunk / 2**30:.1f} GB; save it with smaller ones.")
    return int(array.size or 0) * bytes_per_value


@cache
def _survives(file: Path, changed: int, size: int) -> bool:
    """Whether the HDF5 library gets through a file, tried in a process of its own; `changed`, `size`: of the file."""
    program = Path(hdf5_trial.__file__)
    try:
        done = subprocess.run(
            [sys.executable, "-I", str(program), str(file)], capture_output=True, timeout=60, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def _unpacked_size(file: Path, opened: Any, length: int, limit: int) -> int:
    """Bytes that a compressed element unpacks to, counted up to `limit`."""
    unpacker, unpacked = zlib.decompressobj(), 0
    try:
        while length > 0 and not unpacker.eof:
            block = opened.read(min(_BLOCK, length))
            length -= len(block)
            while block and unpacked <= limit:
                unpacked += len(unpacker.decompress(block, _BLOCK))
                block = unpacker.unconsumed_tail
            if unpacked > limit or not (block or length):
                break
    except zlib.error as error:
        raise DamagedFile(file, "has a damaged compressed variable; copy or save it again.") from error
    return unpacked
