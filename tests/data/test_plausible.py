"""Amplitudes that no EEG or ECG has are asked about; what electrodes and amplifiers do is not accused."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import wfdb
from scipy.signal import butter, sosfiltfilt

from synth_core.__main__ import main
from synth_core.data import Preparation, open_recordings, prepare
from synth_core.data.plausible import RANGES, amplitude, impossible
from synth_core.data.recording import Recording
from tests.data.fuzz_eeg import Channel, edf_bytes
from tests.data.memory import signal

SECONDS, RATE = 20, 250


def brain(channels: int = 4) -> np.ndarray:
    """(channels, samples) of noise between 1 and 40 Hz with a standard deviation of 20 µV."""
    band = butter(2, [1, 40], "bandpass", fs=RATE, output="sos")
    values = sosfiltfilt(band, np.random.default_rng(0).normal(size=(channels, SECONDS * RATE)))
    return np.asarray(20 * values / values.std())


def of_heart() -> np.ndarray:
    """(1, samples) in mV: a beat of 1 mV every second, of 40 ms."""
    times = np.arange(SECONDS * RATE) / RATE
    return np.exp(-(((times % 1 - 0.5) / 0.02) ** 2))[None] + 0.01 * np.random.default_rng(0).normal(size=times.shape)


def eeg(values: np.ndarray) -> Recording:
    names = tuple(f"C{i}" for i in range(len(values)))
    return signal(np.asarray(values, np.float32), rate=float(RATE), channels=names)


def ecg(values: np.ndarray) -> Recording:
    return signal(np.asarray(values, np.float32), rate=float(RATE), channels=("II",), modality="ecg")


@pytest.mark.parametrize("factor", [1e-6, 1e-3, 1e3, 1e6])
def test_a_unit_that_is_wrong_by_a_thousand_is_asked_about(factor: float) -> None:
    assert "--unit" in impossible(eeg(factor * brain()))
    assert "--unit" in impossible(ecg(factor * of_heart()))
    assert not impossible(eeg(brain()))
    assert not impossible(ecg(of_heart()))


def test_the_question_names_the_unit_that_fits() -> None:
    assert "The numbers look like V. State their unit by `--unit V`" in impossible(eeg(1e-6 * brain()))
    assert "amplitude of 0.000052 µV" in impossible(eeg(1e-6 * brain()))
    assert "`--unit mV`" in impossible(eeg(1e-3 * brain()))
    assert "`--unit V`" in impossible(ecg(1e-3 * of_heart()))
    assert "µV or raw counts" in impossible(ecg(np.round(200 * of_heart()) + 1000))
    assert "raw counts" in impossible(eeg(np.round(brain() / 0.03125) + 4_000_000))


@pytest.mark.parametrize("kind", ["offset", "drift", "flat", "saturated", "gaps", "hum", "quiet"])
def test_what_electrodes_do_is_not_accused(kind: str) -> None:
    values = brain()
    times = np.arange(values.shape[1]) / RATE
    if kind == "offset":  # BioSemi and OpenBCI keep the direct current of the electrodes
        values += np.array([[-180_000.0], [40_000], [9000], [150_000]])
    elif kind == "drift":
        values += 500 * times
    elif kind == "flat":
        values[1:] = 0
    elif kind == "saturated":
        values[:3] = 187_500.0 * np.sign(np.sin(2 * np.pi * 50 * times))
    elif kind == "gaps":
        values[:, ::3] = np.nan
    elif kind == "hum":
        values += 400 * np.sin(2 * np.pi * 50 * times)
    else:
        values *= 0.05  # 1 µV
    assert not impossible(eeg(values))


def test_nothing_is_said_of_what_does_nothing_or_is_relative() -> None:
    assert amplitude(eeg(np.zeros((2, 5000)))) is None
    assert not impossible(eeg(np.zeros((2, 5000))))
    beats = ecg(1e-4 * of_heart())
    beats.metadata = {"amplitude": "relative"}
    assert not impossible(beats)


def record_in_counts(folder: Path) -> None:
    """A record of 12-bit counts whose header says that they are mV."""
    stored = (np.round(200 * of_heart().T) + 900).astype(int)
    wfdb.wrsamp("a", RATE, ["mV"], ["II"], d_signal=stored, fmt=["16"], adc_gain=[1.0], baseline=[0],
                write_dir=str(folder))  # fmt: skip


def run(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr(sys, "argv", ["synth_core", *map(str, words)])
    with pytest.raises(SystemExit) as stopped:
        main()
    return int(stopped.value.code or 0)


def test_inspect_asks_prepare_refuses_and_the_unit_answers(monkeypatch, capsys, tmp_path: Path) -> None:
    record_in_counts(tmp_path)
    assert run(monkeypatch, "inspect", tmp_path, "--json") == 0
    assert any("--unit" in sentence for sentence in json.loads(capsys.readouterr().out)["warnings"])
    settings = ("--set", "seconds=2", "--set", "max_abs=null")
    assert run(monkeypatch, "prepare", tmp_path, "--out", tmp_path / "out", *settings) == 2
    assert "`--unit uV`" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert run(monkeypatch, "prepare", tmp_path, "--out", tmp_path / "out", *settings, "--unit", "uV", "--json") == 0
    made = json.loads(capsys.readouterr().out)
    assert made["examples"] == 10
    assert any("taken as µV, as you stated" in sentence for sentence in made["warnings"])


def test_what_the_user_states_replaces_an_impossible_header(tmp_path: Path) -> None:
    record_in_counts(tmp_path)
    (as_read,) = open_recordings(tmp_path)
    (told,) = open_recordings(tmp_path, unit="uV")
    np.testing.assert_allclose(told.read(5, 50), 1e-3 * as_read.read(5, 50), rtol=1e-6)
    (kept,) = open_recordings(tmp_path, unit="mV")
    np.testing.assert_array_equal(kept.read(), as_read.read())
    assert len(prepare([kept], tmp_path / "d", Preparation(seconds=2.0))) == 10


def test_an_edf_that_says_microvolts_and_holds_volts(tmp_path: Path) -> None:
    volts = [Channel(name, low=-0.003, high=0.003) for name in ("EEG Fp1", "EEG Fp2")]
    (tmp_path / "a.edf").write_bytes(edf_bytes(volts))
    (as_read,) = open_recordings(tmp_path)
    assert "`--unit V`" in " ".join(as_read.warnings)
    (told,) = open_recordings(tmp_path, unit="V")
    np.testing.assert_allclose(told.read(), 1e6 * as_read.read(), rtol=1e-6)


def test_a_unit_that_is_told_does_not_touch_what_is_possible(tmp_path: Path) -> None:
    wfdb.wrsamp("a", RATE, ["mV"], ["II"], p_signal=of_heart().T, fmt=["16"], write_dir=str(tmp_path))
    (recording,) = open_recordings(tmp_path, unit="V")
    np.testing.assert_allclose(recording.read(), of_heart(), atol=1e-3)


def test_an_array_is_asked_for_the_unit_that_was_told_wrongly(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", 1e-6 * brain())
    told = {"rate": 250.0, "modality": "eeg", "channels": ("Fp1", "Fp2", "C3", "C4")}
    (wrong,) = open_recordings(tmp_path / "a.npy", unit="uV", **told)
    assert "no EEG has" in " ".join(wrong.warnings)
    (right,) = open_recordings(tmp_path / "a.npy", unit="V", **told)
    assert not right.warnings or "no EEG has" not in " ".join(right.warnings)


def test_one_of_many_is_left_out_and_counted(tmp_path: Path) -> None:
    for number in range(3):
        values = of_heart().T * (1000 if number == 1 else 1)
        wfdb.wrsamp(f"r{number}", RATE, ["mV"], ["II"], p_signal=values, fmt=["16"], write_dir=str(tmp_path))
    dataset = prepare(open_recordings(tmp_path), tmp_path / "d", Preparation(seconds=2.0))
    assert dataset.info["counts"]["left_out"] == {"recordings: impossible amplitude": 1}
    assert "r1" in dataset.info["problems"][0]


@pytest.mark.data
def test_no_real_recording_is_accused(shared_data: Path) -> None:
    """The largest is intracranial EEG during a seizure, the smallest a lead of 0.27 mV."""
    for folder in sorted([*(shared_data / "eeg").iterdir(), *(shared_data / "ecg").iterdir()]):
        signals = [one for one in open_recordings(folder) if not one.spec.is_image]
        for one in signals[:: -(-len(signals) // 25)]:
            found = amplitude(one)
            low, high = RANGES[one.spec.modality]
            assert found is None or low * 5 < found.usual < high, one.record
            assert not impossible(one), one.record
