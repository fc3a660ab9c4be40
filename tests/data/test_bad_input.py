"""Every bad input: one sentence that names the file and says what to do, nothing left behind."""

from __future__ import annotations

import contextlib
import gzip
import plistlib
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from synth_core.data import Preparation, archives, open_recordings, prepare
from synth_core.data.readers.files import sibling
from synth_core.errors import DamagedFile, DataError, UnrecognisedData
from tests.data.memory import signal


def wfdb_record(folder: Path, name: str = "r1", *, samples: int = 100, stored: int = 100, file: str = "") -> Path:
    file = file or f"{name}.dat"
    header = folder / f"{name}.hea"
    header.write_text(f"{name} 1 100 {samples}\n{file} 16 1000/mV 16 0 0 0 0 II\n")
    if "/" not in file and ".." not in file:
        np.arange(stored, dtype="<i2").tofile(folder / file)
    return header


def chunk_table(file: Path, *, drop: str = "", identity: str = "X1.S001", label: str = "1", sample: str = "5") -> None:
    columns = ["id", *(f"X{i}" for i in range(1, 179)), "y"]
    values = [identity, *[sample] * 178, label]
    kept = [i for i, column in enumerate(columns) if column != drop]
    file.write_text(",".join(columns[i] for i in kept) + "\n" + ",".join(values[i] for i in kept) + "\n")


def edf(file: Path, *, records: int = 10, stored: int = 10, reserved: bytes = b"") -> None:
    fixed = b"0".ljust(8) + b"X".ljust(160) + b"01.01.0101.01.01" + b"512".ljust(8) + reserved.ljust(44)
    fixed += str(records).encode().ljust(8) + b"1".ljust(8) + b"1".ljust(4)
    signals = b"EEG Fp1".ljust(16) + b"".ljust(80) + b"uV".ljust(8) + b"-3276.8".ljust(8) + b"3276.7".ljust(8)
    signals += b"-32768".ljust(8) + b"32767".ljust(8) + b"".ljust(80) + b"100".ljust(8) + b"".ljust(32)
    file.write_bytes(fixed + signals + np.zeros(stored * 100, "<i2").tobytes())


def ct_slice(file: Path, *, position: float = 0.0, rows: int = 16, keep: int | None = None) -> None:
    import pydicom
    from pydicom.dataset import FileDataset, FileMetaDataset

    meta = FileMetaDataset()
    meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    meta.MediaStorageSOPInstanceUID = f"1.2.3.{int(position) + 1}"
    data = FileDataset(str(file), {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID, data.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    data.Modality, data.SeriesInstanceUID, data.PatientID = "CT", "1.2.3", "someone"
    data.Rows, data.Columns, data.PixelSpacing = rows, 16, [1, 1]
    data.ImagePositionPatient, data.ImageOrientationPatient = [0, 0, position], [1, 0, 0, 0, 1, 0]
    data.SamplesPerPixel, data.PhotometricInterpretation, data.PixelRepresentation = 1, "MONOCHROME2", 1
    data.BitsAllocated, data.BitsStored, data.HighBit = 16, 16, 15
    data.RescaleSlope, data.RescaleIntercept = 2, -1000
    data.PixelData = np.full((16, 16), int(position), "<i2").tobytes()
    data.save_as(file, enforce_file_format=True)
    if keep is not None:
        file.write_bytes(file.read_bytes()[:keep])


def project(
    folder: Path, *, shape: tuple[int, ...] = (2, 4, 4), filename: str = "matrix.dat", stored: int = 32
) -> None:
    fields = {"matrix": {"dtype": "int16", "shape": list(shape), "filename": filename}, "spacing": [1.0, 1.0, 2.0]}
    (folder / "main.plist").write_bytes(plistlib.dumps(fields))
    np.zeros(stored, "<i2").tofile(folder / "matrix.dat")


def zipped(file: Path, name: str, content: bytes) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)


def ptbxl(folder: Path, columns: str, row: str) -> None:
    (folder / "ptbxl_database.csv").write_text(f"{columns}\n{row}\n")
    (folder / "scp_statements.csv").write_text(",diagnostic,diagnostic_class\nNORM,1.0,NORM\n")


def empty(folder: Path) -> None:
    """A folder without files."""


PTBXL = "ecg_id,patient_id,scp_codes,filename_lr,filename_hr"
BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "empty folder": (empty, "holds no files"),
    "nothing known": (lambda folder: (folder / "notes.md").write_text("hello"), "WFDB, PTB-XL"),
    "empty file": (lambda folder: (folder / "a.edf").write_bytes(b""), "a.edf: is empty"),
    "truncated dat": (lambda folder: wfdb_record(folder, stored=50), "r1.dat: is cut short: 50 of 100"),
    "dat elsewhere": (
        lambda folder: wfdb_record(folder, file="../../etc/passwd"),
        "r1.hea: is not a valid WFDB header",
    ),
    "dat missing": (lambda folder: wfdb_record(folder).with_suffix(".dat").unlink(), "r1.dat, which is not beside"),
    "absurd header": (lambda folder: wfdb_record(folder, samples=10**15), "declares 1 channels"),
    "text as dcm": (lambda folder: (folder / "x.dcm").write_text("no"), "x.dcm: is not DICOM"),
    "truncated dcm": (lambda folder: ct_slice(folder / "x.dcm", keep=700), "x.dcm: is cut short"),
    "text as edf": (lambda folder: (folder / "x.edf").write_text("no"), "x.edf: is not EDF"),
    "truncated edf": (lambda folder: edf(folder / "x.edf", stored=5), "x.edf: is cut short"),
    "discontinuous edf": (lambda folder: edf(folder / "x.edf", reserved=b"EDF+D"), "when its records begin"),
    "no y": (lambda folder: chunk_table(folder / "t.csv", drop="y"), "t.csv: has no column y"),
    "no X7": (lambda folder: chunk_table(folder / "t.csv", drop="X7"), "t.csv: has no column X7"),
    "no id": (lambda folder: chunk_table(folder / "t.csv", drop="id"), "no first column of ids"),
    "class 9": (lambda folder: chunk_table(folder / "t.csv", label="9"), "classes other than 1 to 5"),
    "words as samples": (lambda folder: chunk_table(folder / "t.csv", sample="n/a?"), "text where samples"),
    "cut gzip": (lambda folder: (folder / "t.csv.gz").write_bytes(cut_gzip()), "t.csv.gz: ends early"),
    "short segment": (lambda folder: (folder / "Z001.txt").write_text("1\r\n2\r\n"), "2 of 4,097 samples"),
    "zip of words": (lambda folder: zipped(folder / "b.zip", "Z/Z001.txt", b"1 2 x"), "other than numbers"),
    "cut zip": (lambda folder: (folder / "b.zip").write_bytes(b"PK\x03\x04" + b"\0" * 50), "b.zip: cannot be unpacked"),
    "volume elsewhere": (lambda folder: project(folder, filename="../x"), "outside its own folder"),
    "volume too small": (lambda folder: project(folder, stored=5), "matrix.dat: is cut short"),
    "volume too large": (lambda folder: project(folder, shape=(10**5, 10**4, 10**4)), "at most 1 GB"),
    "no patient_id": (
        lambda folder: ptbxl(folder, "ecg_id,scp_codes,filename_lr", "1,{},a"),
        "ptbxl_database.csv: has no column 'patient_id'",
    ),
    "record elsewhere": (lambda folder: ptbxl(folder, PTBXL, "1,2,{},../../a,b"), "outside its folder"),
    "no records": (lambda folder: ptbxl(folder, PTBXL, "1,2,{},a,b"), "names no record that is there at 100 Hz"),
}


def cut_gzip() -> bytes:
    columns = ",".join(["id", *(f"X{i}" for i in range(1, 179)), "y"])
    rows = np.random.default_rng(0).integers(-500, 500, (60, 178))
    text = columns + "\n" + "\n".join("X1.S001," + ",".join(map(str, row)) + ",1" for row in rows)
    packed = gzip.compress(text.encode())
    return packed[: len(packed) // 2]


@pytest.mark.parametrize("case", BAD)
def test_one_sentence_says_what_and_where(tmp_path: Path, case: str) -> None:
    make, expected = BAD[case]
    make(tmp_path)
    with pytest.raises(DataError) as caught:
        open_recordings(tmp_path)
    message = str(caught.value)
    assert expected in message
    assert message.endswith((".", "it first"))
    assert len(message) < 300
    assert "\n" not in message


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "FREELY", 2**16)
    zipped(tmp_path / "b.zip", "Z/Z001.txt", b"1 " * 2**20)
    with pytest.raises(DataError, match="more than 50 times its size"):
        open_recordings(tmp_path)


def test_a_zip_cannot_name_a_file_outside_itself(tmp_path: Path) -> None:
    zipped(tmp_path / "b.zip", "../../evil.txt", b"x")
    with pytest.raises(DataError, match="outside itself"):
        open_recordings(tmp_path)


def test_a_zip_that_ends_early_is_a_sentence(tmp_path: Path) -> None:
    zipped(tmp_path / "b.zip", "a.txt", b"x" * 1000)
    (tmp_path / "b.zip").write_bytes((tmp_path / "b.zip").read_bytes()[:-30])
    with pytest.raises(DamagedFile, match="cannot be unpacked"):
        open_recordings(tmp_path / "b.zip")


def test_a_folder_may_mix_formats_and_archives(tmp_path: Path) -> None:
    wfdb_record(tmp_path)
    edf(tmp_path / "recording.edf")
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        ct_slice(tmp_path / "x.dcm")
        archive.write(tmp_path / "x.dcm", "series/x.dcm")
        (tmp_path / "x.dcm").unlink()
    (tmp_path / "notes.csv").write_text("a,b")
    skipped: list[DataError] = []
    recordings = open_recordings(tmp_path, skipped=skipped)
    assert sorted(one.spec.modality for one in recordings) == ["ct", "ecg", "eeg"]
    assert not skipped
    for one in recordings:
        assert np.isfinite(one.read()).all()


@pytest.mark.parametrize("name", ["../x.dat", "/etc/passwd", "..", "a\\b.dat", "C:x.dat", ""])
def test_names_from_files_stay_in_their_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(DamagedFile, match="outside its own folder"):
        sibling(tmp_path / "r1.hea", name)


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        open_recordings(tmp_path / "nothing")


def test_damaged_files_beside_good_ones_are_reported(tmp_path: Path) -> None:
    wfdb_record(tmp_path, "good")
    wfdb_record(tmp_path, "short", stored=10)
    skipped: list[DataError] = []
    assert [one.record for one in open_recordings(tmp_path, skipped=skipped)] == ["good"]
    assert [error.path.name for error in skipped] == ["short.dat"]


def test_slices_beside_a_text_file(tmp_path: Path) -> None:
    for position in (4.0, 0.0, 2.0):
        ct_slice(tmp_path / f"{9 - int(position)}.dcm", position=position)
    (tmp_path / "text.dcm").write_text("no")
    skipped: list[DataError] = []
    series = open_recordings(tmp_path, skipped=skipped)[0]
    assert series.read()[:, 0, 0].tolist() == [-1000, -996, -992]  # 2 × position − 1000, in order of position
    assert series.subject != "someone"
    assert [error.path.name for error in skipped] == ["text.dcm"]


def test_content_counts_not_the_name(tmp_path: Path) -> None:
    ct_slice(tmp_path / "IM0001")
    assert open_recordings(tmp_path)[0].spec.modality == "ct"
    (tmp_path / "IM0001").write_text("plain")
    with pytest.raises(UnrecognisedData):
        open_recordings(tmp_path)


def test_a_file_that_breaks_after_opening(tmp_path: Path) -> None:
    header = wfdb_record(tmp_path)
    recording = open_recordings(tmp_path)[0]
    header.with_suffix(".dat").write_bytes(b"\0" * 20)
    with pytest.raises(DamagedFile, match=r"r1\.hea"):
        recording.read()


@pytest.mark.parametrize(
    ("values", "sentence"),
    [(np.full((1, 500), np.nan), "missing values.*NaN"), (np.zeros((1, 500)), "flat.*electrodes")],
)
def test_nothing_left_says_why_and_leaves_nothing(tmp_path: Path, values: np.ndarray, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        prepare([signal(values)], tmp_path / "dataset", Preparation(seconds=1.0))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
@pytest.mark.parametrize(
    ("make", "name"),
    [
        (wfdb_record, "r1.hea"),
        (lambda folder: edf(folder / "x.edf"), "x.edf"),
        (lambda f: ct_slice(f / "x.dcm"), "x.dcm"),
    ],
    ids=["wfdb", "edf", "dicom"],
)
def test_flipped_bytes_are_read_or_refused(tmp_path: Path, make: Callable[[Path], object], name: str) -> None:
    """Nothing but a DataError comes out of a reader, whatever is in the file."""
    make(tmp_path)
    intact = (tmp_path / name).read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(30):
        content = bytearray(intact[: rng.integers(1, len(intact) + 1)] if rng.random() < 0.3 else intact)
        for position in rng.integers(0, len(content), rng.integers(1, 6)):
            content[position] = rng.integers(0, 256)
        (tmp_path / name).write_bytes(content)
        with contextlib.suppress(DataError):
            for recording in open_recordings(tmp_path):
                recording.read(0, 2)


def test_what_a_damaged_file_holds_is_quoted_in_print_and_briefly() -> None:
    message = str(DamagedFile(Path("a.nrrd"), f"keeps its voxels as {chr(0) * 5 + chr(10)}{'x' * 900}."))
    assert message.isprintable()
    assert len(message) < 400
