import numpy as np
import pytest

from synth_core.errors import InvalidSetting
from synth_core.metrics import autocorrelation, signal_features, slope_skewness, time_asymmetry


def test_the_memory_of_an_autoregression_falls_by_its_coefficient():
    rng = np.random.default_rng(0)
    x = np.zeros((50, 4_000))
    for step in range(1, x.shape[1]):
        x[:, step] = 0.7 * x[:, step - 1] + rng.normal(size=50)
    np.testing.assert_allclose(autocorrelation(x, 4).mean(0), 0.7 ** np.arange(5), atol=0.02)


def test_autocorrelation_equals_the_sum_of_products():
    x = np.random.default_rng(0).normal(size=200)
    centred = x - x.mean()
    expected = [(centred[: 200 - k] * centred[k:]).sum() / (centred**2).sum() for k in (0, 3, 199)]
    np.testing.assert_allclose(autocorrelation(x, [0, 3, 199]), expected)


def test_a_flat_signal_has_no_memory_to_speak_of():
    assert np.isnan(autocorrelation(np.full(100, 0.1), [1])).all()


@pytest.mark.parametrize("lags", [[-1], [100], []])
def test_lags_outside_the_signal_are_refused(lags):
    with pytest.raises(InvalidSetting, match="Lags"):
        autocorrelation(np.arange(100.0), lags)


@pytest.mark.parametrize("measure", [slope_skewness, lambda x: time_asymmetry(x, 2)])
def test_played_backwards_the_sign_changes(measure):
    sawtooth = (np.arange(1000) % 25)[None] + 0.1 * np.random.default_rng(0).normal(size=(3, 1000))
    np.testing.assert_allclose(measure(sawtooth[:, ::-1]), -measure(sawtooth))
    assert (np.abs(measure(sawtooth)) > 0.01).all()
    assert (np.abs(measure(np.random.default_rng(1).normal(size=(3, 20_000)))) < 0.1).all()


def test_features_see_time_reversal_delay_and_order():
    rng = np.random.default_rng(0)
    x = np.cumsum(rng.exponential(size=(6, 4, 600)) * (rng.random((6, 4, 600)) < 0.02) - 0.02, -1) % 1
    x[:, 1] = x[:, 0] + 0.1 * x[:, 1]
    delayed, swapped = x.copy(), x[:, [0, 2, 1, 3]]
    delayed[:, 1] = np.roll(x[:, 1], 6, -1)
    before = signal_features(x, 100.0)
    for changed, name in (
        (x[..., ::-1], "slope skewness, mean"),
        (delayed, "channel delay"),
        (swapped, "next in order"),
    ):
        column = next(i for i, known in enumerate(before.names) if name in known)
        gap = np.abs(signal_features(changed, 100.0).values - before.values)[:, column]
        assert gap.min() > 0.02, name
