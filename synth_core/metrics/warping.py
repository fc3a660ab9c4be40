"""Dynamic time warping: Sakoe and Chiba 1978, with the band of that paper; many pairs at once along antidiagonals."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import maximum_filter1d, minimum_filter1d

from synth_core.errors import InvalidSetting, SpecMismatch
from synth_core.metrics.chance import Random, generator_of

MOST = 400  # signals per side in a search; a random choice when there are more
AT_ONCE = 8  # candidates that each signal is compared with before the bound is looked at again
PAIRS = 512  # pairs warped together: three antidiagonals of them stay in the cache

Floats = NDArray[np.float64]


def dtw(a: ArrayLike, b: ArrayLike, window: float | None = None) -> float:
    """Root of the smallest sum of squared differences over all warping paths; agrees with `dtaidistance.dtw`.

    Parameters
    ----------
    a, b : (samples,) or (channels, samples), the same channels, lengths may differ. Channels are warped together
        (dependent DTW: Shokoohi-Yekta et al. 2017).
    window : shifts along the path stay below so many samples (beyond the difference of the lengths), as in
        dtaidistance: 0 and 1 allow none, which is the Euclidean distance. A fraction below 1 is a share of the longer
        signal; None is no limit.

    Returns
    -------
    In the unit of the signals; no division by the length of the path.

    Raises
    ------
    SpecMismatch : when shapes do not fit. InvalidSetting : for a negative window.
    """
    x, y = (np.atleast_2d(np.asarray(part, dtype=np.float64)) for part in (a, b))
    if x.ndim != 2 or y.ndim != 2 or len(x) != len(y) or 0 in (x.size, y.size):
        raise SpecMismatch(f"Two signals must have shape (samples,) or (channels, samples). Got {x.shape}, {y.shape}.")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise SpecMismatch("Signals must be finite.")
    return float(_warped(x[None], y[None], _band(window, max(x.shape[1], y.shape[1])))[0])


def nearest_neighbour_dtw(
    real: ArrayLike, synthetic: ArrayLike, window: float | None = 0.1, *, most: int = MOST, rng: Random = None
) -> Floats:
    """Distance of each synthetic signal to the real one that it can best be warped on.

    Candidates come in the order of a lower bound (Keogh and Ratanamahatana 2005), and are left out when the bound
    exceeds what was found. Nothing is compared by position: the i-th synthetic signal has no partner.

    Parameters
    ----------
    real, synthetic : (n, samples) or (n, channels, samples), of one shape.
    window : as in `dtw`; 5 to 10 % for signals that are not aligned.
    most : signals per side; a random choice of larger sets, in their order.
    rng : generator or seed; None is seed 0.

    Returns
    -------
    (min(n_synthetic, most),) in the unit of the signals.
    """
    random = generator_of(rng)
    known, made = (_chosen(part, most, random) for part in (real, synthetic))
    if known.shape[1:] != made.shape[1:]:
        raise SpecMismatch(f"Signals must have one shape. Got {known.shape[1:]} and {made.shape[1:]}.")
    band = _band(window, made.shape[-1])
    bounds = _lower_bounds(known, made, band)
    order = np.argsort(bounds, axis=1)
    nearest = np.full(len(made), np.inf)
    for start in range(0, len(known), AT_ONCE):
        ranked = order[:, start : start + AT_ONCE]
        open_pairs = np.take_along_axis(bounds, ranked, 1) < nearest[:, None]
        rows, columns = np.nonzero(open_pairs)
        if not len(rows):
            break
        np.minimum.at(nearest, rows, _warped(known[ranked[rows, columns]], made[rows], band))
    return nearest


def _band(window: float | None, samples: int) -> int:
    """Largest |i − j| on a path."""
    if window is None:
        return samples
    if window < 0:
        raise InvalidSetting(f"`window` must not be negative. Got {window} instead.")
    allowed = round(window * samples) if 0 < window < 1 else int(window)
    return max(allowed, 1) - 1


def _chosen(signals: ArrayLike, most: int, rng: np.random.Generator) -> Floats:
    values = np.asarray(signals, dtype=np.float64)
    if values.ndim not in (2, 3) or not len(values) or not np.isfinite(values).all():
        raise SpecMismatch(f"Signals must be finite, (n, samples) or (n, channels, samples). Got {values.shape}.")
    rows = np.sort(rng.permutation(len(values))[:most])
    return values[rows] if values.ndim == 3 else values[rows, None]


def _warped(a: Floats, b: Floats, band: int) -> Floats:
    """(pairs,) distances of a (pairs, channels, n) and b (pairs, channels, m)."""
    return np.concatenate([_warped_block(a[i : i + PAIRS], b[i : i + PAIRS], band) for i in range(0, len(a), PAIRS)])


def _warped_block(a: Floats, b: Floats, band: int) -> Floats:
    n, m = a.shape[2], b.shape[2]
    first, backwards = np.ascontiguousarray(a.transpose(1, 2, 0)), np.ascontiguousarray(b[..., ::-1].transpose(1, 2, 0))
    later, earlier = band + max(0, n - m), band + max(0, m - n)  # i − j may reach `later`, j − i `earlier`
    # position i + 1 of an antidiagonal i + j = s holds the cost of the best path to (i, j)
    last, before = np.full((2, n + 1, len(a)), np.inf)
    before[0] = 0  # the empty path
    for s in range(n + m - 1):
        low, high = max(0, s - m + 1, -((earlier - s) // 2)), min(n - 1, s, (s + later) // 2)
        shifted = slice(m - 1 - s + low, m - s + high)  # b[s − i], i ascending
        cost = ((first[:, low : high + 1] - backwards[:, shifted]) ** 2).sum(0)
        steps = np.minimum(last[low : high + 1], last[low + 1 : high + 2])
        before[low + 1 : high + 2] = cost + np.minimum(steps, before[low : high + 1])
        before[low] = np.inf  # what an older antidiagonal left on either side of this one
        before[high + 2 : high + 3] = np.inf
        before, last = last, before
    return np.sqrt(last[n])


def _lower_bounds(known: Floats, made: Floats, band: int) -> Floats:
    """(synthetic, real) LB_Keogh: how far each synthetic signal leaves the envelope of each real one."""
    width = 2 * min(band, known.shape[-1]) + 1
    upper, lower = maximum_filter1d(known, width), minimum_filter1d(known, width)
    outside = [np.maximum(signal - upper, 0) ** 2 + np.maximum(lower - signal, 0) ** 2 for signal in made]
    return np.sqrt(np.stack([part.sum((1, 2)) for part in outside]))
