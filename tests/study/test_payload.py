from pathlib import Path

import numpy as np
import pytest
import torch

from synth_core.errors import StudyError
from synth_core.study.payload import Rendering, common_range, common_step, common_window, grid_of, write_payload
from synth_core.types import Batch, DataSpec

SPEC = DataSpec("ecg", (2, 500), "mV", 100.0, ("I", "II"))


def of(values: np.ndarray, spec: DataSpec = SPEC) -> Batch:
    return Batch(torch.from_numpy(np.asarray(values, dtype=np.float32)), spec)


def normal(seed: int, n: int = 10, spec: DataSpec = SPEC) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, *spec.shape)).astype(np.float32)


def test_codes_keep_values_to_half_a_step() -> None:
    real, synthetic = normal(0), normal(1)
    rendering = Rendering.fit(of(real), of(synthetic))
    wanted = rendering.filtered(real[0])
    assert np.abs(rendering.decode(rendering.encode(real[0])) - wanted).max() <= rendering.step / 2 + 1e-6


@pytest.mark.parametrize(
    ("hertz", "gain"), [(0.2, 0.0), (0.5, 0.5), (2.0, 1.0), (10.0, 1.0), (30.0, 1.0), (40.0, 0.5), (47.0, 0.0)]
)
def test_both_sides_keep_the_band_that_is_read(hertz: float, gain: float) -> None:
    spec = DataSpec("ecg", (1, 4000), "mV", 100.0, ("I",))
    wave = 3 * np.sin(2 * np.pi * hertz * np.arange(4000) / 100, dtype=np.float32).reshape(1, 1, -1) + 5
    rendering = Rendering.fit(of(wave, spec), of(wave, spec))
    shown = rendering.decode(rendering.encode(wave[0]))[0, 1000:3000]
    assert rendering.band == (0.5, 40.0)
    assert shown.std() * np.sqrt(2) / 3 == pytest.approx(gain, abs=0.03)
    assert shown.mean() == pytest.approx(0, abs=0.02)


def test_a_window_too_short_for_slow_waves_keeps_them() -> None:
    short = DataSpec("eeg", (1, 400), "uV", 128.0, ("C3",))
    rendering = Rendering.fit(of(normal(0, spec=short), short), of(normal(1, spec=short), short))
    assert rendering.band == (0.0, pytest.approx(51.2))


def test_a_study_made_before_there_was_a_band_is_shown_as_it_was() -> None:
    rendering = Rendering.fit(of(normal(0)), of(normal(1))).model_copy(update={"band": None})
    known = Rendering.model_validate({k: v for k, v in rendering.model_dump().items() if k != "band"})
    assert np.abs(known.decode(known.encode(normal(0)[0])) - normal(0)[0]).max() <= known.step / 2 + 1e-6


def test_both_sides_end_on_one_grid_whatever_they_came_on() -> None:
    digitised = np.round(normal(0) / 0.024) * 0.024
    rendering = Rendering.fit(of(digitised), of(normal(1)))
    assert rendering.step == pytest.approx(0.024, rel=1e-4)
    shown = [rendering.encode(values) for values in (digitised, normal(1))]
    assert all(abs(np.diff(np.unique(codes)).min() - 1) < 1 for codes in shown)


def test_a_finer_grid_than_the_screen_shows_is_thinned_evenly() -> None:
    digitised = np.round(normal(0), 3)
    assert common_step(digitised, normal(1), finest=0.005) == pytest.approx(0.005, rel=1e-3)
    assert grid_of(normal(1)) == 0.0


def test_a_clamp_of_one_side_is_given_to_the_other() -> None:
    clamped = np.clip(normal(0), -1.5, 1.5)
    for sides in ((clamped, normal(1)), (normal(1), clamped)):
        assert common_range(*sides) == (-1.5, 1.5)
    free = common_range(normal(0), normal(1))
    assert free[0] < -3
    assert free[1] > 3


def test_last_digits_of_codes_do_not_tell_the_sides_apart() -> None:
    digitised = np.round(normal(0, 40), 3)
    rendering = Rendering.fit(of(digitised), of(normal(1, 40)))
    counts = [np.bincount(rendering.encode(side).ravel() % 10, minlength=10) for side in (digitised, normal(1, 40))]
    shares = [count / count.sum() for count in counts]
    assert np.abs(shares[0] - shares[1]).max() < 0.01


def test_ct_loses_what_lies_outside_the_common_window() -> None:
    spec = DataSpec("ct", (1, 8, 8), "HU", 1.0)
    padded, plain = normal(0, spec=spec) * 500, normal(1, spec=spec) * 500
    padded[:, :, 0] = -1024
    rendering = Rendering.fit(of(padded, spec), of(plain, spec))
    assert rendering.decode(rendering.encode(padded[0])).min() == -500


def test_images_that_end_at_one_value_give_it_to_the_other_side() -> None:
    spec = DataSpec("ct", (1, 32, 32), "HU", 1.0)
    real = 900 + 100 * normal(0, 12, spec)
    ended = np.minimum(900 + 100 * normal(1, 12, spec), 1096.4)
    for sides in ((real, ended), (ended, real)):
        low, high = common_window(*sides)
        assert high == min(side.reshape(12, -1).max(axis=1).min() for side in sides)
        assert {int(np.clip(image, low, high).max()) for side in sides for image in side} == {int(high)}
    assert common_window(real, 900 + 90 * normal(1, 12, spec)) == (-500.0, 2000.0)


def test_a_large_range_coarsens_the_step_and_does_not_overflow() -> None:
    huge = normal(0) * 1000
    rendering = Rendering.fit(of(huge), of(huge))
    shown = rendering.decode(rendering.encode(huge[0]))
    assert np.abs(shown - rendering.filtered(huge[0])).max() <= rendering.step


def test_payloads_are_deterministic_and_of_one_size(tmp_path: Path) -> None:
    rendering = Rendering.fit(of(normal(0)), of(normal(1)))
    digests = [write_payload(tmp_path / name, rendering.encode(normal(0)[0])) for name in ("a", "b")]
    write_payload(tmp_path / "c", rendering.encode(normal(1)[0] * 0))
    assert digests[0] == digests[1]
    assert len({path.stat().st_size for path in tmp_path.iterdir()}) == 1


def test_not_a_number_and_damaged_files_are_refused(tmp_path: Path) -> None:
    broken = normal(0)
    broken[0, 0, 0] = np.nan
    with pytest.raises(StudyError, match="finite"):
        Rendering.fit(of(normal(1)), of(broken))
    rendering = Rendering.fit(of(normal(0)), of(normal(1)))
    (tmp_path / "cut").write_bytes(b"\x93NUMPY")
    np.save(tmp_path / "other.npy", np.zeros(3, "<i2"))
    for name in ("cut", "other.npy", "absent"):
        with pytest.raises(StudyError):
            rendering.read(tmp_path / name)
