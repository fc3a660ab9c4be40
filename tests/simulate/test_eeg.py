"""The simulated EEG has the spectrum, the amplitudes and the topography that an epileptologist expects."""

import mne
import numpy as np
import pytest
from scipy.signal import welch

from synth_core.errors import InvalidSetting
from synth_core.simulate import eeg_cohort
from synth_core.simulate.head import (
    CHANNELS,
    HEAD_RADIUS,
    SHELL_RADII,
    direction,
    electrode_positions,
    leadfield,
)
from synth_core.simulate.neural_mass import BLOCK, RATE, integrate
from synth_core.simulate.noise import band_noise, power_law_noise


@pytest.fixture(scope="module")
def cohort():
    return eeg_cohort(9, seed=1, seconds=16)


def of_class(cohort, name):
    return [recording for recording in cohort if recording.labels[name]]


def peak_to_peak(recording):
    """Median over seconds of the largest channel, µV."""
    values = recording.read()
    rate = int(recording.spec.rate)
    return np.median(np.ptp(values[:, : values.shape[1] // rate * rate].reshape(19, -1, rate), axis=2).max(0))


def test_a_subject_is_the_same_in_every_cohort(cohort):
    again = eeg_cohort(2, seed=1, seconds=16)
    assert all(np.allclose(a.read(), b.read(), atol=1e-3) for a, b in zip(cohort, again, strict=False))


def test_recordings_are_simulated_19_channels_with_average_reference(cohort):
    for recording in cohort:
        assert recording.source.simulated
        assert recording.spec.channels == CHANNELS
        assert np.abs(recording.read().mean(0)).max() < 1e-3


def test_amplitudes_grow_from_background_to_seizure(cohort):
    background, seizure = (
        np.median([peak_to_peak(r) for r in of_class(cohort, name)]) for name in ("background", "seizure")
    )
    assert 20 < background < 100
    assert 120 < seizure < 700


def test_alpha_peaks_over_the_occiput_and_the_rest_falls_as_one_over_f(cohort):
    for recording in of_class(cohort, "background"):
        frequency, power = welch(recording.read(), recording.spec.rate, nperseg=512)
        occipital = power[[CHANNELS.index("O1"), CHANNELS.index("O2")]].mean(0)
        alpha = (frequency >= 7.5) & (frequency <= 13)
        beside = ((frequency >= 5) & (frequency < 7)) | ((frequency > 14) & (frequency <= 16))
        assert occipital[alpha].max() > 2 * occipital[beside].mean()
        central = power[CHANNELS.index("Cz")]
        aperiodic = ((frequency >= 2) & (frequency < 7)) | ((frequency > 15) & (frequency < 25))
        slope = np.polyfit(np.log(frequency[aperiodic]), np.log(central[aperiodic]), 1)[0]
        assert -2.2 < slope < -0.5


def test_spikes_are_where_the_annotations_say(cohort):
    for recording in of_class(cohort, "spikes"):
        values, rate = recording.read(), recording.spec.rate
        onsets = [int(a.onset * rate) for a in recording.annotations if a.text == "spike"]
        assert len(onsets) > 3
        during = [np.ptp(values[:, start : start + int(0.3 * rate)], axis=1).max() for start in onsets]
        assert np.median(during) > 80


def test_severity_orders_the_classes(cohort):
    severity = {name: [r.severity for r in of_class(cohort, name)] for name in ("background", "spikes", "seizure")}
    assert max(severity["background"]) == 0 < min(severity["spikes"])
    assert max(severity["spikes"]) < min(severity["seizure"])


def test_power_law_noise_has_its_exponent_and_unit_variance():
    noise = power_law_noise(np.random.default_rng(0), (20, 8192), 128, 1.4, lowest=0.1)
    frequency, power = welch(noise, 128, nperseg=2048)
    band = (frequency > 1) & (frequency < 50)
    assert np.polyfit(np.log(frequency[band]), np.log(power.mean(0)[band]), 1)[0] == pytest.approx(-1.4, abs=0.08)
    assert noise.var() == pytest.approx(1, rel=0.15)


def test_band_noise_stays_in_its_band():
    frequency, power = welch(band_noise(np.random.default_rng(0), (8192,), 128, 10, 20), 128, nperseg=1024)
    assert power[(frequency > 9) & (frequency < 21)].sum() > 0.99 * power.sum()


def test_jansen_rit_cortex_oscillates_in_the_alpha_band():
    rng, steps = np.random.default_rng(0), 8 * RATE
    drive = 170 + 60 * rng.standard_normal((steps, 3))
    gain = np.ones((steps // BLOCK, 3))
    potential = integrate(3.25 * gain, 22 * gain, 0 * gain, drive)[2 * RATE :]
    frequency, power = welch(potential.T, RATE, nperseg=2048)
    assert ((frequency[power.argmax(1)] > 8) & (frequency[power.argmax(1)] < 13)).all()


def test_less_slow_inhibition_turns_background_into_sustained_spikes():
    rng, steps = np.random.default_rng(0), 6 * RATE
    drive = 90 + 30 * rng.standard_normal((steps, 2))
    gain = np.ones((steps // BLOCK, 2))
    potential = integrate(5 * gain, gain * [50, 25], 15 * gain, drive)[2 * RATE :]
    assert potential[:, 1].std() > 10 * potential[:, 0].std()


def test_a_homogeneous_head_gives_the_closed_form_of_the_sphere():
    """Brody, Terry & Ideker 1973, doi 10.1109/TBME.1973.324169: gradient of 2/d − ln(1 − r·s + d), the radius 1."""
    position, moment = np.array([[0.3, -0.4, 0.5]]), np.array([[0.6, 0.0, -0.8]])
    electrodes = electrode_positions()
    found = leadfield(position, moment, electrodes, SHELL_RADII, (0.33,) * 4)[:, 0]
    apart = electrodes - position
    distance = np.linalg.norm(apart, axis=1, keepdims=True)
    kernel = 2 * apart / distance**3 + (electrodes + apart / distance) / (1 - electrodes @ position.T + distance)
    expected = (kernel @ moment.T)[:, 0] * 1e-3 / (4 * np.pi * 0.33 * HEAD_RADIUS**2)  # 1 nA·m in µV
    assert np.allclose(found, expected - expected.mean(), rtol=1e-6)


def test_electrodes_are_where_mne_has_them():
    montage = mne.channels.make_standard_montage("biosemi64").get_positions()["ch_pos"]
    modern = {"T3": "T7", "T4": "T8", "T5": "P7", "T6": "P8"}
    for name, ours in zip(CHANNELS, electrode_positions(), strict=True):
        theirs = montage[modern.get(name, name)]
        assert ours @ theirs / np.linalg.norm(theirs) > np.cos(np.deg2rad(22))


def test_the_skull_smears_and_a_radial_source_is_seen_best_above_it():
    above = direction(60, 90)[None]  # left of the vertex
    smeared = leadfield(0.8 * above, above, electrode_positions())[:, 0]
    sharp = leadfield(0.8 * above, above, electrode_positions(), SHELL_RADII, (0.33,) * 4)[:, 0]
    assert CHANNELS[smeared.argmax()] in {"T3", "C3"}
    assert smeared.max() < sharp.max()


def test_impossible_cohorts_are_refused():
    with pytest.raises(InvalidSetting, match="seconds"):
        eeg_cohort(1, seconds=1)
