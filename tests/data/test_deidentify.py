"""Nothing that names a person survives the basic profile, wherever it stands."""

from __future__ import annotations

import io
import re
from datetime import datetime

import pydicom
import pytest
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from synth_core.data.basic_profile import BASIC_PROFILE
from synth_core.data.deidentify import PRIVATE, burned_in_warning, deidentified, personal_attributes

SECRET = "Zephyrine"
_CONTENT = {
    "DA": "20240305", "DT": "20240305101112.5+0100", "TM": "101112", "AS": "061Y", "UI": "1.2.3.99", "IS": "61",
    "DS": "6.1", "OB": SECRET.encode() + b" ", "OW": SECRET.encode() + b" ", "UN": SECRET.encode() + b" ", "SQ": None,
    **dict.fromkeys(("US", "UL", "SS", "SL", "FL", "FD"), 61),
}  # fmt: skip


def value_of(keyword: str) -> object:
    representation = dictionary_VR(keyword).split(" or ")[0]
    if representation == "SQ":
        inner = Dataset()
        inner.PatientName, inner.TextValue = SECRET, SECRET
        return [inner]
    return _CONTENT.get(representation, SECRET)


def identifying() -> Dataset:
    """Every attribute of the table with content, private ones, and a sequence that holds a name further in."""
    dataset = Dataset()
    for keyword in BASIC_PROFILE:
        if tag_for_keyword(keyword) >= 0x00080000 and keyword not in ("DataSetTrailingPadding",):
            setattr(dataset, keyword, value_of(keyword))
    dataset.SOPClassUID, dataset.Modality, dataset.SliceThickness = CTImageStorage, "CT", 5
    dataset.private_block(0x0029, "ACME", create=True).add_new(0x10, "LO", SECRET)
    inner = Dataset()
    inner.PatientName, inner.ReferencedSOPInstanceUID, inner.SliceThickness = SECRET, "1.2.3.4", 3
    dataset.SharedFunctionalGroupsSequence = [inner]
    dataset.add_new(0x60003000, "OW", b"\1\2")
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = CTImageStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.preamble = SECRET.encode().ljust(128, b"\0")
    return dataset


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_no_name_date_or_uid_is_left_in_the_bytes() -> None:
    clean, removed = deidentified(identifying(), "salt")
    written = io.BytesIO()
    clean.save_as(written)
    for trace in (SECRET.encode(), b"20240305", b"1.2.3.99", b"1.2.3.4", b"061Y"):
        assert trace not in written.getvalue()
    assert {"Patient's Name", "Accession Number", "Series Description", PRIVATE} <= set(removed)
    assert clean.SliceThickness == 5
    assert clean.SharedFunctionalGroupsSequence[0].SliceThickness == 3
    assert clean.SOPClassUID == CTImageStorage
    assert clean.PatientIdentityRemoved == "YES"
    assert not any(element.tag.is_private for element in clean)
    assert pydicom.dcmread(io.BytesIO(written.getvalue())).file_meta.MediaStorageSOPInstanceUID == clean.SOPInstanceUID


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_original_stays_and_a_second_pass_finds_only_dummies() -> None:
    original = identifying()
    clean, _ = deidentified(original, "salt")
    assert original.PatientName == SECRET
    assert not {"Patient's Name", "Patient's Age", PRIVATE} & set(personal_attributes(clean))


def dated(patient: str, day: str, uid: str = "1.2.3") -> Dataset:
    dataset = Dataset()
    dataset.PatientID, dataset.StudyDate, dataset.StudyInstanceUID = patient, day, uid
    return dataset


def test_dates_shift_alike_for_one_patient() -> None:
    def shifted(patient: str, day: str, salt: str = "salt") -> datetime:
        return datetime.strptime(deidentified(dated(patient, day), salt)[0].StudyDate, "%Y%m%d")

    first, later = shifted("anna", "20240101"), shifted("anna", "20240131")
    assert (later - first).days == 30
    assert first < datetime(2024, 1, 1)
    assert len({shifted(name, "20240101") for name in ("anna", "bert", "cleo", "dora")}) > 1
    assert first != shifted("anna", "20240101", salt="another")


def test_uids_stay_linked_under_one_salt() -> None:
    one, two = (deidentified(dated("anna", "20240101"), "salt")[0] for _ in range(2))
    other, _ = deidentified(dated("anna", "20240101"), "pepper")
    assert one.StudyInstanceUID == two.StudyInstanceUID != other.StudyInstanceUID
    assert re.fullmatch(r"2\.25\.\d{1,39}", one.StudyInstanceUID)
    assert one.PatientID == two.PatientID != "anna"


def test_a_salt_is_needed() -> None:
    with pytest.raises(ValueError, match="salt"):
        deidentified(Dataset(), "")


def test_text_in_pixels_is_warned_of() -> None:
    dataset = Dataset()
    assert burned_in_warning(dataset) is None
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7.2"
    assert "screen shot" in str(burned_in_warning(dataset))
    dataset.BurnedInAnnotation = "YES"
    assert "burned" in str(burned_in_warning(dataset))
