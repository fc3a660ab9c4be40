import numpy as np
import pytest

from synth_core.errors import SpecMismatch
from synth_core.metrics import hjorth, signal_features, slice_features


def column(features, start):
    index = next(i for i, name in enumerate(features.names) if name.startswith(start))
    return features.values[:, index]


def test_hjorth_of_a_tone_is_known():
    step = 2 * np.pi * 5 / 500
    activity, mobility, complexity = hjorth(3 * np.sin(step * np.arange(5000)))
    assert (activity, mobility, complexity) == pytest.approx((4.5, step, 1.0), rel=1e-3)


def test_amplitude_shifts_logarithms_and_leaves_shape_alone():
    x = np.random.default_rng(0).normal(size=(5, 1, 400))
    before, after = signal_features(x, 100.0), signal_features(10 * x, 100.0)
    np.testing.assert_allclose(column(after, "line length") - column(before, "line length"), 1)
    np.testing.assert_allclose(column(after, "theta power") - column(before, "theta power"), 2)
    for name in ("kurtosis", "mobility", "spectral edge", "skewness"):
        np.testing.assert_allclose(column(after, name), column(before, name), atol=1e-9)


@pytest.mark.parametrize("channels", [1, 4])
def test_features_are_finite_even_for_flat_signals(channels):
    features = signal_features(np.zeros((3, channels, 300)), 100.0, "ecg")
    assert np.isfinite(features.values).all()
    assert len(set(features.names)) == len(features.names)


def test_identical_channels_are_fully_correlated():
    x = np.repeat(np.random.default_rng(0).normal(size=(4, 1, 300)), 3, axis=1)
    np.testing.assert_allclose(column(signal_features(x, 100.0), "channel correlation, mean size"), 1)


def test_slices_of_known_tissue():
    half = np.full((2, 32, 32), -1000.0)
    half[:, 16:] = 35.0
    features = slice_features(half, 0.5)
    np.testing.assert_allclose(column(features, "air"), 0.5)
    np.testing.assert_allclose(column(features, "brain"), 0.5)
    np.testing.assert_allclose(column(features, "mean of soft tissue"), 35)
    np.testing.assert_allclose(column(features, "mirror correlation"), 1)


def test_noise_flattens_the_spectral_slope_and_blocks_steepen_it():
    rng = np.random.default_rng(0)
    noise = 20 * rng.normal(size=(6, 32, 32))
    blocks = np.kron(20 * rng.normal(size=(6, 4, 4)), np.ones((8, 8)))
    assert abs(column(slice_features(noise, 0.5), "spectral slope").mean()) < 0.5
    assert column(slice_features(blocks, 0.5), "spectral slope").mean() < -1.5


def test_a_missing_axis_is_named():
    with pytest.raises(SpecMismatch, match=r"\(n, channels, samples\)"):
        signal_features(np.zeros((3, 300)), 100.0)
