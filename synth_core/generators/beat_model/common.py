"""What all hearts of a collection share: how leads share noise and breathing, and how ectopic beats come about."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from synth_core.generators.beat_model.anatomy import Anatomy
from synth_core.generators.beat_model.beat import Grid
from synth_core.generators.beat_model.noise import band_edges
from synth_core.generators.beat_model.register import LANDMARKS, placed, registered
from synth_core.generators.beat_model.rhythm import rhythm_of

SHAPES = 6  # principal components of ectopic beats
FEWEST_ECTOPIC = 6  # records; fewer would show whose beats they are
QUANTILES = 17  # of how often they come, how early, how late the next one, and how large they are
PREMATURE = 0.92  # of the usual interval; what comes later and looks odd is as often an artefact
LARGEST = 3.0  # of the size of the usual beat; beyond, it is an artefact
FURTHEST = 2.0  # spreads of a component
PRIOR = 4.0  # records of the whole collection that are added to each class

Floats = NDArray[np.float64]


class Common(nn.Module):
    """Fitted once, on training records; buffers alone.

    Parameters
    ----------
    leads : independent ones.
    rate : Hz.
    classes : columns of the labels.
    """

    sharing: Tensor
    sway: Tensor
    level: Tensor
    beatless: Tensor
    ectopic: Tensor
    timing: Tensor
    ectopic_mean: Tensor
    ectopic_basis: Tensor

    def __init__(self, leads: int, rate: float, classes: int) -> None:
        super().__init__()
        self.leads = leads
        self.grid = Grid(rate)
        bands, values = len(band_edges(rate)) - 1, leads * self.grid.width
        self.register_buffer("sharing", torch.eye(leads).repeat(2, bands, 1, 1))  # roots, with beats and without
        self.register_buffer("sway", torch.eye(leads))
        self.register_buffer("level", torch.zeros(2, leads))  # mean and spread of the means of records
        self.register_buffer("beatless", torch.ones(1 + classes))  # share of records, in all and of each class
        self.register_buffer("ectopic", torch.zeros(1 + classes))
        self.register_buffer("timing", torch.zeros(4 + LANDMARKS, QUANTILES))
        self.register_buffer("ectopic_mean", torch.zeros(values))
        self.register_buffer("ectopic_basis", torch.zeros(SHAPES, values))

    def fit(self, found: Sequence[Anatomy], labels: NDArray[np.float32]) -> None:
        """From anatomies with labels (n, classes)."""
        silent = np.array([anatomy.shape is None for anatomy in found])
        for row, chosen in enumerate((~silent, silent)):
            if chosen.any():
                mean = np.mean([anatomy.sharing for anatomy, yes in zip(found, chosen, strict=True) if yes], axis=0)
                self._set("sharing", np.linalg.cholesky(mean + 1e-4 * np.eye(self.leads)), row)
        self._set("beatless", _shares(silent, labels))
        levels = np.stack([anatomy.level for anatomy in found])
        self._set("level", np.stack([levels.mean(0), levels.std(0)]))
        beating = [anatomy for anatomy in found if anatomy.shape is not None]
        if beating:
            self._fit_sway(beating)
        odd = np.array([_is_ectopic(anatomy) for anatomy in found])
        if odd.sum() >= FEWEST_ECTOPIC:
            self._set("ectopic", _shares(odd, labels))
            self._fit_ectopic([anatomy for anatomy, yes in zip(found, odd, strict=True) if yes])

    def _set(self, name: str, value: NDArray[np.floating], row: int | None = None) -> None:
        buffer = getattr(self, name)
        (buffer if row is None else buffer[row]).copy_(torch.from_numpy(value))

    def _fit_sway(self, beating: list[Anatomy]) -> None:
        deviations = [anatomy.gains[~anatomy.ectopic] for anatomy in beating]
        standard = [(gains - gains.mean(0)) / (gains.std(0) + 1e-3) for gains in deviations]
        correlation = np.corrcoef(np.concatenate(standard).T + 1e-9).reshape(self.leads, self.leads)
        self._set("sway", np.linalg.cholesky(0.98 * np.nan_to_num(correlation) + 0.021 * np.eye(self.leads)))

    def _fit_ectopic(self, odd: list[Anatomy]) -> None:
        moved = [registered(anatomy.other, self.grid) for anatomy in odd if anatomy.other is not None]
        shapes = np.stack([shape / _size(shape) for shape, _ in moved]).reshape(len(odd), -1)
        mean = shapes.mean(0)
        _, sizes, basis = np.linalg.svd(shapes - mean, full_matrices=False)
        kept = min(SHAPES, len(odd) - 1)
        self._set("ectopic_mean", mean)
        spread = sizes[:kept, None] / np.sqrt(len(odd))
        self.ectopic_basis.zero_()[:kept].copy_(torch.from_numpy(spread * basis[:kept]))
        rhythms = [rhythm_of(anatomy.rr, anatomy.ectopic) for anatomy in odd]
        rows = [
            [rhythm.ectopic, rhythm.coupling, rhythm.pause, _size(anatomy.other) / _size(anatomy.shape), *marks]
            for rhythm, anatomy, (_, marks) in zip(rhythms, odd, moved, strict=True)
        ]
        self._set("timing", np.quantile(np.array(rows).T, np.linspace(0.05, 0.95, QUANTILES), axis=1).T)

    def levelled(self, record: Floats, rng: np.random.Generator) -> Floats:
        """The record (leads, samples) about a mean as records have it."""
        mean, spread = self.level.cpu().numpy().astype(np.float64)
        level = mean + spread * rng.standard_normal(self.leads)
        return np.asarray(record - record.mean(-1, keepdims=True) + level[:, None])

    def share(self, name: str, labels: NDArray[np.float32]) -> Floats:
        """(n,) probability that a record has no beats ("beatless"), or ectopic ones, by its labels."""
        shares = getattr(self, name).cpu().numpy().astype(np.float64)
        count = labels.sum(1)
        return np.where(count > 0, labels @ shares[1:] / np.maximum(count, 1), shares[0])

    def ectopic_beat(self, rng: np.random.Generator) -> tuple[Floats, float, float, float]:
        """(leads, width) over the size of the usual beat; share of beats, coupling and pause over the mean interval."""
        mean, basis, table = (
            part.cpu().numpy().astype(np.float64) for part in (self.ectopic_mean, self.ectopic_basis, self.timing)
        )
        at = np.linspace(0, 1, QUANTILES)
        share, coupling, pause, size, *marks = (float(np.interp(rng.random(), at, row)) for row in table)
        shape = mean + np.clip(rng.standard_normal(len(basis)), -FURTHEST, FURTHEST) @ basis
        shape = placed(shape.reshape(self.leads, -1), np.array(marks), self.grid)
        return size * shape / _size(shape), share, coupling, pause


def _is_ectopic(anatomy: Anatomy) -> bool:
    if anatomy.shape is None or anatomy.other is None:
        return False
    early = rhythm_of(anatomy.rr, anatomy.ectopic).coupling < PREMATURE
    return early and 0 < _size(anatomy.other) < LARGEST * _size(anatomy.shape)


def _size(shape: Floats | None) -> float:
    return 1e-9 if shape is None else float(np.sqrt((shape**2).mean())) or 1e-9


def _shares(flags: NDArray[np.bool_], labels: NDArray[np.float32]) -> Floats:
    whole = float(flags.mean())
    counted = labels.T.astype(np.float64)
    return np.concatenate([[whole], (counted @ flags + PRIOR * whole) / (counted.sum(1) + PRIOR)])
