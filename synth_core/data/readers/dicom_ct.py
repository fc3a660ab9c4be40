"""CT series in DICOM files: Hounsfield units by the modality rescale, slices in order along their normal.

DICOM PS3.3 C.7.6.2 (image plane) and C.11.1 (modality LUT). Headers are read on opening, pixels on `read`.
Axial slices only, turned so that anterior is at the top and the right of the patient on the left.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth_core.data.readers.base import Opening
from synth_core.data.readers.files import Files
from synth_core.data.recording import Recording, Source
from synth_core.errors import DamagedFile, DataError
from synth_core.types import DataSpec

AIR = -1024.0  # HU; what padding outside the reconstruction circle becomes
MOST_PIXELS, MOST_SLICES = 4096**2, 5000
NEEDED = ("SeriesInstanceUID", "Rows", "Columns", "PixelSpacing", "ImagePositionPatient", "ImageOrientationPatient")
TAGS = [
    *NEEDED, "Modality", "ImageType", "PatientID", "PatientIdentityRemoved", "SeriesDescription", "StudyDescription",
    "GantryDetectorTilt", "SliceThickness", "Manufacturer", "ManufacturerModelName", "ConvolutionKernel", "KVP",
    "NumberOfFrames", "SamplesPerPixel", "BitsAllocated", "RescaleSlope", "RescaleIntercept", "PixelPaddingValue",
]  # fmt: skip
SHOWN = {
    "SeriesDescription": "series", "StudyDescription": "study", "Manufacturer": "manufacturer",
    "ManufacturerModelName": "scanner", "ConvolutionKernel": "kernel", "KVP": "tube voltage (kV)",
    "SliceThickness": "slice thickness (mm)", "GantryDetectorTilt": "gantry tilt (degrees)",
}  # fmt: skip


@dataclass(kw_only=True)
class DicomSeries(Recording):
    """One series; `files` are its slices in order along the normal, from the lowest position."""

    files: tuple[Path, ...]

    def read(self, start: int | None = None, stop: int | None = None) -> NDArray[np.float32]:
        """See Recording."""
        first, last = self.span(start, stop)
        volume = np.empty((last - first, *self.spec.shape[1:]), np.float32)
        for i, file in enumerate(self.files[first:last]):
            volume[i] = _hounsfield(file)
        return volume


def read(files: Files, opening: Opening) -> list[Recording]:
    """One recording per CT series with at least one readable slice; scouts and other modalities are skipped."""
    series: dict[str, list[tuple[Path, Any]]] = defaultdict(list)
    for file in [file for file in files if _is_dicom(files.head(file))]:
        files.take(file)
        try:
            header = _header(file)
            series[str(header.SeriesInstanceUID)].append((file, header))
        except DataError as error:
            opening.skipped.append(error)
    return [_series(slices, opening) for slices in series.values()]


def _series(slices: list[tuple[Path, Any]], opening: Opening) -> DicomSeries:
    if len(slices) > MOST_SLICES:
        raise DataError(slices[0][0].parent, f"has a series of {len(slices)} slices; at most {MOST_SLICES} are read.")
    kept = _in_order(_of_one_geometry(slices, opening), opening)
    positions = np.array([_position(header) for _, header in kept])
    first = kept[0][1]
    spacing = float(np.mean([float(value) for value in first.PixelSpacing]))
    return DicomSeries(
        spec=DataSpec("ct", (1, int(first.Rows), int(first.Columns)), "HU", 1.0 / spacing),
        subject=_subject(first),
        record=_series_name(str(first.SeriesInstanceUID)),
        slices=len(kept),
        source=Source(kept[0][0].resolve().parent.name),
        metadata={**_described(first), **_gaps(positions), "pixel spacing (mm)": spacing},
        files=tuple(file for file, _ in kept),
    )


def _is_dicom(start: bytes) -> bool:
    return start[128:132] == b"DICM"


def _header(file: Path) -> Any:
    """The tags of one CT slice, checked; DataError for anything that is not a slice that can be read."""
    import pydicom

    try:
        with file.open("rb") as opened:
            header = pydicom.dcmread(opened, stop_before_pixels=True, specific_tags=TAGS)
            after_header = file.stat().st_size - opened.tell()
        modality = str(header.get("Modality", ""))
        missing = [tag for tag in NEEDED if not header.get(tag)]
        localizer = "LOCALIZER" in list(header.get("ImageType", []) or [])
        frames, samples = int(header.get("NumberOfFrames", 1) or 1), int(header.get("SamplesPerPixel", 1) or 1)
    except Exception as error:  # pydicom raises whatever its parsing raised
        raise DamagedFile(file, "is a damaged DICOM file; export it again.") from error
    if modality != "CT" or localizer:
        kind = "a scout image" if localizer else f"of modality {modality or 'unknown'}"
        raise DataError(file, f"is {kind}; only CT slices are read.")
    if missing:
        raise DamagedFile(file, f"lacks {', '.join(missing)}, without which a slice has no place; export it again.")
    if frames > 1 or samples > 1:
        raise DataError(file, "holds several frames or colours in one file; export the series as one file per slice.")
    _check_geometry(file, header)
    _check_length(file, header, after_header)
    return header


def _check_geometry(file: Path, header: Any) -> None:
    try:
        rows, columns = int(header.Rows), int(header.Columns)
        spacing = [float(value) for value in header.PixelSpacing]
        finite = np.isfinite([_position(header), *spacing]).all()
    except (ValueError, TypeError, IndexError) as error:
        raise DamagedFile(file, "has a position or spacing that is not a number; export it again.") from error
    if rows * columns > MOST_PIXELS or not finite or not 0.01 < min(spacing) <= max(spacing) < 20:
        raise DamagedFile(file, f"declares {rows} × {columns} pixels of {spacing} mm, which no CT slice has.")
    if max(spacing) > 1.01 * min(spacing):
        raise DataError(file, f"has pixels that are not square ({spacing} mm); resample it first.")
    if abs(_normal(header)[2]) < 0.7:
        raise DataError(file, "is not an axial slice; only axial series are read.")


def _check_length(file: Path, header: Any, available: int) -> None:
    """Raise unless the bytes after the header can hold the pixels, where these are not compressed."""
    try:
        stored = int(header.Rows) * int(header.Columns) * int(header.get("BitsAllocated", 16)) // 8
        compressed = header.file_meta.TransferSyntaxUID.is_compressed
    except (AttributeError, TypeError, ValueError) as error:
        raise DamagedFile(file, "does not say how its pixels are stored; export it again.") from error
    if not compressed and available < stored:
        problem = f"is cut short: {max(0, available):,} of {stored:,} bytes of pixels are there. Export it again."
        raise DamagedFile(file, problem)


def _of_one_geometry(slices: list[tuple[Path, Any]], opening: Opening) -> list[tuple[Path, Any]]:
    """Those of the most frequent size, spacing and orientation; the others are skipped."""
    geometries = [_geometry(header) for _, header in slices]
    usual = Counter(geometries).most_common(1)[0][0]
    for (file, _), geometry in zip(slices, geometries, strict=True):
        if geometry != usual:
            opening.skipped.append(DataError(file, "has another size or orientation than the rest of its series."))
    return [one for one, geometry in zip(slices, geometries, strict=True) if geometry == usual]


def _geometry(header: Any) -> tuple[float, ...]:
    values = [header.Rows, header.Columns, *header.PixelSpacing, *header.ImageOrientationPatient]
    return tuple(round(float(value), 3) for value in values)


def _in_order(slices: list[tuple[Path, Any]], opening: Opening) -> list[tuple[Path, Any]]:
    """Sorted by position; a second slice at the same place (another phase) is skipped."""
    ordered = sorted(slices, key=lambda one: (_position(one[1]), one[0].name))
    kept = ordered[:1]
    for one in ordered[1:]:
        if abs(_position(one[1]) - _position(kept[-1][1])) < 1e-3:
            opening.skipped.append(DataError(one[0], "lies where another slice of its series lies; it is left out."))
        else:
            kept.append(one)
    return kept


def _position(header: Any) -> float:
    """mm along the normal of the slice, upwards."""
    normal = _normal(header)
    return float(np.dot(normal * np.copysign(1.0, normal[2]), np.array(header.ImagePositionPatient, float)))


def _normal(header: Any) -> NDArray[np.float64]:
    row, column = np.array(header.ImageOrientationPatient, float).reshape(2, 3)
    return np.cross(row, column)


def _gaps(positions: NDArray[np.float64]) -> dict[str, Any]:
    """Distances between neighbouring slices."""
    if len(positions) < 2:
        return {}
    gaps = np.diff(positions)
    irregular = bool(gaps.max() - gaps.min() > 0.1 * np.median(gaps))
    return {
        "slice gaps (mm)": [round(float(value), 3) for value in np.unique(gaps.round(2))],
        "irregular slice gaps": irregular,
    }


def _described(header: Any) -> dict[str, str]:
    return {name: str(header.get(tag)) for tag, name in SHOWN.items() if header.get(tag) not in (None, "")}


def _subject(header: Any) -> str:
    """The patient ID where it is declared de-identified, else its hash; the study where there is none."""
    identity = str(header.get("PatientID") or header.SeriesInstanceUID)
    if header.get("PatientID") and header.get("PatientIdentityRemoved") == "YES":
        return identity
    return f"patient-{hashlib.sha256(identity.encode()).hexdigest()[:8]}"


def _series_name(uid: str) -> str:
    return f"series-{uid.rsplit('.', 1)[-1][-12:]}"


def _hounsfield(file: Path) -> NDArray[np.float32]:
    """(height, width) HU, padding and everything below air as −1024."""
    import pydicom

    try:
        slice_ = pydicom.dcmread(file)
        stored = slice_.pixel_array
        slope, intercept = (
            float(slice_.get(tag, usual)) for tag, usual in (("RescaleSlope", 1), ("RescaleIntercept", 0))
        )
        right_to_left, _, _, _, front_to_back, _ = (float(value) for value in slice_.ImageOrientationPatient)
    except Exception as error:  # pydicom and its plug-ins raise whatever decoding raised
        raise DamagedFile(
            file, "has pixels that cannot be decoded; export it again, uncompressed if possible."
        ) from error
    hounsfield = stored.astype(np.float32) * np.float32(slope) + np.float32(intercept)
    padding = slice_.get("PixelPaddingValue")
    if padding is not None:
        hounsfield[stored == padding] = AIR
    turned = hounsfield[:: 1 if front_to_back >= 0 else -1, :: 1 if right_to_left >= 0 else -1]
    return np.maximum(turned, np.float32(AIR))
