"""Pure signal processing on arrays whose last axis is time: filters, resampling, spectra, thinning for display.

Every function takes (..., samples) of any real type, computes in float64 and returns float64. A NaN spreads through
its whole row: leave out damaged spans before filtering.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage
from scipy import signal as sps

from synth_core.errors import InvalidSetting, SpecMismatch

FILTER_ORDER = 4  # of each Butterworth section; forwards and backwards makes it eight in effect
NOTCH_QUALITY = 30.0  # centre frequency / −3 dB width
BASELINE_SECONDS = (0.2, 0.6)  # of the two running medians
LINE_FREQUENCIES, LINE_WIDTH = (50.0, 60.0), 1.0  # Hz
LARGEST_DENOMINATOR = 10_000  # of the rate ratio: at most 1e-8 off, one sample in a day of EEG

Floats = NDArray[np.float64]


def filter_signal(
    x: ArrayLike,
    rate: float,
    highpass: float | None = None,
    lowpass: float | None = None,
    notch: float | None = None,
) -> Floats:
    """Zero-phase filtering: fourth-order Butterworth sections and a notch, run forwards and backwards.

    Parameters
    ----------
    x : (..., samples).
    rate : sampling rate in Hz.
    highpass, lowpass : corner frequencies in Hz (−6 dB after both passes); None leaves that side open.
    notch : centre frequency in Hz of a narrow stop band (quality factor 30), for mains hum.

    Returns
    -------
    (..., samples) float64. The ends are continued by an odd reflection as long as one period of the lowest corner,
    or as long as the signal allows.

    Raises
    ------
    InvalidSetting : when a corner is not between 0 and half the rate, or the high-pass is above the low-pass.
    """
    values = _floats(x)
    corners = {"highpass": highpass, "lowpass": lowpass, "notch": notch}
    for name, corner in corners.items():
        _check_corner(name, corner, rate)
    if highpass is not None and lowpass is not None and highpass >= lowpass:
        raise InvalidSetting(f"`highpass` must be below `lowpass`. Got {highpass:g} Hz and {lowpass:g} Hz.")
    sections = []
    if highpass is not None:
        sections.append(sps.butter(FILTER_ORDER, highpass, "highpass", fs=rate, output="sos"))
    if lowpass is not None:
        sections.append(sps.butter(FILTER_ORDER, lowpass, "lowpass", fs=rate, output="sos"))
    if notch is not None:
        sections.append(sps.tf2sos(*sps.iirnotch(notch, NOTCH_QUALITY, fs=rate)))
    for sos in sections:
        values = sps.sosfiltfilt(sos, values, axis=-1, padlen=_padding(sos, values.shape[-1], rate, corners))
    return np.ascontiguousarray(values)  # sosfiltfilt gives a reversed view, which torch refuses


def baseline(x: ArrayLike, rate: float) -> Floats:
    """The baseline wander of an ECG: a running median of 200 ms takes out QRS and P, one of 600 ms of that the T wave.

    De Chazal, O'Dwyer & Reilly 2004, IEEE Trans Biomed Eng 51:1196, section II-B.

    Parameters
    ----------
    x : (..., samples).
    rate : sampling rate in Hz.

    Returns
    -------
    (..., samples) float64, to be subtracted. The ends are continued by their first and last value.
    """
    values = _floats(x)
    for seconds in BASELINE_SECONDS:
        size = 2 * round(seconds * rate / 2) + 1
        values = ndimage.median_filter(values, size=(1,) * (values.ndim - 1) + (size,), mode="nearest")
    return values


def line_noise(x: ArrayLike, rate: float) -> Floats:
    """The share of power within 1 Hz of 50 Hz or of 60 Hz, whichever is larger; 0 where the rate does not reach it.

    Parameters
    ----------
    x : (..., samples).
    rate : sampling rate in Hz.

    Returns
    -------
    (...) in [0, 1]; 0 for a signal without power.
    """
    freqs, psd = power_spectral_density(x, rate)
    total = psd[..., 1:].sum(axis=-1)
    shares = [psd[..., np.abs(freqs - hum) <= LINE_WIDTH].sum(axis=-1) for hum in LINE_FREQUENCIES if hum < rate / 2]
    if not shares:
        return np.zeros(total.shape)
    return np.divide(np.max(shares, axis=0), total, out=np.zeros(total.shape), where=total > 0)


def resample(x: ArrayLike, rate: float, new_rate: float) -> Floats:
    """Polyphase resampling behind a Kaiser anti-aliasing filter.

    Parameters
    ----------
    x : (..., samples).
    rate, new_rate : sampling rates in Hz; their ratio is taken as a fraction with a denominator of at most 10,000.

    Returns
    -------
    (..., round(samples · new_rate / rate)) float64, and at least one sample. The ends are continued along the line
    through the first and last sample, so that an offset does not ring.

    Raises
    ------
    InvalidSetting : when a rate is not positive.
    """
    values = _floats(x)
    for name, value in (("rate", rate), ("new_rate", new_rate)):
        if not value > 0:
            raise InvalidSetting(f"`{name}` must be positive. Got {value} instead.")
    if rate == new_rate:
        return values
    length = max(1, round(values.shape[-1] * new_rate / rate))
    ratio = Fraction(new_rate / rate).limit_denominator(LARGEST_DENOMINATOR)
    if ratio == 0:
        raise InvalidSetting(f"Resampling from {rate:g} Hz to {new_rate:g} Hz is too large a step.")
    resampled = sps.resample_poly(values, ratio.numerator, ratio.denominator, axis=-1, padtype="line")
    missing = length - resampled.shape[-1]
    if missing > 0:
        widths = [(0, 0)] * (resampled.ndim - 1) + [(0, missing)]
        return np.pad(resampled, widths, mode="edge")
    return resampled[..., :length]


def power_spectral_density(x: ArrayLike, rate: float, segment_seconds: float = 2.0) -> tuple[Floats, Floats]:
    """Welch's estimate: Hann windows, half overlapping, each with its mean removed (Welch 1967).

    Parameters
    ----------
    x : (..., samples).
    rate : sampling rate in Hz.
    segment_seconds : length of a segment; a shorter signal is one segment of its own length, and the frequency step
        is then rate / samples: bands narrower than that are not resolved.

    Returns
    -------
    freqs : (frequencies,) in Hz.
    psd : (..., frequencies) one-sided, in unit² / Hz.

    Raises
    ------
    InvalidSetting : when the rate or the segment is not positive.
    SpecMismatch : when there are fewer than two samples.
    """
    values = _floats(x)
    if not rate > 0 or not segment_seconds > 0:
        message = f"`rate` and `segment_seconds` must be positive. Got {rate} and {segment_seconds} instead."
        raise InvalidSetting(message)
    samples = values.shape[-1]
    if samples < 2:
        raise SpecMismatch(f"A spectrum needs at least two samples. Got {samples} instead.")
    segment = min(samples, max(2, round(segment_seconds * rate)))
    freqs, psd = sps.welch(
        values, fs=rate, window="hann", nperseg=segment, noverlap=segment // 2, detrend="constant", axis=-1
    )
    return freqs, psd


def _floats(x: ArrayLike) -> Floats:
    values = np.asarray(x, dtype=np.float64)
    if values.ndim == 0 or values.shape[-1] == 0:
        raise SpecMismatch(f"A signal must have shape (..., samples) with at least one sample. Got {values.shape}.")
    return values


def _check_corner(name: str, corner: float | None, rate: float) -> None:
    if corner is not None and not 0 < corner < rate / 2:
        limit = f"half the sampling rate ({rate:g} Hz), {rate / 2:g} Hz"
        raise InvalidSetting(f"`{name}` must be above 0 and below {limit}. Got {corner:g} Hz instead.")


def _padding(sos: Floats, samples: int, rate: float, corners: dict[str, float | None]) -> int:
    lowest = min(corner for corner in corners.values() if corner is not None)
    wanted = max(3 * (2 * len(sos) + 1), round(rate / lowest))
    return min(wanted, samples - 1)
