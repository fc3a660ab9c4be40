"""One quantity of every example on three sides: real training, real held-out, synthetic. Scores follow from it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth_core.errors import SpecMismatch
from synth_core.metrics.bootstrap import Groups, half_samples_of_several
from synth_core.metrics.divisions import divisions
from synth_core.metrics.score import Score
from synth_core.types import Batch

LEVELS = np.linspace(0.005, 0.995, 199)  # quantiles at which distributions are compared

Floats = NDArray[np.float64]
Distance = Callable[[Floats, Floats], float]
Better = Literal["lower", "higher"]
Bounds = tuple[float, float]

NOT_NEGATIVE = (0.0, math.inf)
FEWEST_EXAMPLES = 8  # on a side of a division: neighbourhoods of five need more than that


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
        """Distance of held-out to synthetic, its interval over subjects within `bounds`, floor and divisions."""
        return self.scores(lambda a, b: np.array([distance(a, b)]), rng, [better], [bounds])[0]

    def scores(
        self,
        distances: Callable[[Floats, Floats], Floats],
        rng: np.random.Generator,
        better: Sequence[Better],
        bounds: Sequence[Bounds],
        most: int | None = None,
    ) -> list[Score]:
        """A Score for each of several distances that are computed together.

        Parameters
        ----------
        distances : two sets → one number for each of `better`.
        most : examples a side in a division, where distances are made of all pairs and take long.
        """
        groups = (self.holdout_groups, self.synthetic_groups)
        intervals = half_samples_of_several(
            distances, self.holdout, self.synthetic, groups=groups, bounds=bounds, rng=rng
        )
        values, own = distances(self.holdout, self.synthetic), distances(self.holdout, self.train)
        honest, mixed = self.honest(distances, len(better), most), self.mixed(distances, len(better), most)
        sizes = {"n_real": len(self.holdout), "n_synthetic": len(self.synthetic)}
        found = []
        for k, side in enumerate(better):
            floor = _floor(own[k], honest[:, k], side)
            found.append(
                Score.against(floor, float(values[k]), intervals[k], **sizes).divided(
                    honest[:, k].tolist(), mixed[:, k].tolist()
                )
            )
        return found

    def floor(self, distance: Distance, better: Better = "lower") -> float:
        """Distance of held-out to training people, or its mean over other divisions of all of them when that is worse.

        With few people the floor of one division is a matter of luck; a lucky one must not make honest examples look
        unlike real. Where the two sides differ for a reason, two hospitals for instance, their own distance stands.
        """
        honest = self.honest(lambda a, b: np.array([distance(a, b)]), 1)
        return _floor(distance(self.holdout, self.train), honest.ravel(), better)

    def honest(self, distances: Callable[[Floats, Floats], Floats], count: int, most: int | None = None) -> Floats:
        """(divisions, count): all real people in two groups of as many people as were held out and trained on."""
        held = _names(self.holdout_groups, len(self.holdout), "h")
        first = divisions(held + _names(self.train_groups, len(self.train), "t"), len(set(held)))
        return _divided(np.concatenate([self.holdout, self.train]), first, distances, count, most)

    def mixed(self, distances: Callable[[Floats, Floats], Floats], count: int, most: int | None = None) -> Floats:
        """(divisions, count): half of the held-out people and half of the synthetic examples against the others.

        What one outlier among the synthetic examples does to a distance shows here: it is on either side by turns.
        """
        sides = (
            _names(self.holdout_groups, len(self.holdout), "h"),
            _names(self.synthetic_groups, len(self.synthetic), "x"),
        )
        halves = [divisions(names, len(set(names)) // 2) for names in sides]
        if not all(map(len, halves)):
            return np.zeros((0, count))
        pooled = np.concatenate([self.holdout, self.synthetic])
        return _divided(pooled, np.concatenate(halves, axis=1), distances, count, most)


def _divided(
    pooled: Floats,
    first: NDArray[np.bool_],
    distances: Callable[[Floats, Floats], Floats],
    count: int,
    most: int | None,
) -> Floats:
    """(divisions, count), NaN where a division leaves too few examples on a side."""
    found = np.full((len(first), count), np.nan)
    for row, (a, b) in enumerate(_two_sides(first, most)):
        if min(len(a), len(b)) >= FEWEST_EXAMPLES:
            found[row] = distances(pooled[a], pooled[b])
    return found


def _two_sides(first: NDArray[np.bool_], most: int | None) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    for chosen in first:
        sides = np.flatnonzero(chosen), np.flatnonzero(~chosen)
        if most is None or max(map(len, sides)) <= most:
            yield sides
        else:  # evenly spaced: a few of every person
            few = [side[np.linspace(0, len(side) - 1, min(len(side), most)).astype(np.intp)] for side in sides]
            yield few[0], few[1]


def _floor(own: float, honest: Floats, better: Better) -> float:
    mean = float(np.nanmean(honest)) if np.isfinite(honest).any() else own
    return float(max(own, mean) if better == "lower" else min(own, mean))


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
