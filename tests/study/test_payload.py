from pathlib import Path

import numpy as np
import pytest
import torch

from synth_core.errors import StudyError
from synth_core.study.payload import Rendering, common_range, common_step, grid_of, write_payload
from synth_core.types import Batch, DataSpec

SPEC = DataSpec("ecg", (2, 500), "mV", 100.0, ("I", "II"))


def of(values: np.ndarray, spec: DataSpec = SPEC) -> Batch:
    return Batch(torch.from_numpy(np.asarray(values, dtype=np.float32)), spec)


def normal(seed: int, n: int = 10, spec: DataSpec = SPEC) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, *spec.shape)).astype(np.float32)


def test_codes_keep_values_to_half_a_step() -> None:
    real, synthetic = normal(0), normal(1)
    rendering = Rendering.fit(of(real), of(synthetic))
    shown = rendering.decode(rendering.encode(real[0]))
    assert np.abs(shown - real[0]).max() <= rendering.step / 2 + 1e-6


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
    assert rendering.decode(rendering.encode(padded[0])).min() == -900


def test_a_large_range_coarsens_the_step_and_does_not_overflow() -> None:
    huge = normal(0) * 1000
    rendering = Rendering.fit(of(huge), of(huge))
    assert np.abs(rendering.decode(rendering.encode(huge[0])) - huge[0]).max() <= rendering.step


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
