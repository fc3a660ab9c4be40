from dataclasses import replace

import numpy as np
import pytest
import torch

from synth_core.leads import TWELVE_LEADS
from synth_core.metrics.ecg import ecg_measures
from synth_core.metrics.eeg import eeg_measures, resolved_bands
from synth_core.metrics.signal_measures import worst_channel_gap
from synth_core.simulate import ecg_cohort
from synth_core.types import Batch, Condition, DataSpec

EEG = DataSpec("eeg", (4, 512), "uV", 128.0, ("C3", "Cz", "C4", "O1"))
ECG = DataSpec("ecg", (12, 1000), "mV", 100.0, TWELVE_LEADS)


def eeg(seed: int, n: int = 80) -> Batch:
    """Sawtooth rhythms of alpha that fall slowly, over 1/f noise that neighbours share."""
    rng = np.random.default_rng(seed)
    noise = np.cumsum(rng.normal(size=(n, 4, 512)), -1)
    noise[:, 1:3] += noise[:, :1]
    phase = (10 * np.arange(512) / 128 + rng.random((n, 1, 1))) % 1
    return batch(noise - noise.mean(-1, keepdims=True) + 8 * (1 - phase) * np.array([1, 0.5, 1, 3])[:, None], EEG)


def batch(values: np.ndarray, spec: DataSpec) -> Batch:
    return Batch(torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32)), spec)


def changed(source: Batch, change) -> Batch:
    return replace(source, values=batch(change(source.values.numpy().astype(float)), source.spec).values)


def verdicts(measures, batches) -> dict[str, str]:
    return {
        measure.name if measure.split == "all" else f"{measure.name} {measure.part}": measure.verdict
        for measure in measures(batches, np.random.default_rng(0))
    }


def delayed(x: np.ndarray) -> np.ndarray:
    x[:, 1] = np.roll(x[:, 1], 5, -1)
    return x


def without_alpha(x: np.ndarray) -> np.ndarray:
    spectrum, freqs = np.fft.rfft(x), np.fft.rfftfreq(512, 1 / 128)
    return np.fft.irfft(spectrum * ~((freqs > 7) & (freqs < 13)))


@pytest.fixture(scope="module")
def eegs() -> list[Batch]:
    return [eeg(seed) for seed in range(3)]


@pytest.fixture(scope="module")
def ecgs() -> list[Batch]:
    x = np.stack([recording.read() for recording in ecg_cohort(90, seed=5, seconds=10, rate=100)])
    return [batch(x[k::3], ECG) for k in range(3)]


def test_other_real_eeg_is_as_real_or_near(eegs):
    assert "far" not in verdicts(eeg_measures, eegs).values()


@pytest.mark.parametrize(
    ("fault", "name"),
    [
        (lambda x: x[..., ::-1], "time asymmetry"),
        (lambda x: 1.5 * x, "log-spectral distance C3"),
        (lambda x: x[:, [3, 1, 2, 0]], "channel correlation"),
        (lambda x: x[:, [3, 1, 2, 0]], "log-spectral distance O1"),
        (delayed, "imaginary coherence"),
        (without_alpha, "alpha share"),
        (lambda x: 0 * x, "alpha share"),
        (lambda x: np.random.default_rng(0).normal(size=x.shape) * x.std(), "aperiodic exponent"),
    ],
)
def test_planted_faults_in_eeg_are_far(eegs, fault, name):
    train, holdout, synthetic = eegs
    assert verdicts(eeg_measures, (train, holdout, changed(synthetic, fault)))[name] == "far"


def test_one_second_does_not_resolve_delta():
    assert set(resolved_bands(replace(EEG, shape=(4, 178), rate=173.61))) == {"theta", "alpha", "beta", "gamma"}
    assert "delta" in resolved_bands(EEG)


def test_one_channel_has_neither_coupling_nor_drill_down(eegs):
    spec = replace(EEG, shape=(1, 512), channels=("O1",))
    found = verdicts(eeg_measures, tuple(batch(part.values[:, 3:].numpy(), spec) for part in eegs))
    assert "alpha share" in found
    assert not {name for name in found if "correlation O" in name or "channel" in name or "coherence" in name}


def test_one_wrong_channel_among_many_is_not_diluted():
    a, b = np.zeros((5, 1, 190)), np.zeros((5, 1, 190))  # pairs of 20 channels, of which the first comes first
    b[..., :19] = 0.4
    assert worst_channel_gap(a, b) == pytest.approx(0.4)


def arms(x: np.ndarray) -> np.ndarray:
    one, two = -x[:, 0], x[:, 2].copy()
    limbs = [one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2]
    return np.concatenate([np.stack(limbs, 1), x[:, 6:]], axis=1)


@pytest.mark.parametrize(
    ("fault", "far"),
    [
        (lambda x: x[..., ::-1], {"time asymmetry"}),
        (arms, {"lead reversal", "lead correlation"}),
        (lambda x: x + np.random.default_rng(0).normal(size=x.shape) * 0.05, {"Einthoven residual"}),
        (lambda x: 0 * x, {"measurable beats"}),
        (lambda x: np.random.default_rng(0).normal(size=x.shape), {"measurable beats", "lead correlation"}),
    ],
)
def test_planted_faults_in_ecg_are_far(ecgs, fault, far, monkeypatch):
    monkeypatch.setattr("synth_core.metrics.ecg.DELINEATED", 2)  # the slow part has its own test
    train, holdout, synthetic = ecgs
    found = verdicts(ecg_measures, (train, holdout, changed(synthetic, fault)))
    assert far <= {name for name, verdict in found.items() if verdict == "far"}


def test_other_real_ecg_is_as_real_and_what_cannot_be_measured_never_is(ecgs, monkeypatch):
    monkeypatch.setattr("synth_core.metrics.ecg.DELINEATED", 2)
    real = verdicts(ecg_measures, ecgs)
    assert list(real.values()).count("far") <= 1  # thirty simulated people on each side
    flat = verdicts(ecg_measures, (*ecgs[:2], changed(ecgs[2], lambda x: 0 * x)))
    assert flat["RR interval"] == "not known"
    assert "as real" not in flat.values()


def test_beta_against_severity_is_measured_on_those_whose_severity_is_known(eegs: list[Batch]) -> None:
    def measured(batches: list[Batch]) -> float:
        found = eeg_measures(batches, np.random.default_rng(0))
        return next(measure.score.value for measure in found if measure.name == "beta against severity")

    def graded(source: Batch) -> Batch:
        power = source.values[:, 0].diff(dim=-1).var(-1)
        return replace(source, condition=Condition(severity=power.argsort().argsort() / len(source)))

    def partly(source: Batch) -> Batch:
        unknown = torch.arange(len(source)) % 2 == 0
        assert source.condition.severity is not None
        return replace(source, condition=Condition(severity=source.condition.severity.masked_fill(unknown, torch.nan)))

    known = [graded(source) for source in eegs]
    half = [source.select(slice(1, None, 2)) for source in known]
    assert measured([partly(source) for source in known]) == pytest.approx(measured(half))
    nobody = [replace(source, condition=Condition(severity=torch.full((80,), torch.nan))) for source in eegs]
    assert "beta against severity" not in verdicts(eeg_measures, nobody)
