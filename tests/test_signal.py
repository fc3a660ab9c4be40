import numpy as np
import pytest
from scipy.signal import welch

from synth_core.errors import InvalidSetting, SpecMismatch
from synth_core.signal import filter_signal, power_spectral_density, resample

RATE = 200.0
TIME = np.arange(2000) / RATE


def tone(hertz, amplitude=1.0):
    return amplitude * np.sin(2 * np.pi * hertz * TIME)


def test_a_filter_keeps_what_is_inside_without_delay():
    mixture = 50 + tone(0.05, 30) + tone(10) + tone(80)
    filtered = filter_signal(mixture, RATE, highpass=1, lowpass=40)
    middle = slice(400, 1600)
    np.testing.assert_allclose(filtered[middle], tone(10)[middle], atol=0.02)


def test_the_corner_is_at_minus_six_decibels():
    gain = filter_signal(tone(20), RATE, lowpass=20)[500:1500].std() / tone(20)[500:1500].std()
    assert 20 * np.log10(gain) == pytest.approx(-6.0, abs=0.1)


def test_the_notch_takes_mains_hum_and_little_else():
    filtered = filter_signal(tone(50) + tone(40), RATE, notch=50)
    np.testing.assert_allclose(filtered[600:1400], tone(40)[600:1400], atol=0.03)


def test_filters_work_along_the_last_axis_and_on_very_short_signals():
    several = np.random.default_rng(0).normal(size=(2, 3, 5))
    together = filter_signal(several, RATE, lowpass=30)
    np.testing.assert_allclose(together[1, 2], filter_signal(several[1, 2], RATE, lowpass=30))


@pytest.mark.parametrize(
    "setting", [{"lowpass": 100}, {"highpass": 0}, {"notch": 150}, {"highpass": 30, "lowpass": 20}]
)
def test_impossible_corners_are_refused_in_words(setting):
    with pytest.raises(InvalidSetting, match=r"Hz"):
        filter_signal(TIME, RATE, **setting)


@pytest.mark.parametrize("new_rate", [50.0, 128.0, 173.61, 500.0])
def test_resampling_keeps_a_tone_an_offset_and_the_duration(new_rate):
    resampled = resample(7 + tone(10), RATE, new_rate)
    assert len(resampled) == round(len(TIME) * new_rate / RATE)
    expected = 7 + np.sin(2 * np.pi * 10 * np.arange(len(resampled)) / new_rate)
    middle = slice(len(resampled) // 10, -len(resampled) // 10)
    np.testing.assert_allclose(resampled[middle], expected[middle], atol=0.02)


def test_resampling_does_not_alias():
    assert resample(tone(90), RATE, 100)[100:-100].std() < 0.01


def test_the_spectrum_is_welchs_and_integrates_to_the_variance():
    x = np.random.default_rng(0).normal(size=(4, 20_000))
    freqs, psd = power_spectral_density(x, RATE)
    reference = welch(x, RATE, window="hann", nperseg=400, noverlap=200)
    np.testing.assert_allclose(freqs, reference[0])
    np.testing.assert_allclose(psd, reference[1])
    np.testing.assert_allclose(psd.sum(-1) * freqs[1], 1, rtol=0.05)


def test_a_signal_shorter_than_a_segment_is_one_segment():
    freqs, _ = power_spectral_density(np.ones(178), 173.61)
    assert freqs[1] == pytest.approx(173.61 / 178)


def test_an_empty_signal_is_refused():
    with pytest.raises(SpecMismatch, match="at least one sample"):
        filter_signal(np.empty((2, 0)), RATE, lowpass=10)
