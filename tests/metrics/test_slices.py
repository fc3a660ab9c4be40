"""Structural similarity against scikit-image and torchmetrics, and the variety of a set."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity
from torchmetrics.functional.image import multiscale_structural_similarity_index_measure

from synth_core.errors import InvalidSetting, SpecMismatch
from synth_core.metrics import ms_ssim, msssim_diversity, ssim
from synth_core.metrics.slices import random_pairs

WINDOW = (-20.0, 80.0)


def smooth_slices(n: int, side: int, seed: int = 0) -> np.ndarray:
    """Noise of all scales about 30 HU."""
    rng = np.random.default_rng(seed)
    coarse = rng.normal(0, 25, (n, side // 8, side // 8)).repeat(8, 1).repeat(8, 2)
    return 30 + coarse + rng.normal(0, 10, (n, side, side))


def test_ssim_agrees_with_scikit_image() -> None:
    a, b = smooth_slices(3, 48), smooth_slices(3, 48, 1)
    shown = [(np.clip(x, *WINDOW) + 20) / 100 for x in (a, b)]
    settings = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 1}
    expected = [structural_similarity(x, y, **settings) for x, y in zip(*shown, strict=True)]
    np.testing.assert_allclose(ssim(a, b, window=WINDOW), expected, atol=1e-9)


def test_ms_ssim_agrees_with_torchmetrics_at_five_scales() -> None:
    a = smooth_slices(2, 192)
    b = a + np.random.default_rng(2).normal(0, 15, a.shape)
    shown = [torch.from_numpy((np.clip(x, *WINDOW) + 20) / 100)[:, None] for x in (a, b)]
    expected = multiscale_structural_similarity_index_measure(*shown, data_range=1.0, reduction="none")
    np.testing.assert_allclose(ms_ssim(a, b, window=WINDOW), expected.numpy(), atol=1e-4)


@pytest.mark.parametrize("measure", [ssim, ms_ssim])
def test_one_for_equal_slices_less_for_others_and_the_same_both_ways(measure) -> None:
    a, b = smooth_slices(2, 64), smooth_slices(2, 64, 1)
    np.testing.assert_allclose(measure(a, a, WINDOW), 1)
    np.testing.assert_allclose(measure(a, b, WINDOW), measure(b, a, WINDOW))
    assert (measure(a, b, WINDOW) < 0.9).all()
    assert measure(a[0], b[0], WINDOW) == pytest.approx(measure(a, b, WINDOW)[0])


@pytest.mark.parametrize("measure", [ssim, ms_ssim])
def test_what_lies_beyond_the_window_is_not_seen(measure) -> None:
    a = smooth_slices(1, 64)[0]
    a[:20], b = 500, a.copy()
    b[:20] = 2000
    assert measure(a, a, WINDOW) == measure(a, np.where(a == 500, 2000, a), WINDOW) == pytest.approx(1)


def test_misuse_is_a_sentence() -> None:
    a = smooth_slices(1, 64)
    with pytest.raises(SpecMismatch, match="at least 11"):
        ssim(a[:, :8, :8], a[:, :8, :8], WINDOW)
    with pytest.raises(SpecMismatch, match="the same shape"):
        ms_ssim(a, a[0], WINDOW)
    with pytest.raises(InvalidSetting, match="low < high"):
        ssim(a, a, (80, 0))


def test_mode_collapse_raises_the_similarity_of_pairs() -> None:
    varied, rng = smooth_slices(60, 32), np.random.default_rng(0)
    few = varied[:3][rng.integers(3, size=60)]
    scores = [msssim_diversity(x, WINDOW, pairs=200, rng=np.random.default_rng(1)) for x in (varied, few)]
    assert scores[1] > scores[0] + 0.2


def test_pairs_are_never_of_one_subject_and_never_of_one_example() -> None:
    groups, rng = ["a"] * 30 + ["b"] * 2, np.random.default_rng(0)
    first, second = random_pairs(32, 300, groups=groups, rng=rng)
    assert all((i < 30) != (j < 30) for i, j in zip(first, second, strict=True))
    assert all(np.not_equal(*random_pairs(2, 50, rng=rng)))
    with pytest.raises(InvalidSetting, match="different subjects"):
        random_pairs(5, 10, groups=["a"] * 5, rng=rng)
