"""What a reader of signals or slices would measure on one example: interpretable features, one row per example.

Positive quantities enter as log10, so that their distributions are near normal (a Fréchet distance assumes that) and
a factor in amplitude is a shift. Signals: Hjorth 1970, line length (Esteller et al. 2001), spectral edge.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from synth_core.errors import SpecMismatch
from synth_core.metrics.connectivity import segment_spectra
from synth_core.metrics.spectral import band_powers, bands_for, power_spectral_density, radial_spectrum
from synth_core.metrics.temporal import slope_skewness, time_asymmetry
from synth_core.types import Batch

BLOCK = 256  # examples at once
FLOOR = 1e-12  # under every log10: a flat line gives −12, not −inf; far below any physical value
TISSUES = {  # HU, [low, high)
    "air": (-np.inf, -300.0),
    "fat": (-300.0, -20.0),
    "fluid": (-20.0, 20.0),
    "brain": (20.0, 50.0),
    "dense": (50.0, 100.0),
    "calcium": (100.0, 300.0),
    "bone": (300.0, np.inf),
}

ASYMMETRY_LAG = 0.03  # s: within a QRS complex or a sharp wave, a quarter period of alpha
COUPLING_BAND = (2.0, 40.0)  # Hz
COUPLING_BLOCK = 128  # examples at once, for which all pairs of channels are held

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Features:
    """Features of n examples.

    Parameters
    ----------
    values : (n, d) float64, finite.
    names : d names, with the unit where there is one.
    """

    values: Floats
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.values.shape[1:] != (len(self.names),):
            raise SpecMismatch(f"{len(self.names)} feature names were given for values of shape {self.values.shape}.")


def features_of(batch: Batch) -> Features:
    """Features of a Batch, by its modality; some examples at a time, so that memory does not grow with their number."""
    parts = [_features(batch, batch.values[i : i + BLOCK].numpy()) for i in range(0, len(batch), BLOCK)]
    return Features(np.concatenate([part.values for part in parts]), parts[0].names)


def _features(batch: Batch, values: NDArray[np.float32]) -> Features:
    if batch.spec.is_image:
        return slice_features(values[:, 0], batch.spec.rate)
    return signal_features(values, batch.spec.rate, batch.spec.modality)


def signal_features(x: ArrayLike, rate: float, modality: str = "eeg") -> Features:
    """Spectral, amplitude and shape features of signals.

    Parameters
    ----------
    x : (n, channels, samples).
    rate : Hz.
    modality : "eeg" or "ecg"; chooses the bands.

    Returns
    -------
    Features: one channel gives each feature as it is; several give the mean and the standard deviation over channels,
    and four measures of how the channels go together, two of which know delays and the order of the channels.
    """
    signals = np.asarray(x, dtype=np.float64)
    if signals.ndim != 3:
        raise SpecMismatch(f"Signals must have shape (n, channels, samples). Got {signals.shape} instead.")
    columns = {**_spectral_columns(signals, rate, modality), **_shape_columns(signals, rate)}
    if signals.shape[1] == 1:
        return _stack({name: column[:, 0] for name, column in columns.items()})
    table = {f"{name}, mean": column.mean(1) for name, column in columns.items()}
    table |= {f"{name}, spread": column.std(1) for name, column in columns.items()}
    return _stack(table | _coupling_columns(signals, rate))


def slice_features(x: ArrayLike, pixels_per_mm: float) -> Features:
    """Tissue shares, texture and symmetry of CT slices.

    Parameters
    ----------
    x : (n, height, width) in HU.
    pixels_per_mm : sampling of both axes.
    """
    images = np.asarray(x, dtype=np.float64)
    if images.ndim != 3:
        raise SpecMismatch(f"Slices must have shape (n, height, width). Got {images.shape} instead.")
    within = {name: ((images >= low) & (images < high)) for name, (low, high) in TISSUES.items()}
    columns = {f"{name} (share)": mask.mean((1, 2)) for name, mask in within.items()}
    soft = np.clip(images, -200.0, 400.0)
    rows, cols = np.gradient(soft, axis=(1, 2))
    brain = np.where(within["fluid"] | within["brain"] | within["dense"], images, np.nan)
    columns["gradient energy (log10 HU²)"] = _log10((rows**2 + cols**2).mean((1, 2)))
    columns["mean of soft tissue (HU)"] = _mean_or_zero(brain)
    columns["spread of soft tissue (HU)"] = np.sqrt(_mean_or_zero((brain - _mean_or_zero(brain)[:, None, None]) ** 2))
    columns["spectral slope"] = _radial_slope(soft, pixels_per_mm)
    columns["mirror correlation"] = _correlation(soft.reshape(len(soft), -1), soft[..., ::-1].reshape(len(soft), -1))
    return _stack(columns)


def hjorth(x: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Activity (unit²), mobility and complexity (per sample): Hjorth 1970.

    Parameters
    ----------
    x : (..., samples); a flat signal has activity, mobility and complexity 0.
    """
    values = np.asarray(x, dtype=np.float64)
    if values.ndim == 0 or values.shape[-1] < 3:
        raise SpecMismatch(
            f"Signals must have shape (..., samples) with 3 or more samples. Got {values.shape} instead."
        )
    first = np.diff(values, axis=-1)
    second = np.diff(first, axis=-1)
    activity, speed, bend = (part.var(-1) for part in (values, first, second))
    mobility = np.sqrt(_ratio(speed, activity))
    return activity, mobility, _ratio(np.sqrt(_ratio(bend, speed)), mobility)


def compressed_asymmetry(x: Floats, rate: float) -> Floats:
    """`time_asymmetry` of (..., samples) at 30 ms, as asinh(10 ·): near linear where small, logarithmic where large."""
    lag = max(1, min(x.shape[-1] - 1, round(ASYMMETRY_LAG * rate)))
    return np.asarray(np.arcsinh(10 * time_asymmetry(x, lag)))


def pairwise_coherency(x: Floats, rate: float, band: tuple[float, float]) -> NDArray[np.complex128]:
    """(n, channels, channels) complex coherency of a band for signals of (n, channels, samples), 0 with a flat one.

    Cross-spectra and powers are summed over the band, as for `connectivity.imaginary_coherence`.
    """
    coefficients = segment_spectra(x[:, :, None], rate, band)[1]
    flat = coefficients.reshape(*coefficients.shape[:2], -1)  # (n, channels, segments · frequencies)
    norms = np.linalg.norm(flat, axis=-1, keepdims=True)
    unit = np.divide(flat, norms, out=np.zeros_like(flat), where=norms > 0)
    return np.asarray(unit @ unit.conj().swapaxes(-1, -2))


def _spectral_columns(signals: Floats, rate: float, modality: str) -> dict[str, Floats]:
    freqs, psd = power_spectral_density(signals, rate)
    powers = band_powers(signals, rate, bands=bands_for(modality))
    columns = {f"{name} power (log10)": _log10(power) for name, power in powers.items() if np.isfinite(power).all()}
    cumulative = np.cumsum(psd, axis=-1)
    below = cumulative < 0.95 * cumulative[..., -1:]
    columns["spectral edge 95 % (Hz)"] = freqs[np.minimum(below.sum(-1), len(freqs) - 1)]
    return columns


def _shape_columns(signals: Floats, rate: float) -> dict[str, Floats]:
    _, mobility, complexity = hjorth(signals)
    low, middle, high = np.quantile(signals, (0.05, 0.5, 0.95), axis=-1)
    spread = signals.std(-1)
    skew = _ratio(np.asarray(stats.moment(signals, 3, -1)), spread**3)
    kurtosis = _ratio(np.asarray(stats.moment(signals, 4, -1)), spread**4)
    length = np.abs(np.diff(signals, axis=-1)).mean(-1) * rate
    return {
        "mobility (log10)": _log10(mobility),
        "complexity (log10)": _log10(complexity),
        "spread 5–95 % (log10)": _log10(high - low),
        "asymmetry of quantiles": _ratio(high + low - 2 * middle, high - low),
        "skewness": np.arcsinh(skew),
        "kurtosis (log10)": _log10(kurtosis),
        "line length (log10 per s)": _log10(length),
        "peak over spread": _ratio(np.abs(signals - middle[..., None]).max(-1), spread),
        "slope skewness": np.arcsinh(slope_skewness(signals)),
        "time asymmetry": compressed_asymmetry(signals, rate),
    }


def _coupling_columns(signals: Floats, rate: float) -> dict[str, Floats]:
    centred = signals - signals.mean(-1, keepdims=True)
    norms = np.linalg.norm(centred, axis=-1, keepdims=True)
    unit = np.divide(centred, norms, out=np.zeros_like(centred), where=norms > 0)
    correlation = unit @ unit.swapaxes(-1, -2)  # (n, channels, channels)
    channels = signals.shape[1]
    off_diagonal = ~np.eye(channels, dtype=bool)
    return {
        "channel correlation, mean size": np.abs(correlation[:, off_diagonal]).mean(-1),
        "channel correlation, first share": np.linalg.eigvalsh(correlation)[:, -1] / channels,
        "channel correlation, next in order": np.diagonal(correlation, 1, -2, -1).mean(-1),
        "channel delay, imaginary coherence": _imaginary_size(signals, rate),
    }


def _imaginary_size(signals: Floats, rate: float) -> Floats:
    """Mean size of the imaginary coherence over all pairs of channels."""
    first, second = np.triu_indices(signals.shape[1], 1)
    blocks = [signals[i : i + COUPLING_BLOCK] for i in range(0, len(signals), COUPLING_BLOCK)]
    sizes = [np.abs(pairwise_coherency(x, rate, COUPLING_BAND).imag[:, first, second]).mean(-1) for x in blocks]
    return np.concatenate(sizes) if sizes else np.zeros(0)


def _radial_slope(images: Floats, pixels_per_mm: float) -> Floats:
    freqs, power = radial_spectrum(images, pixels_per_mm)
    x = np.log10(freqs) - np.log10(freqs).mean()
    return (_log10(power) * x).sum(-1) / (x**2).sum()


def _correlation(a: Floats, b: Floats) -> Floats:
    a, b = a - a.mean(-1, keepdims=True), b - b.mean(-1, keepdims=True)
    return _ratio((a * b).sum(-1), np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1))


def _mean_or_zero(images: Floats) -> Floats:
    known = np.isfinite(images)
    return _ratio(np.where(known, images, 0.0).sum((1, 2)), known.sum((1, 2)).astype(np.float64))


def _ratio(a: Floats, b: Floats) -> Floats:
    return np.divide(a, b, out=np.zeros_like(a), where=b != 0)


def _log10(x: Floats) -> Floats:
    return np.log10(np.maximum(x, FLOOR))


def _stack(columns: dict[str, Floats]) -> Features:
    return Features(np.stack(list(columns.values()), axis=1), tuple(columns))
