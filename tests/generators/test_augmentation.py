import torch

from synth_core.generators.nets.augmentation import augmented, cut_out, mirrored, rescaled
from synth_core.types import Condition
from tests.generators.seeds import seeded


def test_a_mask_moves_and_is_cut_with_its_slice() -> None:
    mask = torch.zeros(30, 1, 32, 32)
    mask[:, :, 12:16, 14:18] = 1
    values, condition = augmented(1000 * mask, Condition(mask=mask), seeded())
    assert condition.mask is not None
    assert torch.equal(values > 500, condition.mask > 0.5)
    assert len({tuple(row.nonzero()[0].tolist()) for row in condition.mask if row.any()}) > 5


def test_it_is_differentiable_and_repeats_with_its_rng() -> None:
    for shape in ((6, 2, 40), (6, 1, 16, 16)):
        x = torch.randn(shape, requires_grad=True)
        first, _ = augmented(x, Condition(), seeded())
        again, _ = augmented(x, Condition(), seeded())
        other, _ = augmented(x, Condition(), seeded(1))
        assert torch.equal(first, again)
        assert not torch.equal(first, other)
        first.sum().backward()
        assert x.grad is not None
        assert float(x.grad.abs().sum()) > 0


def test_the_cutout_is_a_quarter_of_the_slice_at_most_and_a_sixteenth_at_least() -> None:
    share = (cut_out(torch.ones(200, 1, 32, 32), seeded()) == 0).float().mean((1, 2, 3))
    assert float(share.max()) <= 0.25
    assert float(share.min()) >= 1 / 16 - 0.01


def test_scaling_stays_within_a_quarter() -> None:
    factors = rescaled(torch.ones(500, 1, 4), seeded())
    assert torch.equal(factors[..., 0], factors[..., 3])
    assert 0.8 <= float(factors.min()) < 0.83 < 1.2 < float(factors.max()) <= 1.25


def test_mirroring_swaps_half_of_the_slices_with_their_masks() -> None:
    x = torch.arange(8.0).expand(200, 1, 8, 8)
    values, condition = mirrored(x, Condition(mask=x / 8), seeded())
    assert condition.mask is not None
    assert torch.equal(values / 8, condition.mask)
    assert 0.4 < float((values[:, 0, 0, 0] == 7).float().mean()) < 0.6
