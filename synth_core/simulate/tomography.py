"""Parallel-beam CT scanner: projection, photon noise, filtered back-projection (Kak & Slaney 1988, chapter 3)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

WATER = 0.0193  # attenuation of water at 70 keV, 1/mm (NIST XCOM)
ELECTRONIC_NOISE = 8.0  # photons
FEWEST = 1.0  # photons: what a detector reads where nothing comes through


@lru_cache(maxsize=2)
def system_matrix(size: int, views: int) -> sparse.csr_matrix:
    """Projection matrix (views × detectors, size × size), lengths in pixels; its transpose back-projects.

    Each pixel casts its shadow, a trapezoid as wide as the square is seen from that view, on at most three detectors
    by area. Splatting pixel centres instead would leave a moiré of several HU. There are size + 2 detectors of one
    pixel: they see the circle inside the image.
    """
    detectors = size + 2
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    inside = np.flatnonzero(np.hypot(x, y).ravel() < size / 2)
    angles = (np.arange(views)[:, None] + 0.5) * np.pi / views
    position = np.cos(angles) * x.ravel()[inside] + np.sin(angles) * y.ravel()[inside] + (detectors - 1) / 2
    nearest = np.round(position).astype(np.int32)
    shares = np.diff([_shadow(nearest + edge - position, angles) for edge in (-1.5, -0.5, 0.5, 1.5)], axis=0)
    rows = np.stack([np.arange(views)[:, None] * detectors + nearest + offset for offset in (-1, 0, 1)])
    columns = np.broadcast_to(inside, rows.shape)
    places = (rows.ravel(), columns.ravel())
    return sparse.csr_matrix((shares.ravel().astype(np.float32), places), shape=(views * detectors, size * size))


def _shadow(edge: NDArray[np.float64], angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of a unit square's shadow that lies below `edge`: two boxes |cos| and |sin| wide, convolved, integrated."""
    wide = np.maximum(np.abs(np.cos(angles)), np.abs(np.sin(angles)))
    narrow = np.maximum(np.minimum(np.abs(np.cos(angles)), np.abs(np.sin(angles))), 1e-6)

    def ramp(at: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.maximum(at, 0) ** 2 / 2

    corners = ((wide + narrow) / 2, (wide - narrow) / 2)
    total = ramp(edge + corners[0]) - ramp(edge + corners[1]) - ramp(edge - corners[1]) + ramp(edge - corners[0])
    return total / (wide * narrow)


def scan(
    slices: NDArray[np.float32], pixel_mm: float, photons: float, rng: np.random.Generator, views: int | None = None
) -> NDArray[np.float32]:
    """What a scanner makes of known slices: noise and streaks as photons are few, edges as the kernel has it.

    Parameters
    ----------
    slices : (slices, size, size) in HU; air outside the inscribed circle.
    pixel_mm : width of a pixel. photons : per detector reading without a patient; np.inf gives no noise.
    views : number of projections over 180°, 1.5 × size if not given.

    Returns
    -------
    (slices, size, size) in HU.
    """
    count, size, _ = slices.shape
    views = views or int(1.5 * size)
    matrix = system_matrix(size, views)
    attenuation = WATER * pixel_mm * np.maximum(slices / 1000 + 1, 0)  # per pixel
    line_integrals = (matrix @ attenuation.reshape(count, -1).T).T.reshape(count, views, -1)
    if np.isfinite(photons):
        line_integrals = _measured(line_integrals, photons, rng)
    filtered = _ramp_filtered(line_integrals).reshape(count, -1).T.astype(np.float32)
    image = (matrix.T @ filtered).T.reshape(slices.shape) * (np.pi / views)
    hu = 1000 * (image / (WATER * pixel_mm) - 1)
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    return np.where(np.hypot(x, y) < size / 2, hu, -1000).astype(np.float32)


def _measured(line_integrals: NDArray, photons: float, rng: np.random.Generator) -> NDArray:
    """Beer–Lambert counts with Poisson and electronic noise, and the line integrals computed from them."""
    counts = rng.poisson(photons * np.exp(-line_integrals)) + rng.normal(0, ELECTRONIC_NOISE, line_integrals.shape)
    return -np.log(np.maximum(counts, FEWEST) / photons)


def _ramp_filtered(line_integrals: NDArray) -> NDArray:
    """Ramp filter of Kak & Slaney eq. 3.61 with a Hann roll-off at 1.25 × Nyquist, along detectors."""
    detectors = line_integrals.shape[-1]
    length = 2 ** int(np.ceil(np.log2(2 * detectors)))
    lag = np.fft.fftfreq(length, 1 / length)
    kernel = np.where(lag % 2 == 1, -1 / (np.pi * np.where(lag == 0, 1, lag)) ** 2, 0)
    kernel[0] = 0.25
    frequency = np.fft.rfftfreq(length)
    response = np.fft.rfft(kernel).real * 0.5 * (1 + np.cos(np.pi * frequency / 0.625))
    return np.fft.irfft(np.fft.rfft(line_integrals, length) * response, length)[..., :detectors]
