"""The band in which real people hold signal, and the stop band beside it.

In dB, frequencies that hold nothing but the residue of a filter count as much as any other: of a spectrum with a stop
band 60 dB down, that is all a distance would measure. So the two are measured apart.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

DYNAMIC_RANGE = 60.0  # dB below the strongest frequency, beyond which nothing is signal
DYNAMIC_RANGE_OF_SLICES = 80.0  # the outline of a head alone is 60 dB above the grain of its brain
FALL = 12.0  # dB below the weakest of the lower frequencies: natural spectra fall by 3 to 6 dB over that distance
BELOW = 0.85  # of a frequency; what lies lower is what it is compared with
SMOOTHED = 5  # frequencies; as many lower ones at least are needed for a comparison
ABOVE_STEPS = 3.0  # dB above the noise of rounding, below which a spectrum shows the steps of the file
DEEPEST = 120.0  # dB below the strongest frequency; what is weaker is the arithmetic of this program
GRID = 4000  # values looked at for the steps of a file
TOLERANCE = 0.02  # of a step, within which values lie on a grid

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Bands:
    """Which frequencies hold signal and which lie in the stop band; 0 Hz is in neither.

    Parameters
    ----------
    signal, stop : (frequencies,) of bool.
    """

    signal: NDArray[np.bool_]
    stop: NDArray[np.bool_]


def bands_of(
    freqs: Floats, held_out: Floats, rounding: float = -math.inf, dynamic_range: float = DYNAMIC_RANGE
) -> Bands:
    """Signal and stop band of a mean spectrum.

    A frequency is in the stop band where the held-out people's spectrum lies beyond the dynamic range, in the noise of
    rounding, or 12 dB below the weakest signal at frequencies up to 0.85 of it: a recorder's low-pass, a notch, a
    reconstruction kernel. The flank of a rhythm is no such edge, as the spectrum goes on below it.

    Parameters
    ----------
    freqs : (frequencies,) rising.
    held_out : (frequencies,) mean spectrum of the held-out people in dB.
    rounding : level of the noise of the source's steps in dB, see `rounding_noise`.
    dynamic_range : in dB below the strongest frequency.
    """
    above = freqs > 0
    least = max(held_out[above].max() - dynamic_range, rounding + ABOVE_STEPS)
    strong = ndimage.median_filter(held_out, SMOOTHED, mode="nearest") >= least  # an edge, not a fringe
    signal = np.zeros(len(freqs), bool)
    for k in np.flatnonzero(above & strong):
        lower = held_out[signal & (freqs <= BELOW * freqs[k])]
        signal[k] = len(lower) < SMOOTHED or held_out[k] >= lower.min() - FALL
    return Bands(signal, above & ~signal)


def rounding_noise(values: NDArray[np.floating], rate: float, image: bool) -> float:
    """Level of the white noise that the steps of values leave, in dB: step² / 12 over all frequencies (Bennett 1948).

    Parameters
    ----------
    values : real examples, any shape.
    rate : Hz, or pixels per mm of slices.

    Returns
    -------
    Minus infinity where the values lie on no grid, as after any filter.
    """
    step = step_of(values)
    if step == 0:
        return -math.inf
    return 10 * math.log10(step**2 / 12 / (rate**2 if image else rate / 2))


def step_of(values: NDArray[np.floating]) -> float:
    """The step of the grid that values lie on; 0 when they lie on none."""
    flat = values.ravel()
    flat = flat[:: max(1, flat.size // GRID)].astype(np.float64)
    gaps = np.diff(np.unique(flat))
    if not len(gaps):
        return 0.0
    step = float(gaps.min())
    multiples = gaps / step
    coarse = step > 1e-5 * np.abs(flat).max()  # finer is the arithmetic of float32
    return step if coarse and np.abs(multiples - multiples.round()).max() < TOLERANCE else 0.0


def clipped(decibels: Floats, strongest: float) -> Floats:
    """Levels of which none is so low that it only shows how a program rounds."""
    return np.maximum(decibels, strongest - DEEPEST)


def in_words(freqs: Floats, kept: NDArray[np.bool_], unit: str) -> str:
    """The frequencies that are kept as ranges: "0.5 to 45 Hz", "45.5 to 50 Hz and 60 Hz"; "none"."""
    rows = np.flatnonzero(kept)
    if not len(rows):
        return "none"
    runs = np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1)
    ranges = [f"{freqs[run[0]]:.3g}" + (f" to {freqs[run[-1]]:.3g}" if len(run) > 1 else "") for run in runs]
    return f"{' and '.join(ranges)} {unit}"
