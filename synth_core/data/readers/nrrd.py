"""Headers of NRRD, .nrrd and .nhdr: https://teem.sourceforge.net/nrrd/format.html."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

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
    "signed char": "i1", "int8": "i1", "int8_t": "i1", "uchar": "u1", "unsigned char": "u1", "uint8": "u1",
    "uint8_t": "u1", "short": "i2", "short int": "i2", "signed short": "i2", "signed short int": "i2", "int16": "i2",
    "int16_t": "i2", "ushort": "u2", "unsigned short": "u2", "unsigned short int": "u2", "uint16": "u2",
    "uint16_t": "u2", "int": "i4", "signed int": "i4", "int32": "i4", "int32_t": "i4", "uint": "u4",
    "unsigned int": "u4", "uint32": "u4", "uint32_t": "u4", "longlong": "i8", "long long": "i8", "int64": "i8",
    "int64_t": "i8", "ulonglong": "u8", "unsigned long long": "u8", "uint64": "u8", "uint64_t": "u8", "float": "f4",
    "double": "f8",
}  # fmt: skip
START = re.compile(rb"NRRD000\d")
_VECTOR = re.compile(r"\(([^)]*)\)|none", re.IGNORECASE)


def nrrd(file: Path) -> Header:
    """The header; DataError for what is not read or contradicts itself."""
    content = beginning(file)
    text, blank, _ = content.partition(b"\r\n\r\n" if b"\r\n\r\n" in content else b"\n\n")
    fields, names = _fields(text)
    voxels = fields.get("data file") or fields.get("datafile")
    try:
        dtype = TYPES[fields["type"].lower()]
        sizes = [int(size) for size in fields["sizes"].split()]
        encoding = fields["encoding"].lower()
        affine, placed, values = _place(fields)
        skip, lines = (
            int(next((fields[name] for name in (f"{kind} skip", f"{kind}skip") if name in fields), 0))
            for kind in ("byte", "line")
        )
    except (KeyError, ValueError, IndexError) as error:
        raise DamagedFile(file, "lacks or misstates type, sizes, encoding or spacing; export it again.") from error
    if values is not None and len(sizes) > values and sizes.pop(values) != 1:
        raise DataError(file, "has several values a voxel; only one, in HU or a label, is read.")
    shape, dropped = three_axes(file, sizes)
    if encoding not in ("raw", "gzip", "gz") or lines or skip < -1:
        raise DataError(file, f"keeps its voxels as {encoding} or after lines of text; export it raw or as gzip.")
    if not blank and voxels is None:
        raise DamagedFile(file, "has a header without an end; copy or download it again.")
    files = _files(file, voxels, names) if voxels else (file,)
    packed = encoding != "raw"
    if packed:
        check_packed(file, files, skip)
        if skip:
            raise DataError(file, "skips bytes of compressed voxels; export it raw, or as gzip from the start.")
    order = ">" if fields.get("endian", "little").lower() == "big" else "<"
    start = skip if voxels or skip < 0 else len(text) + len(blank) + skip
    return Header(order + dtype, shape, affine, files, start, packed, placed, dropped)


def _fields(text: bytes) -> tuple[dict[str, str], list[str]]:
    """The fields, and the lines after `data file: LIST`."""
    fields: dict[str, str] = {}
    names: list[str] = []
    listing = False
    for line in text.decode("latin-1").splitlines()[1:]:
        name, colon, value = line.partition(": ")
        if listing:
            names.append(line.strip())
        elif colon and not line.startswith("#"):
            fields[name.strip().lower()] = value.strip()
            listing = name.strip().lower() in ("data file", "datafile") and value.strip().upper().startswith("LIST")
    return fields, [name for name in names if name]


def _files(file: Path, named: str, names: list[str]) -> tuple[Path, ...]:
    if named.upper().startswith("LIST"):
        return listed(file, names)
    return listed(file, numbered(file, named) or [named])


def _place(fields: dict[str, str]) -> tuple[NDArray[np.float64], bool, int | None]:
    """The affine, whether the header gives the orientation, and which axis is none of space."""
    space = fields.get("space", "").lower().replace("-", " ")
    name = "".join(word[0] for word in space.split()).upper() if " " in space else space.upper()
    if name in ("LPS", "RAS", "LAS") and "space directions" in fields:
        found = list(_VECTOR.finditer(fields["space directions"]))
        aside = next((i for i, one in enumerate(found) if one[1] is None), None)
        columns = np.stack([numbers_in(one[1]) for one in found if one[1] is not None][:3], axis=1)
        origin = re.findall(r"\(([^)]*)\)", fields.get("space origin", "(0,0,0)"))
        return affine_of(columns, numbers_in(origin[0]), name), True, aside
    spacings = numbers_in(fields["spacings"])
    aside = next((i for i, one in enumerate(spacings) if np.isnan(one)), None)
    return affine_of(np.diag(spacings[np.isfinite(spacings)][:3]), np.zeros(3), "LPS"), False, aside
