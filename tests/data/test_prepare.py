"""What preparing keeps, changes and leaves out."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from synth_core.data import Dataset, Preparation, prepare
from synth_core.data import windows as windows_module
from synth_core.errors import InvalidSetting
from tests.data.memory import head_series, noise_cohort, signal


def noise(samples: int, channels: int = 1) -> np.ndarray:
    return np.random.default_rng(1).normal(size=(channels, samples)).astype(np.float32)


def one(tmp_path: Path, values: np.ndarray, preparation: Preparation, rate: float = 100.0) -> Dataset:
    return prepare([signal(values, rate=rate)], tmp_path / "dataset", preparation)


def test_windows_without_filters_are_the_samples(tmp_path: Path) -> None:
    values = noise(1050, 2)
    dataset = one(tmp_path, values, Preparation(seconds=1.0, stride_seconds=0.5))
    starts = dataset.table["start"].to_numpy()
    np.testing.assert_allclose(starts, np.arange(0, 9.51, 0.5))
    for start, window in zip(starts, dataset.batch(range(len(dataset))).values.numpy(), strict=True):
        np.testing.assert_array_equal(window, values[:, round(start * 100) : round(start * 100) + 100])


def test_a_long_recording_in_blocks_equals_one_in_a_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = noise(60_000) + 50
    preparation = Preparation(seconds=2.0, rate=80.0, highpass=1.0, lowpass=30.0)
    whole = one(tmp_path, values, preparation).batch(range(300)).values
    monkeypatch.setattr(windows_module, "BLOCK_VALUES", 6_000)
    pieces = one(tmp_path / "pieces", values, preparation).batch(range(300)).values
    np.testing.assert_allclose(pieces, whole, atol=1e-4)


def test_filters_keep_the_band_and_remove_the_rest(tmp_path: Path) -> None:
    time = np.arange(20_000) / 200
    inside, drift, hum = (
        np.sin(2 * np.pi * 10 * time),
        5 * np.sin(2 * np.pi * 0.05 * time),
        np.sin(2 * np.pi * 50 * time),
    )
    values = (inside + drift + hum).astype(np.float32)[None]
    preparation = Preparation(seconds=10.0, highpass=0.5, lowpass=30.0)
    middle = one(tmp_path, values, preparation, rate=200.0).batch([5]).values[0, 0].numpy()
    np.testing.assert_allclose(middle, inside[10_000:12_000], atol=0.02)


def test_bad_windows_are_left_out_and_counted(tmp_path: Path) -> None:
    values = noise(1000, 2)
    values[0, 320:330] = values.max() + 1  # window 3: on a plateau at the end of the range
    values[0, 150] = np.nan  # window 1
    values[1, 200:300] = 0.25  # window 2
    values[1, 450] = -900  # window 4
    dataset = one(tmp_path, values, Preparation(seconds=1.0, max_abs=500.0))
    assert dataset.info["counts"]["left_out"] == {"missing values": 1, "flat": 1, "clipped": 1, "out of range": 1}
    assert dataset.table["start"].tolist() == [0, 5, 6, 7, 8, 9]


def test_a_gap_does_not_spread_through_the_filter(tmp_path: Path) -> None:
    values = noise(3000)
    gap = values.copy()
    gap[0, 1500:1510] = np.nan
    preparation = Preparation(seconds=1.0, highpass=1.0, lowpass=40.0)
    clean = one(tmp_path / "clean", values, preparation)
    dataset = one(tmp_path / "gap", gap, preparation)
    assert dataset.info["counts"]["left_out"] == {"missing values": 1}
    np.testing.assert_allclose(dataset.batch([0]).values, clean.batch([0]).values, atol=0.05)


def test_quality_falls_with_plateaus(tmp_path: Path) -> None:
    values = noise(200)
    values[0, 120:140] = 0.1
    quality = one(tmp_path, values, Preparation(seconds=1.0)).table["quality"]
    assert quality.tolist() == pytest.approx([1.0, 0.8])


def test_differing_recordings_share_channels_and_rate(tmp_path: Path) -> None:
    recordings = [
        signal(noise(1000, 3), channels=("C3", "Cz", "C4"), subject="a", record="a"),
        signal(noise(1000, 2), channels=("C4", "C3"), subject="b", record="b"),
        signal(noise(2000, 2), channels=("C3", "C4"), rate=200.0, subject="c", record="c"),
        signal(noise(1000, 2), channels=("I", "II"), modality="ecg", subject="d", record="d"),
        signal(noise(50, 2), channels=("C3", "C4"), subject="e", record="e"),
    ]
    dataset = prepare(recordings, tmp_path / "dataset", Preparation(seconds=1.0))
    assert (dataset.spec.channels, dataset.spec.rate) == (("C3", "C4"), 100.0)
    assert dataset.table["subject"].value_counts().to_dict() == {"a": 10, "b": 10, "c": 10}
    assert dataset.info["counts"]["left_out"] == {"recordings: other modality": 1, "recordings: too short": 1}
    np.testing.assert_array_equal(dataset.batch([10]).values[0, 0], recordings[1].values[1, :100])


def test_hash_is_of_the_values_and_stays(tmp_path: Path) -> None:
    recordings = noise_cohort(4, [{"x": 1, "y": 0}, {"x": 0, "y": 1}])
    first, second = (prepare(recordings, tmp_path / name, Preparation(seconds=1.0)) for name in ("a", "b"))
    content = first.batch(range(len(first))).values.numpy().tobytes()
    assert first.info["hash"] == second.info["hash"] == hashlib.sha256(content).hexdigest()


def test_cancelling_leaves_nothing(tmp_path: Path) -> None:
    def cancel(done: int, total: int, message: str) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(noise_cohort(4, [{}]), tmp_path / "dataset", Preparation(seconds=1.0), progress=cancel)
    assert list(tmp_path.iterdir()) == []


def test_an_existing_dataset_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "dataset").mkdir()
    with pytest.raises(InvalidSetting, match="exists already"):
        prepare(noise_cohort(4, [{}]), tmp_path / "dataset", Preparation())


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"rate": -1}, "rate"),
        ({"highpass": 40, "lowpass": 1}, "below"),
        ({"wrong": 1}, "wrong"),
        ({"channels": []}, "channel"),
    ],
)
def test_settings_are_refused_by_name(settings: dict[str, object], word: str) -> None:
    with pytest.raises(InvalidSetting, match=word):
        Preparation.checked(settings)


def test_a_window_longer_than_everything_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting, match="longest has 5 s"):
        prepare(noise_cohort(3, [{}]), tmp_path / "dataset", Preparation(seconds=60.0))


def test_a_head_is_centred_scaled_and_keeps_its_lesion(tmp_path: Path) -> None:
    preparation = Preparation(image_size=64, field_mm=200.0)
    dataset = prepare([head_series(subject=name) for name in "ab"], tmp_path / "ct", preparation)
    assert dataset.info["counts"]["left_out"] == {"too little head": 2}
    batch = dataset.batch(range(len(dataset)))
    head = batch.values[0, 0] > -300
    rows, columns = np.nonzero(head.numpy())
    for positions in (rows, columns):
        assert (positions.min() + positions.max()) / 2 == pytest.approx(31.5, abs=1)
        assert (positions.max() - positions.min() + 1) * 200 / 64 == pytest.approx(160, abs=7)
    assert batch.values[0, 0, 32, 32] == pytest.approx(40, abs=1)
    assert batch.condition.mask is not None
    area = float(batch.condition.mask[0].sum()) * (200 / 64) ** 2
    assert area == pytest.approx(np.pi * 10**2, rel=0.1)
