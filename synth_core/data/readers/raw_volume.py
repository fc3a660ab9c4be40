"""Raw CT volumes with a text header: MetaImage (.mha, .mhd) and NRRD (.nrrd, .nhdr), uncompressed or gzip/zlib.

MetaImage: https://itk.org/Wiki/MetaIO/Documentation. NRRD: https://teem.sourceforge.net/nrrd/format.html. Voxels in
the same file, or in one file beside it that is named plainly. Values are Hounsfield units as stored.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from synth_core.data.readers.base import Opening
from synth_core.data.readers.files import Files, sibling
from synth_core.data.readers.names import record_of
from synth_core.data.readers.volumes import Voxels, recordings_of, renamed
from synth_core.data.recording import Recording
from synth_core.errors import DamagedFile, DataError

LONGEST_HEADER = 2**16  # bytes
META_TYPES = {
    "MET_CHAR": "i1", "MET_UCHAR": "u1", "MET_SHORT": "i2", "MET_USHORT": "u2", "MET_INT": "i4", "MET_UINT": "u4",
    "MET_LONG_LONG": "i8", "MET_ULONG_LONG": "u8", "MET_FLOAT": "f4", "MET_DOUBLE": "f8",
}  # fmt: skip
NRRD_TYPES = {
    "signed char": "i1", "int8": "i1", "int8_t": "i1", "uchar": "u1", "unsigned char": "u1", "uint8": "u1",
    "uint8_t": "u1", "short": "i2", "short int": "i2", "signed short": "i2", "int16": "i2", "int16_t": "i2",
    "ushort": "u2", "unsigned short": "u2", "uint16": "u2", "uint16_t": "u2", "int": "i4", "signed int": "i4",
    "int32": "i4", "int32_t": "i4", "uint": "u4", "unsigned int": "u4", "uint32": "u4", "uint32_t": "u4",
    "float": "f4", "double": "f8",
}  # fmt: skip
SPACES = {"LPS": (-1, -1, 1), "RAS": (1, 1, 1), "LAS": (-1, 1, 1)}  # to right, anterior, up
NO_PLACE = "The header gives no orientation: slices are taken to run upwards, rows from front to back."
_META_START = re.compile(rb"\s*(ObjectType|NDims|Comment|ObjectSubType)\s*=")


@dataclass(frozen=True)
class _Header:
    """What both formats say."""

    dtype: str
    shape: tuple[int, ...]
    affine: NDArray[np.float64]
    file: Path
    start: int
    packed: bool
    placed: bool


def read(files: Files, opening: Opening) -> list[Recording]:
    """One recording per header of a volume; masks go to the volumes that they lie on."""
    volumes: list[Voxels] = []
    for file in list(files):
        start = files.head(file)
        parse = _nrrd if re.match(rb"NRRD000\d", start) else _meta if _META_START.match(start) else None
        if parse is None or (parse is _meta and b"=" not in start):
            continue
        try:
            header = parse(file)
            if header is None:
                continue
            files.take(file, header.file)
            volumes.append(_voxels(file, files, header))
        except DataError as error:
            files.take(file)
            opening.skipped.append(error)
    return recordings_of(renamed(volumes), opening)


def _voxels(file: Path, files: Files, header: _Header) -> Voxels:
    if not header.file.is_file():
        raise DamagedFile(file, f"names the voxels {header.file.name}, which are not beside it; put them there.")
    if len(header.shape) != 3:
        raise DataError(file, f"has {len(header.shape)} axes; only volumes of three axes are read.")
    return Voxels(
        file=header.file,
        record=record_of(files.relative(file)),
        evidence=files.evidence(file),
        start=header.start,
        skip=0,
        packed=header.packed,
        dtype=np.dtype(header.dtype),
        shape=(header.shape[0], header.shape[1], header.shape[2]),
        slope=1.0,
        intercept=0.0,
        affine=header.affine,
        warnings=() if header.placed else (NO_PLACE,),
    )


def _meta(file: Path) -> _Header | None:
    """A MetaImage header; None for another text that begins alike."""
    fields: dict[str, str] = {}
    content, start = _beginning(file), 0
    for line in content.splitlines(keepends=True):
        start += len(line)
        name, equals, value = line.decode("latin-1").partition("=")
        if not equals:
            return None
        fields[name.strip()] = value.strip()
        if name.strip() == "ElementDataFile":
            break
    if "ElementDataFile" not in fields:
        return None
    try:
        dtype = META_TYPES[fields["ElementType"]]
        shape = tuple(int(size) for size in fields["DimSize"].split())
        spacing = _numbers(fields.get("ElementSpacing") or fields["ElementSize"])
        turn = next((fields[name] for name in ("TransformMatrix", "Orientation", "Rotation") if name in fields), None)
        origin = next((fields[name] for name in ("Offset", "Position", "Origin") if name in fields), "0 0 0")
        directions = np.eye(3) if turn is None else _numbers(turn).reshape(3, 3)
        affine = _affine(directions.T * spacing, _numbers(origin), "LPS")
        channels, skip = int(fields.get("ElementNumberOfChannels", 1)), int(fields.get("HeaderSize", 0))
    except (KeyError, ValueError) as error:
        raise DamagedFile(file, "lacks or misstates ElementType, DimSize or spacing; export it again.") from error
    if channels != 1 or skip != 0:
        raise DataError(file, "has several channels or a header of its own in the voxels; export it plainly.")
    order = ">" if _true(fields.get("BinaryDataByteOrderMSB") or fields.get("ElementByteOrderMSB")) else "<"
    local = fields["ElementDataFile"].upper() == "LOCAL"
    voxels = file if local else sibling(file, fields["ElementDataFile"])
    packed = _true(fields.get("CompressedData"))
    return _Header(order + dtype, shape, affine, voxels, start if local else 0, packed, turn is not None)


def _nrrd(file: Path) -> _Header:
    """An NRRD header."""
    content = _beginning(file)
    text, blank, _ = content.partition(b"\r\n\r\n" if b"\r\n\r\n" in content else b"\n\n")
    fields: dict[str, str] = {}
    for line in text.decode("latin-1").splitlines()[1:]:
        name, colon, value = line.partition(": ")
        if colon and not line.startswith("#"):
            fields[name.strip().lower()] = value.strip()
    voxels = fields.get("data file") or fields.get("datafile")
    try:
        dtype = NRRD_TYPES[fields["type"].lower()]
        shape = tuple(int(size) for size in fields["sizes"].split())
        encoding = fields["encoding"].lower()
        affine, placed = _nrrd_place(fields)
        skips = [int(fields.get(name, 0)) for name in ("byte skip", "line skip", "byteskip", "lineskip")]
    except (KeyError, ValueError, IndexError) as error:
        raise DamagedFile(file, "lacks or misstates type, sizes, encoding or spacing; export it again.") from error
    if encoding not in ("raw", "gzip", "gz") or any(skips):
        raise DataError(file, f"keeps its voxels as {encoding} or after other data; export it raw or as gzip.")
    if not blank and voxels is None:
        raise DamagedFile(file, "has a header without an end; copy or download it again.")
    order = ">" if fields.get("endian", "little").lower() == "big" else "<"
    where = sibling(file, voxels) if voxels else file
    start = 0 if voxels else len(text) + len(blank)
    return _Header(order + dtype, shape, affine, where, start, encoding != "raw", placed)


def _nrrd_place(fields: dict[str, str]) -> tuple[NDArray[np.float64], bool]:
    """The affine, and whether the header gives the orientation."""
    space = fields.get("space", "").lower().replace("-", " ")
    name = "".join(word[0] for word in space.split()).upper() if " " in space else space.upper()
    if name in SPACES and "space directions" in fields:
        columns = np.stack([_numbers(part) for part in re.findall(r"\(([^)]*)\)", fields["space directions"])], axis=1)
        origin = re.findall(r"\(([^)]*)\)", fields.get("space origin", "(0,0,0)"))
        return _affine(columns, _numbers(origin[0]), name), True
    return _affine(np.diag(_numbers(fields["spacings"])), np.zeros(3), "LPS"), False


def _affine(columns: NDArray[np.float64], origin: NDArray[np.float64], space: str) -> NDArray[np.float64]:
    """(4, 4) to mm right, anterior, up, from the step of each axis (as columns) in another space."""
    if columns.shape != (3, 3) or origin.shape != (3,):
        raise ValueError(f"{columns.shape} directions and {origin.shape} origin of three axes")
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = columns, origin
    return np.diag([*SPACES[space], 1.0]) @ affine


def _numbers(text: str) -> NDArray[np.float64]:
    return np.array([float(part) for part in text.replace(",", " ").split()])


def _true(text: str | None) -> bool:
    return (text or "").strip().lower() in ("true", "1", "yes")


def _beginning(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(LONGEST_HEADER)
