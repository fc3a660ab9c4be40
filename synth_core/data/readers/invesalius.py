"""InVesalius projects: `main.plist` with shape and spacing beside a raw int16 volume, `matrix.dat` or `.gz`.

The program keeps its rows from posterior to anterior; they are turned here, so that the face is at the top as in DICOM.
"""

from __future__ import annotations

import math
import plistlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth_core.data.readers.base import Opening
from synth_core.data.readers.files import Files, read_bounded, sibling
from synth_core.data.readers.hounsfield import AIR
from synth_core.data.recording import Recording, Source
from synth_core.errors import DamagedFile, DataError
from synth_core.stored_array import StoredArray
from synth_core.types import DataSpec

PROJECT = "main.plist"
LARGEST_VOLUME = 2**30  # bytes


@dataclass(kw_only=True)
class InvesaliusVolume(Recording):
    """One volume; unpacked on the first `read` where it is compressed."""

    matrix: Path

    def read(self, start: int | None = None, stop: int | None = None) -> NDArray[np.float32]:
        """See Recording."""
        first, last = self.span(start, stop)
        if self.matrix.suffix == ".gz":
            stored = self._unpacked[first:last]
        else:
            stored = StoredArray(self.matrix, np.dtype("<i2"), self._shape).part((slice(first, last),))
        return np.maximum(stored[:, ::-1].astype(np.float32), np.float32(AIR))  # anterior first

    @property
    def _shape(self) -> tuple[int, int, int]:
        return (self.slices, *self.spec.shape[1:])  # type: ignore[return-value]

    @cached_property
    def _unpacked(self) -> NDArray[np.int16]:
        """(slices, height, width) HU, as the file has them."""
        size = 2 * math.prod(self._shape)
        content = read_bounded(self.matrix, size, f"a volume of {' × '.join(map(str, self._shape))} voxels")
        if len(content) != size:
            raise _cut_short(self.matrix, len(content), size)
        return np.frombuffer(content, "<i2").reshape(self._shape)


def read(files: Files, opening: Opening) -> list[Recording]:
    """One recording per project file that is a property list."""
    recordings: list[Recording] = []
    for file in files.named(PROJECT):
        if b"plist" not in files.head(file):
            continue
        files.take(file)
        try:
            recording = _project(file, files)
        except DataError as error:
            opening.skipped.append(error)
            continue
        files.take(recording.matrix)
        recordings.append(recording)
    return recordings


def _project(file: Path, files: Files) -> InvesaliusVolume:
    project = _properties(file)
    try:
        declared, modality = project["matrix"], str(project.get("modality", "CT"))
        slices, height, width = (int(size) for size in declared["shape"])
        spacing = [float(value) for value in project["spacing"]]
        x, y, z = spacing
        dtype, name = str(declared["dtype"]), str(declared["filename"])
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedFile(file, "does not state matrix, shape and spacing; save the project again.") from error
    if modality != "CT" or dtype != "int16":
        raise DataError(file, f"describes a {modality} volume of {dtype}; only CT in int16 is read.")
    if min(slices, height, width) < 1 or 2 * slices * height * width > LARGEST_VOLUME:
        raise DamagedFile(file, f"declares a volume of {slices} × {height} × {width} voxels; at most 1 GB is read.")
    if not 0.01 < min(spacing) <= max(spacing) < 20 or abs(x - y) > 0.01 * x:
        raise DamagedFile(file, f"declares voxels of {spacing} mm; pixels must be square and between 0.01 and 20 mm.")
    return InvesaliusVolume(
        spec=DataSpec("ct", (1, height, width), "HU", 1.0 / x),
        subject="",
        evidence=files.evidence(file, stated=str(project.get("name") or "")),
        record=file.parent.resolve().name,
        slices=slices,
        source=Source(file.parent.resolve().name),
        metadata={"pixel spacing (mm)": x, "slice gaps (mm)": [z], "irregular slice gaps": False},
        matrix=_matrix(file, name, 2 * slices * height * width),
    )


def _properties(file: Path) -> dict[str, Any]:
    content = read_bounded(file, 2**20, "a project file")
    try:
        project = plistlib.loads(content)
    except Exception as error:  # plistlib raises whatever expat raised
        raise DamagedFile(file, "is not a valid property list; save the project again.") from error
    if not isinstance(project, dict):
        raise DamagedFile(file, "is not a project file of InVesalius.")
    return project


def _matrix(file: Path, name: str, size: int) -> Path:
    plain = sibling(file, name)
    packed = plain.with_name(plain.name + ".gz")
    if plain.is_file():
        if plain.stat().st_size < size:
            raise _cut_short(plain, plain.stat().st_size, size)
        return plain
    if packed.is_file():
        return packed
    raise DamagedFile(file, f"names the volume {name}, which is not beside it; put it there.")


def _cut_short(file: Path, there: int, expected: int) -> DamagedFile:
    return DamagedFile(file, f"is cut short: {there:,} of {expected:,} bytes are there. Copy or download it again.")
