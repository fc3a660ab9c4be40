import numpy as np
import pytest

from synth_core.errors import InvalidSetting, SpecMismatch
from synth_core.metrics import (
    band_powers,
    log_spectral_distance,
    power_spectral_density,
    radial_spectrum,
    spectral_wasserstein,
)
from synth_core.metrics.spectral import bands_for

RATE = 128.0
TIME = np.arange(1280) / RATE


def test_a_tone_has_half_its_squared_amplitude_in_its_band():
    powers = band_powers(6 * np.sin(2 * np.pi * 10 * TIME), RATE)
    assert powers["alpha"] == pytest.approx(18, rel=0.01)
    assert powers["beta"] < 0.01


def test_relative_powers_sum_to_one_and_do_not_know_the_amplitude():
    x = np.random.default_rng(0).normal(size=(3, 2, 1280))
    shares = band_powers(x, RATE, relative=True)
    np.testing.assert_allclose(sum(shares.values()), 1)
    np.testing.assert_allclose(shares["beta"], band_powers(40 * x, RATE, relative=True)["beta"])


def test_a_band_without_a_frequency_is_not_a_number():
    assert np.isnan(band_powers(np.random.default_rng(0).normal(size=64), 32.0)["gamma"])


def test_amplitude_times_one_and_a_half_is_three_and_a_half_decibels():
    _, psd = power_spectral_density(np.random.default_rng(0).normal(size=(2, 1280)), RATE)
    _, louder = power_spectral_density(1.5 * np.random.default_rng(0).normal(size=(2, 1280)), RATE)
    assert log_spectral_distance(psd, louder) == pytest.approx(20 * np.log10(1.5), rel=1e-6)
    assert log_spectral_distance(psd, psd) == 0


def test_moving_a_tone_by_three_hertz_costs_three_hertz_whatever_its_amplitude():
    freqs, near = power_spectral_density(np.sin(2 * np.pi * 10 * TIME), RATE)
    _, far = power_spectral_density(9 * np.sin(2 * np.pi * 13 * TIME), RATE)
    assert spectral_wasserstein(freqs, near, far) == pytest.approx(3, abs=0.01)
    assert spectral_wasserstein(freqs, near, 4 * near) == pytest.approx(0, abs=1e-12)


def test_the_radial_spectrum_of_a_grating_peaks_at_its_frequency():
    x = np.arange(64) / 2  # two pixels per mm
    grating = np.tile(np.sin(2 * np.pi * 0.25 * x), (64, 1))
    freqs, power = radial_spectrum(np.stack([grating, grating.T]), 2.0)
    np.testing.assert_allclose(freqs[power.argmax(-1)], 0.25)


def test_white_noise_has_a_flat_radial_spectrum_of_known_height():
    _, power = radial_spectrum(3 * np.random.default_rng(0).normal(size=(200, 32, 32)), 2.0)
    np.testing.assert_allclose(power.mean(0)[2:-1], 9 / 4, rtol=0.15)


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(SpecMismatch, match="positive"):
        log_spectral_distance(np.zeros(4), np.ones(4))
    with pytest.raises(SpecMismatch, match="same shape"):
        spectral_wasserstein(np.arange(4), np.ones(4), np.ones(5))
    with pytest.raises(InvalidSetting, match="eeg, ecg"):
        bands_for("ct")


def test_frequencies_of_another_spectrum_are_refused():
    with pytest.raises(SpecMismatch, match="Frequencies"):
        spectral_wasserstein(np.arange(5.0), np.ones(6), np.ones(6))
