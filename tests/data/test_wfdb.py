"""WFDB records of every kind against the `wfdb` package reading the same files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from synth_core.data import open_recordings
from synth_core.data.readers.snomed import NAMES, diagnosis_name
from synth_core.errors import DamagedFile
from tests.data.fuzz_ecg import wfdb_record, wfdb_segments

FORMATS = ("8", "16", "24", "32", "61", "80", "160", "212", "310", "311")


def by_wfdb(header: Path, start: int = 0, stop: int | None = None) -> np.ndarray:
    import wfdb

    return wfdb.rdrecord(str(header.with_suffix("")), sampfrom=start, sampto=stop).p_signal.T.astype(np.float32)


@pytest.mark.parametrize("fmt", FORMATS)
def test_every_format_equals_wfdb(tmp_path: Path, fmt: str) -> None:
    line = f"x.dat {fmt} 100/mV 12 0 3 0 0"
    (tmp_path / "x.hea").write_text(f"x 2 250 300\n{line} II\n{line} V1\n")
    stored = np.random.default_rng(int(fmt)).integers(0, 256, 300 * 2 * 4, np.uint8)
    (tmp_path / "x.dat").write_bytes(stored.tobytes())
    recording = open_recordings(tmp_path)[0]
    whole = by_wfdb(tmp_path / "x.hea")
    np.testing.assert_array_equal(recording.read(), whole)
    np.testing.assert_array_equal(recording.read(101, 207), whole[:, 101:207])


@pytest.mark.parametrize("fmt", ["508", "516", "524"])
def test_compressed_records_equal_wfdb(tmp_path: Path, fmt: str) -> None:
    wfdb_record(tmp_path, fmt=fmt)
    recording = open_recordings(tmp_path)[0]
    np.testing.assert_array_equal(recording.read(33, 99), by_wfdb(tmp_path / "r1.hea", 33, 99))


@pytest.mark.parametrize("variable", [False, True])
def test_segments_follow_one_another_as_wfdb_has_them(tmp_path: Path, variable: bool) -> None:
    wfdb_segments(tmp_path, variable)
    recordings = open_recordings(tmp_path)
    assert [one.record for one in recordings] == ["m"]
    whole = by_wfdb(tmp_path / "m.hea")
    np.testing.assert_array_equal(recordings[0].read(), whole)
    np.testing.assert_array_equal(recordings[0].read(140, 260), whole[:, 140:260])
    if variable:
        assert np.isnan(whole[0, 150:]).all()
        assert np.isfinite(whole[1, 200:]).all()


def test_a_segment_that_is_not_there_is_named(tmp_path: Path) -> None:
    wfdb_segments(tmp_path)
    (tmp_path / "s2.hea").unlink()
    with pytest.raises(DamagedFile, match="segment s2"):
        open_recordings(tmp_path)


def test_beats_are_told_from_rhythm_and_noise(tmp_path: Path) -> None:
    wfdb_record(tmp_path)
    marks = open_recordings(tmp_path)[0].annotations
    assert [(mark.onset, mark.text, mark.kind) for mark in marks] == [
        (0.1, "+ (N", "rhythm"), (0.5, "N", "beat"), (1.2, "V", "beat"), (2.0, "~", "noise"), (2.1, "A", "beat"),
    ]  # fmt: skip


def test_beats_come_from_one_file_only(tmp_path: Path) -> None:
    import wfdb

    wfdb_record(tmp_path)
    wfdb.wrann("r1", "qrs", np.array([11, 51]), symbol=["N", "N"], write_dir=str(tmp_path))
    wfdb.wrann("r1", "st", np.array([100]), symbol=["s"], write_dir=str(tmp_path))
    marks = open_recordings(tmp_path)[0].annotations
    assert [mark.onset for mark in marks if mark.kind == "beat"] == [0.5, 1.2, 2.1]
    assert [mark.text for mark in marks if mark.onset == 1.0] == ["s"]
    (tmp_path / "r1.atr").unlink()
    assert [mark.onset for mark in open_recordings(tmp_path)[0].annotations] == [0.11, 0.51, 1.0]


def test_annotations_at_their_own_rate(tmp_path: Path) -> None:
    import wfdb

    wfdb_record(tmp_path)
    wfdb.wrann("r1", "atr", np.array([500]), symbol=["N"], fs=1000, write_dir=str(tmp_path))
    assert open_recordings(tmp_path)[0].annotations[0].onset == pytest.approx(0.5)


def test_only_reference_annotations_must_be_readable(tmp_path: Path) -> None:
    wfdb_record(tmp_path)
    (tmp_path / "r1.man").write_bytes(b"MAN page\n" * 7)
    recording = open_recordings(tmp_path)[0]
    assert len(recording.annotations) == 5 or recording.metadata["annotation files left out"] == ["r1.man"]


def test_codes_and_abbreviations_name_the_same_class(tmp_path: Path) -> None:
    wfdb_record(tmp_path)
    recording = open_recordings(tmp_path)[0]
    assert recording.labels == {"atrial fibrillation": 1, "right bundle branch block": 1}
    assert (recording.metadata["age"], recording.metadata["sex"]) == (61, "female")
    pairs = {"164889003": "AF", "270492004": "I-AVB", "426783006": "Normal", "164884008": "PVC", "429622005": "STD"}
    assert all(diagnosis_name(code) == diagnosis_name(short) for code, short in pairs.items())
    assert diagnosis_name("733534002") == diagnosis_name("164909002") == "left bundle branch block"
    assert diagnosis_name("123456789") == "123456789"
    assert len(NAMES) > 130


def test_patients_that_a_comment_names_and_collections_that_name_none(tmp_path: Path) -> None:
    wfdb_record(tmp_path, "I01")
    wfdb_record(tmp_path, "HR00001")
    with (tmp_path / "I01.hea").open("a") as header:
        header.write("# patient 7\n")
    ptbxl, incart = open_recordings(tmp_path)
    assert incart.subject == "patient-7"
    assert "patients have several" in " ".join(ptbxl.warnings)


@pytest.mark.data
def test_collections_share_their_class_names(shared_data: Path) -> None:
    cpsc = open_recordings(shared_data / "ecg/cpsc2018")
    chapman = open_recordings(shared_data / "ecg/chapman_4")
    assert {"atrial fibrillation", "right bundle branch block", "ST depression", "sinus rhythm"} <= set(cpsc[0].labels)
    assert set(chapman[0].labels) & set(cpsc[0].labels) >= {"atrial fibrillation", "ST depression"}
    assert not [name for one in (*cpsc, *chapman) for name in one.labels if name.isdigit()]
    assert {one.metadata["sex"] for one in (*cpsc, *chapman)} == {"male", "female"}


@pytest.mark.data
def test_any_page_of_half_an_hour(shared_data: Path) -> None:
    hundred = open_recordings(shared_data / "ecg/mitdb/100.hea")[0]
    for second in (0, 777, 1795):
        page = hundred.read(second * 360, (second + 10) * 360)
        wanted = by_wfdb(shared_data / "ecg/mitdb/100.hea", second * 360, min(650_000, (second + 10) * 360))
        np.testing.assert_array_equal(page, wanted)
    kinds = [mark.kind for mark in hundred.annotations]
    assert (kinds.count("beat"), kinds.count("rhythm")) == (2273, 1)
    assert (hundred.metadata["age"], hundred.metadata["sex"]) == (69, "male")


def test_a_lead_at_another_rate_is_said_to_be_left_out(tmp_path: Path) -> None:
    import wfdb

    times = np.arange(2000) / 500
    slow, fast = np.sin(times[::4]), np.sin(times)
    wfdb.wrsamp(
        "x1", fs=125, units=["mV", "mV", "mmHg"], sig_name=["I", "V5", "ABP"], e_p_signal=[slow, fast, slow + 80],
        samps_per_frame=[1, 4, 1], fmt=["16"] * 3, adc_gain=[200.0] * 3, baseline=[0] * 3, write_dir=str(tmp_path),
    )  # fmt: skip
    (record,) = open_recordings(tmp_path)
    assert (record.spec.channels, record.spec.rate) == (("V5",), 500)
    assert [sentence for sentence in record.warnings if sentence.endswith("for their rate or their unit: I.")]
