"""Headers of MetaImage, .mha and .mhd: https://itk.org/Wiki/MetaIO/Documentation.

Voxels in the same file, in one beside it (also after a header of its own), or in one file for each slice, which the
header lists or names by a pattern.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from synth_core.data.readers.raw_header import (
    Header,
    affine_of,
    beginning,
    check_packed,
    listed,
    numbered,
    numbers_in,
)
from synth_core.data.readers.voxels import three_axes
from synth_core.errors import DamagedFile, DataError

TYPES = {
    "MET_CHAR": "i1", "MET_UCHAR": "u1", "MET_SHORT": "i2", "MET_USHORT": "u2", "MET_INT": "i4", "MET_UINT": "u4",
    "MET_LONG_LONG": "i8", "MET_ULONG_LONG": "u8", "MET_FLOAT": "f4", "MET_DOUBLE": "f8",
}  # fmt: skip
START = re.compile(rb"\s*(ObjectType|NDims|Comment|ObjectSubType)\s*=")


def metaimage(file: Path) -> Header | None:
    """The header; None for another text that begins alike.

    Raises
    ------
    DataError : for what is not read or contradicts itself.
    """
    found = _fields(beginning(file))
    if found is None:
        return None
    fields, rest, end = found
    try:
        dtype = TYPES[fields["ElementType"]]
        sizes = tuple(int(size) for size in fields["DimSize"].split())
        shape, dropped = three_axes(file, sizes)
        spacing = numbers_in(fields.get("ElementSpacing") or fields["ElementSize"])
        turn = next((fields[name] for name in ("TransformMatrix", "Orientation", "Rotation") if name in fields), None)
        origin = next((fields[name] for name in ("Offset", "Position", "Origin") if name in fields), "0 0 0")
        count = len(sizes)
        directions = np.eye(count) if turn is None else numbers_in(turn).reshape(count, count)
        columns = (directions.T * spacing)[:3, :3]
        affine = affine_of(columns, np.resize(numbers_in(origin), max(3, count))[:3], "LPS")
        channels, skip = int(fields.get("ElementNumberOfChannels", 1)), int(fields.get("HeaderSize", 0))
    except (KeyError, ValueError) as error:
        raise DamagedFile(file, "lacks or misstates ElementType, DimSize or spacing; export it again.") from error
    if channels != 1:
        raise DataError(file, f"has {channels} values a voxel; only one, in HU, is read.")
    if "BinaryData" in fields and not _true(fields["BinaryData"]):
        raise DataError(file, "keeps its voxels as text; export it as binary data.")
    files = _files(file, fields["ElementDataFile"], rest)
    packed = _true(fields.get("CompressedData"))
    if packed:
        check_packed(file, files, skip)
    local = files == (file,)
    order = ">" if _true(fields.get("BinaryDataByteOrderMSB") or fields.get("ElementByteOrderMSB")) else "<"
    return Header(order + dtype, shape, affine, files, end if local else skip, packed, turn is not None, dropped)


def _fields(content: bytes) -> tuple[dict[str, str], list[str], int] | None:
    """The fields to ElementDataFile, the lines after it, and where these begin."""
    fields: dict[str, str] = {}
    end = 0
    for line in content.splitlines(keepends=True):
        end += len(line)
        name, equals, value = line.decode("latin-1").partition("=")
        if not equals:
            return None
        fields[name.strip()] = value.strip()
        if name.strip() == "ElementDataFile":
            return fields, content[end:].decode("latin-1").splitlines(), end
    return None


def _files(file: Path, named: str, rest: list[str]) -> tuple[Path, ...]:
    """That hold the voxels: this one, one beside, or one for each slice."""
    kind, *plane = named.upper().split() or [""]
    if kind == "LOCAL":
        return (file,)
    if kind == "LIST":
        if plane and plane != ["2D"]:
            raise DataError(file, f"lists files of {plane[0]}; one file for all, or one for each slice, is read.")
        return listed(file, [line.strip() for line in rest if line.strip()])
    return listed(file, numbered(file, named) or [named])


def _true(text: str | None) -> bool:
    return (text or "").strip().lower() in ("true", "1", "yes")
