"""Copies of training examples that were shifted, flipped or rescaled: cross-correlation, with a calibrated threshold.

Two stages. Magnitude spectra, which neither a shift nor a sign changes, name the likeliest training examples; the
normalised cross-correlation over their common part (Lewis 1995) then compares them at all shifts. What counts as alike
is read from people who cannot have been copied: two sinus rhythms correlate, and so do any two heads.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth_core.errors import SpecMismatch
from synth_core.metrics.alignment import (
    Grid,
    Prepared,
    best_alignment,
    prepared,
    signal_grid,
    slice_grid,
    spectral_shape,
    spectral_values,
    unit_rows,
)

CANDIDATES = 10  # training examples at least that each synthetic one is aligned with
WORK = 1e9  # spectral values that all alignments together may touch; candidates beyond the least come out of it
LEAST = 0.9  # similarity below which nothing is called a copy
MOST = 0.98  # highest threshold when it comes from training examples; a copy with noise of 15 dB reaches 0.984
UNRELATED = 0.99  # share of unrelated people that must lie below the threshold, and by a margin
MARGIN = 0.5
ALMOST_ONE = 1 - 1e-7  # similarity of an exact copy, where Fisher's z ends
CALIBRATION = 500  # training examples that are compared with the others when there are no held-out ones
ROWS = 256  # rows of a similarity matrix held at a time
KEPT = 50_000_000  # values of prepared training examples held at once, 200 MB; of larger sets each is made as needed

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Copies:
    """The nearest training example of every synthetic one.

    Parameters
    ----------
    index : (n,) row of the nearest training example.
    similarity : (n,) in [0, 1], normalised cross-correlation over all channels at the best shift; sign left out for
        signals. A flat example has 0.
    shift : (n, axes) samples by which the synthetic example lags behind the training one, or pixels down and right.
    threshold : similarity above which an example is called a copy.
    held_out : (m,) the same similarity of the held-out examples, or of training examples to the others.
    """

    index: NDArray[np.intp]
    similarity: Floats
    shift: NDArray[np.intp]
    threshold: float
    held_out: Floats

    @property
    def flagged(self) -> NDArray[np.bool_]:
        """(n,) True where a synthetic example is called a copy."""
        return self.similarity > self.threshold

    @property
    def share(self) -> float:
        """Share of synthetic examples that are called copies."""
        return float(self.flagged.mean())


def find_copies(
    train: ArrayLike,
    synthetic: ArrayLike,
    holdout: ArrayLike | None = None,
    *,
    image: bool | None = None,
    candidates: int | None = None,
) -> Copies:
    """Synthetic examples that repeat a training example up to shift, sign, scale and offset, or a flip for slices.

    Signals: shifts up to half the length, the part that left being replaced by anything, and circular ones; either
    sign; any positive scale, and an offset per channel. Slices: translations up to an eighth of height and width,
    mirrored left-right and up-down, any affine grey map that keeps the order. All channels move together.

    Parameters
    ----------
    train, synthetic : (n, channels, samples), (n, height, width) or (n, 1, height, width).
    holdout : examples of people that were not trained on. The threshold lies by a margin above what 99 % of them do not
        reach against the training examples, nor all but one where they are few; at least 0.9. None compares training
        examples with each other and takes a robust 99 % quantile (median and median deviation), at most 0.98: several
        recordings of a person raise it.
    image : whether examples are slices; None: when they have four axes, or at least half as many rows as columns.
    candidates : training examples to align each synthetic one with; None: 10 or more, all of them in small sets.

    Raises
    ------
    SpecMismatch : when shapes differ or values are not finite.
    """
    as_image = is_image(train) if image is None else image
    known = _examples(train, as_image)
    grid = slice_grid(known.shape[2:]) if as_image else signal_grid(known.shape[2:])
    index, similarity, shift = _nearest(known, _examples(synthetic, as_image), grid, candidates)
    if holdout is not None:
        held_out = _nearest(known, _examples(holdout, as_image), grid, candidates)[1]
        return Copies(index, similarity, shift, _above(held_out), held_out)
    rows = np.linspace(0, len(known) - 1, min(len(known), CALIBRATION)).astype(np.intp)
    within = _nearest(known, known[rows], grid, candidates, own=rows)[1]
    return Copies(index, similarity, shift, _above_most(within), within)


def is_image(examples: ArrayLike) -> bool:
    """Whether an array holds slices: (n, 1, height, width), or rows enough that they cannot be channels."""
    shape = np.shape(examples)
    return len(shape) == 4 or (len(shape) == 3 and shape[1] >= 8 and 2 * shape[1] >= shape[2])


def cross_fitted_share(held_out: ArrayLike, rng: np.random.Generator) -> float:
    """Share of held-out examples that would be called copies by a threshold set on the other half of them."""
    order = rng.permutation(np.asarray(held_out))
    halves = np.array_split(order, 2)
    return float(np.concatenate([a > _above(b) for a, b in (halves, halves[::-1])]).mean())


def _above(similarity: NDArray[np.floating]) -> float:
    """Beyond what 99 % of unrelated people reach, by half of what they lie above the median, in Fisher's z.

    One leaked person does not switch it off. The margin is for the others: of as many synthetic examples of further
    people, one or two would exceed the 99 % alone, and nobody may be accused by chance.
    """
    fisher = np.arctanh(np.minimum(similarity.astype(np.float64), ALMOST_ONE))
    reached = float(np.quantile(fisher, UNRELATED, method="lower"))
    return max(LEAST, float(np.tanh(reached + MARGIN * (reached - np.median(fisher)))))


def _above_most(similarity: NDArray[np.floating]) -> float:
    fisher = np.arctanh(np.minimum(similarity.astype(np.float64), ALMOST_ONE))
    middle = np.median(fisher)
    spread = 1.4826 * np.median(np.abs(fisher - middle))
    return float(np.clip(np.tanh(middle + 2.326 * spread), LEAST, MOST))  # 99 % point of a normal distribution


def _nearest(
    train: Floats, queries: Floats, grid: Grid, candidates: int | None, own: NDArray[np.intp] | None = None
) -> tuple[NDArray[np.intp], Floats, NDArray[np.intp]]:
    if queries.shape[1:] != train.shape[1:]:
        raise SpecMismatch(f"Examples must have one shape. Got {train.shape[1:]} and {queries.shape[1:]}.")
    likely = _likely(train, queries, grid, _affordable(train, queries, grid, candidates, own), own)
    known = prepared(train, grid) if len(train) * spectral_values(grid, train.shape[1]) <= KEPT else None
    index, similarity = np.empty(len(queries), np.intp), np.empty(len(queries), np.float32)
    shift = np.empty((len(queries), len(grid.shape)), np.intp)
    for row, query in enumerate(queries):
        chosen = prepared(train[likely[row]], grid) if known is None else known[likely[row]]
        best, similarity[row], shift[row] = _best(query, chosen, grid)
        index[row] = likely[row, best]
    return index, similarity, shift


def _best(query: Floats, chosen: Prepared, grid: Grid) -> tuple[int, float, NDArray[np.intp]]:
    found: tuple[int, float, NDArray[np.intp]] = (0, -1.0, np.zeros(len(grid.shape), np.intp))
    for axes in grid.mirrors:
        scores, shifts = best_alignment(prepared(np.flip(query, axes)[None], grid), chosen, grid)
        best = int(scores.argmax())
        if scores[best] > found[1]:
            found = (best, float(scores[best]), shifts[best])
    return found


def _affordable(
    train: Floats, queries: Floats, grid: Grid, candidates: int | None, own: NDArray[np.intp] | None
) -> int:
    work = len(queries) * len(grid.mirrors) * spectral_values(grid, train.shape[1])
    wanted = max(CANDIDATES, int(WORK / work)) if candidates is None else candidates
    return min(wanted, len(train) - (own is not None))


def _likely(train: Floats, queries: Floats, grid: Grid, count: int, own: NDArray[np.intp] | None) -> NDArray[np.intp]:
    """(queries, count) training rows with the most similar magnitude spectra; `own` rows are left out."""
    known = np.concatenate([spectral_shape(train[i : i + ROWS], grid) for i in range(0, len(train), ROWS)])
    typical = known.mean(0)
    known -= typical
    known = unit_rows(known)
    mirrors = grid.mirrors[: max(1, len(grid.mirrors) // 2)]  # turning by 180° leaves magnitudes as they are
    likely = np.empty((len(queries), count), np.intp)
    for start in range(0, len(queries), ROWS):
        part = queries[start : start + ROWS]
        turned = [unit_rows(spectral_shape(np.flip(part, axes), grid) - typical) for axes in mirrors]
        alike = np.max([spectra @ known.T for spectra in turned], axis=0)
        if own is not None:
            alike[np.arange(len(part)), own[start : start + ROWS]] = -np.inf
        likely[start : start + ROWS] = np.argpartition(-alike, count - 1, axis=1)[:, :count]
    return likely


def _examples(values: ArrayLike, image: bool) -> Floats:
    """(n, channels, *grid) float32 without the mean of each channel."""
    examples = np.asarray(values, dtype=np.float32)
    wanted = "(n, height, width) or (n, 1, height, width)" if image else "(n, channels, samples)"
    if image and examples.ndim == 3:
        examples = examples[:, None]
    if examples.ndim != (4 if image else 3) or not len(examples):
        raise SpecMismatch(f"Examples must have shape {wanted}, at least one of them. Got {examples.shape}.")
    if not np.isfinite(examples).all():
        raise SpecMismatch("Examples must be finite. Leave out those with missing values.")
    axes = tuple(range(2, examples.ndim))
    return examples - examples.mean(axes, dtype=np.float64, keepdims=True).astype(np.float32)
