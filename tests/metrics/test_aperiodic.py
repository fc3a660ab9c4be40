from pathlib import Path

import numpy as np
import pytest

from synth_core.errors import InvalidSetting
from synth_core.metrics import aperiodic_exponent, power_spectral_density

RATE, SECONDS = 128, 60


def power_law(exponent: float, alpha: float = 0.0, n: int = 20) -> np.ndarray:
    """1/f^exponent noise of standard deviation 1, with a rhythm at 10 Hz of standard deviation `alpha`."""
    rng = np.random.default_rng(0)
    freqs = np.fft.rfftfreq(RATE * SECONDS, 1 / RATE)
    freqs[0] = freqs[1]

    def noise(shape):
        drawn = rng.normal(size=(n, len(freqs))) + 1j * rng.normal(size=(n, len(freqs)))
        x = np.fft.irfft(drawn * shape)
        return x / x.std(-1, keepdims=True)

    return noise(freqs ** (-exponent / 2)) + alpha * noise(np.exp(-0.5 * (freqs - 10) ** 2))


@pytest.mark.parametrize("alpha", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("exponent", [1.0, 1.5])
def test_the_exponent_is_found_with_and_without_alpha(exponent, alpha):
    found = aperiodic_exponent(power_law(exponent, alpha), RATE)
    np.testing.assert_allclose(found, exponent, atol=0.1)
    assert found.mean() == pytest.approx(exponent, abs=0.03)


def test_a_plain_line_would_be_bent_by_alpha():
    freqs, psd = power_spectral_density(power_law(1.5, 2.0), RATE)
    inside = (freqs >= 2) & (freqs <= 40)
    plain = -np.polyfit(np.log10(freqs[inside]), np.log10(psd[:, inside]).T, 1)[0]
    assert plain.mean() > 1.6


def test_white_noise_has_exponent_zero_whatever_its_amplitude():
    x = np.random.default_rng(1).normal(size=(2, 3, RATE * SECONDS))
    found = aperiodic_exponent(x, RATE)
    np.testing.assert_allclose(found, 0, atol=0.12)
    np.testing.assert_allclose(found, aperiodic_exponent(1000 * x, RATE))


def test_a_flat_signal_has_no_exponent():
    assert np.isnan(aperiodic_exponent(np.ones((2, 1280)), RATE)).all()


@pytest.mark.parametrize("band", [(0, 40), (40, 2), (2, 80), (2, 3)])
def test_bands_that_cannot_be_fitted_are_refused(band):
    with pytest.raises(InvalidSetting, match="Hz"):
        aperiodic_exponent(np.zeros(1280), RATE, band)


@pytest.mark.data
def test_real_channels_agree_with_specparam(shared_data: Path):
    mne, specparam = pytest.importorskip("mne"), pytest.importorskip("specparam")
    raw = mne.io.read_raw_edf(shared_data / "eeg/eegmat/Subject00_1.edf", verbose=False)
    x, rate = raw.get_data(picks=range(0, 19, 5)), raw.info["sfreq"]
    freqs, psd = power_spectral_density(x, rate)
    theirs = []
    for row in psd:
        model = specparam.SpectralModel(peak_width_limits=[1, 8], verbose=False)
        model.fit(freqs, row, [2, 40])
        theirs.append(model.get_params("aperiodic")[-1])
    gap = aperiodic_exponent(x, rate) - np.array(theirs)
    assert np.abs(gap).mean() < 0.15
    assert np.abs(gap).max() < 0.3
