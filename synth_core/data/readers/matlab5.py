"""Variables of MATLAB files of version 5, parsed here: the parser of SciPy ends the process on some damaged files.

https://www.mathworks.com/help/pdf_doc/matlab/matfile_format.pdf. Every element lies within the one around it, and an
array has as many values as bytes are there for.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from synth_core.data.readers.matlab import LARGEST, check_version_5
from synth_core.errors import DamagedFile, DataError

MATRIX, COMPRESSED = 14, 15
STORED = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
TEXT = {16: "utf-8", 17: "utf-16", 18: "utf-32"}
CELL, STRUCTURE, OBJECT, CHARACTERS = 1, 2, 3, 4
NUMERIC = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8"}
COMPLEX = 0x0800
DEEPEST, MOST_ITEMS = 32, 1_000_000  # cells in cells, and items of all cells and structures


class _Broken(ValueError):
    """The bytes contradict the format."""


def read_variables(file: Path) -> dict[str, Any]:
    """Every variable by name.

    Numbers are arrays with the axes of MATLAB; text is str; a cell is a flat list; a structure of one item is a dict,
    of several a list of dicts; what else there is (functions, sparse arrays) is None.

    Raises
    ------
    DamagedFile, DataError : when the file contradicts itself or unpacks to more than matlab.LARGEST bytes.
    """
    check_version_5(file)
    content = file.read_bytes()
    order = "<" if content[126:128] == b"IM" else ">"
    try:
        parser = _Parser(order)
        return dict(parser.variables(memoryview(content)[128:]))
    except (_Broken, ValueError, struct.error, zlib.error, OverflowError, MemoryError) as error:
        raise DamagedFile(file, "is a damaged MATLAB file; copy or save it again.") from error
    except RecursionError as error:
        raise DataError(file, "has cells within cells, too deep to be a recording.") from error


@dataclass
class _Element:
    kind: int
    content: memoryview


class _Parser:
    def __init__(self, order: str) -> None:
        self.order = order
        self.items = 0

    def variables(self, content: memoryview) -> Iterator[tuple[str, Any]]:
        for element in self.elements(content):
            if element.kind == COMPRESSED:
                unpacked = zlib.decompressobj().decompress(element.content, LARGEST)
                yield from self.variables_of(self.elements(memoryview(unpacked)))
            else:
                yield from self.variables_of(iter([element]))

    def variables_of(self, elements: Iterator[_Element]) -> Iterator[tuple[str, Any]]:
        for element in elements:
            if element.kind == MATRIX:
                yield self.matrix(element.content, 0)

    def elements(self, content: memoryview) -> Iterator[_Element]:
        """Those that follow one another; small ones keep their content in the tag."""
        position = 0
        while position + 8 <= len(content):
            kind, size = struct.unpack_from(self.order + "II", content, position)
            if kind >> 16:
                kind, size, first, step = kind & 0xFFFF, kind >> 16, position + 4, 8
                if size > 4:
                    raise _Broken("a small element of more than 4 bytes")
            else:
                first = position + 8
                step = 8 + (size if kind == COMPRESSED else -(-size // 8) * 8)
            if first + size > len(content):
                raise _Broken("an element that is longer than what it is in")
            yield _Element(kind, content[first : first + size])
            position += step

    def matrix(self, content: memoryview, depth: int) -> tuple[str, Any]:
        """The name and the value of an array."""
        if not len(content):
            return "", np.zeros((0, 0))
        if depth > DEEPEST:
            raise _Broken("cells in cells in cells")
        parts = self.elements(content)
        flags = self.numbers(self.next(parts))
        sizes = self.numbers(self.next(parts))
        name = bytes(self.next(parts).content).decode("latin-1")
        if len(flags) < 1 or not 1 <= len(sizes) <= 32 or (len(sizes) and sizes.min() < 0):
            raise _Broken("no class or no size")
        shape = tuple(int(size) for size in sizes)
        kind = int(flags[0]) & 0xFF
        if kind in NUMERIC:
            return name, self.numeric(parts, shape, NUMERIC[kind], bool(int(flags[0]) & COMPLEX))
        if kind == CHARACTERS:
            return name, self.text(parts, shape)
        if kind == CELL:
            return name, [self.item(parts, depth) for _ in range(self.counted(math.prod(shape)))]
        if kind in (STRUCTURE, OBJECT):
            return name, self.structure(parts, shape, kind, depth)
        return name, None

    def numeric(self, parts: Iterator[_Element], shape: tuple[int, ...], kind: str, is_complex: bool) -> Any:
        if math.prod(shape) == 0:
            return np.zeros(shape, kind)
        values = self.numbers(self.next(parts))
        if len(values) != math.prod(shape):
            raise _Broken("another number of values than its size says")
        array = values.astype(kind, copy=False).reshape(shape, order="F")
        return array + 1j * self.numbers(self.next(parts)).reshape(shape, order="F") if is_complex else array

    def text(self, parts: Iterator[_Element], shape: tuple[int, ...]) -> str:
        """Rows one after the other; trailing blanks are padding."""
        element = next(parts, None)
        if element is None or math.prod(shape) == 0:
            return ""
        if element.kind in TEXT:
            return bytes(element.content).decode(TEXT[element.kind], "replace").rstrip()
        letters = self.numbers(element).astype(np.uint32)
        rows = letters.reshape(shape, order="F").reshape(-1) if len(letters) == math.prod(shape) else letters
        return "".join(chr(letter) if letter < 0x110000 else "?" for letter in rows.tolist()).rstrip()

    def structure(self, parts: Iterator[_Element], shape: tuple[int, ...], kind: int, depth: int) -> Any:
        if kind == OBJECT:
            self.next(parts)
        length = int(self.numbers(self.next(parts))[:1].sum())
        names = bytes(self.next(parts).content)
        if not 0 < length <= 1024:
            raise _Broken("names of fields without a length")
        fields = [names[i : i + length].partition(b"\0")[0].decode("latin-1") for i in range(0, len(names), length)]
        count = self.counted(math.prod(shape) * max(1, len(fields))) // max(1, len(fields))
        items = [{field: self.item(parts, depth) for field in fields} for _ in range(count)]
        return items[0] if count == 1 else items

    def item(self, parts: Iterator[_Element], depth: int) -> Any:
        element = self.next(parts)
        if element.kind != MATRIX:
            raise _Broken("an item that is no array")
        return self.matrix(element.content, depth + 1)[1]

    def counted(self, items: int) -> int:
        self.items += items
        if self.items > MOST_ITEMS:
            raise _Broken("more items than any recording has")
        return items

    def numbers(self, element: _Element) -> np.ndarray[Any, np.dtype[Any]]:
        if element.kind not in STORED:
            raise _Broken("numbers of an unknown type")
        kind = np.dtype(self.order + STORED[element.kind])
        return np.frombuffer(element.content, kind, len(element.content) // kind.itemsize)

    def next(self, parts: Iterator[_Element]) -> _Element:
        found = next(parts, None)
        if found is None:
            raise _Broken("an array that ends early")
        return found
