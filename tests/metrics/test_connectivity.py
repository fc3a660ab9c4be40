import numpy as np
import pytest
from scipy import signal

from synth_core.errors import InvalidSetting, SpecMismatch
from synth_core.metrics import (
    amplitude_envelope_correlation,
    coherence,
    imaginary_coherence,
    phase_locking_value,
)

RATE, ALPHA = 128, (8.0, 13.0)
ALL = (amplitude_envelope_correlation, coherence, imaginary_coherence, phase_locking_value)


@pytest.fixture
def sources() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(3, RATE * 60))


def test_a_delayed_copy_is_coherent_and_locked(sources):
    delayed = np.roll(sources[0], 3)
    assert coherence(sources[0], delayed, RATE, ALPHA) == pytest.approx(1, abs=0.01)
    assert phase_locking_value(sources[0], delayed, RATE, ALPHA) > 0.8
    assert imaginary_coherence(sources[0], delayed, RATE, ALPHA) > 0.8  # 23 ms, near a quarter of 10 Hz


def test_a_mixture_without_delay_has_no_imaginary_coherence(sources):
    common, a, b = sources
    assert coherence(common + a, common + b, RATE, ALPHA) > 0.2
    assert imaginary_coherence(common + a, common + b, RATE, ALPHA) < 0.05
    assert imaginary_coherence(common, -2 * common, RATE, ALPHA) == pytest.approx(0, abs=1e-12)


def test_a_quarter_period_is_purely_imaginary():
    time = np.arange(RATE * 30) / RATE
    sine, cosine = np.sin(2 * np.pi * 10 * time), np.cos(2 * np.pi * 10 * time)
    assert imaginary_coherence(sine, cosine, RATE, ALPHA) == pytest.approx(1, abs=1e-3)
    assert phase_locking_value(sine, cosine, RATE, ALPHA) == pytest.approx(1, abs=1e-2)


def test_coherence_agrees_with_scipy(sources):
    x, y = sources[0], sources[0] + 2 * sources[1]
    freqs, expected = signal.coherence(x, y, fs=RATE, nperseg=2 * RATE)
    inside = (freqs >= 8) & (freqs < 13)
    assert coherence(x, y, RATE, ALPHA) == pytest.approx(expected[inside].mean(), rel=1e-9)


@pytest.mark.parametrize("trials", [10, 100, 400])
def test_the_locking_of_unrelated_trials_falls_with_their_root(trials):
    x, y = np.random.default_rng(trials).normal(size=(2, trials, RATE * 2))
    assert phase_locking_value(x, y, RATE, ALPHA) * np.sqrt(trials) == pytest.approx(0.886, abs=0.2)


def test_locking_over_trials_needs_the_same_phase_difference_in_each():
    rng = np.random.default_rng(0)
    time = np.arange(RATE * 2) / RATE
    phases = rng.uniform(0, 2 * np.pi, (60, 1))
    x = np.sin(2 * np.pi * 10 * time + phases)
    same, other = np.sin(2 * np.pi * 10 * time + phases + 1), np.sin(2 * np.pi * 10 * time + phases[::-1])
    assert phase_locking_value(x, same, RATE, ALPHA) == pytest.approx(1, abs=0.02)
    assert phase_locking_value(x, other, RATE, ALPHA) < 0.4


def test_envelopes_that_wax_together_correlate_at_any_phase(sources):
    time = np.arange(RATE * 60) / RATE
    slow = 1 + 0.8 * np.sin(2 * np.pi * 0.2 * time)
    x, y = slow * np.sin(2 * np.pi * 10 * time), slow * np.sin(2 * np.pi * 11 * time)
    assert amplitude_envelope_correlation(x, y, RATE, ALPHA) > 0.98
    assert abs(amplitude_envelope_correlation(*sources[:2], RATE, ALPHA)) < 0.2


def test_one_segment_is_never_taken_for_coherence():
    x, y = np.random.default_rng(3).normal(size=(2, 40, 1, RATE * 4))
    assert coherence(x, y, RATE, ALPHA).mean() < 0.3  # one segment of four seconds would give 1


@pytest.mark.parametrize("measure", ALL)
def test_leading_axes_stay_and_flat_is_not_a_number(measure):
    x, y = np.random.default_rng(0).normal(size=(2, 5, 3, RATE * 4))
    y[2] = 0
    found = measure(x, y, RATE, ALPHA)
    assert found.shape == (5,)
    assert np.isnan(found).tolist() == [False, False, True, False, False]


@pytest.mark.parametrize("measure", ALL)
def test_what_does_not_fit_is_refused(measure):
    with pytest.raises(SpecMismatch, match="same shape"):
        measure(np.zeros(512), np.zeros(256), RATE, ALPHA)
    with pytest.raises(InvalidSetting):
        measure(np.ones(512), np.ones(512), RATE, (70.0, 80.0))
