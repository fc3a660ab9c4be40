"""How a signal goes on in time: its memory (autocorrelation) and what it would lose played backwards (asymmetry)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth_core.errors import InvalidSetting, SpecMismatch

Floats = NDArray[np.float64]


def autocorrelation(x: ArrayLike, lags: int | Sequence[int] | NDArray[np.integer]) -> Floats:
    """Correlation of each signal with itself some samples later, by the biased estimate (divided by all samples).

    Parameters
    ----------
    x : (..., samples).
    lags : samples; a single number means all lags from 0 to it.

    Returns
    -------
    (..., lags) in [−1, 1], 1 at lag 0; NaN for a flat signal.

    Raises
    ------
    InvalidSetting : when a lag is negative or not below the number of samples.
    """
    values = _signals(x, 2)
    samples = values.shape[-1]
    wanted = np.arange(int(lags) + 1) if np.ndim(lags) == 0 else np.asarray(lags, dtype=np.intp)  # type: ignore[arg-type]
    if wanted.size == 0 or wanted.min() < 0 or wanted.max() >= samples:
        raise InvalidSetting(f"Lags must lie between 0 and {samples - 1} samples. Got {np.asarray(lags)} instead.")
    centred = values - values.mean(-1, keepdims=True)
    spectrum = np.fft.rfft(centred, 2 * samples)  # padded, so that the end does not meet the beginning
    products = np.fft.irfft(spectrum.real**2 + spectrum.imag**2, 2 * samples)[..., wanted]
    energy = _where_varying(values, (centred**2).sum(-1))
    return products / energy[..., None]


def slope_skewness(x: ArrayLike) -> Floats:
    """Skewness of the steps from sample to sample: steep rises and slow falls are positive, mirrored in time negative.

    Parameters
    ----------
    x : (..., samples).

    Returns
    -------
    (...), 0 for a flat signal or an even ramp.
    """
    steps = np.diff(_signals(x, 3), axis=-1)
    steps = steps - steps.mean(-1, keepdims=True)
    return _over((steps**3).mean(-1), (steps**2).mean(-1) ** 1.5)


def time_asymmetry(x: ArrayLike, lag: int) -> Floats:
    """Third-order asymmetry under time reversal, ⟨x²(t) x(t+k) − x(t) x²(t+k)⟩ / σ³ (Ramsey and Rothman 1996).

    Parameters
    ----------
    x : (..., samples); the mean is taken off.
    lag : k in samples.

    Returns
    -------
    (...): 0 in expectation for a reversible (for example Gaussian) process, of the other sign for the reversed signal;
    0 for a flat signal.

    Raises
    ------
    InvalidSetting : when the lag is not between 1 and the number of samples − 1.
    """
    values = _signals(x, 2)
    if not 1 <= lag < values.shape[-1]:
        raise InvalidSetting(f"The lag must lie between 1 and {values.shape[-1] - 1} samples. Got {lag} instead.")
    centred = values - values.mean(-1, keepdims=True)
    early, late = centred[..., :-lag], centred[..., lag:]
    return _over((early * late * (early - late)).mean(-1), (centred**2).mean(-1) ** 1.5)


def _signals(x: ArrayLike, fewest: int) -> Floats:
    values = np.asarray(x, dtype=np.float64)
    if values.ndim == 0 or values.shape[-1] < fewest:
        raise SpecMismatch(f"Signals must have shape (..., samples) with {fewest} or more samples. Got {values.shape}.")
    return values


def _over(a: Floats, b: Floats) -> Floats:
    return np.divide(a, b, out=np.zeros_like(a), where=b > 0)


def _where_varying(values: Floats, energy: Floats) -> Floats:
    return np.where(np.ptp(values, axis=-1) > 0, energy, np.nan)
