"""Structural similarity of slices, and what it says about the variety of a set.

SSIM: Wang, Bovik, Sheikh & Simoncelli 2004, doi 10.1109/TIP.2003.819861. MS-SSIM: Wang, Simoncelli & Bovik 2003,
doi 10.1109/ACSSC.2003.1292216. Both compare two given slices. Their mean over real–synthetic pairs says nothing, as
nobody is paired with anybody; over random pairs of one set it says how much alike the examples are.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import gaussian_filter

from synth_core.errors import InvalidSetting, SpecMismatch
from synth_core.metrics.bootstrap import Groups

Floats = NDArray[np.float64]
Window = tuple[float, float]

SIGMA, RADIUS = 1.5, 5  # pixels; the 11 × 11 Gaussian of the paper
STABILISERS = (0.01**2, 0.03**2)  # C1, C2 at a range of 1
SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # of the five scales: Wang et al. 2003, sec. 3.2
PIXELS_AT_ONCE = 2**20


def ssim(a: ArrayLike, b: ArrayLike, window: Window) -> float | Floats:
    """Mean structural similarity of two slices, or of each pair in two batches.

    Parameters
    ----------
    a, b : (height, width) or (n, height, width) in HU, at least 11 × 11.
    window : (low, high) in HU, mapped to [0, 1]; what lies beyond is cut off.

    Returns
    -------
    A number in [−1, 1], or (n,) of them. Gaussian weights of σ = 1.5 pixels; pixels whose weights reach beyond the
    border are left out.

    Raises
    ------
    SpecMismatch : when shapes differ or are too small. InvalidSetting : for a window that is empty.
    """
    first, second, single = _paired(a, b, window)
    values = np.concatenate([_components(x, y)[0] for x, y in _blocks(first, second)])
    return float(values[0]) if single else values


def ms_ssim(a: ArrayLike, b: ArrayLike, window: Window) -> float | Floats:
    """Multi-scale structural similarity of two slices, or of each pair in two batches.

    Five scales where they fit. Each scale halves the slice and the coarsest must hold the 11 × 11 weights, so that
    64 pixels allow three; the weights of the scales that are left are divided by their sum.

    Parameters, raises
    ------------------
    As for `ssim`.

    Returns
    -------
    A number in [0, 1], or (n,) of them; a negative term counts as 0.
    """
    first, second, single = _paired(a, b, window)
    values = np.concatenate([_multiscale(x, y) for x, y in _blocks(first, second)])
    return float(values[0]) if single else values


def msssim_diversity(
    images: ArrayLike, window: Window, pairs: int = 1000, *, groups: Groups = None, rng: np.random.Generator
) -> float:
    """Mean MS-SSIM over random pairs: mode collapse raises it (Odena, Olah & Shlens 2017, arXiv 1610.09585).

    Parameters
    ----------
    images : (n, height, width) in HU.
    window : (low, high) in HU.
    pairs : how many are drawn; the members of a pair are never the same example.
    groups : one subject per image; pairs are then of different subjects.

    Raises
    ------
    InvalidSetting : when no two images are of different subjects.
    """
    values = np.asarray(images)
    first, second = random_pairs(len(values), pairs, groups=groups, rng=rng)
    return float(np.mean(ms_ssim(values[first], values[second], window)))


def random_pairs(
    n: int, pairs: int, *, groups: Groups = None, rng: np.random.Generator
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Positions of `pairs` random pairs out of n examples, (pairs,) each, of different groups.

    Raises
    ------
    InvalidSetting : when there are not two groups, or pairs < 1.
    """
    names = np.arange(n) if groups is None else np.asarray(groups)
    if pairs < 1 or len(np.unique(names)) < 2:
        raise InvalidSetting(f"Pairs need two examples of different subjects. Got {n} examples for {pairs} pairs.")
    first = rng.integers(n, size=pairs)
    second = rng.integers(n, size=pairs)
    while (same := np.flatnonzero(names[first] == names[second])).size:
        first[same], second[same] = rng.integers(n, size=(2, len(same)))
    return first, second


def windowed(images: ArrayLike, window: Window) -> Floats:
    """HU to [0, 1] by a window; what lies beyond is cut off. InvalidSetting when the window is empty."""
    low, high = window
    if not low < high:
        raise InvalidSetting(f"A window is (low, high) in HU with low < high. Got {window} instead.")
    return np.clip((np.asarray(images, dtype=np.float64) - low) / (high - low), 0, 1)


def _paired(a: ArrayLike, b: ArrayLike, window: Window) -> tuple[Floats, Floats, bool]:
    first, second = windowed(a, window), windowed(b, window)
    smallest = 2 * RADIUS + 1
    if first.shape != second.shape or first.ndim not in (2, 3) or min(first.shape[-2:]) < smallest:
        wanted = f"the same shape, (height, width) or (n, height, width) of at least {smallest} × {smallest}"
        raise SpecMismatch(f"Slices that are compared must have {wanted}. Got {first.shape} and {second.shape}.")
    single = first.ndim == 2
    return (first[None], second[None], True) if single else (first, second, False)


def _blocks(a: Floats, b: Floats) -> Iterator[tuple[Floats, Floats]]:
    """A few pairs at a time, so that memory does not grow with their number."""
    size = max(1, PIXELS_AT_ONCE // (a.shape[1] * a.shape[2]))
    for begin in range(0, len(a), size):
        yield a[begin : begin + size], b[begin : begin + size]


def _components(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """Means over the slice of SSIM (eq. 13 of Wang et al. 2004) and of its contrast-structure term, (n,) each."""
    mean_a, mean_b = _smooth(a), _smooth(b)
    product, squares = mean_a * mean_b, mean_a**2 + mean_b**2
    covariance = _smooth(a * b) - product
    variances = _smooth(a * a + b * b) - squares
    structure = (2 * covariance + STABILISERS[1]) / (variances + STABILISERS[1])
    luminance = (2 * product + STABILISERS[0]) / (squares + STABILISERS[0])
    return (luminance * structure).mean((1, 2)), structure.mean((1, 2))


def _smooth(x: Floats) -> Floats:
    blurred: Floats = gaussian_filter(x, (0, SIGMA, SIGMA), radius=(0, RADIUS, RADIUS))
    return blurred[:, RADIUS:-RADIUS, RADIUS:-RADIUS]


def _multiscale(a: Floats, b: Floats) -> Floats:
    """Eq. 7 of Wang et al. 2003: contrast and structure at every scale, luminance at the coarsest alone."""
    scales = _scales(min(a.shape[1:]))
    weights = np.array(SCALE_WEIGHTS[:scales]) / sum(SCALE_WEIGHTS[:scales])
    result = np.ones(len(a))
    for position, weight in enumerate(weights):
        similarity, structure = _components(a, b)
        term = similarity if position == scales - 1 else structure
        result *= np.maximum(term, 0) ** weight
        a, b = _halved(a), _halved(b)
    return result


def _scales(side: int) -> int:
    fitting = [scale for scale in range(len(SCALE_WEIGHTS)) if side // 2**scale >= 2 * RADIUS + 1]
    return len(fitting)


def _halved(x: Floats) -> Floats:
    height, width = (size // 2 for size in x.shape[1:])
    halved: Floats = x[:, : 2 * height, : 2 * width].reshape(len(x), height, 2, width, 2).mean((2, 4))
    return halved
