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


AFFINE = np.diag([-1.0, -1.0, 5.0, 1.0])  # of `stored`: to the left, to the back, up


def stored(volume: NDArray[Any]) -> NDArray[Any]:
    """(x, y, z), the first fastest, as volume files keep what is (slices, rows, columns) here."""
    return np.asfortranarray(volume.transpose(2, 1, 0))


def nifti(file: Path, volume: NDArray[Any] | None = None, affine: NDArray[np.float64] = AFFINE) -> None:
    """A NIfTI-1 file, gzipped where its name says so."""
    import nibabel

    nibabel.Nifti1Image(stored(head() if volume is None else volume), affine).to_filename(file)


def metaimage(file: Path, volume: NDArray[Any] | None = None, *, packed: bool = False, changes: str = "") -> None:
    """A .mha file with its voxels inside, or a .mhd file with them beside it."""
    import zlib

    values = stored(head() if volume is None else volume)
    content = values.tobytes(order="F")
    content = zlib.compress(content) if packed else content
    beside = file.with_suffix(".raw")
    kind = {"int16": "MET_SHORT", "uint16": "MET_USHORT", "uint8": "MET_UCHAR"}[str(values.dtype)]
    header = (
        f"ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\n"
        f"CompressedData = {packed}\nTransformMatrix = 1 0 0 0 1 0 0 0 1\nOffset = 0 0 0\nElementSpacing = 1 1 5\n"
        f"DimSize = {' '.join(map(str, values.shape))}\nElementType = {kind}\n{changes}"
        f"ElementDataFile = {'LOCAL' if file.suffix == '.mha' else beside.name}\n"
    )
    if file.suffix == ".mha":
        file.write_bytes(header.encode() + content)
    else:
        file.write_text(header)
        beside.write_bytes(content)


def nrrd(file: Path, volume: NDArray[Any] | None = None, *, packed: bool = False, data_file: str = "") -> None:
    """A NRRD file with its voxels inside."""
    import gzip

    values = stored(head() if volume is None else volume)
    content = values.tobytes(order="F")
    header = (
        f"NRRD0004\n# made for a test\ntype: {values.dtype}\ndimension: 3\nspace: left-posterior-superior\n"
        f"sizes: {' '.join(map(str, values.shape))}\nspace directions: (1,0,0) (0,1,0) (0,0,5)\n"
        f"kinds: domain domain domain\nendian: little\nencoding: {'gzip' if packed else 'raw'}\n"
        f"space origin: (0,0,0)\n{data_file}\n"
    )
    file.write_bytes(header.encode() + (gzip.compress(content) if packed else content))


SEEDS |= {
    "nifti": lambda folder: nifti(folder / "a.nii"),
    "nifti gzip": lambda folder: nifti(folder / "a.nii.gz"),
    "metaimage": lambda folder: metaimage(folder / "a.mha"),
    "metaimage packed": lambda folder: metaimage(folder / "a.mha", packed=True),
    "metaimage beside": lambda folder: metaimage(folder / "a.mhd"),
    "nrrd": lambda folder: nrrd(folder / "a.nrrd"),
    "nrrd gzip": lambda folder: nrrd(folder / "a.nrrd", packed=True),
}


def images(folder: Path, ending: str = ".png", *, masks: bool = False) -> None:
    """Three 8-bit slices called 000, 001, 002 and a table as archives write it, with a blank before a column's name."""
    from PIL import Image

    for number, values in enumerate(head(32)):
        grey = np.clip(values.astype(float) * 255 / 80, 0, 255).astype(np.uint8)
        Image.fromarray(grey).convert("RGB").save(folder / f"{number:03d}{ending}")
        if masks and number == 1:
            (folder / "masks").mkdir()
            Image.fromarray(((values > 200) * 255).astype(np.uint8)).save(folder / "masks" / f"{number:03d}.png")
    (folder / "labels.csv").write_text("id, hemorrhage\n0,0\n1,1\n2,0\n")


SEEDS |= {
    "png": images,
    "jpeg": lambda folder: images(folder, ".jpg"),
    "tiff": lambda folder: images(folder, ".tif"),
}


def listed(folder: Path) -> None:
    """A MetaImage header that lists a file for each slice."""
    names = [f"s{number}.raw" for number in range(3)]
    for name, values in zip(names, head(), strict=True):
        (folder / name).write_bytes(values.astype("<i2").tobytes())
    metaimage(folder / "a.mhd")
    header = (folder / "a.mhd").read_text().replace("a.raw", "LIST\n" + "\n".join(names))
    (folder / "a.mhd").write_text(header)
    (folder / "a.raw").unlink()


def pages(folder: Path) -> None:
    """A TIFF of three 8-bit pages."""
    import tifffile

    grey = np.clip(head(32) * 255.0 / 80, 0, 255).astype(np.uint8)
    tifffile.imwrite(folder / "a.tif", grey, photometric="minisblack")


SEEDS |= {
    "metaimage list": listed,
    "tiff pages": pages,
    "arrays of ct": lambda folder: np.savez(folder / "a.npz", ct=head()),
    "nifti of a label map": lambda folder: nifti(folder / "a_seg.nii.gz", (head() > 200) * np.int16(3)),
}
