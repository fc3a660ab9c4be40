"""Spectra of signals and slices, and distances between them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth_core.errors import InvalidSetting, SpecMismatch
from synth_core.signal import power_spectral_density

__all__ = [
    "BANDS",
    "band_powers",
    "bands_for",
    "log_spectral_distance",
    "power_spectral_density",
    "radial_spectrum",
    "spectral_wasserstein",
]

Bands = Mapping[str, tuple[float, float]]
Floats = NDArray[np.float64]

BANDS: dict[str, Bands] = {  # Hz, [low, high)
    "eeg": {
        "delta": (1.0, 4.0),
        "theta": (4.0, 8.0),
        "alpha": (8.0, 13.0),
        "beta": (13.0, 30.0),
        "gamma": (30.0, 45.0),
    },
    "ecg": {"baseline": (0.5, 2.0), "P and T": (2.0, 8.0), "QRS": (8.0, 20.0), "notches": (20.0, 40.0)},
}


def bands_for(modality: str) -> Bands:
    """Named frequency bands of a signal modality, in Hz; raises InvalidSetting for one that has none."""
    if modality not in BANDS:
        raise InvalidSetting(f"Frequency bands are defined for {', '.join(BANDS)}. Got {modality!r} instead.")
    return BANDS[modality]


def band_powers(
    x: ArrayLike, rate: float, relative: bool = False, *, bands: Bands = BANDS["eeg"], segment_seconds: float = 2.0
) -> dict[str, Floats]:
    """Power within named bands, integrated over Welch's spectrum.

    Parameters
    ----------
    x : (..., samples).
    rate : Hz.
    relative : as a share of the power in all `bands` together.
    bands : name → (low, high) in Hz, low included; the EEG bands by default.

    Returns
    -------
    name → (...) in unit², or in [0, 1] when relative; NaN for a band in which the spectrum has no frequency.
    """
    freqs, psd = power_spectral_density(x, rate, segment_seconds)
    step = freqs[1]
    powers: dict[str, Floats] = {}
    for name, (low, high) in bands.items():
        inside = (freqs >= low) & (freqs < high)
        powers[name] = psd[..., inside].sum(-1) * step if inside.any() else np.full(psd.shape[:-1], np.nan)
    if not relative:
        return powers
    total = np.nansum(list(powers.values()), axis=0)
    scale = np.divide(1.0, total, out=np.full_like(total, np.nan), where=total > 0)
    return {name: power * scale for name, power in powers.items()}


def log_spectral_distance(psd_a: ArrayLike, psd_b: ArrayLike) -> float:
    """Root mean squared difference of two spectra in dB (Gray and Markel 1976), over all frequencies and channels.

    Parameters
    ----------
    psd_a, psd_b : (..., frequencies), positive, in the same unit. Leave out frequencies that hold no signal (DC after
        detrending, a filter's stop band): they would decide the result.

    Raises
    ------
    SpecMismatch : when the shapes differ, or a value is not positive.
    """
    a, b = _pair(psd_a, psd_b)
    if not (a > 0).all() or not (b > 0).all():
        raise SpecMismatch("A spectrum in dB needs positive values. Leave out the frequencies that hold no power.")
    return float(np.sqrt(np.mean((10 * np.log10(a / b)) ** 2)))


def spectral_wasserstein(freqs: ArrayLike, psd_a: ArrayLike, psd_b: ArrayLike) -> float:
    """How far power must move along the frequency axis, in Hz: Wasserstein-1 of normalised spectra.

    Parameters
    ----------
    freqs : (frequencies,) in Hz, increasing.
    psd_a, psd_b : (..., frequencies); each row is normalised to sum 1, so amplitude plays no part. Rows are averaged.

    Raises
    ------
    SpecMismatch : when the shapes differ, frequencies do not increase, or a row has no power.
    """
    a, b = _pair(psd_a, psd_b)
    axis = np.asarray(freqs, dtype=np.float64)
    if axis.shape != a.shape[-1:] or (np.diff(axis) <= 0).any():
        raise SpecMismatch(f"Frequencies must increase, one per column of {a.shape}. Got shape {axis.shape} instead.")
    totals = a.sum(-1, keepdims=True), b.sum(-1, keepdims=True)
    if not (totals[0] > 0).all() or not (totals[1] > 0).all():
        raise SpecMismatch("A spectrum without power cannot be normalised. Leave flat signals out.")
    gap = np.abs(np.cumsum(a / totals[0], -1) - np.cumsum(b / totals[1], -1))
    return float((gap[..., :-1] * np.diff(axis)).sum(-1).mean())


def radial_spectrum(images: ArrayLike, pixels_per_mm: float) -> tuple[Floats, Floats]:
    """Power of slices over spatial frequency, averaged over directions, mean removed, Hann window in both axes.

    Parameters
    ----------
    images : (..., height, width).
    pixels_per_mm : sampling of both axes.

    Returns
    -------
    freqs : (rings,) in cycles per mm, from one cycle per picture to Nyquist, without 0.
    power : (..., rings) in unit² · mm².
    """
    values = np.asarray(images, dtype=np.float64)
    if values.ndim < 2 or min(values.shape[-2:]) < 4:
        raise SpecMismatch(f"Slices must have shape (..., height, width) of at least 4 × 4. Got {values.shape}.")
    height, width = values.shape[-2:]
    window = np.outer(np.hanning(height), np.hanning(width))
    centred = (values - values.mean((-2, -1), keepdims=True)) * window
    power = np.abs(np.fft.rfft2(centred)) ** 2 / ((window**2).sum() * pixels_per_mm**2)
    radius = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])  # cycles per pixel
    rings = min(height, width) // 2
    ring = np.round(radius * 2 * rings).astype(int).ravel()
    membership = np.stack([ring == k for k in range(1, rings + 1)], axis=1).astype(np.float64)
    flat = power.reshape(*power.shape[:-2], -1)
    return np.arange(1, rings + 1) / (2 * rings) * pixels_per_mm, flat @ (membership / membership.sum(0))


def _pair(psd_a: ArrayLike, psd_b: ArrayLike) -> tuple[Floats, Floats]:
    a, b = np.asarray(psd_a, dtype=np.float64), np.asarray(psd_b, dtype=np.float64)
    if a.shape != b.shape or a.ndim == 0:
        raise SpecMismatch(f"Two spectra must have the same shape (..., frequencies). Got {a.shape} and {b.shape}.")
    return a, b
