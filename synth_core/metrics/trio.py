"""One quantity of every example on three sides: real training, real held-out, synthetic. Scores follow from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth_core.errors import SpecMismatch
from synth_core.metrics.bootstrap import Groups, half_samples
from synth_core.metrics.score import Score
from synth_core.types import Batch

LEVELS = np.linspace(0.005, 0.995, 199)  # quantiles at which distributions are compared

Floats = NDArray[np.float64]
Distance = Callable[[Floats, Floats], float]


@dataclass(frozen=True)
class Trio:
    """Values of one kind on the three sides.

    Parameters
    ----------
    train, holdout, synthetic : (n, …) each, the first axis being examples; the numbers may differ where a quantity
        could not be measured on every example.
    holdout_groups, synthetic_groups : one subject per example, or None when every example stands for itself.
    """

    train: Floats
    holdout: Floats
    synthetic: Floats
    holdout_groups: Groups = None
    synthetic_groups: Groups = None

    @classmethod
    def of(cls, batches: tuple[Batch, Batch, Batch], quantity: Callable[[Batch], ArrayLike]) -> Self:
        """What `quantity` gives for train, holdout and synthetic; one row per example."""
        arrays = [np.asarray(quantity(batch), dtype=np.float64) for batch in batches]
        for batch, array in zip(batches, arrays, strict=True):
            if len(array) != len(batch):
                raise SpecMismatch(f"A quantity must have one row per example: {len(batch)}. Got {array.shape}.")
        return cls(arrays[0], arrays[1], arrays[2], batches[1].subjects, batches[2].subjects)

    def known(self) -> Trio:
        """Without the examples whose value is NaN, side by side: what could not be measured is left out."""
        sides = []
        for values, groups in (
            (self.train, None),
            (self.holdout, self.holdout_groups),
            (self.synthetic, self.synthetic_groups),
        ):
            kept = np.isfinite(values.reshape(len(values), -1)).all(1)
            sides.append((values[kept], None if groups is None else np.asarray(groups)[kept]))
        (train, _), (holdout, named), (synthetic, made) = sides
        return Trio(train, holdout, synthetic, named, made)

    @property
    def smallest(self) -> int:
        """Examples on the side that has fewest."""
        return min(len(self.train), len(self.holdout), len(self.synthetic))

    def score(self, distance: Distance, rng: np.random.Generator) -> Score:
        """Distance of held-out to synthetic, its interval over subjects, and its floor: held-out to training."""
        groups = (self.holdout_groups, self.synthetic_groups)
        interval = half_samples(distance, self.holdout, self.synthetic, groups=groups, rng=rng)
        value, floor = distance(self.holdout, self.synthetic), distance(self.holdout, self.train)
        return Score.against(floor, value, interval, n_real=len(self.holdout), n_synthetic=len(self.synthetic))


def quantile_distance(a: Floats, b: Floats) -> float:
    """Wasserstein-1 distance of two samples of one number, without their outermost half per cent.

    Parameters
    ----------
    a, b : any shape; all values are pooled.

    Returns
    -------
    In the unit of the values: the mean gap of the quantiles from 0.5 to 99.5 %.
    """
    return float(np.abs(np.quantile(a, LEVELS) - np.quantile(b, LEVELS)).mean())
