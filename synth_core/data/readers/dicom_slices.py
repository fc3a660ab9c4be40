"""One DICOM CT file → its slices: where each lies, how its stored values become Hounsfield units.

DICOM PS3.3 C.7.6.2 (image plane), C.11.1 (modality LUT); multi-frame objects: C.7.6.16 (functional groups).
Compressed pixels are decoded by pydicom and its plug-ins: JPEG, JPEG-LS, JPEG 2000, RLE; deflated files too.
"""

from __future__ import annotations

import io
import re
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from synth_core.data.readers.codestream import codestream_size
from synth_core.data.readers.files import check_regular, head, read_bounded
from synth_core.data.readers.hounsfield import AIR
from synth_core.errors import DamagedFile, DataError

MOST_PIXELS, MOST_SLICES = 4096**2, 5000
MOST_INFLATED = 2**30  # bytes of a deflated file
DEFLATED, PLAIN = b"1.2.840.10008.1.2.1.99", b"1.2.840.10008.1.2.1\0\0\0"
SCALES = {  # what a slice says of its scale → what a whole series of such is warned of
    "HU": "",
    "US": "The header calls the unit unspecified (US): values are taken as Hounsfield units.",
    "none": "The header gives no rescale: stored values are taken as Hounsfield units.",
}
GROUPS = ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")
PLACED = ("PixelSpacing", "ImagePositionPatient", "ImageOrientationPatient")
CT_CLASSES = ("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.2.1")  # CT image, enhanced CT image
NEEDED = ("SeriesInstanceUID", "Rows", "Columns")
TAGS = [
    *NEEDED, *PLACED, *GROUPS, "SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID", "Modality",
    "ImageType", "PatientID", "PatientName", "PatientIdentityRemoved", "SeriesDescription", "StudyDescription",
    "SeriesNumber", "GantryDetectorTilt", "SliceThickness", "Manufacturer", "ManufacturerModelName",
    "ConvolutionKernel", "KVP", "BodyPartExamined", "BurnedInAnnotation", "NumberOfFrames", "SamplesPerPixel",
    "BitsAllocated", "RescaleSlope", "RescaleIntercept", "RescaleType", "PixelPaddingValue", "InstanceNumber",
    "AcquisitionNumber", "AcquisitionTime", "TemporalPositionIndex", "TemporalPositionIdentifier",
]  # fmt: skip
# group 0002 or 0008 with an explicit or a short implicit length, little-endian, at the very beginning
_BARE = re.compile(
    rb"(?:\x02\x00[\x00-\x03]\x00|\x08\x00[\x00\x05\x08\x16\x18]\x00)(?:[A-Z]{2}|[\x02-\x80]\x00\x00\x00)", re.DOTALL
)
_IN_GROUPS = {
    "ImagePositionPatient": "PlanePositionSequence",
    "ImageOrientationPatient": "PlaneOrientationSequence",
    "PixelSpacing": "PixelMeasuresSequence",
    "SliceThickness": "PixelMeasuresSequence",
    "RescaleSlope": "PixelValueTransformationSequence",
    "RescaleIntercept": "PixelValueTransformationSequence",
    "RescaleType": "PixelValueTransformationSequence",
    "ConvolutionKernel": "CTReconstructionSequence",
    "KVP": "CTXRayDetailsSequence",
    "GantryDetectorTilt": "CTGeometrySequence",
}


@dataclass(frozen=True)
class Slice:
    """One image of a series.

    Parameters
    ----------
    file, frame : where it is; frame is None in an object of one frame.
    uid : of the object, by which segmentations refer to it.
    position : mm along the normal of the slice, upwards.
    size : rows, columns. spacing : mm between rows, between columns.
    orientation : direction of a row, then of a column, unit vectors (right → left, front → back, up).
    instance, acquisition, temporal : numbers of the image, of its acquisition, of its phase. time : of acquisition, as
        written. kind : type and kernel.
    slope, intercept : stored value → HU. scale : who says so, see SCALES.
    padding : the stored value that means no measurement.
    """

    file: Path
    frame: int | None
    uid: str
    position: float
    size: tuple[int, int]
    spacing: tuple[float, float]
    orientation: tuple[float, ...]
    slope: float
    intercept: float
    padding: float | None
    instance: int = 0
    acquisition: str = ""
    kind: str = ""
    temporal: str = ""
    time: str = ""
    scale: str = "HU"

    @property
    def geometry(self) -> tuple[float, ...]:
        """What slices of one series share."""
        return (*self.size, *(round(value, 3) for value in (*self.spacing, *self.orientation)))


def is_dicom(start: bytes) -> bool:
    """Whether a file that begins so is DICOM (PS3.10), or a data set alone, as old archives keep it."""
    return start[128:132] == b"DICM" or bool(_BARE.match(start))


def header_of(file: Path, tags: list[str] | None = TAGS) -> Any:
    """The `tags`, or all, of a file before its pixels, as a pydicom Dataset with `available`: the bytes after them."""
    import pydicom

    try:
        with opened(file) as stream:
            header = pydicom.dcmread(stream, stop_before_pixels=True, specific_tags=tags)
            start = stream.tell()
            header.available = stream.seek(0, io.SEEK_END) - start
    except DataError:
        raise
    except Exception as error:  # pydicom raises whatever its parsing raised
        raise DamagedFile(file, "is a damaged DICOM file; export it again.") from error
    return header


def slices_in(file: Path, header: Any) -> list[Slice]:
    """The slices of a CT file in the order of its frames; DataError for anything that is not CT that can be read."""
    try:
        _check_kind(file, header)
        frames = _frames(file, header)
        slices = [_slice(file, header, groups, number) for number, groups in frames]
        _check_length(file, header, max(1, len(slices)))
    except DataError:
        raise
    except Exception as error:  # values of the wrong kind, or too few of them
        raise DamagedFile(file, "has a position, spacing or scale that is not a number; export it again.") from error
    return slices


def value_of(header: Any, tag: str, groups: tuple[Any, ...] = ()) -> Any:
    """A value of a frame: from its own functional groups, from the shared ones, else of the object."""
    for group in groups:
        items = group.get(_IN_GROUPS.get(tag, ""))
        if items and items[0].get(tag) not in (None, ""):
            return items[0].get(tag)
    return header.get(tag)


def plain_word(value: Any) -> str:
    """A code of the standard; "" for anything else, which in a damaged file may be the name of the patient."""
    text = str(value or "")
    return text if re.fullmatch(r"[A-Z_]{1,16}", text) else ""


def groups_of(header: Any, frame: int) -> tuple[Any, ...]:
    """The functional groups of one frame, its own first; none in an object of one frame."""
    shared, own = (header.get(name) or [] for name in GROUPS)
    return (*own[frame : frame + 1], *shared[:1])


def hounsfield(one: Slice) -> NDArray[np.float32]:
    """(height, width) HU, anterior at the top and the right of the patient on the left; −1024 is the least."""
    stored = stored_values(one.file, one.frame or 0, one.size)
    values = stored.astype(np.float32) * np.float32(one.slope) + np.float32(one.intercept)
    if one.padding is not None:
        values[stored == one.padding] = AIR
    return np.maximum(turned(values, one.orientation), np.float32(AIR))


def turned(image: NDArray[Any], orientation: tuple[float, ...]) -> NDArray[Any]:
    """Rows and columns reversed where they run backwards."""
    right_to_left, front_to_back = orientation[0], orientation[4]
    return image[:: 1 if front_to_back >= 0 else -1, :: 1 if right_to_left >= 0 else -1]


def stored_values(file: Path, frame: int, size: tuple[int, int]) -> NDArray[Any]:
    """One frame as it is stored, decoded; DamagedFile when it is not of the size that the header gives."""
    from pydicom.pixels import pixel_array

    try:
        with opened(file) as stream:
            _check_codestream(file, stream, frame, size)
            stream.seek(0)
            stored: NDArray[Any] = pixel_array(stream, index=frame)
    except DataError:
        raise
    except Exception as error:  # pydicom and its plug-ins raise whatever decoding raised
        problem = "has pixels that cannot be decoded; export it again, uncompressed if possible."
        raise DamagedFile(file, problem) from error
    if stored.shape != size:
        raise DamagedFile(file, f"holds an image of {stored.shape} where {size} is declared; export it again.")
    return stored


def opened(file: Path) -> BinaryIO:
    """A file to read from its start; a deflated one as if it had not been, within a bound."""
    from pydicom.filereader import read_file_meta_info

    check_regular(file)
    try:
        start = head(file, 132)
        if start[128:] != b"DICM" and _BARE.match(start):
            return io.BytesIO(_preamble(start) + read_bounded(file, MOST_INFLATED, "a DICOM slice"))
        meta = read_file_meta_info(file)
        if str(meta.get("TransferSyntaxUID", "")).encode() != DEFLATED:
            return file.open("rb")
        return _inflated(file, 144 + int(meta.FileMetaInformationGroupLength))
    except DataError:
        raise
    except Exception as error:
        raise DamagedFile(file, "is a damaged DICOM file; export it again.") from error


def _preamble(start: bytes) -> bytes:
    """What PS3.10 puts before a data set: 128 bytes, DICM, and the transfer syntax where it is not stated."""
    if start[:2] == b"\x02\x00":
        return bytes(128) + b"DICM"
    syntax = b"1.2.840.10008.1.2.1\0" if start[4:6].isalpha() else b"1.2.840.10008.1.2\0"
    element = b"\x02\x00\x10\x00UI" + struct.pack("<H", len(syntax)) + syntax
    return bytes(128) + b"DICM" + b"\x02\x00\x00\x00UL\x04\x00" + struct.pack("<I", len(element)) + element


def _inflated(file: Path, start: int) -> BinaryIO:
    """PS3.5 A.5: all after the file meta is one deflated stream."""
    content = file.read_bytes()
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    data = inflater.decompress(content[start:], MOST_INFLATED)
    if inflater.unconsumed_tail or DEFLATED not in content[:start]:
        raise DamagedFile(file, f"is deflated and holds more than {MOST_INFLATED / 2**30:.0f} GB; export it again.")
    return io.BytesIO(content[:start].replace(DEFLATED, PLAIN) + data)


def _check_kind(file: Path, header: Any) -> None:
    by_class = "CT" if str(header.get("SOPClassUID", "")) in CT_CLASSES else ""
    modality = plain_word(header.get("Modality")) or by_class
    image_type = [str(one).upper() for one in header.get("ImageType") or []]
    if image_type[:2] == ["DERIVED", "SECONDARY"]:
        raise DataError(file, "is derived from other images (DERIVED, SECONDARY), no original slice; it is left out.")
    if modality != "CT" or "LOCALIZER" in list(header.get("ImageType") or []):
        kind = "a scout image" if modality == "CT" else f"of modality {modality or 'unknown'}"
        raise DataError(file, f"is {kind}; only CT slices are read.")
    missing = [tag for tag in NEEDED if not header.get(tag)]
    if missing:
        raise DamagedFile(file, f"lacks {', '.join(missing)}, without which a slice has no place; export it again.")
    if int(header.get("SamplesPerPixel", 1) or 1) > 1:
        raise DataError(file, "is in colour, not in Hounsfield units; export the original series.")
    if int(header.Rows) * int(header.Columns) > MOST_PIXELS:
        raise DamagedFile(file, f"declares {header.Rows} × {header.Columns} pixels, which no CT slice has.")


def _frames(file: Path, header: Any) -> list[tuple[int | None, tuple[Any, ...]]]:
    """Number and functional groups of each frame."""
    count = int(header.get("NumberOfFrames", 1) or 1)
    if count > MOST_SLICES:
        raise DataError(file, f"declares {count} frames; at most {MOST_SLICES} are read.")
    own = header.get(GROUPS[1])
    if own is None:
        if count > 1:
            raise DataError(file, "holds several frames without their places; export the series as one file per slice.")
        return [(None, ())]
    if len(own) != count:
        raise DamagedFile(file, f"declares {count} frames and describes {len(own)}; export it again.")
    return [(number, groups_of(header, number)) for number in range(count)]


def _slice(file: Path, header: Any, groups: tuple[Any, ...], frame: int | None) -> Slice:
    given = {tag: value_of(header, tag, groups) for tag in (*PLACED, "RescaleSlope", "RescaleIntercept", "RescaleType")}
    missing = [tag for tag in PLACED if not given[tag]]
    if missing:
        raise DamagedFile(file, f"lacks {', '.join(missing)}, without which a slice has no place; export it again.")
    if given["RescaleType"] not in (None, "", "HU", "HU_MOD", "US"):
        kind = plain_word(given["RescaleType"]) or "unknown"
        raise DataError(file, f"has values of type {kind}, not Hounsfield units; export another series.")
    slope, intercept = (
        float(usual if given[tag] is None else given[tag])
        for tag, usual in (("RescaleSlope", 1), ("RescaleIntercept", 0))
    )
    orientation = tuple(float(value) for value in given["ImageOrientationPatient"])
    spacing = float(given["PixelSpacing"][0]), float(given["PixelSpacing"][1])
    position = height_of(file, orientation, [float(value) for value in given["ImagePositionPatient"]])
    _check_numbers(file, (position, slope, intercept), spacing)
    padding = header.get("PixelPaddingValue")
    return Slice(
        file=file,
        frame=frame,
        uid=str(header.get("SOPInstanceUID", "")),
        position=position,
        size=(int(header.Rows), int(header.Columns)),
        spacing=spacing,
        orientation=orientation,
        slope=slope,
        intercept=intercept,
        padding=None if padding is None else float(padding),
        instance=int(header.get("InstanceNumber") or 0) if frame is None else frame,
        acquisition=str(header.get("AcquisitionNumber") or ""),
        kind=f"{header.get('ImageType')} {value_of(header, 'ConvolutionKernel', groups)}",
        temporal=str(header.get("TemporalPositionIndex") or header.get("TemporalPositionIdentifier") or ""),
        time=str(header.get("AcquisitionTime") or ""),
        scale=_scale(given),
    )


def _scale(given: dict[str, Any]) -> str:
    """A key of SCALES: Hounsfield units, unspecified ones, or no scale at all."""
    if given["RescaleSlope"] is None or given["RescaleIntercept"] is None:
        return "none"
    return "US" if given["RescaleType"] == "US" else "HU"


def height_of(file: Path, orientation: tuple[float, ...], corner: list[float]) -> float:
    """The height of a slice; DataError unless it is axial."""
    a, b, c, d, e, f = orientation
    normal = (b * f - c * e, c * d - a * f, a * e - b * d)
    if not abs(normal[2]) >= 0.7:
        raise DataError(file, "is not an axial slice; only axial series are read.")
    x, y, z = corner
    return (normal[0] * x + normal[1] * y + normal[2] * z) * (1 if normal[2] > 0 else -1)


def _check_numbers(file: Path, numbers: tuple[float, ...], spacing: tuple[float, float]) -> None:
    if not np.isfinite(numbers).all() or numbers[1] == 0 or max(map(abs, numbers)) > 1e7:
        raise DamagedFile(file, "has a position or scale that no CT has; export it again.")
    if not 0.01 < min(spacing) <= max(spacing) < 20:
        raise DamagedFile(file, f"declares pixels of {list(spacing)} mm, which no CT slice has.")
    if max(spacing) > 1.01 * min(spacing):
        raise DataError(file, f"has pixels that are not square ({list(spacing)} mm); resample it first.")


def _check_length(file: Path, header: Any, frames: int) -> None:
    """Raise unless the bytes after the header can hold the pixels, where these are not compressed."""
    try:
        stored = int(header.Rows) * int(header.Columns) * int(header.get("BitsAllocated", 16)) // 8 * frames
        compressed = header.file_meta.TransferSyntaxUID.is_compressed
    except (AttributeError, TypeError, ValueError) as error:
        raise DamagedFile(file, "does not say how its pixels are stored; export it again.") from error
    if not compressed and header.available < stored:
        problem = (
            f"is cut short: {max(0, header.available):,} of {stored:,} bytes of pixels are there. Export it again."
        )
        raise DamagedFile(file, problem)


def _check_codestream(file: Path, stream: BinaryIO, frame: int, size: tuple[int, int]) -> None:
    """Raise unless a JPEG image is of the declared size: decoders allocate what it says itself."""
    import pydicom
    from pydicom.encaps import get_frame

    header = pydicom.dcmread(stream, stop_before_pixels=True, specific_tags=["NumberOfFrames"])
    if not header.file_meta.TransferSyntaxUID.is_encapsulated:
        return
    stream.seek(12, io.SEEK_CUR)  # tag, VR and length of the pixel data
    code = get_frame(stream, frame, number_of_frames=int(header.get("NumberOfFrames", 1) or 1))
    declared = codestream_size(code)
    if declared is not None and declared != size:
        raise DamagedFile(file, f"holds a compressed image of {declared} where {size} is declared; export it again.")
