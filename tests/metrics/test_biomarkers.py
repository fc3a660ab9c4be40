import numpy as np
import pytest

from synth_core.errors import InvalidSetting, SpecMismatch
from synth_core.metrics import als_panel, association
from synth_core.metrics.biomarkers import sensorimotor_channels

RATE = 128


def test_beta_power_is_in_decades_of_microvolts_squared():
    time = np.arange(RATE * 8) / RATE
    x = np.random.default_rng(0).normal(size=(2, 3, RATE * 8)) * 1e-3
    x += 10 * np.sin(2 * np.pi * 20 * time)
    panel = als_panel(x, RATE, ("C3", "Cz", "C4"))
    np.testing.assert_allclose(panel["beta_power"], np.log10(50), atol=0.01)
    assert (panel["beta_imaginary_coherence"] < 0.01).all()


def test_gamma_that_rides_on_theta_is_seen():
    rng, time = np.random.default_rng(0), np.arange(RATE * 20) / RATE
    slow = 1 + 0.9 * np.sin(2 * np.pi * 0.3 * time)
    coupled = slow * (np.sin(2 * np.pi * 6 * time) + 0.5 * np.sin(2 * np.pi * 38 * time))
    x = np.stack([np.tile(coupled, (2, 1)), rng.normal(size=(2, RATE * 20))])
    panel = als_panel(x, RATE, ("C3", "C4"))
    assert panel["theta_gamma"][0] > 0.9
    assert abs(panel["theta_gamma"][1]) < 0.3


def test_a_delay_between_the_hemispheres_is_seen():
    x = np.random.default_rng(0).normal(size=(4, 2, RATE * 20))
    x[:2, 1] = np.roll(x[:2, 0], 2, -1)
    found = als_panel(x, RATE, ("C3", "C4"))["beta_imaginary_coherence"]
    assert found[:2].min() > 0.5 > 3 * found[2:].max()


def test_electrodes_are_found_by_name_or_next_to_it():
    assert sensorimotor_channels(("Fp1", "EEG C4-REF", "eeg cz", "c3")) == (3, 2, 1)
    assert sensorimotor_channels(("CP4", "FC3")) == (1, 0)


@pytest.mark.parametrize("channels", [("O1", "O2"), ("C3", "Cz")])
def test_absent_electrodes_are_named(channels):
    with pytest.raises(SpecMismatch, match="C3 and C4"):
        als_panel(np.zeros((2, 2, 512)), RATE, channels)


def test_a_rate_without_gamma_is_refused():
    with pytest.raises(InvalidSetting, match="90 Hz"):
        als_panel(np.zeros((2, 2, 512)), 64, ("C3", "C4"))


def test_the_slope_is_found_over_subjects_not_windows():
    rng = np.random.default_rng(0)
    severity = np.repeat(rng.random(30), 10)
    values = 2 * severity + np.repeat(rng.normal(size=30), 10) * 0.3
    subjects = [str(i // 10) for i in range(300)]
    windows, people = association(values, severity), association(values, severity, subjects)
    assert (people.n, windows.n) == (30, 300)
    assert people.slope_low < 2 < people.slope_high
    assert people.slope_high - people.slope_low > 2 * (windows.slope_high - windows.slope_low)
    assert people.spearman_low < people.spearman < people.spearman_high


def test_the_panel_goes_with_severity():
    rng = np.random.default_rng(0)
    severity = np.linspace(0, 1, 12)
    x = rng.normal(size=(12, 2, RATE * 8)) * np.exp(-severity)[:, None, None]
    found = als_panel(x, RATE, ("C3", "C4"), severity)["beta_against_severity"]
    assert found[0] == pytest.approx(-2 / np.log(10), rel=0.15)
    assert found[5] < -0.8


def test_a_severity_that_does_not_vary_is_refused():
    with pytest.raises(InvalidSetting, match="differs"):
        association(np.arange(10.0), np.ones(10))
