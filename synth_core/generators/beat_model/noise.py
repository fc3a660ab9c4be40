"""What lies between the beats: baseline wander, muscle and mains, by its spectrum and by how the leads share it."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray
from scipy.signal import windows

LOWEST = 0.1  # Hz
STEP, WIDEST = 1.35, 4.0  # bands widen by this factor, up to so many Hz
MAINS = (50.0, 60.0)
LEAST_POWER = 1e-12  # mV² / Hz

Floats = NDArray[np.float64]


def band_edges(rate: float) -> Floats:
    """(bands + 1,) Hz, from 0 to half the rate; mains frequencies have a narrow band of their own."""
    edges, top = [0.0, LOWEST], rate / 2
    while edges[-1] < top:
        edges.append(min(top, max(edges[-1] * STEP, edges[-1] + 0.1), edges[-1] + WIDEST))
    inside = [hum for hum in MAINS if hum + 1 < top]
    kept = [edge for edge in edges if all(abs(edge - hum) > 1.5 for hum in inside)]
    return np.array(sorted({*kept, *(hum + side for hum in inside for side in (-1.0, 1.0))}))


def band_spectra(x: Floats, rate: float) -> tuple[Floats, Floats]:
    """Power and sharing of (leads, samples).

    Returns
    -------
    power : (leads, bands) natural logarithm of unit² / Hz; where a band is narrower than the resolution, that of the
        nearest frequency.
    sharing : (bands, leads, leads) correlation of the leads within each band.
    """
    leads, samples = x.shape
    window = windows.tukey(samples, 0.2)
    spectrum = np.fft.rfft((x - x.mean(-1, keepdims=True)) * window)
    spectrum *= np.sqrt(2 / (rate * (window**2).sum()))
    edges = band_edges(rate)
    freqs = np.fft.rfftfreq(samples, 1 / rate)
    power = np.empty((leads, len(edges) - 1))
    sharing = np.empty((len(edges) - 1, leads, leads))
    for band, (low, high) in enumerate(itertools.pairwise(edges)):
        inside = np.flatnonzero((freqs > 0) & (freqs >= low) & (freqs < high))
        if not len(inside):
            inside = np.array([1 + np.abs(freqs[1:] - (low + high) / 2).argmin()])
        part = spectrum[:, inside]
        cross = (part @ part.conj().T).real / len(inside)
        size = np.sqrt(np.diag(cross).clip(LEAST_POWER))
        power[:, band] = 2 * np.log(size)
        sharing[band] = cross / (size[:, None] * size)
    return power, sharing


def drawn_noise(power: Floats, roots: Floats, samples: int, rate: float, rng: np.random.Generator) -> Floats:
    """Gaussian noise of these spectra, (leads, samples).

    Parameters
    ----------
    power : (leads, bands) natural logarithm of unit² / Hz.
    roots : (bands, leads, leads) whose product with its transpose is the sharing.
    """
    longer = 2 * samples  # what is cut off keeps the ends from meeting, and holds drifts slower than the record
    freqs = np.fft.rfftfreq(longer, 1 / rate)
    edges = band_edges(rate)
    centres = (edges[:-1] + edges[1:]) / 2
    leads = len(power)
    white = rng.standard_normal((leads, len(freqs))) + 1j * rng.standard_normal((leads, len(freqs)))
    band = np.clip(np.searchsorted(edges, freqs, side="right") - 1, 0, len(centres) - 1)
    mixed = np.einsum("fij,jf->if", roots[band], white)
    at = np.log(np.maximum(freqs, freqs[1]))
    level = np.stack([np.interp(at, np.log(centres), row) for row in power])
    mixed *= np.exp(level / 2) * np.sqrt(rate * longer / 4)
    mixed[:, 0] = 0
    return np.fft.irfft(mixed, n=longer)[:, :samples]
