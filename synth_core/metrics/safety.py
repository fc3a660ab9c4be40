"""Measures of safety for the report: was anybody copied, each against what held-out people give."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth_core.metrics.bootstrap import Groups, bootstrap, half_samples
from synth_core.metrics.copies import Copies, cross_fitted_share, find_copies
from synth_core.metrics.distances import Floats, nearest_two
from synth_core.metrics.measure import Measure
from synth_core.metrics.membership import membership_inference
from synth_core.metrics.privacy import closer_to_train, distance_ratio, equal_to_nearest, identified
from synth_core.metrics.score import Score
from synth_core.metrics.trio import Trio
from synth_core.types import Batch

Batches = tuple[Batch, Batch, Batch]
Statistic = Callable[[NDArray[np.float64]], float]


@dataclass(frozen=True)
class CopyPair:
    """A synthetic example and the training example that it resembles most.

    Parameters
    ----------
    synthetic, train : rows in their Batches.
    similarity : in [0, 1], see `Copies`.
    shift : samples, or pixels down and right, by which the synthetic example lags behind.
    """

    synthetic: int
    train: int
    similarity: float
    shift: tuple[int, ...]


def copies_in(batches: Batches) -> Copies:
    """`find_copies` over train, holdout and synthetic; the slow part, to be done once for measures and pairs."""
    train, holdout, synthetic = (batch.values.numpy() for batch in batches)
    return find_copies(train, synthetic, holdout, image=batches[0].spec.is_image)


def closest_copies(batches: Batches, top: int = 6, copies: Copies | None = None) -> list[CopyPair]:
    """The synthetic examples that are most like a training example, the most similar first.

    Parameters
    ----------
    batches : train, holdout, synthetic.
    copies : what `copies_in` found, when it was called before.
    """
    found = copies_in(batches) if copies is None else copies
    rows = np.argsort(-found.similarity, kind="stable")[:top]
    return [
        CopyPair(int(row), int(found.index[row]), float(found.similarity[row]), tuple(found.shift[row].tolist()))
        for row in rows
    ]


def safety_measures(
    batches: Batches, features: Trio, rng: np.random.Generator, copies: Copies | None = None
) -> Iterator[Measure]:
    """All measures of the question "safety".

    Parameters
    ----------
    batches : (train, holdout, synthetic) of equal number; other people are held out than trained on.
    features : z-scored features of the same examples.
    copies : what `copies_in` found, when it was called before; best among all training examples, not only these.
    """
    yield closer_to_training(batches, features, rng)
    yield _copies_found(copies_in(batches) if copies is None else copies, batches, rng)
    yield from _distances(batches, features, rng)
    yield _membership(batches, features, rng)
    yield _identifiability(batches, features, rng)


def closer_to_training(batches: Batches, features: Trio, rng: np.random.Generator) -> Measure:
    """Share of synthetic examples nearer to a training than to a held-out example; ½ when none is copied."""
    parts = (features.train, features.holdout, features.synthetic)
    groups = (batches[0].subjects, batches[1].subjects, None)
    interval = half_samples(closer_to_train, *parts, groups=groups, bounds=(0, 1), rng=rng)
    meaning = "Share of synthetic examples whose nearest real one was trained on; 0.5 when nothing was copied."
    return _measure("closer to training", batches, 0.5, closer_to_train(*parts), interval, meaning, near=1.2)


def _copies_found(found: Copies, batches: Batches, rng: np.random.Generator) -> Measure:
    flagged = found.flagged.astype(np.float64)
    floor = cross_fitted_share(found.held_out, rng)
    meaning = (
        "Share of synthetic examples that repeat a training example up to shift, sign or flip, and scale; the floor is "
        f"the share of held-out examples that would be accused. Similarity above {found.threshold:.3f} counts."
    )
    interval = bootstrap(np.mean, flagged, groups=[batches[2].subjects], rng=rng)
    return _measure("copies found", batches, floor, found.share, interval, meaning)


def _distances(batches: Batches, features: Trio, rng: np.random.Generator) -> Iterator[Measure]:
    made, held = (nearest_two(side, features.train) for side in (features.synthetic, features.holdout))

    def measure(
        name: str,
        values: Callable[[Floats], ArrayLike],
        statistic: Statistic,
        better: Literal["lower", "higher"],
        meaning: str,
    ) -> Measure:
        ours, theirs = (np.asarray(values(side), dtype=np.float64) for side in (made, held))
        interval = bootstrap(statistic, ours, groups=[batches[2].subjects], rng=rng)
        return _measure(name, batches, statistic(theirs), statistic(ours), interval, meaning, better=better)

    yield measure(
        "exact copies",
        lambda nearest: equal_to_nearest(nearest[:, 0], features.train),
        lambda values: float(values.mean()),
        "lower",
        "Share of synthetic examples with the very features of a training example.",
    )
    yield measure(
        "distance to training, 5th percentile",
        lambda nearest: nearest[:, 0],
        lambda values: float(np.quantile(values, 0.05)),
        "higher",
        "Distance in features from the nearest training example that 95 % keep; the floor is that of held-out people.",
    )
    yield measure(
        "nearest-neighbour ratio",
        distance_ratio,
        lambda values: float(np.median(values)),
        "higher",
        "Nearest over second nearest distance to training examples, the median; low when they sit on single people.",
    )


def _membership(batches: Batches, features: Trio, rng: np.random.Generator) -> Measure:
    groups: tuple[Groups, Groups] = (batches[0].subjects, batches[1].subjects)
    found = membership_inference(features.train, features.holdout, features.synthetic, groups=groups, rng=rng)
    meaning = (
        f"How well an attacker tells trained-on people from others, by {found.attack}: 0.5 is guessing. With 1 % "
        f"falsely accused, {100 * found.tpr_at_1_percent_fpr:.1f} % are found."
    )
    interval = (found.low, found.high)
    return _measure("membership inference (AUROC)", batches, 0.5, found.auc, interval, meaning, near=1.2)


def _identifiability(batches: Batches, features: Trio, rng: np.random.Generator) -> Measure:
    def share(real: Floats, other: Floats) -> float:
        return float(identified(real, other).mean())

    groups = (batches[0].subjects, batches[2].subjects)
    interval = half_samples(share, features.train, features.synthetic, groups=groups, bounds=(0, 1), rng=rng)
    ours, theirs = (share(features.train, side) for side in (features.synthetic, features.holdout))
    meaning = (
        "Share of training examples nearer to a synthetic than to another training example; features in which few "
        "people stand out weigh more."
    )
    return _measure("identifiability", batches, theirs, ours, interval, meaning, near=1.5)


def _measure(
    name: str,
    batches: Batches,
    floor: float,
    value: float,
    interval: tuple[float, float],
    meaning: str,
    *,
    better: Literal["lower", "higher"] = "lower",
    near: float = 2.0,
) -> Measure:
    score = Score.against(floor, value, interval, n_real=len(batches[1]), n_synthetic=len(batches[2]))
    return Measure(name, "", "all", better, score, meaning, near=near, question="safety")
