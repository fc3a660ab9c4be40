"""What differs from one heart to the next, as one row of numbers whose distribution is nearly normal.

A row holds the shape of the beat (principal components, size and singular values over leads: the leads of one heart see
few sources, which sums of components forget), the rhythm, how much each lead varies with breathing, and the spectrum of
the noise (principal components). Each number goes through its quantiles to a normal one; a ridge regression takes off
what labels say, and the shrunk covariance (Ledoit & Wolf 2004) the rest: what is left is white where hearts are jointly
normal. That left-over is what the network models, and white noise in its place is a Gaussian copula.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import norm
from torch import Tensor, nn

from synth_core.generators.beat_model.anatomy import Anatomy
from synth_core.generators.beat_model.beat import Grid
from synth_core.generators.beat_model.noise import band_edges
from synth_core.generators.beat_model.register import LANDMARKS, placed, registered
from synth_core.generators.beat_model.rhythm import Rhythm, rhythm_of

KNOTS = 65  # of the quantiles of each number
RIDGE = 1.0
SMALLEST_SINGULAR = 1e-3
STILL = 0.004  # added to how much a lead varies before the logarithm: below, it cannot be told from none
MISFIT = 0.01  # of a beat of size 1, squared: how far components may be from a lead that is known
RHYTHM = 3  # numbers: log mean interval, log variation, memory
LARGEST_VARIATION = 0.6

Floats = NDArray[np.float64]


class Heart(NamedTuple):
    """One drawn heart and the noise of its record; without a shape there are no beats."""

    shape: Floats | None
    rhythm: Rhythm
    sway: Floats
    power: Floats


class BeatCode(nn.Module):
    """The map between anatomies and white rows; fitted once, on training records.

    Parameters
    ----------
    leads : independent ones.
    rate : Hz.
    classes : columns of the labels.
    components, noise_components : principal components of shape and of noise spectra.
    """

    shape_mean: Tensor
    shape_basis: Tensor
    noise_mean: Tensor
    noise_basis: Tensor
    knots: Tensor
    slope: Tensor
    root: Tensor
    span: Tensor

    def __init__(self, leads: int, rate: float, classes: int, components: int, noise_components: int) -> None:
        super().__init__()
        self.leads, self.grid, self.classes = leads, Grid(rate), classes
        self.components, self.noise_components = components, noise_components
        self.bands = len(band_edges(rate)) - 1
        values = leads * self.grid.width
        shapes = {
            "shape_mean": (values,),
            "shape_basis": (components, values),
            "noise_mean": (leads * self.bands,),
            "noise_basis": (noise_components, leads * self.bands),
            "knots": (self.size, KNOTS),
            "slope": (2 + classes, self.size),  # intercept, no beats, classes
            "root": (self.size, self.size),
            "span": (1,),
        }
        for name, shape in shapes.items():
            self.register_buffer(name, torch.zeros(shape))
        self.span.fill_(2.0)

    @property
    def of_beats(self) -> int:
        """How many of the numbers are of beats; those of a record without any are not known."""
        return self.components + 1 + self.leads + LANDMARKS + RHYTHM + self.leads

    @property
    def size(self) -> int:
        """Numbers in a row."""
        return self.of_beats + self.noise_components

    def fit(self, found: Sequence[Anatomy], labels: NDArray[np.float32]) -> None:
        """Components, quantiles, regression and covariance, of anatomies with labels (n, classes)."""
        beating = [anatomy for anatomy in found if anatomy.shape is not None]
        if beating:
            shapes = np.stack([_sized(anatomy.shape, self.grid)[0].ravel() for anatomy in beating])
            self._keep("shape", *_components(shapes, self.components))
        power = np.stack([anatomy.power.ravel() for anatomy in found])
        self._keep("noise", *_components(power, self.noise_components))
        rows = np.stack([self.row(anatomy) for anatomy in found])
        self._fit_quantiles(rows)
        normal = self._to_normal(rows)
        given = self._regressors(labels, np.array([anatomy.shape is None for anatomy in found]))
        self._fit_joint(normal, given)

    def _keep(self, name: str, mean: Floats, basis: Floats) -> None:
        getattr(self, f"{name}_mean").copy_(torch.from_numpy(mean))
        getattr(self, f"{name}_basis").zero_()[: len(basis)].copy_(torch.from_numpy(basis))

    def _fit_quantiles(self, rows: Floats) -> None:
        known = max(2, int(np.isfinite(rows).all(1).sum()))
        self.span.fill_(float(norm.ppf(1 - 0.5 / known)))
        shares = norm.cdf(self._scores())
        knots = np.zeros((self.size, KNOTS))
        for column in range(self.size):
            finite = rows[np.isfinite(rows[:, column]), column]
            if len(finite):
                knots[column] = np.quantile(finite, shares, method="hazen")
        self.knots.copy_(torch.from_numpy(knots))

    def _scores(self) -> Floats:
        return np.linspace(-1, 1, KNOTS) * float(self.span)

    def _fit_joint(self, normal: Floats, given: Floats) -> None:
        from sklearn.covariance import ledoit_wolf

        known = np.isfinite(normal)
        slope = np.zeros((given.shape[1], self.size))
        penalty = RIDGE * np.diag([0.0] + [1.0] * (given.shape[1] - 1))
        for begin, end in ((0, self.of_beats), (self.of_beats, self.size)):
            rows = known[:, begin]
            if rows.any():
                x = given[rows]
                slope[:, begin:end] = np.linalg.lstsq(x.T @ x + penalty, x.T @ normal[rows, begin:end], rcond=None)[0]
        left = np.where(known, normal - given @ slope, 0.0)
        complete = left[known.all(1)] if known.all(1).sum() > 2 else left
        covariance = ledoit_wolf(complete, assume_centered=True)[0] + 1e-4 * np.eye(self.size)
        self.slope.copy_(torch.from_numpy(slope))
        self.root.copy_(torch.from_numpy(np.linalg.cholesky(covariance)))

    def _regressors(self, labels: NDArray[np.float32], beatless: NDArray[np.bool_]) -> Floats:
        return np.column_stack([np.ones(len(beatless)), beatless, labels]).astype(np.float64)

    def row(self, anatomy: Anatomy) -> Floats:
        """(size,) numbers of one record; NaN where it has no beats to measure."""
        noise = self._array("noise_basis") @ (anatomy.power.ravel() - self._array("noise_mean"))
        if anatomy.shape is None:
            return np.concatenate([np.full(self.of_beats, np.nan), noise])
        shape, size, found = _sized(anatomy.shape, self.grid)
        rhythm = rhythm_of(anatomy.rr, anatomy.ectopic)
        sway = anatomy.gains[~anatomy.ectopic].std(0)
        return np.concatenate(
            [
                self._array("shape_basis") @ (shape.ravel() - self._array("shape_mean")),
                [np.log(size)],
                np.log(np.linalg.svd(shape, compute_uv=False).clip(SMALLEST_SINGULAR)),
                np.log(found),
                [np.log(rhythm.mean), np.log(rhythm.variation), rhythm.memory],
                np.log(sway + STILL),
                noise,
            ]
        )

    def whitened(self, rows: Floats, labels: NDArray[np.float32]) -> tuple[Floats, Floats]:
        """(n, size) white rows, 0 where a number is not known, and (n, size) of 1 where it is."""
        known = np.isfinite(rows)
        slope, given = self._array("slope"), self._regressors(labels, ~known[:, 0])
        left = np.where(known, self._to_normal(rows) - given @ slope, 0.0)
        root = self._array("root")
        if not root.any():  # not fitted
            return left, known.astype(np.float64)
        white = np.asarray(np.linalg.solve(root, left.T).T, dtype=np.float64)
        return white * known, known.astype(np.float64)

    def hearts(self, white: Floats, labels: NDArray[np.float32], beatless: NDArray[np.bool_]) -> list[Heart]:
        """The inverse: one Heart for each of (n, size) white rows."""
        normal = self._regressors(labels, beatless) @ self._array("slope") + white @ self._array("root").T
        return [self._heart(row, bool(none)) for row, none in zip(self._from_normal(normal), beatless, strict=True)]

    def _heart(self, row: Floats, beatless: bool) -> Heart:
        beats, noise = row[: self.of_beats], row[self.of_beats :]
        power = (self._array("noise_mean") + noise @ self._array("noise_basis")).reshape(self.leads, self.bands)
        at = self.components
        shape = (self._array("shape_mean") + beats[:at] @ self._array("shape_basis")).reshape(self.leads, -1)
        left, _, right = np.linalg.svd(shape, full_matrices=False)
        shape = (left * np.exp(beats[at + 1 : at + 1 + len(left)])) @ right
        shape *= np.exp(beats[at]) / max(_size(shape), 1e-9)
        at += 1 + self.leads
        shape = placed(shape, np.exp(beats[at : at + LANDMARKS]), self.grid)
        at += LANDMARKS
        mean, variation, memory = beats[at : at + RHYTHM]
        rhythm = Rhythm(float(np.exp(mean)), float(min(np.exp(variation), LARGEST_VARIATION)), float(memory))
        sway = np.maximum(np.exp(beats[at + RHYTHM :]) - STILL, 0)
        return Heart(None if beatless else shape, rhythm, sway, power)

    def completed(self, shape: Floats, seen: NDArray[np.bool_]) -> Floats:
        """A beat (leads, width) whose leads that are not `seen` follow from the others, by ridge regression."""
        if seen.all() or not self.shape_basis.any():
            return shape
        moved, found = registered(np.where(seen[:, None], shape, 0.0), self.grid)
        mean = self._array("shape_mean").reshape(self.leads, -1)
        basis = self._array("shape_basis").reshape(self.components, self.leads, -1)
        scores = self._array("knots")[: self.components]
        spread = (scores[:, 3 * KNOTS // 4] - scores[:, KNOTS // 4]).clip(1e-6)
        known = basis[:, seen].reshape(self.components, -1)
        size = _size(moved[seen]) / max(_size(mean[seen]), 1e-9) * _size(mean)
        for _ in range(3):
            wanted = (moved[seen] / size - mean[seen]).ravel()
            weights = np.linalg.solve(known @ known.T + np.diag(MISFIT * known.shape[1] / spread**2), known @ wanted)
            whole = mean + np.tensordot(weights, basis, 1)
            size = _size(moved[seen]) / max(_size(whole[seen]), 1e-9)
        made = placed(size * whole, found, self.grid)
        return np.where(seen[:, None], shape, made)

    def _to_normal(self, rows: Floats) -> Floats:
        return _through(rows, self._array("knots"), self._scores(), forwards=True)

    def _from_normal(self, normal: Floats) -> Floats:
        return _through(normal, self._array("knots"), self._scores(), forwards=False)

    def _array(self, name: str) -> Floats:
        return getattr(self, name).detach().cpu().numpy().astype(np.float64)


def _size(shape: Floats) -> float:
    return float(np.sqrt((shape**2).mean())) or 1e-9


def _sized(shape: Floats | None, grid: Grid) -> tuple[Floats, float, Floats]:
    """The beat at its landmarks and of size 1; its size, and where the landmarks were."""
    assert shape is not None
    moved, found = registered(shape, grid)
    size = _size(moved)
    return moved / size, size, found


def _components(rows: Floats, most: int) -> tuple[Floats, Floats]:
    mean = rows.mean(0)
    return mean, np.linalg.svd(rows - mean, full_matrices=False)[2][: min(most, max(1, len(rows) - 1))]


def _through(values: Floats, knots: Floats, scores: Floats, *, forwards: bool) -> Floats:
    """Each column through its quantiles, and not beyond the outermost that were seen."""
    out = np.full(values.shape, np.nan)
    for column, own in enumerate(knots):
        if own[-1] - own[0] < 1e-9:
            out[:, column] = np.where(np.isfinite(values[:, column]), 0.0 if forwards else own[0], np.nan)
            continue
        rising = own + np.arange(len(own)) * 1e-9 * (own[-1] - own[0])  # equal quantiles still have an inverse
        x, y = (rising, scores) if forwards else (scores, rising)
        out[:, column] = np.interp(values[:, column], x, y)
    return out
