"""Raw CT volumes with a text header: MetaImage (.mha, .mhd) and NRRD (.nrrd, .nhdr), uncompressed or gzip/zlib.

Values are Hounsfield units as stored, unless what they are says otherwise.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from synth_core.data.readers.base import Opening
from synth_core.data.readers.files import Files
from synth_core.data.readers.metaimage import START as META_START
from synth_core.data.readers.metaimage import metaimage
from synth_core.data.readers.names import record_of
from synth_core.data.readers.nrrd import START as NRRD_START
from synth_core.data.readers.nrrd import nrrd
from synth_core.data.readers.raw_header import Header
from synth_core.data.readers.volumes import recordings_of, renamed
from synth_core.data.readers.voxels import Voxels
from synth_core.data.recording import Recording
from synth_core.errors import DataError

NO_PLACE = "The header gives no orientation: slices are taken to run upwards, rows from front to back."


def read(files: Files, opening: Opening) -> list[Recording]:
    """One recording per header of a volume; masks go to the volumes that they lie on."""
    volumes: list[Voxels] = []
    for file in list(files):
        start = files.head(file)
        parse = nrrd if NRRD_START.match(start) else metaimage if META_START.match(start) else None
        if parse is None:
            continue
        try:
            header = parse(file)
            if header is None:
                continue
            files.take(file, *header.files)
            volumes.append(_voxels(file, files, header))
        except DataError as error:
            files.take(file)
            opening.skipped.append(error)
    return recordings_of(renamed(volumes), opening)


def _voxels(file: Path, files: Files, header: Header) -> Voxels:
    return Voxels(
        file=header.files[0],
        record=record_of(files.relative(file)),
        evidence=files.evidence(file),
        start=header.start,
        skip=0,
        packed=header.packed,
        dtype=np.dtype(header.dtype),
        shape=header.shape,
        slope=1.0,
        intercept=0.0,
        affine=header.affine,
        parts=header.files if len(header.files) > 1 else (),
        name=file.name,
        warnings=(*header.warnings, *(() if header.placed else (NO_PLACE,))),
    )
