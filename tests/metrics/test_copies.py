import numpy as np
import pytest
from skimage.transform import AffineTransform, warp

from synth_core.errors import SpecMismatch
from synth_core.metrics import find_copies
from synth_core.metrics.copies import LEAST, cross_fitted_share


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def walks(rng, n, channels=3, samples=400):
    """Correlated noise: slow waves that look alike over short stretches."""
    steps = rng.normal(size=(n, channels, samples))
    return np.stack(
        [np.convolve(row, np.exp(-np.arange(60) / 12), "same") for row in steps.reshape(-1, samples)]
    ).reshape(steps.shape)


def with_noise(values, rng, decibels=15):
    axes = tuple(range(1, values.ndim))
    return values + rng.normal(size=values.shape) * values.std(axes, keepdims=True) * 10 ** (-decibels / 20)


@pytest.mark.parametrize("shift", [-80, -7, 0, 80, 140])
def test_a_window_that_starts_elsewhere_is_found_with_its_shift(rng, shift):
    long = walks(rng, 40, samples=680)
    train, moved = long[..., 140:540], long[:20, :, 140 + shift : 540 + shift]
    found = find_copies(train, with_noise(-1.7 * moved + 5, rng))
    assert found.share == 1
    np.testing.assert_array_equal(found.index, np.arange(20))
    assert (found.shift[:, 0] == -shift).mean() > 0.9


def test_a_circular_shift_is_found_beyond_half_the_length(rng):
    train = walks(rng, 40)
    found = find_copies(train, np.roll(train[:10], 250, -1))
    np.testing.assert_allclose(found.similarity, 1, atol=1e-4)
    assert set(found.shift[:, 0]) == {-150}


def test_other_people_are_not_accused_and_planted_copies_are_counted(rng):
    train, holdout, made = walks(rng, 150), walks(rng, 80), walks(rng, 100)
    made[:30] = with_noise(0.5 * np.roll(train[:30], 60, -1), rng)
    found = find_copies(train, made, holdout)
    np.testing.assert_array_equal(found.flagged, np.arange(100) < 30)
    assert found.share == 0.3


def test_rhythms_that_all_people_share_raise_the_threshold(rng):
    time = np.arange(256) / 128

    def alpha(n):
        return with_noise(np.sin(2 * np.pi * (10 * time + rng.uniform(size=(n, 1, 1)))), rng, 25)

    found = find_copies(alpha(60), alpha(60), alpha(60))
    assert found.threshold > 0.99
    assert found.share < 0.1


def test_one_person_in_training_and_holdout_does_not_switch_the_alarm_off(rng):
    train, holdout = walks(rng, 60), walks(rng, 40)
    holdout[0] = train[5]
    found = find_copies(train, with_noise(train[:20], rng), holdout)
    assert found.share == 1
    assert cross_fitted_share(found.held_out, rng) == 1 / 40


@pytest.fixture
def slices(rng):
    spots = rng.normal(size=(60, 48, 40))
    spectrum = np.fft.rfft2(spots) * np.exp(-((np.fft.fftfreq(48)[:, None] ** 2 + np.fft.rfftfreq(40) ** 2) / 0.02))
    return 400 * np.pad(np.fft.irfft2(spectrum, s=(48, 40)), ((0, 0), (8, 8), (8, 8)))


@pytest.mark.parametrize("flip", [(), (-1,), (-2,), (-2, -1)])
def test_a_slice_is_found_moved_flipped_and_in_another_window(rng, slices, flip):
    train, holdout = slices[:40], slices[40:]
    moved = np.stack([warp(image, AffineTransform(translation=(4, -3)), preserve_range=True) for image in train[:15]])
    made = with_noise(0.3 * np.flip(moved, flip) + 40, rng, 20)
    found = find_copies(train, made, holdout, image=True)
    assert found.share == 1
    np.testing.assert_array_equal(found.index, np.arange(15))
    assert np.abs(found.shift).max() <= 4


def test_an_inverted_slice_is_no_copy_and_an_inverted_signal_is_one(rng, slices):
    assert find_copies(slices, -slices[:10], image=True).share == 0
    signals = walks(rng, 30)
    assert find_copies(signals, -signals[:10]).share == 1


def test_flat_examples_resemble_nothing_and_shapes_must_agree(rng):
    train = walks(rng, 20)
    assert find_copies(train, np.ones((3, 3, 400))).similarity.max() < LEAST
    with pytest.raises(SpecMismatch, match="one shape"):
        find_copies(train, np.ones((3, 3, 300)))
    with pytest.raises(SpecMismatch, match="finite"):
        find_copies(train, np.full((3, 3, 400), np.nan))
