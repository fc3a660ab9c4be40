"""One quantity of every example on three sides: real training, real held-out, synthetic. Scores follow from it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth_core.errors import SpecMismatch
from synth_core.metrics.bootstrap import Groups, half_samples
from synth_core.metrics.score import Score
from synth_core.types import Batch

LEVELS = np.linspace(0.005, 0.995, 199)  # quantiles at which distributions are compared

Floats = NDArray[np.float64]
Distance = Callable[[Floats, Floats], float]
Better = Literal["lower", "higher"]
Bounds = tuple[float, float]

NOT_NEGATIVE = (0.0, math.inf)
DIVISIONS = 8  # of all real people in two halves, beside the division that was given


@dataclass(frozen=True)
class Trio:
    """Values of one kind on the three sides.

    Parameters
    ----------
    train, holdout, synthetic : (n, …) each, the first axis being examples; the numbers may differ where a quantity
        could not be measured on every example.
    holdout_groups, synthetic_groups, train_groups : one subject per example, or None when every example stands for
        itself.
    """

    train: Floats
    holdout: Floats
    synthetic: Floats
    holdout_groups: Groups = None
    synthetic_groups: Groups = None
    train_groups: Groups = None

    @classmethod
    def of(cls, batches: tuple[Batch, Batch, Batch], quantity: Callable[[Batch], ArrayLike]) -> Self:
        """What `quantity` gives for train, holdout and synthetic; one row per example."""
        arrays = [np.asarray(quantity(batch), dtype=np.float64) for batch in batches]
        for batch, array in zip(batches, arrays, strict=True):
            if len(array) != len(batch):
                raise SpecMismatch(f"A quantity must have one row per example: {len(batch)}. Got {array.shape}.")
        return cls(arrays[0], arrays[1], arrays[2], batches[1].subjects, batches[2].subjects, batches[0].subjects)

    def known(self) -> Trio:
        """Without the examples whose value is NaN, side by side: what could not be measured is left out."""
        sides = (self.train, self.holdout, self.synthetic)
        train, holdout, synthetic = (np.isfinite(side).all(tuple(range(1, side.ndim))) for side in sides)
        return self.rows(np.asarray(train), np.asarray(holdout), np.asarray(synthetic))

    def rows(self, train: NDArray[Any], holdout: NDArray[Any], synthetic: NDArray[Any]) -> Trio:
        """Some of the examples: rows, or True for those that stay, of each side."""
        return Trio(
            self.train[train],
            self.holdout[holdout],
            self.synthetic[synthetic],
            _chosen(self.holdout_groups, holdout),
            _chosen(self.synthetic_groups, synthetic),
            _chosen(self.train_groups, train),
        )

    @property
    def smallest(self) -> int:
        """Examples on the side that has fewest."""
        return min(len(self.train), len(self.holdout), len(self.synthetic))

    def score(
        self, distance: Distance, rng: np.random.Generator, better: Better = "lower", bounds: Bounds = NOT_NEGATIVE
    ) -> Score:
        """Distance of held-out to synthetic, its interval over subjects within `bounds`, and its floor."""
        groups = (self.holdout_groups, self.synthetic_groups)
        interval = half_samples(distance, self.holdout, self.synthetic, groups=groups, bounds=bounds, rng=rng)
        value, floor = distance(self.holdout, self.synthetic), self.floor(distance, rng, better)
        return Score.against(floor, value, interval, n_real=len(self.holdout), n_synthetic=len(self.synthetic))

    def floor(self, distance: Distance, rng: np.random.Generator, better: Better = "lower") -> float:
        """Distance of held-out to training people, or its mean over other divisions of all of them when that is worse.

        With few people the floor of one division is a matter of luck; a lucky one must not make honest examples look
        unlike real. Where the two sides differ for a reason, two hospitals for instance, their own distance stands.
        """
        own = distance(self.holdout, self.train)
        pooled = np.concatenate([self.holdout, self.train])
        names = _names(self.holdout_groups, len(self.holdout), "h") + _names(self.train_groups, len(self.train), "t")
        people, which = np.unique(names, return_inverse=True)
        others = []
        for _ in range(DIVISIONS if len(people) > 3 else 0):
            first = np.isin(which, rng.permutation(len(people))[: len(people) // 2])
            others.append(distance(pooled[first], pooled[~first]))
        mean = float(np.nanmean(others)) if np.isfinite(others).any() else own
        return max(own, mean) if better == "lower" else min(own, mean)


def _chosen(groups: Groups, rows: NDArray[Any]) -> Groups:
    return None if groups is None else np.asarray(groups)[rows]


def _names(groups: Groups, n: int, side: str) -> list[str]:
    return [f"{side}{i}" for i in range(n)] if groups is None else [f"s{name}" for name in groups]


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
