from pathlib import Path

import numpy as np
import pytest

from synth_core.errors import InvalidSetting, SpecMismatch
from synth_core.metrics import beats, heart_rate_variability, intervals, qt_corrected

RATE = 100.0
NOISE = np.random.default_rng(0).normal(size=(40, 1000))


def ecg(rr: float = 0.8, seconds: float = 10.0, rate: float = RATE) -> np.ndarray:
    """P, QRS and T waves as Gaussians, in mV."""
    time = np.arange(round(seconds * rate)) / rate
    phase = (time - 0.4) - rr * np.round((time - 0.4) / rr)
    waves = ((0.1, -0.17, 0.02), (-0.1, -0.03, 0.01), (1.0, 0.0, 0.012), (-0.15, 0.03, 0.01), (0.25, 0.27, 0.05))
    return sum(height * np.exp(-0.5 * ((phase - at) / width) ** 2) for height, at, width in waves)


@pytest.mark.parametrize("rr", [0.4, 0.8, 1.5])
def test_every_beat_is_found_where_it_is(rr):
    found = beats(ecg(rr), RATE)
    assert found.measurable
    np.testing.assert_allclose(found.rr_ms, 1000 * rr, atol=11)
    assert np.abs((found.peaks / RATE - 0.4 + rr / 2) % rr - rr / 2).max() <= 0.02


@pytest.mark.parametrize("row", range(0, 40, 8))
def test_white_noise_is_not_measurable(row):
    found = beats(NOISE[row], RATE)
    assert (found.measurable, len(found.peaks)) == (False, 0)
    assert found.reason


@pytest.mark.parametrize("x", [np.zeros(1000), np.full((12, 1000), 0.3), NOISE[:12], np.cumsum(NOISE[:12], -1)])
def test_flat_lines_and_noise_in_many_leads_are_not_measurable(x):
    assert not beats(x, RATE).measurable


@pytest.mark.parametrize("hertz", [1.0, 5.0, 12.0])
def test_a_sine_has_no_beats(hertz):
    assert not beats(np.sin(2 * np.pi * hertz * np.arange(1000) / RATE), RATE).measurable


def test_a_surrogate_with_the_spectrum_of_an_ecg_has_no_beats():
    spectrum = np.fft.rfft(ecg())
    turned = spectrum * np.exp(2j * np.pi * np.random.default_rng(0).random(len(spectrum)))
    assert not beats(np.fft.irfft(turned), RATE).measurable


def test_leads_help_each_other():
    noisy = ecg() + 0.25 * NOISE[:12]
    assert beats(noisy, RATE).measurable
    np.testing.assert_allclose(beats(noisy, RATE).rr_ms, 800, atol=31)


def test_amplitude_and_polarity_do_not_matter():
    np.testing.assert_array_equal(beats(-7 * ecg(), RATE).peaks, beats(ecg(), RATE).peaks)


def test_a_record_that_is_too_short_says_so():
    assert beats(ecg(seconds=2), RATE).reason == "too short"
    with pytest.raises(InvalidSetting, match="60 Hz"):
        beats(ecg(), 50)
    with pytest.raises(SpecMismatch, match="leads"):
        beats(np.zeros((2, 12, 1000)), RATE)


@pytest.mark.data
def test_annotated_beats_are_found(shared_data: Path):
    wfdb = pytest.importorskip("wfdb")
    name = str(shared_data / "ecg/mitdb/100")
    record, notes = wfdb.rdrecord(name), wfdb.rdann(name, "atr")
    truth = notes.sample[np.isin(notes.symbol, list("NLRAaJSVFejE/fQ"))]
    for x in (record.p_signal.T, record.p_signal[:, 0]):
        gaps = np.abs(truth[:, None] - beats(x, record.fs).peaks) <= 0.075 * record.fs
        assert gaps.any(1).mean() > 0.99  # sensitivity
        assert gaps.any(0).mean() > 0.99  # positive predictive value


def test_variability_of_known_intervals():
    found = heart_rate_variability([800, 900] * 50)
    assert found["mean_hr"] == pytest.approx(60_000 / 850)
    assert (found["rmssd"], found["pnn50"]) == (100, 1)
    assert found["sdnn"] == pytest.approx(50, rel=0.01)


def test_a_short_record_has_no_sdnn_and_no_interval_nothing():
    assert np.isnan(heart_rate_variability([800] * 10)["sdnn"])
    assert heart_rate_variability([800] * 10)["rmssd"] == 0
    assert all(np.isnan(value) for value in heart_rate_variability([]).values())


@pytest.mark.parametrize(
    ("formula", "expected"), [("bazett", 500), ("fridericia", 464.2), ("framingham", 455.4), ("hodges", 443.75)]
)
def test_corrected_qt_at_a_fast_rate(formula, expected):
    rr = 0.64
    assert qt_corrected(400, rr, formula) == pytest.approx(expected + (15.3 if formula == "hodges" else 0), abs=0.1)
    assert qt_corrected(400, 1.0, formula) == pytest.approx(400)


def test_a_correction_in_the_wrong_unit_or_of_no_known_name_is_refused():
    with pytest.raises(SpecMismatch, match="seconds"):
        qt_corrected(400, 800)
    with pytest.raises(InvalidSetting, match="fridericia"):
        qt_corrected(400, 0.8, "linear")


def test_intervals_follow_the_waves_and_noise_has_none():
    found = intervals(np.stack([ecg(), NOISE[0], np.zeros(1000)]), RATE)
    assert found.rr_ms[0] == pytest.approx(800, abs=11)
    assert 100 < found.pr_ms[0] < 260
    assert 280 < found.qt_ms[0] < 480
    for part in (found.rr_ms, found.pr_ms, found.qrs_ms, found.qt_ms):
        assert np.isnan(part[1:]).all()
