"""Packed voxels, unpacked in blocks within a bound; and the volumes that stay in memory once they are."""

from __future__ import annotations

import threading
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterator
from io import FileIO
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from synth_core.errors import DamagedFile
from synth_core.stored_array import opened

BLOCK = 2**20  # bytes that are unpacked at a time
KEPT = 2**28  # bytes of unpacked volumes beyond which only two stay

_kept: OrderedDict[Any, NDArray[Any]] = OrderedDict()
_keeping = threading.Lock()


def unpacked(path: Path, start: int, skip: int, size: int) -> Iterator[bytes]:
    """`size` bytes in blocks, after the first `skip` of the stream that begins at `start`; never more is unpacked.

    Raises
    ------
    DamagedFile : for a stream that is neither gzip nor zlib, or that ends early.
    """
    left = size
    try:
        with opened(path) as content, FileIO(content, closefd=False) as file:
            file.seek(start)
            for block in _inflated(iter(lambda: file.read(BLOCK), b"")):
                dropped = min(skip, len(block))
                skip -= dropped
                block = block[dropped:]
                yield block[:left]
                left -= len(block)
                if left <= 0:
                    return
    except zlib.error as error:
        raise DamagedFile(path, "is not valid gzip; copy or download it again.") from error
    problem = f"is cut short: {size - left:,} of {size:,} bytes are there. Copy or download it again."
    raise DamagedFile(path, problem)


def _inflated(packed: Iterator[bytes]) -> Iterator[bytes]:
    """What gzip (one member or several) or zlib streams hold, at most BLOCK bytes at a time."""
    inflater = zlib.decompressobj(zlib.MAX_WBITS | 32)  # either header
    for content in packed:
        while content:
            yield inflater.decompress(content, BLOCK)
            content = inflater.unconsumed_tail
            if inflater.eof:
                content = inflater.unused_data
                inflater = zlib.decompressobj(zlib.MAX_WBITS | 32)


def kept(key: Any, load: Callable[[], NDArray[Any]]) -> NDArray[Any]:
    """What `load` gives, kept until others were asked for."""
    with _keeping:
        if key not in _kept:
            _let_go(others=1)
            _kept[key] = load()
            _let_go(others=2)
        _kept.move_to_end(key)
        return _kept[key]


def _let_go(others: int) -> None:
    while len(_kept) > others and sum(volume.nbytes for volume in _kept.values()) > KEPT:
        _kept.popitem(last=False)
