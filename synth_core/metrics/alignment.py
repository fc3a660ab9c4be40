"""Normalised cross-correlation of examples at all shifts, over the part that they have in common (Lewis 1995)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

LEAST_ENERGY = 0.25  # share of an example's energy that a common part must hold: a quiet margin matches anything
REACH_OF_SLICES = 8  # slices are moved by up to one part in eight

Floats = NDArray[np.float32]
Spectrum = NDArray[np.complex64]


@dataclass(frozen=True)
class Grid:
    """Which shifts and mirrorings of an example are tried.

    Parameters
    ----------
    shape : (samples,) or (height, width).
    lags : shifts along each axis, ascending, symmetric about 0.
    padded : size of the Fourier transforms, so that no tried lag wraps around.
    either_sign : whether an inverted example counts as alike.
    circular : whether shifts that wrap around are tried as well, at all lags.
    mirrors : axes along which an example is flipped, one entry per variant.
    """

    shape: tuple[int, ...]
    lags: tuple[NDArray[np.intp], ...]
    padded: tuple[int, ...]
    either_sign: bool
    circular: bool
    mirrors: tuple[tuple[int, ...], ...]

    @property
    def axes(self) -> tuple[int, ...]:
        """Axes of an array of examples that shifts run along."""
        return tuple(range(-len(self.shape), 0))

    @property
    def common(self) -> Floats:
        """Number of common positions at every lag."""
        return _overlap_sums(np.ones((1, 1, *self.shape), np.float32), self.lags)[0, 0]


def signal_grid(shape: tuple[int, ...]) -> Grid:
    """Shifts by up to half the length, and all circular ones; either sign."""
    reach = shape[0] // 2
    return Grid(
        shape, (np.arange(-reach, reach + 1),), (fft.next_fast_len(2 * shape[0], real=True),), True, True, ((),)
    )


def slice_grid(shape: tuple[int, ...]) -> Grid:
    """Translations by up to an eighth of height and width, in four mirrorings; a grey map that keeps the order."""
    reach = [size // REACH_OF_SLICES for size in shape]
    padded = tuple(fft.next_fast_len(size + by, real=True) for size, by in zip(shape, reach, strict=True))
    lags = tuple(np.arange(-by, by + 1) for by in reach)
    return Grid(shape, lags, padded, False, False, ((), (-1,), (-2,), (-2, -1)))


def spectral_shape(examples: Floats, grid: Grid) -> Floats:
    """(n, …) magnitude spectra of unit length, without offsets: what shifts, signs and scales leave alone.

    Parameters
    ----------
    examples : (n, channels, *grid.shape).
    """
    spectra = np.abs(fft.rfftn(examples, axes=grid.axes))
    flat = spectra.reshape(*examples.shape[:2], -1)
    flat[..., 0] = 0
    return unit_rows(flat.reshape(len(examples), -1))


def unit_rows(rows: Floats) -> Floats:
    """Each row divided by its Euclidean length; rows of zeros stay."""
    length = np.linalg.norm(rows, axis=1, keepdims=True).astype(np.float32)
    length[length == 0] = 1
    return rows / length


@dataclass(frozen=True)
class Prepared:
    """Examples of unit energy with what an alignment needs of each; made by `prepared`.

    Parameters
    ----------
    spectrum : (n, channels, *half spectrum) of the padded examples.
    sums : (n, channels, *lags) sums over the part that is common at a lag.
    energies : (n, *lags) squared deviations from the mean of each channel, over that part.
    """

    spectrum: Spectrum
    sums: Floats
    energies: Floats

    def __getitem__(self, rows: NDArray[np.intp] | slice) -> Prepared:
        return Prepared(self.spectrum[rows], self.sums[rows], self.energies[rows])


def prepared(examples: Floats, grid: Grid) -> Prepared:
    """What `best_alignment` compares, of (n, channels, *grid.shape) examples without offset."""
    unit = unit_rows(examples.reshape(len(examples), -1)).reshape(examples.shape)
    sums = _overlap_sums(unit, grid.lags)
    squares = _overlap_sums((unit**2).sum(1, keepdims=True), grid.lags)[:, 0]
    energies = squares - (sums**2).sum(1) / grid.common
    return Prepared(fft.rfftn(unit, s=grid.padded, axes=grid.axes), sums, energies)


def best_alignment(query: Prepared, known: Prepared, grid: Grid) -> tuple[Floats, NDArray[np.intp]]:
    """Largest normalised cross-correlation of one example with each of several, and where it lies.

    Parameters
    ----------
    query : one prepared example.
    known : n prepared examples.

    Returns
    -------
    similarity : (n,) in [0, 1].
    shift : (n, axes) positions by which the query lags behind; circular ones lie in ± half the length.
    """
    product = np.einsum("c...,nc...->n...", query.spectrum[0], known.spectrum.conj())
    correlation = fft.irfftn(product, s=grid.padded, axes=grid.axes)  # Σ query(t + lag) known(t)
    similarity = _within_common_part(correlation, query, known, grid)
    flat = similarity.reshape(len(similarity), -1)
    best = flat.argmax(1)
    scores = flat[np.arange(len(flat)), best]
    where = np.unravel_index(best, similarity.shape[1:])
    shift = np.stack([lags[at] for lags, at in zip(grid.lags, where, strict=True)], axis=1)
    if grid.circular:
        _take_better(scores, shift, *_circular(correlation, grid))
    return np.clip(scores, 0, 1), shift


def _within_common_part(correlation: Floats, query: Prepared, known: Prepared, grid: Grid) -> Floats:
    lagged = correlation
    for axis, lags in zip(grid.axes, grid.lags, strict=True):
        lagged = lagged.take(lags, axis)  # negative lags lie at the end
    # the known part that is common is the one at the opposite lag
    known_sums, known_energies = np.flip(known.sums, grid.axes), np.flip(known.energies, grid.axes)
    means = np.einsum("c...,nc...->n...", query.sums[0] / grid.common, known_sums)
    covariance = lagged - means
    energy = np.maximum(query.energies, LEAST_ENERGY) * np.maximum(known_energies, LEAST_ENERGY)
    return (np.abs(covariance) if grid.either_sign else covariance) / np.sqrt(energy)


def _circular(correlation: Floats, grid: Grid) -> tuple[Floats, NDArray[np.intp]]:
    (length,), (padded,) = grid.shape, grid.padded
    wrapped = correlation[:, :length].copy()
    wrapped[:, 1:] += correlation[:, padded - length + 1 :]  # lag − length is the same rotation as lag
    best = np.abs(wrapped).argmax(1)
    return np.abs(wrapped[np.arange(len(best)), best]), np.where(best > length // 2, best - length, best)[:, None]


def _take_better(scores: Floats, shift: NDArray[np.intp], other_scores: Floats, other_shift: NDArray[np.intp]) -> None:
    better = other_scores > scores
    scores[better], shift[better] = other_scores[better], other_shift[better]


def _overlap_sums(values: Floats, lags: tuple[NDArray[np.intp], ...]) -> Floats:
    """Sums of values(t + lag) over the positions t for which t and t + lag lie on the grid; axis by axis."""
    sums = values.astype(np.float64)
    for axis, tried in zip(range(-len(lags), 0), lags, strict=True):
        size = sums.shape[axis]
        running = np.insert(sums.cumsum(axis), 0, 0, axis=axis)
        upper, lower = np.minimum(size, size + tried), np.maximum(0, tried)
        sums = running.take(upper, axis) - running.take(lower, axis)
    return sums.astype(np.float32)


def spectral_values(grid: Grid, channels: int) -> int:
    """Numbers that one prepared example holds."""
    return channels * (math.prod(grid.padded) + math.prod(len(lags) for lags in grid.lags))
