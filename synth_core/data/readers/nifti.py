"""CT volumes in NIfTI-1 and NIfTI-2 files, also gzipped: https://nifti.nimh.nih.gov/nifti-1, nifti-2.

The header is read by nibabel; sform or qform say where the voxels lie, scl_slope and scl_inter give Hounsfield units.
Masks pair with the volume on the same grid.
"""

from __future__ import annotations

import io
import re
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from synth_core.data.readers.base import Opening
from synth_core.data.readers.files import Files
from synth_core.data.readers.names import record_of
from synth_core.data.readers.volumes import recordings_of, renamed
from synth_core.data.readers.voxels import Voxels, three_axes
from synth_core.data.recording import Recording
from synth_core.errors import DamagedFile, DataError

GZIP = b"\x1f\x8b"
HEADERS = {1: 348, 2: 540}  # bytes
NO_PLACE = (
    "The header gives no orientation: the first axis is taken to run from right to left, the second to the front."
)
FREE_TEXT = ("descrip", "aux_file", "db_name", "intent_name")


def read(files: Files, opening: Opening) -> list[Recording]:
    """One recording per volume of a NIfTI file; masks go to the volumes that they lie on."""
    volumes: list[Voxels] = []
    for file in list(files):
        start = _unpacked_head(files.head(file))
        if version(start) is None:
            continue
        files.take(file)
        try:
            volumes.append(_voxels(file, files))
        except DataError as error:
            opening.skipped.append(error)
    return recordings_of(renamed(volumes), opening)


def version(start: bytes) -> int | None:
    """1 or 2 by size and magic of the header; None for anything else."""
    sizes = (start[:4], start[3::-1])
    if struct.pack("<i", 348) in sizes and start[344:348] in (b"n+1\0", b"ni1\0"):
        return 1
    return 2 if struct.pack("<i", 540) in sizes and start[4:8] in (b"n+2\0", b"ni2\0") else None


def _unpacked_head(start: bytes) -> bytes:
    if not start.startswith(GZIP):
        return start
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(start, 600)
    except zlib.error:
        return b""


def _voxels(file: Path, files: Files) -> Voxels:
    with file.open("rb") as opened:
        start = opened.read(4096)
    packed = start.startswith(GZIP)
    start = _unpacked_head(start)
    header = _header(file, start)
    try:
        sizes = tuple(int(size) for size in header.get_data_shape())
        dtype = header.get_data_dtype()
        slope, intercept = header.get_slope_inter()
        affine = np.array(header.get_best_affine(), float) * _millimetres(header)
        affine[3, 3] = 1.0
        offset = int(header["vox_offset"])
        placed = int(header["qform_code"]) > 0 or int(header["sform_code"]) > 0
        removed = [name for name in FREE_TEXT if bytes(header[name].tobytes()).strip(b"\0 ")]
    except DataError:
        raise
    except Exception as error:  # nibabel raises whatever its parsing raised
        raise DamagedFile(file, "has a NIfTI header that contradicts itself; export it again.") from error
    shape, dropped = three_axes(file, sizes)
    if dtype.kind not in "iuf" or dtype.itemsize > 8:
        raise DataError(file, f"has voxels of type {dtype}; export Hounsfield units as integers or floats.")
    return Voxels(
        file=file,
        record=_plain(record_of(files.relative(file))),
        evidence=files.evidence(file),
        start=0,
        skip=offset,
        packed=packed,
        dtype=dtype,
        shape=shape,
        slope=1.0 if slope is None else float(slope),
        intercept=0.0 if intercept is None else float(intercept),
        affine=affine,
        notes={"removed": removed} if removed else {},
        warnings=(*dropped, *(() if placed else (NO_PLACE,))),
    )


def _header(file: Path, start: bytes) -> Any:
    """Checked by nibabel; DamagedFile where that finds fault."""
    import nibabel

    found = version(start)
    if found is None or (start[344:346] if found == 1 else start[4:6]) == b"ni":
        raise DataError(file, "keeps its voxels in another file (.hdr and .img); convert it to one .nii file.")
    kind = nibabel.Nifti1Header if found == 1 else nibabel.Nifti2Header
    try:
        header = kind.from_fileobj(io.BytesIO(start[: HEADERS[found]]), check=False)
        low = HEADERS[found] + 4
        if not low <= float(header["vox_offset"]) < 2**26:
            raise ValueError(f"voxels at {header['vox_offset']}")
    except Exception as error:
        raise DamagedFile(file, "has a damaged NIfTI header; export it again.") from error
    return header


def _millimetres(header: Any) -> float:
    """mm per unit of the header: xyzt_units 1 is metres, 3 micrometres; unknown is taken as millimetres."""
    return {1: 1000.0, 3: 0.001}.get(int(header["xyzt_units"]) & 7, 1.0)


def _plain(name: str) -> str:
    return re.sub(r"\.nii$", "", name, flags=re.IGNORECASE)
