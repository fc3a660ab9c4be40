"""Every collection against an independent decoding of the same file."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from synth_core.data import Preparation, open_recordings, prepare
from synth_core.errors import DataError, InvalidSetting

pytestmark = pytest.mark.data
COLLECTIONS = {  # folder: recordings, subjects, unit
    "eeg/bonn/uci_form_rebuilt.csv.gz": (500, 500, "uV"),
    "eeg/bonn/bonn_eeg.zip": (500, 500, "uV"),
    "eeg/eegmat": (6, 3, "uV"),
    "eeg/eeglab_sample": (1, 1, "uV"),
    "eeg/brainvision_mne": (1, 1, "uV"),
    "eeg/edf_bdf_mne": (2, 1, "uV"),  # test.edf and test.bdf: nothing says that these are two persons
    "eeg/bids_tiny_eeg": (1, 1, "uV"),
    "ecg/ptbxl": (395, 373, "mV"),
    "ecg/cpsc2018": (90, 90, "mV"),
    "ecg/chapman_4": (4, 4, "mV"),
    "ecg/mitdb": (2, 2, "mV"),
    "ct/ge_head_dicom": (1, 1, "HU"),
    "ct/cranium_invesalius": (1, 1, "HU"),
}


@pytest.mark.parametrize("folder", COLLECTIONS)
def test_opens_whole_and_reads_lazily(shared_data: Path, folder: str) -> None:
    skipped: list[DataError] = []
    recordings = open_recordings(shared_data / folder, skipped=skipped)
    count, subjects, unit = COLLECTIONS[folder]
    assert (len(recordings), len({one.subject for one in recordings})) == (count, subjects)
    assert not skipped
    assert len({one.record for one in recordings}) == count
    first = recordings[0]
    assert first.spec.unit == unit
    part = first.read(3, 9)
    assert part.dtype == np.float32
    assert part.shape[0 if first.spec.is_image else 1] == 6
    assert np.isfinite(part).all()


@pytest.mark.parametrize("folder", ["ecg/ptbxl", "ecg/cpsc2018", "ecg/chapman_4"])
def test_ecg_equals_the_stored_integers(shared_data: Path, folder: str) -> None:
    """Format 16 is little-endian int16, interleaved; the header gives gain 1000 per mV and baseline 0."""
    for recording in open_recordings(shared_data / folder)[::20]:
        header: Path = recording.header  # type: ignore[attr-defined]
        file, layout = header.read_text().splitlines()[1].split()[:2]
        offset = int(layout.partition("+")[2] or 0)
        stored = np.frombuffer((header.parent / file).read_bytes()[offset:], "<i2").reshape(-1, 12)
        np.testing.assert_allclose(recording.read(), stored.T / 1000.0, atol=1e-7)
        assert recording.spec.channels[3:6] == ("aVR", "aVL", "aVF")


def test_mit_bih_equals_wfdb(shared_data: Path) -> None:
    import wfdb

    for recording in open_recordings(shared_data / "ecg/mitdb"):
        record = wfdb.rdrecord(str(shared_data / "ecg/mitdb" / recording.record))
        np.testing.assert_array_equal(recording.read(500, 700), record.p_signal[500:700].T.astype(np.float32))
    hundred = open_recordings(shared_data / "ecg/mitdb/100.hea")[0]
    assert len(hundred.annotations) == 2274  # 2273 beats and the rhythm note


def test_ptbxl_has_both_rates_and_superclasses(shared_data: Path) -> None:
    slow = open_recordings(shared_data / "ecg/ptbxl")
    fast = open_recordings(shared_data / "ecg/ptbxl", rate=500)
    assert {one.spec.rate for one in slow} == {100.0}
    assert ({one.spec.rate for one in fast}, len(fast)) == ({500.0}, 80)
    positive = {name: sum(one.labels[name] for one in slow) for name in slow[0].labels}
    assert positive == {"NORM": 235, "MI": 52, "STTC": 73, "CD": 64, "HYP": 23}
    with pytest.raises(InvalidSetting, match="100 and 500"):
        open_recordings(shared_data / "ecg/ptbxl", rate=250)


def test_labels_of_headers(shared_data: Path) -> None:
    cpsc = {one.record: one for one in open_recordings(shared_data / "ecg/cpsc2018")}
    assert {name for name, value in cpsc["A0079"].labels.items() if value} == {
        "atrial fibrillation",
        "right bundle branch block",
    }
    chapman = open_recordings(shared_data / "ecg/chapman_4")[0]
    assert {name for name, value in chapman.labels.items() if value} == {
        "atrial fibrillation",
        "right bundle branch block",
        "abnormal T wave",
    }


def test_bonn_zip_and_table_agree(shared_data: Path) -> None:
    archive = {one.record: one for one in open_recordings(shared_data / "eeg/bonn/bonn_eeg.zip")}
    table = open_recordings(shared_data / "eeg/bonn/uci_form_rebuilt.csv.gz")
    for recording in table[::50]:
        twin = archive[recording.record]
        np.testing.assert_array_equal(recording.read(), twin.read(0, 23 * 178))
        assert recording.labels == twin.labels
    with zipfile.ZipFile(shared_data / "eeg/bonn/bonn_eeg.zip") as unpacked:
        name = next(name for name in unpacked.namelist() if name.endswith("Z/Z042.txt"))
        np.testing.assert_array_equal(archive["Z042"].read()[0], np.loadtxt(unpacked.open(name)))


def test_edf_equals_the_stored_integers(shared_data: Path) -> None:
    """EDF: int16 records, scaled linearly from the digital to the physical range of the header."""
    recording = next(one for one in open_recordings(shared_data / "eeg/eegmat") if one.record == "Subject04_2")
    content = (shared_data / "eeg/eegmat/Subject04_2.edf").read_bytes()
    signals = int(content[252:256])

    def numbers(offset: int) -> np.ndarray:
        start = 256 + offset * signals
        return np.array([float(content[start + 8 * i : start + 8 * i + 8]) for i in range(signals)])

    low, high, digital_low, digital_high, samples = (numbers(offset) for offset in (104, 112, 120, 128, 216))
    records = np.frombuffer(content[256 * (signals + 1) :], "<i2").reshape(-1, int(samples.sum()))
    edges = np.cumsum([0, *samples.astype(int)])
    for channel in (0, 7, 18):
        stored = records[:, edges[channel] : edges[channel + 1]].reshape(-1)
        scale = (high - low)[channel] / (digital_high - digital_low)[channel]
        physical = (stored - digital_low[channel]) * scale + low[channel]
        np.testing.assert_allclose(recording.read()[channel], physical, rtol=1e-6, atol=1e-5)
    assert recording.labels == {"rest": 0, "arithmetic": 1}
    assert recording.subject == "Subject04"
    assert recording.metadata["channels left out"] == ["EEG A2-A1", "ECG ECG"]


def test_dicom_equals_pydicom(shared_data: Path) -> None:
    import pydicom

    series = open_recordings(shared_data / "ct/ge_head_dicom")[0]
    volume = series.read()
    for number in (1, 15, 28):
        file = pydicom.dcmread(shared_data / f"ct/ge_head_dicom/{number:02d}.dcm")
        np.testing.assert_array_equal(volume[number - 1], np.maximum(file.pixel_array.astype(np.float32), -1024))
    assert series.metadata["gantry tilt (degrees)"] == "+18.5"
    assert series.metadata["irregular slice gaps"]


def test_invesalius_equals_the_raw_array_turned(shared_data: Path) -> None:
    folder = shared_data / "ct/cranium_invesalius"
    stored = np.frombuffer(gzip.decompress((folder / "matrix.dat.gz").read_bytes()), "<i2").reshape(108, 256, 256)
    volume = open_recordings(folder)[0]
    np.testing.assert_array_equal(volume.read(40, 42), np.maximum(stored[40:42, ::-1], -1024))
    assert 1 / volume.spec.rate == pytest.approx(0.957, abs=1e-3)


def test_bonn_windows_are_the_rows_of_the_table(shared_data: Path, tmp_path: Path) -> None:
    file = shared_data / "eeg/bonn/uci_form_rebuilt.csv.gz"
    recordings = open_recordings(file)
    dataset = prepare(recordings, tmp_path / "uci", Preparation.suggested(recordings))
    assert dataset.spec.shape == (1, 178)
    assert dataset.info["counts"]["examples"] + sum(dataset.info["counts"]["left_out"].values()) == 11_500
    rows = pd.read_csv(file, nrows=4).iloc[:, 1:179].to_numpy(np.float32)
    np.testing.assert_array_equal(dataset.batch(range(4)).values[:, 0], rows)
    parts = dataset.split()
    subjects = [set(part.subjects) for part in parts.values()]
    assert not (subjects[0] & subjects[1] | subjects[0] & subjects[2] | subjects[1] & subjects[2])
    for part in parts.values():
        np.testing.assert_allclose(part.batch(range(len(part))).condition.labels.mean(0), 0.2, atol=0.02)


def test_ptbxl_split_keeps_patients_together_and_classes_alike(shared_data: Path, tmp_path: Path) -> None:
    recordings = open_recordings(shared_data / "ecg/ptbxl")
    dataset = prepare(recordings, tmp_path / "ptbxl", Preparation.suggested(recordings))
    assert dataset.spec.shape == (12, 1000)
    parts = dataset.split(seed=3)
    assert sum(len(set(part.subjects)) for part in parts.values()) == len(set(dataset.subjects))
    whole = dataset.batch(range(len(dataset))).condition.labels.mean(0)
    for part in parts.values():
        np.testing.assert_allclose(part.batch(range(len(part))).condition.labels.mean(0), whole, atol=0.05)


def test_head_ct_fills_the_square(shared_data: Path, tmp_path: Path) -> None:
    paths = [shared_data / "ct/ge_head_dicom", shared_data / "ct/cranium_invesalius"]
    recordings = [recording for path in paths for recording in open_recordings(path)]
    dataset = prepare(recordings, tmp_path / "ct", Preparation.suggested(recordings))
    values = dataset.batch(range(len(dataset))).values
    assert dataset.spec.shape == (1, 64, 64)
    assert values.min() >= -1024
    centre = values[:, 0, 24:40, 24:40].median(dim=-1).values.median(dim=-1).values
    assert ((centre > -10) & (centre < 80)).float().mean() > 0.8  # brain, in the middle, in HU
    parts = dataset.split()
    assert [len(part.subjects) for part in parts.values()] == [1, 0, 1]  # two heads: one trains, one tests


def test_eegmat_keeps_its_three_subjects_apart(shared_data: Path, tmp_path: Path) -> None:
    recordings = open_recordings(shared_data / "eeg/eegmat")
    dataset = prepare(recordings, tmp_path / "eegmat", Preparation.suggested(recordings))
    assert dataset.spec.shape == (19, 512)
    assert [len(part.subjects) for part in dataset.split().values()] == [1, 1, 1]


def test_free_text_of_ecg_headers_and_reports_stays_outside(shared_data: Path) -> None:
    for folder in ("ecg/ptbxl", "ecg/cpsc2018", "ecg/mitdb"):
        recording = open_recordings(shared_data / folder)[0]
        assert not {"comments", "report", "recording_date"} & set(recording.metadata)
        assert recording.metadata["removed"]
    assert "report" in open_recordings(shared_data / "ecg/ptbxl")[0].metadata["removed"]
