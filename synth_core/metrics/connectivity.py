"""Coupling of two channels in a frequency band: coherence, its imaginary part, phase locking, envelope correlation.

Every function takes x and y of (samples,), one trial, or (..., trials, samples); what is averaged over trials and what
over time is said in each. Frequencies within [low, high) count as the band.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import signal as sps

from synth_core.errors import InvalidSetting, SpecMismatch
from synth_core.signal import filter_signal

FEWEST_SEGMENTS = 8  # one segment has coherence 1 with anything; n unrelated ones still show about 1 / n
LONGEST_SEGMENT = 2.0  # seconds
NOT_KNOWN = complex(np.nan, np.nan)  # both parts: the imaginary part of nan + 0j is 0

Band = tuple[float, float]
Floats = NDArray[np.float64]
Complex = NDArray[np.complex128]


def coherence(x: ArrayLike, y: ArrayLike, rate: float, band: Band, *, segment_seconds: float | None = None) -> Floats:
    """Magnitude-squared coherence: cross-spectra averaged over Welch's segments of all trials, then the band's mean.

    Parameters
    ----------
    x, y : (samples,) or (..., trials, samples), of one shape.
    rate : Hz.
    band : (low, high) in Hz.
    segment_seconds : of Hann windows that overlap by half; by default 2 s, or what gives eight segments in all.

    Returns
    -------
    (...) in [0, 1]: 1 for a linear relation, also a delayed one that is short against a segment; about 1 / segments
    for unrelated signals, so that only values from the same number of segments can be compared. NaN where one is flat.

    Raises
    ------
    SpecMismatch : when the shapes differ.
    InvalidSetting : when the band holds no frequency.
    """
    a, b = (segment_spectra(part, rate, band, segment_seconds)[1] for part in _trials(x, y))
    return np.asarray((np.abs(_coherency(a, b, (-2,))) ** 2).mean(-1))


def imaginary_coherence(
    x: ArrayLike, y: ArrayLike, rate: float, band: Band, *, segment_seconds: float | None = None
) -> Floats:
    """Size of the imaginary part of a band's coherency: blind to whatever arrives at both without delay (Nolte 2004).

    Parameters, raises
    ------------------
    As for `coherence`.

    Returns
    -------
    (...) in [0, 1]: 0 for a mixture of common sources, as volume conduction makes; 1 for a delay by a quarter period
    within a narrow band. Cross-spectrum and powers are summed over the band before the quotient, so that frequencies
    count by their power and chance, of either sign, cancels out.
    """
    a, b = (segment_spectra(part, rate, band, segment_seconds)[1] for part in _trials(x, y))
    return np.asarray(np.abs(_coherency(a, b, (-2, -1)).imag))


def phase_locking_value(x: ArrayLike, y: ArrayLike, rate: float, band: Band) -> Floats:
    """How constant the phase difference of two signals is in a band (Lachaux et al. 1999).

    Parameters
    ----------
    x, y : (samples,) or (..., trials, samples), of one shape.
    rate : Hz.
    band : (low, high) in Hz of a zero-phase filter ahead of the Hilbert transform.

    Returns
    -------
    (...) in [0, 1]. Several trials: locking over the trials at each sample, averaged over samples; unrelated signals
    then give about 1/√trials (0.89/√trials for large numbers). One trial: locking over its samples. Compare equal
    numbers only. NaN where a signal is flat.
    """
    a, b = (_analytic(part, rate, band) for part in _trials(x, y))
    turned = _unit(a) * _unit(b).conj()
    if turned.shape[-2] == 1:
        return np.asarray(np.abs(turned.mean((-2, -1))))
    return np.asarray(np.abs(turned.mean(-2)).mean(-1))


def amplitude_envelope_correlation(x: ArrayLike, y: ArrayLike, rate: float, band: Band) -> Floats:
    """Pearson correlation over time of two signals' envelopes in a band, averaged over trials.

    Parameters
    ----------
    x, y : (samples,) or (..., trials, samples), of one shape.
    rate : Hz.
    band : (low, high) in Hz of a zero-phase filter ahead of the Hilbert transform.

    Returns
    -------
    (...) in [−1, 1]; NaN where an envelope does not vary. Volume conduction raises it: no orthogonalisation is done.
    """
    first, second = _trials(x, y)
    return np.asarray(correlation(envelope(first, rate, band), envelope(second, rate, band)).mean(-1))


def envelope(x: ArrayLike, rate: float, band: Band) -> Floats:
    """Amplitude envelope in a band: size of the analytic signal behind a zero-phase filter; (..., samples)."""
    return np.abs(_analytic(np.asarray(x, dtype=np.float64), rate, band))


def correlation(a: Floats, b: Floats) -> Floats:
    """Pearson correlation along the last axis; NaN where one side does not vary."""
    a, b = a - a.mean(-1, keepdims=True), b - b.mean(-1, keepdims=True)
    norms = np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)
    products = np.asarray((a * b).sum(-1))
    return np.divide(products, norms, out=np.full(products.shape, np.nan), where=norms > 0)


def segment_spectra(
    x: ArrayLike, rate: float, band: Band, segment_seconds: float | None = None
) -> tuple[Floats, Complex]:
    """Fourier coefficients of half-overlapping Hann segments, each with its mean taken off, within a band.

    Parameters
    ----------
    x : (..., trials, samples).
    rate, band, segment_seconds : as for `coherence`.

    Returns
    -------
    freqs : (frequencies,) in Hz.
    coefficients : (..., trials · segments, frequencies).
    """
    values = np.asarray(x, dtype=np.float64)
    trials, samples = values.shape[-2:]
    size = _segment_size(trials, samples, rate, segment_seconds)
    freqs: Floats = np.asarray(np.fft.rfftfreq(size, 1 / rate), dtype=np.float64)
    inside = (freqs >= band[0]) & (freqs < band[1]) & (freqs > 0)
    if not inside.any():
        step = f"steps of {rate / size:.3g} Hz up to {rate / 2:g} Hz"
        raise InvalidSetting(f"No frequency lies between {band[0]:g} and {band[1]:g} Hz in {step}.")
    segments = np.lib.stride_tricks.sliding_window_view(values, size, axis=-1)[..., :: max(1, size - size // 2), :]
    centred = segments - segments.mean(-1, keepdims=True)
    coefficients = np.fft.rfft(centred * sps.get_window("hann", size))[..., inside]
    return freqs[inside], coefficients.reshape(*values.shape[:-2], -1, int(inside.sum()))


def _segment_size(trials: int, samples: int, rate: float, segment_seconds: float | None) -> int:
    if segment_seconds is not None:
        return min(samples, max(2, round(segment_seconds * rate)))
    per_trial = -(-FEWEST_SEGMENTS // trials)  # half overlapping, k segments take (k + 1) / 2 lengths
    return min(round(LONGEST_SEGMENT * rate), max(min(samples, 4), 2 * samples // (per_trial + 1)))


def _coherency(a: Complex, b: Complex, summed: tuple[int, ...]) -> Complex:
    cross = np.asarray((a * b.conj()).sum(summed))
    powers = np.sqrt((np.abs(a) ** 2).sum(summed) * (np.abs(b) ** 2).sum(summed))
    return np.divide(cross, powers, out=np.full(cross.shape, NOT_KNOWN), where=powers > 0)


def _trials(x: ArrayLike, y: ArrayLike) -> tuple[Floats, Floats]:
    a, b = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if a.shape != b.shape or a.ndim == 0:
        wanted = "the same shape, (samples,) or (..., trials, samples)"
        raise SpecMismatch(f"Two signals must have {wanted}. Got {a.shape} and {b.shape} instead.")
    return (a[None], b[None]) if a.ndim == 1 else (a, b)


def _analytic(values: Floats, rate: float, band: Band) -> Complex:
    return np.asarray(sps.hilbert(filter_signal(values, rate, highpass=band[0], lowpass=band[1]), axis=-1))


def _unit(z: Complex) -> Complex:
    size = np.abs(z)
    return np.divide(z, size, out=np.full(z.shape, NOT_KNOWN), where=size > 0)
