"""Small valid files of each CT format, to be read and to be mutated."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIZE = 16


def head(size: int = SIZE, slices: int = 3) -> NDArray[np.int16]:
    """(slices, size, size) HU: brain in a ring of bone in air, a dense spot on the left of the array, front up."""
    y, x = np.meshgrid(np.linspace(-1, 1, size), np.linspace(-1, 1, size), indexing="ij")
    distance = np.hypot(x, y)
    image = np.where(distance < 0.7, 35, np.where(distance < 0.9, 900, -1000))
    image[size // 3, size // 4] = 300
    return np.stack([image + 2 * k for k in range(slices)]).astype(np.int16)


def dicom_dataset(values: NDArray[np.int16], number: int = 0, **changes: Any) -> Any:
    """A CT slice (one frame) as a pydicom Dataset, explicit little endian, HU + 1024 stored."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

    data = Dataset()
    data.SOPClassUID, data.SOPInstanceUID = CTImageStorage, f"1.2.3.4.{number + 1}"
    data.Modality, data.ImageType = "CT", ["ORIGINAL", "PRIMARY", "AXIAL"]
    data.PatientID, data.PatientName, data.PatientBirthDate = "MRN-1", "Doe^Jane", "19600102"
    data.StudyInstanceUID, data.SeriesInstanceUID, data.FrameOfReferenceUID = "1.2.3", "1.2.3.1", "1.2.3.9"
    data.Rows, data.Columns = values.shape[-2:]
    data.PixelSpacing, data.SliceThickness, data.ConvolutionKernel = [1, 1], 5, "H30s"
    data.ImagePositionPatient, data.ImageOrientationPatient = [-8, -8, 5.0 * number], [1, 0, 0, 0, 1, 0]
    data.SamplesPerPixel, data.PhotometricInterpretation, data.PixelRepresentation = 1, "MONOCHROME2", 0
    data.BitsAllocated, data.BitsStored, data.HighBit = 16, 12, 11
    data.RescaleSlope, data.RescaleIntercept = 1, -1024
    data.PixelData = (values + 1024).astype("<u2").tobytes()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.file_meta.MediaStorageSOPClassUID, data.file_meta.MediaStorageSOPInstanceUID = (
        data.SOPClassUID,
        data.SOPInstanceUID,
    )
    for keyword, value in changes.items():
        setattr(data, keyword, value)
    return data


def dicom_series(folder: Path, volume: NDArray[np.int16] | None = None, syntax: str | None = None) -> None:
    """A series of one file per slice, compressed by pydicom where a `syntax` is given."""
    volume = head() if volume is None else volume
    for number, values in enumerate(volume):
        data = dicom_dataset(values, number)
        if syntax is not None:
            data.compress(syntax)
        data.save_as(folder / f"{number}.dcm", enforce_file_format=True)


def dicom_deflated(folder: Path) -> None:
    """One slice as a deflated file."""
    data = dicom_dataset(head()[0])
    data.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1.99"
    data.save_as(folder / "0.dcm", enforce_file_format=True)


def dicom_jpeg_ls(folder: Path) -> NDArray[np.int16]:
    """A slice whose pixels are the JPEG-LS image that comes with pydicom; returns what they decode to."""
    import pydicom
    from pydicom.data import get_testdata_file

    packed, plain = (
        pydicom.dcmread(get_testdata_file(name)) for name in ("MR_small_jpeg_ls_lossless.dcm", "MR_small.dcm")
    )
    data = dicom_dataset(np.zeros((64, 64), np.int16), RescaleIntercept=0)
    for keyword in ("PixelData", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"):
        setattr(data, keyword, packed[keyword].value)
    data["PixelData"].VR = "OB"
    data.file_meta.TransferSyntaxUID = packed.file_meta.TransferSyntaxUID
    data.save_as(folder / "ls.dcm", enforce_file_format=True)
    return plain.pixel_array


def groups(**values: Any) -> Any:
    """A functional group item: macro name → its one item with the values given as a dict."""
    from pydicom.dataset import Dataset

    item = Dataset()
    for name, fields in values.items():
        inner = Dataset()
        for keyword, value in fields.items():
            setattr(inner, keyword, value)
        setattr(item, name, [inner])
    return item


def dicom_enhanced(folder: Path, volume: NDArray[np.int16] | None = None) -> None:
    """One multi-frame object, frames in reverse order, the last with another intercept."""
    volume = head() if volume is None else volume
    data = dicom_dataset(volume)
    for keyword in ("PixelSpacing", "ImagePositionPatient", "ImageOrientationPatient", "RescaleSlope"):
        delattr(data, keyword)
    del data.RescaleIntercept
    data.SOPClassUID, data.NumberOfFrames = "1.2.840.10008.5.1.4.1.1.2.1", len(volume)
    data.SharedFunctionalGroupsSequence = [
        groups(
            PixelMeasuresSequence={"PixelSpacing": [1, 1], "SliceThickness": 5},
            PlaneOrientationSequence={"ImageOrientationPatient": [1, 0, 0, 0, 1, 0]},
        )
    ]
    last = len(volume) - 1
    data.PerFrameFunctionalGroupsSequence = [
        groups(
            PlanePositionSequence={"ImagePositionPatient": [-8, -8, 5.0 * (last - k)]},
            PixelValueTransformationSequence={
                "RescaleSlope": 1, "RescaleIntercept": -1024 + 100 * (k == last), "RescaleType": "HU",
            },
        )
        for k in range(len(volume))
    ]  # fmt: skip
    data.save_as(folder / "enhanced.dcm", enforce_file_format=True)


def dicom_segmented(folder: Path, mask: NDArray[np.bool_] | None = None) -> None:
    """A series with a binary segmentation of its slices 1 … (0 has no frame)."""
    from pydicom.dataset import Dataset
    from pydicom.pixels.utils import pack_bits

    volume = head()
    dicom_series(folder, volume)
    mask = volume > 200 if mask is None else mask
    data = dicom_dataset(volume[1:], 90)
    del data.RescaleSlope, data.RescaleIntercept, data.ImagePositionPatient, data.ImageOrientationPatient
    data.SOPClassUID, data.Modality, data.SeriesInstanceUID = "1.2.840.10008.5.1.4.1.1.66.4", "SEG", "1.2.3.2"
    data.BitsAllocated, data.BitsStored, data.HighBit, data.NumberOfFrames = 1, 1, 0, len(mask) - 1
    data.SegmentationType, segment = "BINARY", Dataset()
    segment.SegmentNumber, segment.SegmentLabel = 1, "Calcification"
    data.SegmentSequence = [segment]
    data.SharedFunctionalGroupsSequence = [
        groups(PlaneOrientationSequence={"ImageOrientationPatient": [1, 0, 0, 0, 1, 0]})
    ]
    data.PerFrameFunctionalGroupsSequence = [
        groups(
            PlanePositionSequence={"ImagePositionPatient": [-8, -8, 5.0 * k]},
            SegmentIdentificationSequence={"ReferencedSegmentNumber": 1},
        )
        for k in range(1, len(mask))
    ]
    data.PixelData = pack_bits(mask[1:].astype(np.uint8))
    data.save_as(folder / "seg.dcm", enforce_file_format=True)


SEEDS: dict[str, Callable[[Path], object]] = {
    "dicom": dicom_series,
    "dicom rle": lambda folder: dicom_series(folder, head()[:1], "1.2.840.10008.1.2.5"),
    "dicom jpeg 2000": lambda folder: dicom_series(folder, head(64)[:1], "1.2.840.10008.1.2.4.90"),
    "dicom jpeg-ls": dicom_jpeg_ls,
    "dicom deflated": dicom_deflated,
    "dicom enhanced": dicom_enhanced,
    "dicom segmentation": dicom_segmented,
}


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """Cut, flipped, overwritten or doubled in part, so that something is wrong more often than not."""
    result = bytearray(content)
    if rng.random() < 0.25:
        result = result[: rng.integers(1, len(result) + 1)]
    for _ in range(rng.integers(1, 6)):
        position = int(rng.integers(0, len(result)))
        kind = rng.integers(0, 4)
        if kind == 0:
            result[position] ^= 1 << int(rng.integers(0, 8))
        elif kind == 1:
            result[position] = int(rng.integers(0, 256))
        elif kind == 2:
            result[position : position + 4] = rng.choice([b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff"])
        else:
            result[position:position] = result[position : position + int(rng.integers(1, 64))]
    return bytes(result)
