"""DICOM CT as hospitals export it: compressed, multi-frame, tilted, several series at once, segmented."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pydicom
import pytest

from synth_core.data import open_recordings
from synth_core.data.readers import dicom_slices
from synth_core.data.readers.codestream import codestream_size
from synth_core.errors import DamagedFile, DataError
from tests.data.fuzz_ct import (
    dicom_dataset,
    dicom_deflated,
    dicom_enhanced,
    dicom_jpeg_ls,
    dicom_segmented,
    dicom_series,
    head,
)

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.90"], ids=["rle", "jpeg2000"])
def test_lossless_compression_changes_nothing(tmp_path: Path, syntax: str) -> None:
    dicom_series(tmp_path, head(64), syntax)
    np.testing.assert_array_equal(open_recordings(tmp_path)[0].read(), head(64))


def test_jpeg_ls_and_deflated_files_are_decoded(tmp_path: Path) -> None:
    for name in ("ls", "deflated"):
        (tmp_path / name).mkdir()
    expected = dicom_jpeg_ls(tmp_path / "ls")
    np.testing.assert_array_equal(open_recordings(tmp_path / "ls")[0].read()[0], expected)
    dicom_deflated(tmp_path / "deflated")
    np.testing.assert_array_equal(open_recordings(tmp_path / "deflated")[0].read(), head()[:1])


def test_a_deflated_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dicom_deflated(tmp_path)
    monkeypatch.setattr(dicom_slices, "MOST_INFLATED", 500)
    with pytest.raises(DamagedFile, match="is deflated"):
        open_recordings(tmp_path)


def test_frames_are_placed_and_scaled_each_by_itself(tmp_path: Path) -> None:
    dicom_enhanced(tmp_path)
    series = open_recordings(tmp_path)[0]
    expected = head()[::-1].copy()  # stored from the top down
    expected[0] += 100
    np.testing.assert_array_equal(series.read(), np.maximum(expected, -1024))
    np.testing.assert_array_equal(series.read(1, 2), expected[1:2])
    assert series.metadata["slice gaps (mm)"] == [5.0]
    assert series.metadata["slice thickness (mm)"] == "5.0"


def test_frames_without_places_are_refused(tmp_path: Path) -> None:
    dicom_dataset(head(), NumberOfFrames=3).save_as(tmp_path / "x.dcm", enforce_file_format=True)
    with pytest.raises(DataError, match="one file per slice"):
        open_recordings(tmp_path)


def test_series_of_one_folder_are_told_apart(tmp_path: Path) -> None:
    for series, kernel in enumerate(("H30s", "H60s")):
        for number in range(2 + series):
            data = dicom_dataset(
                head()[number], number, SeriesInstanceUID=f"1.2.3.{series + 1}", ConvolutionKernel=kernel
            )
            data.SOPInstanceUID = f"1.2.3.{series}.{number}"
            data.save_as(tmp_path / f"{series}{number}.dcm", enforce_file_format=True)
    recordings = open_recordings(tmp_path)
    assert [(one.metadata["kernel"], one.metadata["slices"]) for one in recordings] == [("H30s", 2), ("H60s", 3)]
    assert len({one.subject for one in recordings}) == 1
    assert len({one.record for one in recordings}) == 2


def test_rows_and_columns_that_run_backwards_are_turned(tmp_path: Path) -> None:
    data = dicom_dataset(head()[0][::-1, ::-1], ImageOrientationPatient=[-1, 0, 0, 0, -1, 0])
    data.save_as(tmp_path / "x.dcm", enforce_file_format=True)
    np.testing.assert_array_equal(open_recordings(tmp_path)[0].read()[0], head()[0])


def test_a_segmentation_becomes_the_lesion_mask(tmp_path: Path) -> None:
    dicom_segmented(tmp_path)
    skipped: list[DataError] = []
    series = open_recordings(tmp_path, skipped=skipped)[0]
    mask = series.lesion_mask()
    assert mask is not None
    assert not skipped
    expected = head() > 200
    expected[0] = False  # it has no frame there
    np.testing.assert_array_equal(mask, expected)


def test_a_segmentation_of_something_else_is_told(tmp_path: Path) -> None:
    dicom_segmented(tmp_path)
    data = pydicom.dcmread(tmp_path / "seg.dcm")
    data.FrameOfReferenceUID = "1.2.3.77"
    data.save_as(tmp_path / "seg.dcm")
    skipped: list[DataError] = []
    assert open_recordings(tmp_path, skipped=skipped)[0].lesion_mask() is None
    assert "lies on no slice" in str(skipped[0])


def test_nothing_personal_leaves_the_reader(tmp_path: Path) -> None:
    secrets = {
        "PatientName": "Zephyrine^Q", "PatientID": "MRN-778899", "AccessionNumber": "ACC-4711", "StudyDate": "20240305",
        "InstitutionName": "Hospital Nowhere", "ReferringPhysicianName": "Who^Doctor", "PatientAge": "061Y",
        "SeriesDescription": "headache of Z", "PatientComments": "lives at 3 Elm St", "StudyInstanceUID": "1.2.9.77",
        "StationName": "ROOM42",
    }  # fmt: skip
    data = dicom_dataset(head()[0], **secrets)
    data.private_block(0x0029, "ACME", create=True).add_new(0x10, "LO", "Zephyrine")
    data.save_as(tmp_path / "x.dcm", enforce_file_format=True)
    series = open_recordings(tmp_path)[0]
    removed = series.metadata["removed"]
    told = repr((series.subject, series.record, series.metadata, series.source.citation))
    for secret in (*secrets.values(), data.SeriesInstanceUID, "Zephyrine", "19600102"):
        assert str(secret) not in told
    assert {"Patient's Name", "Series Description", "Station Name", "private attributes"} <= set(removed)


def test_descriptions_are_shown_where_identity_was_removed(tmp_path: Path) -> None:
    data = dicom_dataset(head()[0], SeriesDescription="Head 5 mm", PatientIdentityRemoved="YES")
    data.save_as(tmp_path / "x.dcm", enforce_file_format=True)
    metadata = open_recordings(tmp_path)[0].metadata
    assert metadata["series"] == "Head 5 mm"
    assert "Series Description" not in metadata["removed"]


def test_warnings_are_sentences(tmp_path: Path) -> None:
    data = dicom_dataset(head()[0], BurnedInAnnotation="YES", PatientID="", PatientName="")
    del data.RescaleSlope, data.RescaleIntercept
    data.save_as(tmp_path / "x.dcm", enforce_file_format=True)
    warning = " ".join(open_recordings(tmp_path)[0].warnings)
    for part in ("burned into", "no rescale", "name no patient"):
        assert part in warning


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"PixelSpacing": [1, 2]}, "not square"),
        ({"RescaleType": "Z_EFF"}, "of type Z_EFF"),
        ({"ImageOrientationPatient": [1, 0, 0, 0, 0, -1]}, "not an axial"),
        ({"SamplesPerPixel": 3}, "in colour"),
        ({"RescaleSlope": 0}, "that no CT has"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "scout"),
        ({"Modality": "MR"}, "of modality MR"),
        ({"NumberOfFrames": 100000}, "at most 5000"),
    ],
)
def test_what_is_not_a_head_ct_is_refused_in_a_sentence(tmp_path: Path, changes: dict, sentence: str) -> None:
    dicom_dataset(head()[0], **changes).save_as(tmp_path / "x.dcm", enforce_file_format=True)
    with pytest.raises(DataError, match=sentence):
        open_recordings(tmp_path)


def test_a_directory_file_is_neither_followed_nor_complained_of(tmp_path: Path) -> None:
    dicom_series(tmp_path)
    data = dicom_dataset(head()[0])
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID = "1.2.840.10008.1.3.10"
    data.save_as(tmp_path / "DICOMDIR", enforce_file_format=True)
    skipped: list[DataError] = []
    assert open_recordings(tmp_path, skipped=skipped)[0].slices == 3
    assert not skipped


def test_a_codestream_that_claims_to_be_huge_is_refused_before_decoding(tmp_path: Path) -> None:
    dicom_series(tmp_path, head(64)[:1], "1.2.840.10008.1.2.4.90")
    content = bytearray((tmp_path / "0.dcm").read_bytes())
    place = content.index(b"\xff\x4f\xff\x51") + 8
    content[place : place + 8] = (60000).to_bytes(4, "big") * 2
    (tmp_path / "0.dcm").write_bytes(content)
    with pytest.raises(DamagedFile, match="compressed image of"):
        open_recordings(tmp_path)[0].read()


def test_codestream_sizes_of_jpeg() -> None:
    frame = b"\xff\xd8\xff\xe0\x00\x04\0\0\xff\xc3\x00\x0b\x0c\x02\x00\x01\x00\x01\x01\x11\x00"
    assert codestream_size(frame) == (512, 256)
    assert codestream_size(zlib.compress(b"x")) is None


@pytest.mark.data
def test_a_tilted_series_keeps_its_geometry(shared_data: Path) -> None:
    series = open_recordings(shared_data / "ct/ge_head_dicom")[0]
    assert series.metadata["series number"] == "2"
    assert series.metadata["study"] == "HEAD"  # its identity was removed
    assert series.subject.startswith("patient-")
    assert series.metadata["slice gaps (mm)"] == [1.08, 4.0, 7.0]  # along the normal
