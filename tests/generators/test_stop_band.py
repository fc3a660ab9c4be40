"""What a source's filter took away is taken away again, and nothing else is touched."""

from __future__ import annotations

import numpy as np
import torch
from scipy import signal as sps

from synth_core.generators.balance import balanced, band_powers
from synth_core.generators.stop_band import SMALLEST_GAIN, stop_band_gains, stop_bands

RATE = 100.0


def noise(n: int, seed: int, lowpass: float | None = None) -> torch.Tensor:
    """(n, 2, 1000): falling by 20 dB a decade, and where `lowpass` is given by 40 dB beyond it."""
    white = np.random.default_rng(seed).standard_normal((n, 2, 1200))
    red = sps.lfilter([1], [1, -0.9], white)
    if lowpass:
        red = sps.sosfiltfilt(sps.cheby2(8, 20, lowpass, fs=RATE, output="sos"), red)
    return torch.from_numpy(red[..., 100:1100].copy()).float()


def test_a_stop_band_is_found_where_the_filter_is_and_none_where_there_is_none() -> None:
    found = stop_bands(band_powers(noise(40, 0, lowpass=42.0)))
    first = float(found.nonzero()[0, 0]) / len(found) * RATE / 2
    assert 34 < first < 43
    assert bool(found[int(first * 2 / RATE * len(found)) + 1 :].all())
    assert not bool(stop_bands(band_powers(noise(40, 0))).any())


def test_what_is_drawn_comes_down_to_the_source_and_its_pass_band_stays() -> None:
    real, drawn = noise(60, 1, lowpass=42.0), noise(60, 2)
    gains = stop_band_gains(real, drawn, rounds=2)
    assert gains is not None
    assert float(gains.max()) == 1.0
    assert float(gains.min()) >= SMALLEST_GAIN
    after = balanced(drawn, gains.expand(60, -1, -1))
    off = 10 * (band_powers(after) / band_powers(real)).log10()
    quiet = stop_bands(band_powers(real))
    assert float(off[:, quiet].abs().mean()) < 3
    assert torch.equal(gains[:, ~quiet], torch.ones_like(gains[:, ~quiet]))


def test_a_quiet_generator_is_not_made_louder() -> None:
    gains = stop_band_gains(noise(60, 1, lowpass=42.0), 1e-4 * noise(60, 2))
    assert gains is not None
    assert bool((gains == 1).all())


def test_without_a_stop_band_nothing_is_corrected() -> None:
    assert stop_band_gains(noise(40, 1), noise(40, 2)) is None
