import numpy as np
import pytest
from scipy import signal

from synth_core.metrics.signal_band import bands_of, in_words, rounding_noise, step_of
from synth_core.signal import power_spectral_density


def spectrum(values, rate=100.0):
    freqs, psd = power_spectral_density(values, rate)
    return freqs, 10 * np.log10(psd).mean((0, 1))


@pytest.fixture
def background():
    """Noise that falls by 6 dB an octave, as biosignals do, with a rhythm of 10 Hz on it."""
    rng = np.random.default_rng(0)
    values = signal.lfilter([1], [1, -0.95], rng.normal(size=(30, 2, 1000)))
    return values + 4 * np.sin(2 * np.pi * 10 * np.arange(1000) / 100)


def test_a_spectrum_without_an_edge_is_all_signal_whatever_its_rhythms(background):
    bands = bands_of(*spectrum(background))
    assert bands.signal[1:].all()
    assert not bands.stop.any()


def test_a_low_pass_and_a_notch_are_the_stop_band(background):
    low = signal.sosfiltfilt(signal.cheby2(12, 60, 40, fs=100, output="sos"), background)
    freqs, level = spectrum(low)
    assert freqs[bands_of(freqs, level).stop][0] == pytest.approx(39, abs=1.5)
    assert bands_of(freqs, level).stop[freqs >= 40].all()
    notch = signal.sosfiltfilt(signal.butter(4, (28, 32), "bandstop", fs=100, output="sos"), background)
    freqs, level = spectrum(notch)
    stop = freqs[bands_of(freqs, level).stop]
    assert 27 < stop.min() < 30 < stop.max() < 33


def test_what_lies_in_the_noise_of_rounding_is_no_signal():
    rng = np.random.default_rng(0)
    slow = signal.sosfiltfilt(signal.butter(4, 10, fs=100, output="sos"), rng.normal(size=(20, 1, 1000))) * 5
    rounded = slow.round()
    assert step_of(rounded) == 1
    assert step_of(slow) == 0
    freqs, level = spectrum(rounded)
    noise = rounding_noise(rounded, 100.0, image=False)
    assert noise == pytest.approx(level[freqs > 40].mean(), abs=1)
    assert bands_of(freqs, level, noise).stop[freqs > 40].mean() > 0.9


def test_bands_are_said_as_ranges():
    freqs = np.arange(6) * 0.5
    assert in_words(freqs, np.array([0, 1, 1, 0, 0, 1], bool), "Hz") == "0.5 to 1 and 2.5 Hz"
    assert in_words(freqs, np.zeros(6, bool), "Hz") == "none"
