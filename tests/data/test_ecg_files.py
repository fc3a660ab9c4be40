"""Heartbeat tables, HL7 aECG and DICOM waveforms; spoiled files of every ECG reader."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import pytest

from synth_core.data import Preparation, open_recordings, prepare
from synth_core.errors import DamagedFile, DataError
from tests.data.fuzz import mutated
from tests.data.fuzz_ecg import SEEDS, aecg, dicom_ecg, heartbeats
from tests.data.test_bad_input import ct_slice


def test_heartbeats_are_rows_of_one_subject(tmp_path: Path) -> None:
    heartbeats(tmp_path)
    heartbeats(tmp_path, name="mitbih_test.csv", rows=3)
    recordings = open_recordings(tmp_path)
    table = np.loadtxt(tmp_path / "mitbih_train.csv", delimiter=",")
    train = [one for one in recordings if one.record.startswith("mitbih_train")]
    for row, recording in zip(table, train, strict=True):
        np.testing.assert_array_equal(recording.read()[0], row[:187].astype(np.float32))
    assert [name for one in train for name, given in one.labels.items() if given] == list("NSVFQN")
    assert (train[0].spec.rate, train[0].spec.shape) == (125.0, (1, 187))
    assert len({one.subject for one in recordings}) == 1
    assert "relative" in train[0].source.name
    assert "relative" in " ".join(train[0].warnings)


def test_padded_heartbeats_are_kept_whole(tmp_path: Path) -> None:
    heartbeats(tmp_path)
    recordings = open_recordings(tmp_path)
    dataset = prepare(recordings, tmp_path / "beats", Preparation.suggested(recordings))
    assert (len(dataset), dataset.spec.shape) == (6, (1, 187))
    np.testing.assert_array_equal(dataset.batch([2]).values[0], recordings[2].read())


@pytest.mark.parametrize(
    ("old", "new"), [(",4.000000000000000000e+00\n", ",7\n"), ("e-01,", "e-x,"), ("e+00\n", "e+00,1\n")]
)
def test_a_row_that_is_no_heartbeat_is_named(tmp_path: Path, old: str, new: str) -> None:
    heartbeats(tmp_path)
    file = tmp_path / "mitbih_train.csv"
    first, rest = file.read_text().split("\n", 1)
    file.write_text(first + "\n" + rest.replace(old, new))
    with pytest.raises(DamagedFile, match=r"mitbih_train\.csv: has .*(row|changed)"):
        [recording.read() for recording in open_recordings(tmp_path)]


def test_aecg_is_origin_and_scale(tmp_path: Path) -> None:
    aecg(tmp_path)
    recording = open_recordings(tmp_path)[0]
    expected = (10 + 2.5 * np.arange(-100, 100)) / 1000
    np.testing.assert_allclose(recording.read()[0], expected, atol=1e-7)
    np.testing.assert_allclose(recording.read(7, 9)[1], (20 - expected * 1000)[7:9] / 1000, atol=1e-7)
    assert (recording.spec.channels, recording.spec.rate) == (("I", "aVF"), 500.0)
    assert recording.subject.startswith("patient-")
    assert "Roe" not in repr(recording)
    assert recording.metadata["sex"] == "female"


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('unit="ms"', 'unit="furlong"', "increment"),
        ("-100 -99", "-100 nan", "not finite"),
        ("-100 -99", "-100 x", "not numbers"),
        ("</AnnotatedECG>", "", "not valid XML"),
        ("<AnnotatedECG", '<!DOCTYPE a [<!ENTITY b "c"><!ENTITY d "&b;&b;">]><AnnotatedECG', "not valid XML"),
        ("-100 -99", "-100", "different lengths"),
    ],
)
def test_bad_aecg_is_a_sentence(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    aecg(tmp_path)
    text = (tmp_path / "a.xml").read_text()
    (tmp_path / "a.xml").write_text(text.replace(old, new, 1))
    with pytest.raises(DataError, match=sentence):
        open_recordings(tmp_path)


def test_dicom_waveforms_equal_pydicom(tmp_path: Path) -> None:
    import pydicom

    dicom_ecg(tmp_path, "IM0001")
    recording = open_recordings(tmp_path)[0]
    file = pydicom.dcmread(tmp_path / "IM0001")
    expected = pydicom.waveforms.multiplex_array(file, 1, as_raw=False).T / 1000  # µV → mV
    np.testing.assert_allclose(recording.read(), expected, rtol=1e-6, atol=1e-7)
    np.testing.assert_array_equal(recording.read(3, 50), recording.read()[:, 3:50])
    assert (recording.spec.channels, recording.spec.rate) == (("I", "aVR", "V7"), 500.0)
    assert recording.subject not in ("4711", "Roe")
    assert (recording.metadata["age"], recording.metadata["sex"]) == (61, "female")


def test_padding_is_missing(tmp_path: Path) -> None:
    dicom_ecg(tmp_path, padding=True)
    values = open_recordings(tmp_path)[0].read()
    assert np.isnan(values[:, :5]).all()
    assert np.isfinite(values[:, 5:]).all()


def test_the_sample_of_pydicom(tmp_path: Path) -> None:
    import pydicom
    from pydicom.data import get_testdata_file

    name = get_testdata_file("waveform_ecg.dcm", download=False)
    if name is None:
        pytest.skip("pydicom comes without its sample")
    recording = open_recordings(Path(str(name)))[0]
    assert recording.spec.channels == ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
    expected = pydicom.waveforms.multiplex_array(pydicom.dcmread(str(name)), 0, as_raw=False).T / 1000
    np.testing.assert_allclose(recording.read(), expected, rtol=1e-6, atol=1e-7)


def test_dicom_ecg_beside_ct_and_cut_short(tmp_path: Path) -> None:
    dicom_ecg(tmp_path)
    ct_slice(tmp_path / "x.dcm")
    assert sorted(one.spec.modality for one in open_recordings(tmp_path)) == ["ct", "ecg"]
    (tmp_path / "x.dcm").unlink()
    (tmp_path / "e.dcm").write_bytes((tmp_path / "e.dcm").read_bytes()[:-400])
    with pytest.raises(DamagedFile, match=r"e\.dcm"):
        open_recordings(tmp_path)


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
@pytest.mark.parametrize("family", SEEDS)
def test_spoiled_files_are_read_or_refused(tmp_path: Path, family: str) -> None:
    SEEDS[family](tmp_path)
    intact = {file: file.read_bytes() for file in tmp_path.iterdir()}
    rng = np.random.default_rng(0)
    for _ in range(60):
        file = list(intact)[rng.integers(0, len(intact))]
        file.write_bytes(mutated(intact[file], rng))
        with contextlib.suppress(DataError):
            for recording in open_recordings(tmp_path):
                recording.read(0, 20)
        file.write_bytes(intact[file])
