"""Shifts by index against padding and slicing, one example at a time."""

import numpy as np
import pytest
import torch

from synth_core.generators.nets.shift import phase_shuffle, shifted


def by_padding(x: np.ndarray, shift: int) -> np.ndarray:
    """WaveGAN's way: reflect on the side that the shift opens, then cut to the length."""
    wide = np.pad(x, [*[(0, 0)] * (x.ndim - 1), (max(shift, 0), max(-shift, 0))], mode="reflect")
    start = max(-shift, 0)
    return wide[..., start : start + x.shape[-1]]


@pytest.mark.parametrize("shift", [-3, -1, 0, 2, 4])
def test_one_shift_for_all_equals_padding_by_reflection(shift: int) -> None:
    x = torch.randn(3, 2, 11)
    assert np.array_equal(shifted(x, torch.tensor(shift)).numpy(), by_padding(x.numpy(), shift))


def test_a_shift_for_each_example_equals_a_loop() -> None:
    x, shifts = torch.randn(5, 2, 9), torch.tensor([-2, -1, 0, 1, 2])
    expected = np.stack([by_padding(x[i].numpy(), int(shifts[i])) for i in range(5)])
    assert np.array_equal(shifted(x, shifts).numpy(), expected)


def test_the_rows_of_a_slice_move_as_their_transpose_along_columns() -> None:
    x, shifts = torch.randn(4, 1, 6, 8), torch.tensor([-2, 1, 0, 3])
    assert torch.equal(shifted(x, shifts, axis=-2), shifted(x.mT, shifts).mT)


def test_phase_shuffle_draws_every_shift_within_its_bound_and_no_other() -> None:
    ramp = torch.arange(20.0).expand(300, 1, 20)
    rng = torch.Generator().manual_seed(0)
    middle = phase_shuffle(ramp, 2, rng, per_example=True)[:, 0, 10] - 10
    assert set(middle.tolist()) == {-2, -1, 0, 1, 2}
    assert len(set(phase_shuffle(ramp, 2, rng)[:, 0, 10].tolist())) == 1  # per batch: the same for all
