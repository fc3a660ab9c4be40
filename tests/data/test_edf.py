"""EDF and its relatives: the same values as MNE reads, in true time, with nothing personal."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path

import mne
import numpy as np
import pytest

from benchmarks.edf import write_long_edf
from synth_core.data import Recording, open_recordings
from synth_core.data.readers.electrodes import NAMES
from synth_core.errors import DamagedFile, DataError
from tests.data.fuzz_eeg import Channel, edf_bytes, tal

ONE_ULP = 2**-23  # the arithmetic is the same but for its order, so float32 values differ by one rounding at most


def mne_values(file: Path, recording: Recording, picks: tuple[int, ...], kind: str = "edf") -> np.ndarray:
    """(channels, samples) of the same signals as MNE decodes them, in the recording's unit."""
    read = mne.io.read_raw_edf if kind == "edf" else mne.io.read_raw_bdf
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        raw = read(file, preload=False, verbose="ERROR")
    return raw.get_data(picks=list(picks)) * (1e6 if recording.spec.unit == "uV" else 1e3)


def assert_same(ours: np.ndarray, theirs: np.ndarray) -> None:
    # atol: the offset and the digital value may cancel, which leaves the rounding of the larger of them
    np.testing.assert_allclose(ours, theirs, rtol=2 * ONE_ULP, atol=1e-9 * np.abs(theirs).max(initial=0))


def write(file: Path, **settings: object) -> Path:
    file.write_bytes(edf_bytes(**settings))  # type: ignore[arg-type]
    return file


@pytest.mark.data
@pytest.mark.parametrize("name", ["edf_bdf_mne/test.edf", "edf_bdf_mne/test.bdf", "eegmat/Subject00_1.edf"])
def test_real_files_equal_mne(shared_data: Path, name: str) -> None:
    file = shared_data / "eeg" / name
    recording = open_recordings(file)[0]
    whole = mne_values(file, recording, recording.picks, file.suffix[1:])  # type: ignore[attr-defined]
    assert whole.shape == recording.spec.shape
    assert_same(recording.read(), whole)
    assert_same(recording.read(777, 1500), whole[:, 777:1500])


@pytest.mark.data
def test_real_annotations_equal_mne(shared_data: Path) -> None:
    file = shared_data / "eeg/edf_bdf_mne/test.edf"
    ours = open_recordings(file)[0].annotations
    theirs = mne.io.read_raw_edf(file, verbose="ERROR").annotations
    assert [(one.onset, one.duration, one.text) for one in ours] == [
        (mark["onset"], mark["duration"], mark["description"]) for mark in theirs
    ]


@pytest.mark.data
def test_a_biosemi_cap_and_a_named_cap_are_told_from_other_channels(shared_data: Path) -> None:
    grid, named = (open_recordings(shared_data / "eeg/edf_bdf_mne" / name)[0] for name in ("test.edf", "test.bdf"))
    assert (grid.spec.shape, grid.spec.rate) == ((136, 3072), 512.0)
    assert (named.spec.shape, named.spec.rate) == ((64, 2048), 2048.0)
    assert named.metadata["channels left out"] == [
        "EXG1", "REOG", "LEOG", "IEOG", "EXG5", "M2", "M1", "EXG8", "Status",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["x.edf", "x.bin", "x"])
def test_a_file_is_recognised_by_its_content(tmp_path: Path, name: str) -> None:
    write(tmp_path / name)
    assert open_recordings(tmp_path)[0].spec.shape == (2, 400)


@pytest.mark.parametrize("unit", ["uV", "\xb5V", "mV", "V", "nV"])
def test_units_of_the_header_are_kept_apart(tmp_path: Path, unit: str) -> None:
    first, others = Channel("EEG Fp1", unit), [Channel("EEG Fp2", "uV"), Channel("ECG", "mV")]
    recording = open_recordings(write(tmp_path / "x.edf", channels=[first, *others]))[0]
    plain = open_recordings(write(tmp_path / "y.edf", channels=[Channel("EEG Fp1"), *others]))[0]
    factors = [{"uV": 1.0, "\xb5V": 1.0, "mV": 1e3, "V": 1e6, "nV": 1e-3}[unit], 1.0]
    np.testing.assert_allclose(recording.read(), plain.read() * np.array(factors)[:, None], rtol=1e-6)
    assert recording.metadata["channels left out"] == ["ECG"]


def test_a_unit_that_is_not_stated_is_said_to_be_taken(tmp_path: Path) -> None:
    file = write(tmp_path / "x.edf", channels=[Channel("EEG Fp1", "")])
    micro, milli = open_recordings(file)[0], open_recordings(file, unit="mV")[0]
    assert micro.metadata["unit"] == "not stated for Fp1; taken as uV"
    np.testing.assert_allclose(milli.read(), micro.read() * 1000, rtol=1e-6)


def test_channels_that_are_no_voltage_or_have_no_scale_are_named(tmp_path: Path) -> None:
    channels = [Channel("EEG Cz"), Channel("EEG Pz", "%"), Channel("EEG Oz", low=5, high=5)]
    recording = open_recordings(write(tmp_path / "x.edf", channels=channels))[0]
    assert recording.spec.channels == ("Cz",)
    assert recording.metadata["channels left out"] == ["EEG Pz", "EEG Oz"]


def test_channels_of_another_rate_are_named(tmp_path: Path) -> None:
    channels = [Channel("EEG Cz"), Channel("EEG Pz", samples=10), Channel("EEG Oz")]
    file = write(tmp_path / "x.edf", channels=channels)
    recording = open_recordings(file)[0]
    assert recording.spec.channels == ("Cz", "Oz")
    assert recording.metadata["channels left out"] == ["EEG Pz"]
    raw = mne.io.read_raw_edf(file, exclude=["EEG Pz"], verbose="ERROR")
    assert_same(recording.read(), raw.get_data() * 1e6)


def test_leads_alone_are_an_ecg_in_millivolts(tmp_path: Path) -> None:
    file = write(tmp_path / "x.edf", channels=[Channel("I"), Channel("AVR"), Channel("V1")])
    recording = open_recordings(file)[0]
    assert (recording.spec.modality, recording.spec.unit) == ("ecg", "mV")
    assert recording.spec.channels == ("I", "aVR", "V1")
    assert_same(recording.read(), mne_values(file, recording, (0, 1, 2)))


def test_only_the_modality_asked_for_is_taken(tmp_path: Path) -> None:
    file = write(tmp_path / "x.edf", channels=[Channel("EEG Cz"), Channel("ECG II")])
    assert open_recordings(file, modality="ecg")[0].spec.channels == ("II",)
    with pytest.raises(DataError, match="has no CT channel"):
        open_recordings(file, modality="ct")


def test_names_that_tell_nothing_are_said_to_be_taken_as_eeg(tmp_path: Path) -> None:
    recording = open_recordings(write(tmp_path / "x.edf", channels=[Channel("probe 7")]))[0]
    assert recording.metadata["channel types"] == "not told by the file; taken as EEG"


@pytest.mark.parametrize("version", ["edf", "bdf"])
def test_generated_files_equal_mne_to_the_last_record(tmp_path: Path, version: str) -> None:
    channels = [Channel("EEG Fp1", low=-187.5, high=187.4), Channel("EEG C3", low=900, high=-900)]
    file = write(tmp_path / f"x.{version}", channels=channels, bdf=version == "bdf", records=7)
    recording = open_recordings(file)[0]
    whole = mne_values(file, recording, (0, 1), version)
    for first, last in ((0, 700), (0, 1), (99, 101), (100, 200), (699, 700), (350, 350), (-50, None)):
        assert_same(recording.read(first, last), whole[:, first:last])


def test_a_file_by_another_writer_is_read_the_same(tmp_path: Path) -> None:
    import edfio

    rng = np.random.default_rng(0)
    wave = rng.normal(0, 50, (2, 1000))
    signals = [
        edfio.EdfSignal(one, 250.0, label=f"EEG {name}", physical_dimension="uV")
        for one, name in zip(wave, ("O1", "O2"), strict=True)
    ]
    marks = [edfio.EdfAnnotation(0.5, 1.25, "spike – left"), edfio.EdfAnnotation(2.0, None, "eyes closed")]
    edfio.Edf(signals, annotations=marks).write(tmp_path / "x.edf")
    recording = open_recordings(tmp_path / "x.edf")[0]
    np.testing.assert_allclose(recording.read(), wave, atol=np.ptp(wave) / 2**16)
    assert [(one.onset, one.duration, one.text) for one in recording.annotations] == [
        (0.5, 1.25, "spike – left"), (2.0, 0.0, "eyes closed"),
    ]  # fmt: skip


@pytest.mark.parametrize("bdf", [False, True])
def test_gaps_of_a_discontinuous_file_are_nan_in_true_time(tmp_path: Path, bdf: bool) -> None:
    onsets = [10.0, 11.0, 14.5, 15.5]
    file = write(tmp_path / "x.bdf" if bdf else tmp_path / "x.edf", onsets=onsets, bdf=bdf, marks={2: ["spike"]})
    recording = open_recordings(file)[0]
    values = recording.read()
    assert recording.spec.shape == (2, 650)
    missing = np.isnan(values).all(axis=0)
    assert np.flatnonzero(np.diff(missing.astype(int))).tolist() == [199, 449]
    assert_same(values[:, ~missing], mne_values(file, recording, (0, 1), "bdf" if bdf else "edf"))
    np.testing.assert_array_equal(recording.read(150, 500), values[:, 150:500])
    assert [(one.onset, one.text) for one in recording.annotations] == [(4.5, "spike")]
    assert recording.metadata["gaps"] == "1, together 2.5 s, filled with NaN"


def test_a_file_that_is_mostly_gaps_becomes_several_recordings(tmp_path: Path) -> None:
    file = write(tmp_path / "x.edf", onsets=[0.0, 1.0, 3600.0, 7200.0], marks={0: ["first"], 3: ["last"]})
    parts = open_recordings(file)
    assert [part.record for part in parts] == ["x#1", "x#2", "x#3"]
    assert [part.spec.shape[1] for part in parts] == [200, 100, 100]
    assert len({part.subject for part in parts}) == 1
    together = np.concatenate([part.read() for part in parts], axis=1)
    assert_same(together, mne_values(file, parts[0], (0, 1)))
    assert [[(one.onset, one.text) for one in part.annotations] for part in parts] == [
        [(0.0, "first")], [], [(0.0, "last")],
    ]  # fmt: skip


def test_a_discontinuous_file_without_gaps_is_whole(tmp_path: Path) -> None:
    recording = open_recordings(write(tmp_path / "x.edf", onsets=[0.0, 1.0, 2.0005, 3.0]))[0]
    assert recording.spec.shape == (2, 400)
    assert np.isfinite(recording.read()).all()


def test_a_recording_that_was_never_closed_is_as_long_as_its_file(tmp_path: Path) -> None:
    assert open_recordings(write(tmp_path / "x.edf", declared=-1))[0].spec.shape == (2, 400)


def test_nothing_personal_is_kept(tmp_path: Path) -> None:
    file = write(tmp_path / "x.edf", patient=b"MCH-0234567 F 02-MAY-1951 Haagse_Harry", recording=b"Startdate Dr_No")
    recording = open_recordings(file)[0]
    shown = repr(recording)
    for word in ("0234567", "Harry", "Dr_No", "1951", "05.11.99", "11.22.33"):
        assert word not in shown
    assert recording.metadata["removed"] == [
        "patient identification", "recording identification", "start date", "start time",
    ]  # fmt: skip
    assert recording.subject.startswith("patient-")


def test_one_patient_code_is_one_subject(tmp_path: Path) -> None:
    for name, patient in (("a", b"7 X X X"), ("b", b"7 M X X"), ("c", b"8 X X X")):
        write(tmp_path / f"{name}.edf", patient=patient)
    subjects = [one.subject for one in open_recordings(tmp_path)]
    assert subjects[0] == subjects[1] != subjects[2]


BAD = {
    "records overlap": ({"onsets": [0.0, 0.5, 2.0, 3.0]}, "overlap or are out of order"),
    "no time of a record": ({"onsets": [0.0, 1.0], "keeping": False}, "does not say when its data record 1"),
    "cut short": ({"keep": -100}, "is cut short"),
    "no signals": ({"channels": []}, "declares 0 signals"),
    "no time": ({"seconds": b"0"}, "record duration is 0"),
    "time is no number": ({"seconds": b"nan"}, "header that cannot be read"),
    "many records": ({"declared": 99_999_999}, "is cut short"),
    "no channel": ({"channels": [Channel("SpO2", "%")]}, "has no channel in volts"),
    "negative samples": ({"channels": [Channel("EEG Cz", samples=-5)]}, "header that cannot be read"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_is_one_sentence(tmp_path: Path, case: str) -> None:
    settings, expected = BAD[case]
    with pytest.raises(DataError, match=expected):
        open_recordings(write(tmp_path / "x.edf", **settings))


def test_a_file_that_shrinks_after_opening_is_a_sentence(tmp_path: Path) -> None:
    file = write(tmp_path / "x.edf")
    recording = open_recordings(file)[0]
    file.write_bytes(file.read_bytes()[:2000])
    with pytest.raises(DamagedFile, match="is cut short"):
        recording.read()


def test_the_electrodes_are_those_of_mne() -> None:
    assert mne.channels.make_standard_montage("colin27_1005").ch_names == NAMES


def test_a_list_of_annotations_as_the_specification_shows_it(tmp_path: Path) -> None:
    file = write(tmp_path / "x.edf", onsets=[0.0, 1.0], discontinuous=False, lists={
        0: tal(0.25, "Lights off", "Close window") + tal(0.5, "", duration=None), 1: tal(1.5, "Apnea", duration=25.5),
    })  # fmt: skip
    found = open_recordings(file)[0].annotations
    assert [(one.onset, one.duration, one.text) for one in found] == [
        (0.25, 0.0, "Lights off"), (0.25, 0.0, "Close window"), (1.5, 25.5, "Apnea"),
    ]  # fmt: skip


def bytes_read() -> int:
    """By this process so far, from files and caches alike."""
    return int(Path("/proc/self/io").read_text().split()[1])


@pytest.mark.skipif(not Path("/proc/self/io").is_file(), reason="this system does not count what is read")
def test_of_an_hour_little_is_read_to_open_and_to_page(tmp_path: Path) -> None:
    """The 24 hours and their times are in `benchmarks/edf.py`; opening grows with the records, a page does not."""
    file = tmp_path / "hour.edf"
    write_long_edf(file, hours=1.0)
    open_recordings(file)[0].read(0, 256)  # what is imported is read now
    before = bytes_read()
    recording = open_recordings(file)[0]
    opened = bytes_read()
    page = recording.read(256 * 1800, 256 * 1810)
    paged = bytes_read()
    assert page.shape == (32, 2560)
    assert opened - before < file.stat().st_size / 100
    assert paged - opened < page.nbytes  # on the disk a sample has half as many bytes


def test_reading_a_long_file_in_order_keeps_memory_bounded(tmp_path: Path) -> None:
    file = tmp_path / "hours.edf"
    write_long_edf(file, hours=1.5)  # 89 MB
    program = (
        "import resource, sys\n"
        "from synth_core.data import open_recordings\n"
        "recording = open_recordings(sys.argv[1])[0]\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "for start in range(0, recording.spec.shape[1], 256 * 60):\n"
        "    recording.read(start, start + 256 * 60)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(file)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 50 * 1024  # KiB
