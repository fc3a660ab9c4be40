"""The simulated ECG is what its labels say, and its leads obey the laws of their wiring."""

import neurokit2
import numpy as np
import pytest

from synth_core.errors import InvalidSetting
from synth_core.simulate import ecg_cohort
from synth_core.simulate.ecg import CLASSES, clean_leads, fibrillatory_waves, irregular_intervals, sinus_intervals
from synth_core.simulate.heartbeat import TWELVE_LEADS, Heart, twelve_leads, wave_trains
from synth_core.simulate.recording import subject_rng

RATE = 250


@pytest.fixture(scope="module")
def cohort():
    return ecg_cohort(10, seed=3, seconds=30, rate=RATE)


def of_class(cohort, name):
    return [recording for recording in cohort if recording.labels[name]]


def clean(name, seed=0, seconds=10):
    leads, truth = clean_leads(subject_rng(seed, 0), name, seconds * RATE, RATE)
    return dict(zip(TWELVE_LEADS, twelve_leads(leads), strict=True)), truth


def test_every_class_is_there_and_marked_as_simulated(cohort):
    assert all(len(of_class(cohort, name)) == 2 for name in CLASSES)
    assert all(recording.source.simulated for recording in cohort)
    assert len({recording.subject for recording in cohort}) == 10


def test_a_subject_is_the_same_in_every_cohort(cohort):
    again = ecg_cohort(4, seed=3, seconds=30, rate=RATE)
    assert all(np.array_equal(a.read(), b.read()) for a, b in zip(cohort, again, strict=False))
    assert not np.array_equal(ecg_cohort(1, seed=4, seconds=30, rate=RATE)[0].read(), cohort[0].read())


def test_leads_obey_einthoven_and_goldberger(cohort):
    for recording in cohort:
        one, two, three, right, left, foot = recording.read()[:6].astype(float)
        assert np.allclose(one + three, two, atol=1e-5)
        assert np.allclose(right + left + foot, 0, atol=1e-5)
        assert np.allclose(left, (one - three) / 2, atol=1e-5)


def test_without_noise_the_leads_obey_einthoven_exactly():
    leads, _ = clean("normal")
    assert np.array_equal(leads["III"], leads["II"] - leads["I"])


def test_an_independent_detector_finds_the_rate(cohort):
    for recording in cohort:
        if recording.labels["atrial fibrillation"]:
            continue
        lead = neurokit2.ecg_clean(recording.read()[1], RATE)
        peaks = neurokit2.ecg_peaks(lead, RATE)[1]["ECG_R_Peaks"]
        found = 60 * RATE / np.median(np.diff(peaks))
        assert found == pytest.approx(recording.metadata["heart_rate"], abs=4)


def test_rates_are_those_of_the_class(cohort):
    rates = {name: [r.metadata["heart_rate"] for r in of_class(cohort, name)] for name in CLASSES}
    assert max(rates["bradycardia"]) < 60 <= min(rates["normal"]) + 2
    assert max(rates["normal"]) < 100 < min(rates["tachycardia"])


def test_fibrillation_is_irregular_and_sinus_rhythm_is_not():
    rng = np.random.default_rng(0)
    irregular, regular = irregular_intervals(rng, 90, 300), sinus_intervals(rng, 90, 300, 0.25)
    assert np.std(np.diff(irregular)) > 5 * np.std(np.diff(regular))
    assert np.mean(irregular) == pytest.approx(60 / 90, rel=0.05)


def mean_p_wave(name, seed):
    """Height in mV of the average beat of lead II where P is, over the line between its two sides."""
    lead = clean(name, seed, seconds=60)[0]["II"]
    peaks = neurokit2.ecg_peaks(lead, RATE)[1]["ECG_R_Peaks"][1:-1]
    before, during, after = (lead[peaks - int(time * RATE)].mean() for time in (0.23, 0.15, 0.07))
    return during - (before + after) / 2


def test_fibrillation_has_no_p_wave():
    normal = [mean_p_wave("normal", seed) for seed in range(4)]
    fibrillating = [mean_p_wave("atrial fibrillation", seed) for seed in range(4)]
    assert min(normal) > 0.04
    assert max(np.abs(fibrillating)) < 0.03


def test_fibrillatory_waves_are_at_4_to_9_hz_and_largest_in_v1():
    waves = fibrillatory_waves(np.random.default_rng(1), 60 * RATE, RATE)
    power = np.abs(np.fft.rfft(waves[2])) ** 2
    assert 4 <= np.fft.rfftfreq(60 * RATE, 1 / RATE)[power.argmax()] <= 9
    assert waves[2].std() > waves[0].std()


@pytest.mark.parametrize("seed", range(6))
def test_st_elevation_is_regional_with_reciprocal_depression(seed):
    leads, truth = clean("ST elevation", seed)
    _, r_peaks = neurokit2.ecg_peaks(leads["V5"], RATE)
    j_points = r_peaks["ECG_R_Peaks"][1:-1] + int(0.07 * RATE)
    before = r_peaks["ECG_R_Peaks"][1:-1] - int(0.07 * RATE)
    level = {name: np.median(lead[j_points] - lead[before]) for name, lead in leads.items()}
    up, down = (("II", "III", "aVF"), ("aVL",)) if truth["region"] == "inferior" else (("V2", "V3", "V4"), ("III",))
    assert all(level[name] > 0.1 for name in up)
    assert all(level[name] < -0.03 for name in down)


def test_waves_agree_with_the_ecgsyn_equations_of_neurokit():
    """The closed form is the dynamical system's output, apart from the leak of its z equation."""
    reference = neurokit2.ecg_simulate(
        duration=10, sampling_rate=RATE, heart_rate=60, heart_rate_std=0, noise=0, random_state=0
    )
    found = neurokit2.ecg_peaks(reference, RATE)[1]["ECG_R_Peaks"] / RATE
    angle = np.sqrt(1.0) / (2 * np.pi)  # one beat a second: radians → seconds
    widths = np.array([0.25, 0.25, 0.1, 0.1, 0.1, 0.1, 0.4, 0.4]) * angle
    heart = Heart(np.ones((8, 8)), widths=widths, qt=0.395, pr=0.197)
    trains = wave_trains(heart, found, len(reference), RATE)
    qrs = np.array([-5, 30, -7.5]) * 0.1**2 @ trains[2:5]
    middle = slice(int((found[3] - 0.1) * RATE), int((found[3] + 0.1) * RATE))
    assert np.corrcoef(qrs[middle], reference[middle])[0, 1] > 0.97


def test_impossible_cohorts_are_refused():
    with pytest.raises(InvalidSetting, match="subjects"):
        ecg_cohort(0)
    with pytest.raises(InvalidSetting, match="rate"):
        ecg_cohort(1, rate=50)
