"""Measures of safety for the report: was anybody copied, each against what held-out people give."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth_core.metrics.bootstrap import Groups, bootstrap, half_samples
from synth_core.metrics.copies import Copies, cross_fitted_share, find_copies
from synth_core.metrics.distances import Floats, nearest_two
from synth_core.metrics.measure import Measure
from synth_core.metrics.membership import membership_inference
from synth_core.metrics.privacy import closer_to_train, distance_ratio, equal_to_nearest, identified
from synth_core.metrics.relabelling import Relabelling
from synth_core.metrics.repeats import families, twin_distance
from synth_core.metrics.score import Score
from synth_core.metrics.trio import Trio
from synth_core.types import Batch

COPIES, EXACT = "copies found", "exact copies"  # the measures that rest on pairs: who is copied can be named
FLOOR = "The floor is the same towards held-out people."

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
    features : z-scored features of the same examples. Where no subjects of the synthetic ones are named, those that
        repeat one another count as one in every interval.
    copies : what `copies_in` found, when it was called before; best among all training examples, not only these.
    """
    known = (
        features
        if features.synthetic_groups is not None
        else replace(features, synthetic_groups=kin(batches[2], features))
    )
    relabelling = Relabelling(known)
    yield closer_to_training(batches, known, rng, relabelling)
    yield _copies_found(copies_in(batches) if copies is None else copies, batches, known, rng)
    yield from _distances(batches, known, rng, relabelling)
    yield _membership(batches, known, rng)
    yield _identifiability(batches, known, rng, relabelling)


def kin(synthetic: Batch, features: Trio) -> NDArray[np.intp]:
    """(n,) number of the family of each synthetic example: those that repeat one another (see `repeats`)."""
    return families(features.synthetic, twin_distance(features.holdout), synthetic.values.flatten(1).numpy())


def closer_to_training(
    batches: Batches, features: Trio, rng: np.random.Generator, relabelling: Relabelling | None = None
) -> Measure:
    """Share of synthetic examples nearer to a training than to a held-out example; ½ when none is copied.

    Parameters
    ----------
    relabelling : says what chance gives; without, the measure has no limit.
    """
    parts = (features.train, features.holdout, features.synthetic)
    groups = (batches[0].subjects, batches[1].subjects, features.synthetic_groups)
    interval = half_samples(closer_to_train, *parts, groups=groups, bounds=(0, 1), rng=rng)
    meaning = "Share of synthetic examples whose nearest real one was trained on; 0.5 when nothing was copied."
    chance = () if relabelling is None else relabelling.closer
    value = closer_to_train(*parts)
    return _measure("closer to training", batches, 0.5, value, interval, meaning, chance, near=1.2, leaked=1.0)


def _copies_found(found: Copies, batches: Batches, features: Trio, rng: np.random.Generator) -> Measure:
    flagged = found.flagged.astype(np.float64)
    floor = cross_fitted_share(found.held_out, rng)
    meaning = (
        "Share of synthetic examples that repeat a training example up to shift, sign or flip, and scale; the floor is "
        f"the share of held-out examples that would be accused. Similarity above {found.threshold:.3f} counts."
    )
    of_others = features.synthetic_groups is None or len(flagged) != len(features.synthetic)  # more were searched
    interval = bootstrap(np.mean, flagged, groups=[None if of_others else features.synthetic_groups], rng=rng)
    return _measure(COPIES, batches, floor, found.share, interval, meaning)


def _distances(
    batches: Batches, features: Trio, rng: np.random.Generator, relabelling: Relabelling
) -> Iterator[Measure]:
    made, fresh = (nearest_two(features.synthetic, side) for side in (features.train, features.holdout))

    def measure(
        name: str,
        values: Callable[[Floats], ArrayLike],
        statistic: Statistic,
        better: Literal["lower", "higher"],
        meaning: str,
    ) -> Measure:
        ours, theirs = (np.asarray(values(side), dtype=np.float64) for side in (made, fresh))
        floor, value = statistic(theirs), statistic(ours)
        interval = bootstrap(statistic, ours, groups=[features.synthetic_groups], rng=rng)
        moved = relabelling.chance.get(name, ())
        leaked = 0.0 if len(moved) else math.nan
        chance = [floor + one for one in moved]
        return _measure(
            name, batches, floor, value, interval, f"{meaning} {FLOOR}", chance, better=better, leaked=leaked
        )

    yield measure(
        EXACT,
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
        "Distance in features from the nearest training example that 95 % keep.",
    )
    yield measure(
        "nearest-neighbour ratio",
        distance_ratio,
        lambda values: float(np.median(values)),
        "higher",
        "Nearest over second nearest distance to training examples, the median; low when they sit on single people.",
    )


def _membership(batches: Batches, features: Trio, rng: np.random.Generator) -> Measure:
    groups: tuple[Groups, Groups] = (features.train_groups, features.holdout_groups)
    found = membership_inference(features.train, features.holdout, features.synthetic, groups=groups, rng=rng)
    meaning = (
        f"How well an attacker tells trained-on people from others, by {found.attack}: 0.5 is guessing. With 1 % "
        f"falsely accused, {100 * found.tpr_at_1_percent_fpr:.1f} % are found."
    )
    interval = (found.low, found.high)
    name = "membership inference (AUROC)"
    return _measure(name, batches, 0.5, found.auc, interval, meaning, found.chance, near=1.2, leaked=1.0)


def _identifiability(batches: Batches, features: Trio, rng: np.random.Generator, relabelling: Relabelling) -> Measure:
    def share(real: Floats, other: Floats) -> float:
        return float(identified(real, other).mean())

    name = "identifiability"
    groups = (features.train_groups, features.synthetic_groups)
    value, floor = (relabelling.measured(labels)[name] for labels in (relabelling.trained, ~relabelling.trained))
    low, high = half_samples(share, features.train, features.synthetic, groups=groups, rng=rng)
    moved = value - share(features.train, features.synthetic)  # weights of all real people, not of the training ones
    interval = (max(low + moved, 0.0), min(high + moved, 1.0))
    meaning = (
        "Share of training examples nearer to a synthetic than to another training example; features in which few "
        f"people stand out weigh more. {FLOOR}"
    )
    chance = floor + relabelling.chance[name]
    return _measure(name, batches, floor, value, interval, meaning, chance, near=1.5, leaked=1.0)


def _measure(
    name: str,
    batches: Batches,
    floor: float,
    value: float,
    interval: tuple[float, float],
    meaning: str,
    chance: Sequence[float] | NDArray[np.float64] = (),
    *,
    better: Literal["lower", "higher"] = "lower",
    near: float = 2.0,
    leaked: float = math.nan,
) -> Measure:
    sizes = {"n_real": len(batches[1]), "n_synthetic": len(batches[2])}
    score = Score.against(floor, value, interval, **sizes).divided([float(one) for one in chance])
    return Measure(name, "", "all", better, score, meaning, near=near, question="safety", leaked=leaked)
