"""Noise of recorded signals: power-law spectra, and noise limited to a band."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def power_law_noise(
    rng: np.random.Generator, shape: tuple[int, ...], rate: float, exponent: float, lowest: float = 0.5
) -> NDArray[np.float64]:
    """Gaussian noise whose power falls as 1 / frequency^exponent; flat below `lowest` Hz.

    Returns
    -------
    `shape`, time on the last axis, unit variance. Method: Timmer & König 1995, Astron. Astrophys. 300:707.
    """
    frequencies = np.fft.rfftfreq(shape[-1], 1 / rate)
    gain = np.maximum(frequencies, lowest) ** (-exponent / 2)
    gain[0] = 0.0
    return _shaped(rng, shape, gain)


def band_noise(
    rng: np.random.Generator, shape: tuple[int, ...], rate: float, low: float, high: float
) -> NDArray[np.float64]:
    """Gaussian noise between `low` and `high` Hz; `shape`, time on the last axis, unit variance."""
    frequencies = np.fft.rfftfreq(shape[-1], 1 / rate)
    return _shaped(rng, shape, ((frequencies >= low) & (frequencies <= high)).astype(float))


def _shaped(rng: np.random.Generator, shape: tuple[int, ...], gain: NDArray[np.float64]) -> NDArray[np.float64]:
    samples = shape[-1]
    spectrum = rng.standard_normal((*shape[:-1], len(gain), 2)) @ np.array([1, 1j])
    power = 4 * np.sum(gain**2) / samples**2  # variance of the inverse transform, real and imaginary parts together
    return np.fft.irfft(spectrum * gain, samples) / np.sqrt(power)
