"""The aperiodic exponent χ of a spectrum that falls as 1/f^χ, with the oscillatory peaks taken out first.

Donoghue et al. 2020, Nature Neuroscience 23:1655: a line in log-log coordinates through the lower part of the spectrum,
then the largest peak above it as a Gaussian, again and again, and a last line through what no peak covers. Here for
many spectra at once, and without the final joint optimisation of the Gaussians: a covered frequency is left out.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth_core.errors import InvalidSetting
from synth_core.signal import power_spectral_density

LARGEST_NUMBER_OF_PEAKS = 6
PEAK_HEIGHT = 3.0  # standard deviations of the spectrum about the line; lower ones are noise of the estimate
COVERED = 2.0  # standard deviations of a Gaussian peak that are left out on either side
WIDEST_PEAK = 6.0  # Hz, standard deviation; a wider bump is part of the background
FEWEST = 8  # frequencies in the band, and left over for the last line
DEEPEST = 1e-12  # of the largest power in the band; below lies rounding, not signal
ROWS = 8192  # spectra at once

Floats = NDArray[np.float64]


def aperiodic_exponent(
    x: ArrayLike, rate: float, band: tuple[float, float] = (2, 40), *, segment_seconds: float = 2.0
) -> Floats:
    """Exponent χ of 1/f^χ under the oscillatory peaks of each signal: 0 for white noise, 2 for Brownian noise.

    Parameters
    ----------
    x : (..., samples); ten seconds or more for one reliable value, since the spectrum is Welch's.
    rate : Hz.
    band : range of the fit in Hz; stay clear of filter edges and mains.
    segment_seconds : of Welch's segments.

    Returns
    -------
    (...); NaN for a signal without power in the band.

    Raises
    ------
    InvalidSetting : when the band is not within 0 and half the rate, or holds fewer than 8 frequencies.
    """
    if not 0 < band[0] < band[1] <= rate / 2:
        limit = f"0 and half the sampling rate, {rate / 2:g} Hz"
        raise InvalidSetting(f"The band must lie between {limit}. Got {band[0]:g} to {band[1]:g} Hz instead.")
    freqs, psd = power_spectral_density(x, rate, segment_seconds)
    inside = (freqs >= band[0]) & (freqs <= band[1]) & (freqs > 0)
    if inside.sum() < FEWEST:
        wanted = f"{FEWEST} frequencies between {band[0]:g} and {band[1]:g} Hz"
        raise InvalidSetting(f"The fit needs {wanted}; there are {inside.sum()}. Give longer signals or a wider band.")
    spectra = psd[..., inside].reshape(-1, inside.sum())
    blocks = [_exponents(freqs[inside], spectra[i : i + ROWS]) for i in range(0, len(spectra), ROWS)]
    return np.concatenate(blocks).reshape(psd.shape[:-1]) if blocks else np.zeros(psd.shape[:-1])


def _exponents(freqs: Floats, spectra: Floats) -> Floats:
    largest = spectra.max(-1, keepdims=True)
    powers = np.log10(np.maximum(spectra, np.where(largest > 0, largest * DEEPEST, 1.0)))
    abscissa = np.log10(freqs)
    everywhere = np.ones(powers.shape, dtype=bool)
    line = _line(abscissa, powers, everywhere)
    line = _line(abscissa, powers, powers <= line)
    free = everywhere
    for _ in range(2):  # the second pass judges peaks against a line that the first has freed of most of them
        free = _free_of_peaks(freqs, powers - line)
        line = _line(abscissa, powers, free)
    slope = (line[:, -1] - line[:, 0]) / (abscissa[-1] - abscissa[0])
    return np.where(largest[:, 0] > 0, -slope, np.nan)


def _line(abscissa: Floats, ordinates: Floats, used: NDArray[np.bool_]) -> Floats:
    """Least squares through the used points of each row, evaluated everywhere."""
    number = used.sum(-1, keepdims=True)
    centre = (used * abscissa).sum(-1, keepdims=True) / number
    level = (used * ordinates).sum(-1, keepdims=True) / number
    offset = abscissa - centre
    slope = (used * offset * (ordinates - level)).sum(-1, keepdims=True) / (used * offset**2).sum(-1, keepdims=True)
    return level + slope * offset


def _free_of_peaks(freqs: Floats, above: Floats) -> NDArray[np.bool_]:
    """Frequencies that no peak covers, given each spectrum's distance above its line."""
    above = above - np.median(above, axis=-1, keepdims=True)
    rest, free = above.copy(), np.ones(above.shape, dtype=bool)
    rows = np.arange(len(above))
    for _ in range(LARGEST_NUMBER_OF_PEAKS):
        at = rest.argmax(-1)
        height = rest[rows, at]
        # 1.4826 × the median absolute deviation: the standard deviation of the noise, whatever the peaks
        noise = 1.4826 * np.median(np.abs(rest), axis=-1)
        width = np.clip(_half_width(rest, at, height) * (freqs[1] - freqs[0]) / 1.1774, 0, WIDEST_PEAK)
        width = np.maximum(width, freqs[1] - freqs[0])
        away = (freqs - freqs[at][:, None]) / width[:, None]
        covered = (np.abs(away) < COVERED) & (height > PEAK_HEIGHT * noise)[:, None]
        covered &= ((free & ~covered).sum(-1) >= FEWEST // 2)[:, None]
        free &= ~covered
        rest = np.where(covered, 0.0, rest)
    return free


def _half_width(rest: Floats, at: NDArray[np.intp], height: Floats) -> Floats:
    """Steps from each row's peak to where it has fallen to half its height, on the nearer side."""
    positions = np.arange(rest.shape[1])
    below = rest < height[:, None] / 2
    return np.where(below, np.abs(positions - at[:, None]), rest.shape[1]).min(-1).astype(np.float64)
