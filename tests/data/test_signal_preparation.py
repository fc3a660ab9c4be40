"""Baseline, references, events, bad channels and data quality: planted truths come out again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from synth_core.data import Preparation, open_recordings, prepare
from synth_core.data import windows as windows_module
from synth_core.data.quality import quality_flags
from synth_core.data.recording import Annotation, Source
from synth_core.errors import InvalidSetting
from synth_core.leads import TWELVE_LEADS, lead_matrix
from synth_core.signal import baseline, line_noise
from tests.data.memory import InMemory, signal

ELECTRODES = (
    *("Fp1", "Fp2", "F7", "F3", "Fz", "F4", "F8", "T3", "C3", "Cz", "C4", "T4"),
    *("T5", "P3", "Pz", "P4", "T6", "O1", "O2"),
)


def noise(channels: int, samples: int = 2000, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(channels, samples)).astype(np.float32)


def beats_recording(symbols: str = "NVNA", rate: float = 100.0, subject: str = "s") -> InMemory:
    values = noise(1, 1000, seed=len(symbols))
    marks = tuple(Annotation(1.0 + 2 * i, 0.0, symbol, "beat") for i, symbol in enumerate(symbols))
    made = signal(values, rate=rate, channels=("II",), modality="ecg", labels={"x": 1}, subject=subject, record=subject)
    return replace(made, annotations=(*marks, Annotation(9.99, 0.0, "N", "beat"), Annotation(4.0, 0.0, "+ (AFIB")))


@pytest.mark.parametrize(
    "settings",
    [{}, {"baseline": "median"}, {"baseline": "highpass"}, {"highpass": 0.5, "lowpass": 40.0, "notch": 50.0}],
)
def test_einthoven_survives_preparation(tmp_path: Path, settings: dict) -> None:
    values = lead_matrix(TWELVE_LEADS) @ np.cumsum(noise(8, 5000), axis=1) * 0.05
    recording = signal(values, rate=500.0, channels=TWELVE_LEADS, modality="ecg")
    dataset = prepare([recording], tmp_path / "d", Preparation(seconds=2.0, rate=250.0, **settings))
    one, two, three, avr = dataset.batch(range(len(dataset))).values.numpy().transpose(1, 0, 2)[:4]
    scale = np.abs(one).max()
    np.testing.assert_allclose(three, two - one, atol=1e-6 * scale)
    np.testing.assert_allclose(avr, -(one + two) / 2, atol=1e-6 * scale)


def test_running_medians_follow_the_drift_and_not_the_beats() -> None:
    time = np.arange(5000) / 250
    drift = 0.5 * np.sin(2 * np.pi * 0.1 * time)
    spikes = np.where(np.arange(5000) % 200 < 10, 1.0, 0.0)
    np.testing.assert_allclose(baseline(drift + spikes, 250)[200:-200], drift[200:-200], atol=0.05)


def test_average_and_ears_subtract_their_mean(tmp_path: Path) -> None:
    values = noise(5)
    recording = signal(values, channels=("Fp1", "F7", "Cz", "A1", "A2"))
    average = prepare([recording], tmp_path / "a", Preparation(seconds=1.0, reference="average"))
    assert average.spec.channels == ("Fp1", "F7", "Cz")
    expected = values[:3] - values[:3].mean(axis=0)
    np.testing.assert_allclose(average.batch([3]).values[0], expected[:, 300:400], atol=1e-6)
    ears = prepare([recording], tmp_path / "e", Preparation(seconds=1.0, reference="linked ears", channels=("Cz",)))
    np.testing.assert_allclose(ears.batch([3]).values[0, 0], (values[2] - values[3:].mean(0))[300:400], atol=1e-6)


def test_double_banana_is_differences_of_neighbours(tmp_path: Path) -> None:
    values = noise(19)
    recording = signal(values, channels=ELECTRODES)
    dataset = prepare([recording], tmp_path / "d", Preparation(seconds=1.0, reference="bipolar longitudinal"))
    assert len(dataset.spec.channels) == 18
    assert dataset.spec.channels[:2] == ("Fp1-F7", "F7-T3")
    window = dataset.batch([0]).values[0].numpy()
    np.testing.assert_allclose(window[1], (values[2] - values[7])[:100], atol=1e-6)
    left_chain = window[:4].sum(axis=0)  # a chain adds up to the difference of its ends
    np.testing.assert_allclose(left_chain, (values[0] - values[17])[:100], atol=1e-5)
    transverse = Preparation(seconds=1.0, reference="bipolar transverse")
    assert "T3-C3" in prepare([recording], tmp_path / "t", transverse).spec.channels


@pytest.mark.parametrize(
    ("channels", "reference", "sentence"),
    [
        (("C3", "C4"), "linked ears", "A1 and A2"),
        (("C3", "C4"), "bipolar longitudinal", "neighbours such as Fp1 and F7"),
        (("Fp1-F7", "F7-T3"), "average", "differences already"),
    ],
)
def test_references_that_cannot_be_made_are_refused(
    tmp_path: Path, channels: tuple[str, ...], reference: str, sentence: str
) -> None:
    preparation = Preparation.checked({"seconds": 1.0, "reference": reference})
    with pytest.raises(InvalidSetting, match=sentence):
        prepare([signal(noise(2), channels=channels)], tmp_path / "d", preparation)


def test_windows_around_beats_carry_their_symbols(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recording = beats_recording()
    preparation = Preparation(around="beats", before_seconds=0.2, after_seconds=0.4, labels_from_events=True)
    dataset = prepare([recording], tmp_path / "d", preparation)
    assert dataset.spec.classes == ("A", "N", "V")
    assert [list(names) for names in dataset.table["labels"]] == [["N"], ["V"], ["N"], ["A"]]
    assert dataset.info["counts"]["left_out"] == {"event too near an end": 1}
    np.testing.assert_array_equal(dataset.batch([1]).values[0], recording.values[:, 280:340])
    monkeypatch.setattr(windows_module, "BLOCK_VALUES", 100)
    pieces = prepare([recording], tmp_path / "pieces", preparation)
    assert pieces.info["hash"] == dataset.info["hash"]


def test_aami_groups_symbols_and_events_may_be_texts(tmp_path: Path) -> None:
    recordings = [beats_recording("LAVF/", subject="a"), beats_recording("NjEQ", subject="b")]
    preparation = Preparation(around="beats", labels_from_events=True, aami=True)
    dataset = prepare(recordings, tmp_path / "d", preparation)
    assert dataset.spec.classes == ("N", "S", "V", "F", "Q")
    assert [names[0] for names in dataset.table["labels"]] == list("NSVFQ") + list("NNVQ")
    rhythm = prepare(recordings, tmp_path / "r", Preparation(around="+ (AFIB"))
    assert (len(rhythm), rhythm.spec.classes) == (2, ("x",))
    with pytest.raises(InvalidSetting, match="No recording has annotated events"):
        prepare(recordings, tmp_path / "n", Preparation(around="nothing", labels_from_events=True))
    with pytest.raises(InvalidSetting, match="around"):
        Preparation.checked({"labels_from_events": True})


@pytest.mark.data
def test_detected_beats_are_where_annotated_ones_are(shared_data: Path, tmp_path: Path) -> None:
    hundred = open_recordings(shared_data / "ecg/mitdb/100.hea")[0]
    first = replace(hundred, spec=replace(hundred.spec, shape=(2, 360 * 60)))  # type: ignore[type-var]
    marked = sorted(mark.onset for mark in hundred.annotations if mark.kind == "beat" and 0.3 < mark.onset < 59)
    dataset = prepare([replace(first, annotations=())], tmp_path / "d", Preparation(around="beats"))
    found = dataset.table["start"].to_numpy() + 0.25
    assert max(np.abs(found - onset).min() for onset in marked) < 0.05
    assert abs(len(found) - len(marked)) <= 2


def test_jumps_hum_and_bad_channels_are_counted(tmp_path: Path) -> None:
    values = noise(4, 2000) + noise(1, 2000, seed=9)
    values[0, 350] += 60
    values[2, 700:800] += 30 * np.sin(2 * np.pi * 60 * np.arange(100) / 200)
    values[2, 800:900] += 30 * np.sin(2 * np.pi * 50 * np.arange(100) / 200)
    recording = signal(values, rate=200.0)
    limits = Preparation(seconds=0.5, max_step=50.0)
    assert prepare([recording], tmp_path / "a", limits).info["counts"]["left_out"] == {"jump": 1}
    limits = Preparation(seconds=0.5, max_line_noise=0.5)
    assert prepare([recording], tmp_path / "b", limits).info["counts"]["left_out"] == {"line noise": 2}
    loud = replace(recording, values=values * np.array([[1], [1], [1], [50]], np.float32), record="loud")
    limits = Preparation(seconds=0.5, bad_channel_z=20.0)
    dataset = prepare([recording, loud], tmp_path / "c", limits)
    assert dataset.info["counts"]["left_out"] == {"bad channel": 20}
    without = Preparation(seconds=0.5, bad_channel_z=20.0, channels=("C0", "C1"))
    assert prepare([recording, loud], tmp_path / "d", without).info["counts"]["left_out"] == {}


def test_a_channel_like_no_other_is_bad(tmp_path: Path) -> None:
    values = noise(5, 2000) * 0.3 + noise(1, 2000, seed=9)
    alone = values.copy()
    alone[1] = noise(1, 2000, seed=77)[0]
    recordings = [signal(values, record="a"), signal(alone, record="b")]
    dataset = prepare(recordings, tmp_path / "d", Preparation(seconds=1.0, bad_channel_correlation=0.4))
    assert set(dataset.table["record"]) == {"a"}
    assert dataset.info["counts"]["left_out"] == {"bad channel": 20}


def test_line_noise_is_the_share_of_power() -> None:
    time = np.arange(4000) / 200
    mixed = np.sin(2 * np.pi * 10 * time) + np.sin(2 * np.pi * 50 * time)
    np.testing.assert_allclose(line_noise(mixed, 200), 0.5, atol=0.02)
    assert line_noise(mixed, 80) == 0  # neither hum is below half the rate


def test_planted_faults_are_flagged() -> None:
    time = np.arange(2000) / 200
    clean = noise(3)
    faulty = noise(3, seed=1)
    faulty[0, 500:1000] = 0.2
    faulty[1, :100] = np.nan
    faulty[2] += 20 * np.sin(2 * np.pi * 50 * time).astype(np.float32)
    clipped = np.clip(np.sin(2 * np.pi * np.outer([2, 3, 4], time)), -0.8, 0.8)
    recordings = [
        signal(clean, rate=200.0, record="clean", subject="a"),
        signal(faulty, rate=200.0, record="faulty", subject="b"),
        signal(clean, rate=200.0, record="copy", subject="c"),
        signal(noise(2, seed=3), rate=200.0, record="short of one", subject="d"),
        signal(clipped, rate=200.0, record="clipped", subject="e"),
        replace(signal(noise(3, seed=4), rate=200.0, record="twin", subject="a"), source=Source("elsewhere")),
    ]
    calls: list[int] = []
    flags = quality_flags(recordings, progress=lambda done, total, name: calls.append(done))
    found = {(flag.record, flag.kind): flag.detail for flag in flags}
    assert set(found) == {
        ("faulty", "flat"), ("faulty", "missing values"), ("faulty", "line noise"), ("copy", "duplicate"),
        ("short of one", "missing leads"), ("clipped", "clipped"), ("twin", "same subject"),
    }  # fmt: skip
    assert found["faulty", "flat"] == "C0: one value for 2.5 s; check the electrode."
    assert found["faulty", "missing values"] == "C1: 5 % of the samples are missing."
    assert "clean" in found["copy", "duplicate"]
    assert "1 of the 3" in found["short of one", "missing leads"]
    assert all(flag.detail.endswith(".") for flag in flags)
    assert calls == [1, 2, 3, 4, 5, 6]
