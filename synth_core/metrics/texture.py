"""Grain and grey values of slices: noise power spectrum, co-occurrence of grey levels, HU per tissue window."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth_core.errors import InvalidSetting, SpecMismatch
from synth_core.metrics.features import TISSUES
from synth_core.metrics.slices import Window, windowed

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

BRAIN_WINDOW = (0.0, 80.0)  # HU; how brain is read: level 40, width 80
LOWEST, HIGHEST = -1024.0, 3072.0  # HU of a 12-bit scanner; open windows end there
GLCM_FEATURES = ("contrast", "homogeneity", "energy", "correlation", "entropy")


def noise_power_map(rois: ArrayLike, pixel_mm: float) -> tuple[Floats, Floats, Floats]:
    """Two-dimensional noise power spectrum of each region: ICRU Report 87, eq. 5.4; AAPM TG-233.

    NPS = Δx Δy / (Nx Ny) · |DFT|², after a plane was fitted to the region and removed.

    Parameters
    ----------
    rois : (n, height, width) or (height, width) in HU, of at least 4 × 4 pixels.
    pixel_mm : side of a pixel.

    Returns
    -------
    row_freqs (height,), column_freqs (width,) : cycles per mm in the order of `numpy.fft.fftfreq`.
    power : (n, height, width) in HU² · mm². Its sum times the area of a frequency cell is the variance of the region.
    """
    values = np.asarray(rois, dtype=np.float64)
    values = values[None] if values.ndim == 2 else values
    if values.ndim != 3 or min(values.shape[1:]) < 4:
        raise SpecMismatch(f"Regions must have shape (n, height, width) of at least 4 × 4. Got {values.shape}.")
    if not pixel_mm > 0:
        raise InvalidSetting(f"The side of a pixel must be positive. Got {pixel_mm} mm instead.")
    height, width = values.shape[1:]
    power = np.abs(np.fft.fft2(_without_plane(values))) ** 2 * pixel_mm**2 / (height * width)
    rows, columns = (np.asarray(np.fft.fftfreq(size, pixel_mm), dtype=np.float64) for size in (height, width))
    return rows, columns, np.asarray(power, dtype=np.float64)


def noise_power_spectrum(rois: ArrayLike, pixel_mm: float) -> tuple[Floats, Floats]:
    """Noise power over spatial frequency, averaged over directions and regions.

    White noise of standard deviation σ gives σ² Δx Δy at every frequency. The lowest ring lies below: the plane that
    is removed takes part of it.

    Parameters
    ----------
    As for `noise_power_map`.

    Returns
    -------
    freqs : (rings,) cycles per mm, from one cycle per region to Nyquist. power : (rings,) in HU² · mm².
    """
    freqs, each = radial_noise_power(rois, pixel_mm)
    return freqs, each.mean(0)


def radial_noise_power(rois: ArrayLike, pixel_mm: float) -> tuple[Floats, Floats]:
    """As `noise_power_spectrum`, with one row per region: freqs (rings,), power (n, rings)."""
    rows, columns, power = noise_power_map(rois, pixel_mm)
    rings = min(power.shape[1:]) // 2
    ring = np.round(np.hypot(rows[:, None], columns) * 2 * rings * pixel_mm).astype(int).ravel()
    membership = np.stack([ring == k for k in range(1, rings + 1)], axis=1).astype(np.float64)
    flat = power.reshape(len(power), -1)
    return np.arange(1, rings + 1) / (2 * rings * pixel_mm), flat @ (membership / membership.sum(0))


def glcm_features(
    image: ArrayLike,
    levels: int = 32,
    *,
    window: Window = BRAIN_WINDOW,
    distance: int = 1,
    mask: ArrayLike | None = None,
) -> dict[str, float] | dict[str, Floats]:
    """Co-occurrence of grey levels (Haralick, Shanmugam & Dinstein 1973, doi 10.1109/TSMC.1973.4309314).

    Parameters
    ----------
    image : (height, width) or (n, height, width) in HU.
    levels : equal bins of `window`, fixed in HU, so that slices can be compared; what lies beyond joins the end bins.
    window : (low, high) in HU.
    distance : pixels between the members of a pair; the features are means over 0°, 45°, 90° and 135°.
    mask : of the shape of `image`; both members of a pair must be inside. None for everywhere.

    Returns
    -------
    contrast (levels²), homogeneity in (0, 1], energy in (0, 1], correlation in [−1, 1], entropy in nats: a number
    each, or (n,). NaN for a slice without a pair. The correlation of a slice of one level is 1.

    Raises
    ------
    SpecMismatch : for another shape. InvalidSetting : for fewer than 2 levels or a distance below 1.
    """
    values = windowed(image, window)
    inside = np.ones(values.shape, dtype=bool) if mask is None else np.asarray(mask, dtype=bool)
    if values.ndim not in (2, 3) or inside.shape != values.shape:
        raise SpecMismatch(
            f"A slice and its mask must have one shape, (n, height, width). Got {values.shape}, {inside.shape}."
        )
    if levels < 2 or distance < 1:
        raise InvalidSetting(f"Co-occurrence needs 2 levels and a distance of 1. Got {levels} and {distance}.")
    single = values.ndim == 2
    binned = np.minimum((values * levels).astype(np.intp), levels - 1)
    binned, inside = (binned[None], inside[None]) if single else (binned, inside)
    matrices = _cooccurrence(binned, inside, levels, distance)
    features = {name: column.mean(1) for name, column in _haralick(matrices).items()}
    return {name: float(column[0]) for name, column in features.items()} if single else features


def hu_histograms(
    images: ArrayLike, windows: Mapping[str, Window] = TISSUES, *, bin_width: float = 1.0, mask: ArrayLike | None = None
) -> dict[str, tuple[Floats, Floats]]:
    """Histogram of each slice within each window.

    Parameters
    ----------
    images : (n, height, width) or (height, width) in HU.
    windows : name → [low, high) in HU; open ends are taken as −1024 and 3072.
    bin_width : HU; the last bin of a window is narrower where it does not divide.
    mask : of the shape of `images`: which pixels count. None for all.

    Returns
    -------
    name → edges (bins + 1,) in HU and shares (n, bins) of the pixels that count; NaN for a slice without any.
    """
    values, inside = _counted(images, mask)
    pixels = inside.sum((1, 2)).astype(np.float64)[:, None]
    pixels[pixels == 0] = np.nan
    histograms = {}
    for name, (low, high) in windows.items():
        low, high = max(low, LOWEST), min(high, HIGHEST)
        edges = np.append(np.arange(low, high, bin_width), high)
        used = inside & (values >= low) & (values < high)
        bins = np.minimum(((values[used] - low) / bin_width).astype(np.intp), len(edges) - 2)
        cells = np.nonzero(used)[0] * (len(edges) - 1) + bins
        counts = np.bincount(cells, minlength=len(values) * (len(edges) - 1)).reshape(len(values), -1)
        histograms[name] = (edges, counts / pixels)
    return histograms


def tissue_wasserstein(
    a: ArrayLike, b: ArrayLike, windows: Mapping[str, Window] = TISSUES, levels: int = 4096
) -> dict[str, float]:
    """Wasserstein-1 distance of two sets of HU values, window by window.

    W1 = ∫ |F_a − F_b| dHU is a sum over the windows: each entry is the way, in HU and averaged over all values, that
    is travelled within the window. A tissue that is missing counts, as does one of other density.

    Parameters
    ----------
    a, b : HU values of any shape, pooled.
    windows : name → (low, high) in HU; open ends are taken as −1024 and 3072.
    levels : points of each window at which the two distributions are compared.
    """
    first, second = (np.sort(np.asarray(x, dtype=np.float64), axis=None) for x in (a, b))
    distances = {}
    for name, (low, high) in windows.items():
        edges = np.linspace(max(low, LOWEST), min(high, HIGHEST), levels + 1)
        middle = (edges[1:] + edges[:-1]) / 2
        shares = [np.searchsorted(x, middle, side="right") / len(x) for x in (first, second)]
        distances[name] = float(np.abs(shares[0] - shares[1]).sum() * (edges[1] - edges[0]))
    return distances


def _without_plane(values: Floats) -> Floats:
    height, width = values.shape[1:]
    rows, columns = (np.arange(size) - (size - 1) / 2 for size in (height, width))
    centred = values - values.mean((1, 2), keepdims=True)
    down = (centred * rows[:, None]).sum((1, 2)) / (width * (rows**2).sum())
    across = (centred * columns).sum((1, 2)) / (height * (columns**2).sum())
    slopes = down[:, None, None] * rows[:, None] + across[:, None, None] * columns
    return np.asarray(centred - slopes, dtype=np.float64)


def _cooccurrence(binned: NDArray[np.intp], inside: Bools, levels: int, distance: int) -> Floats:
    """(n, 4, levels, levels): symmetric, each of sum 1, or NaN where there is no pair."""
    n, cells = len(binned), levels * levels
    diagonal = round(distance * np.sqrt(0.5))
    matrices = []
    for down, across in ((0, distance), (diagonal, diagonal), (distance, 0), (diagonal, -diagonal)):
        here, there = _displaced(binned.shape[1:], down, across)
        both = inside[here] & inside[there]
        which = np.nonzero(both)[0] * cells + binned[here][both] * levels + binned[there][both]
        counts = np.bincount(which, minlength=n * cells).reshape(n, levels, levels).astype(np.float64)
        matrices.append(counts + counts.swapaxes(1, 2))
    stacked = np.stack(matrices, axis=1)
    total = stacked.sum((2, 3), keepdims=True)
    return np.divide(stacked, total, out=np.full_like(stacked, np.nan), where=total > 0)


def _displaced(shape: tuple[int, ...], down: int, across: int) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    height, width = shape
    left, right = max(0, -across), max(0, across)
    here = (slice(None), slice(0, height - down), slice(left, width - right))
    there = (slice(None), slice(down, height), slice(left + across, width - right + across))
    return here, there


def _haralick(p: Floats) -> dict[str, Floats]:
    """(n, 4) of each feature."""
    level = np.arange(p.shape[-1], dtype=np.float64)
    gap = (level[:, None] - level) ** 2
    mean = (p.sum(-1) * level).sum(-1)
    variance = (p.sum(-1) * level**2).sum(-1) - mean**2
    covariance = np.einsum("abij,i,j->ab", p, level, level) - mean**2
    correlation = np.divide(covariance, variance, out=np.ones_like(mean), where=~(variance <= 1e-12))
    surprise = -np.log(p, out=np.zeros_like(p), where=~(p <= 0))
    columns = (
        (p * gap).sum((2, 3)),
        (p / (1 + gap)).sum((2, 3)),
        np.sqrt((p**2).sum((2, 3))),
        correlation,
        (p * surprise).sum((2, 3)),
    )
    return dict(zip(GLCM_FEATURES, columns, strict=True))


def _counted(images: ArrayLike, mask: ArrayLike | None) -> tuple[Floats, Bools]:
    values = np.asarray(images, dtype=np.float64)
    inside = np.ones(values.shape, dtype=bool) if mask is None else np.asarray(mask, dtype=bool)
    if values.ndim not in (2, 3) or inside.shape != values.shape:
        raise SpecMismatch(f"Slices and mask must have one shape, (n, height, width). Got {values.shape}.")
    return (values[None], inside[None]) if values.ndim == 2 else (values, inside)
