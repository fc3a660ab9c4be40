"""Measures of head CT for the evaluation: grey values, grain, texture, symmetry, calcifications, variety."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth_core.metrics.bootstrap import Groups, bootstrap
from synth_core.metrics.ct_quantities import IN_SKULL, measured
from synth_core.metrics.features import TISSUES
from synth_core.metrics.report import Measure
from synth_core.metrics.score import Score
from synth_core.metrics.slices import ms_ssim, random_pairs
from synth_core.metrics.texture import BRAIN_WINDOW
from synth_core.metrics.trio import Distance, Trio, quantile_distance
from synth_core.types import Batch

Floats = NDArray[np.float64]

OCCURRING = 0.005  # share of the brain from which a tissue is compared
PAIRS = 1000
MEASURABLE = 5  # examples a side; a quantity that fewer real ones have is left out


@dataclass(frozen=True)
class Quantity:
    """A number, or a row of them, that every slice has, and how two sets of it are compared."""

    name: str
    unit: str
    distance: Distance
    meaning: str


def ct_measures(batches: tuple[Batch, Batch, Batch], rng: np.random.Generator) -> Iterator[Measure]:
    """At most 14 measures of realism, and the calcified area per class.

    Parameters
    ----------
    batches : training, held-out and synthetic slices of equal number; values (n, 1, height, width) in HU, the rate in
        pixels per mm. Labels give the area per class, lesion masks on all sides the contrast of lesions.
    rng : of pairs, candidates and intervals.

    Yields
    ------
    Measure : what cannot be read from real slices is left out. Where real slices show a quantity and synthetic ones
        do not, the share of slices that show it stands in its place, which is then far from real.
    """
    sides = [measured(batch) for batch in batches]
    skulls = _trio(batches, sides, "area")
    closed = _shown_as_often(skulls)
    if not closed:
        yield _shown("brain inside a skull", "Share of slices whose skull encloses a brain.", skulls, rng)
    for key, quantity in _quantities(sides).items():
        if closed or key == "lesion":
            yield from _judged(quantity, _trio(batches, sides, key), rng)
    if closed:
        yield from _area_per_class(batches, sides, rng)
    yield from _variety(batches, sides, rng)


def _quantities(sides: list[dict[str, Floats]]) -> dict[str, Quantity]:
    """The tissues that occur in real brains, and those of QUANTITIES that all sides were measured for."""
    found = {}
    for name in IN_SKULL:
        low, high = TISSUES[name]
        shares = [np.nan_to_num(side[f"share {name}"]).mean() for side in sides[:2]]
        if min(shares) >= OCCURRING:
            meaning = f"How far values inside the skull must move within {low:g} to {high:g} HU."
            found[f"tissue {name}"] = Quantity(f"HU distance, {name}", "HU", _cumulative_distance, meaning)
    return found | {key: quantity for key, quantity in QUANTITIES.items() if all(key in side for side in sides)}


def _cumulative_distance(a: Floats, b: Floats) -> float:
    """∫ |F_a − F_b| dHU of cumulative shares at edges 1 HU apart, (n, edges) each."""
    return float(np.abs(a.mean(0) - b.mean(0)).sum())


def _gap_of_means(a: Floats, b: Floats) -> float:
    """Root mean squared difference of two mean rows: of noise power in dB, of slices in HU."""
    return float(np.sqrt(np.mean((a.mean(0) - b.mean(0)) ** 2)))


QUANTITIES = {
    "noise": Quantity(
        "noise power", "dB", _gap_of_means, "Difference of the noise power spectra in the most uniform part of brain."
    ),
    "contrast": Quantity(
        "texture contrast", "", quantile_distance, "Steps between neighbouring grey levels (co-occurrence), in brain."
    ),
    "homogeneity": Quantity(
        "texture homogeneity", "", quantile_distance, "How often neighbouring pixels share a grey level, in brain."
    ),
    "asymmetry": Quantity(
        "left–right difference", "HU", quantile_distance, "Mean difference of brain from its mirror image, per slice."
    ),
    "mean brain": Quantity(
        "mean brain", "HU", _gap_of_means, "Difference of the brains averaged over each set: anatomy and orientation."
    ),
    "area": Quantity(
        "calcified area", "mm²", quantile_distance, "Area above 100 HU inside the skull, away from bone, per slice."
    ),
    "peak": Quantity("peak in brain", "HU", quantile_distance, "Densest pixel of the brain, per slice."),
    "dice": Quantity(
        "mirror Dice of calcifications", "", quantile_distance, "How alike calcifications are on both sides."
    ),
    "lesion": Quantity(
        "lesion contrast", "HU", quantile_distance, "How much denser the lesion mask is than the tissue around it."
    ),
}


def _judged(quantity: Quantity, trio: Trio, rng: np.random.Generator, part: str = "all") -> Iterator[Measure]:
    known = trio.known()
    if min(len(known.train), len(known.holdout)) < MEASURABLE:
        return
    if not _shown_as_often(trio):
        yield _shown(f"{quantity.name}, shown", f"Share of slices that show it. {quantity.meaning}", trio, rng, part)
        return
    score = known.score(quantity.distance, rng)
    yield Measure(quantity.name, quantity.unit, part, "lower", score, quantity.meaning, split=_split(part))


def _trio(batches: tuple[Batch, Batch, Batch], sides: list[dict[str, Floats]], key: str) -> Trio:
    return Trio(sides[0][key], sides[1][key], sides[2][key], batches[1].subjects, batches[2].subjects)


def _shown_as_often(trio: Trio) -> bool:
    """Whether at least half as large a share of the synthetic slices as of the held-out ones has the quantity."""
    known = trio.known()
    real, made = len(known.holdout) / len(trio.holdout), len(known.synthetic) / len(trio.synthetic)
    return real == 0 or (len(known.synthetic) >= MEASURABLE and made >= real / 2)


def _shown(name: str, meaning: str, trio: Trio, rng: np.random.Generator, part: str = "all") -> Measure:
    real, made = (np.isfinite(x.reshape(len(x), -1)).all(1).astype(float) for x in (trio.holdout, trio.synthetic))
    interval = bootstrap(np.mean, made, groups=[trio.synthetic_groups], rng=rng)
    score = Score.against(real.mean(), made.mean(), interval, n_real=len(real), n_synthetic=len(made))
    return Measure(name, "", part, "higher", score, meaning, split=_split(part))


def _split(part: str) -> Literal["all", "class"]:
    return "all" if part == "all" else "class"


def _area_per_class(
    batches: tuple[Batch, Batch, Batch], sides: list[dict[str, Floats]], rng: np.random.Generator
) -> Iterator[Measure]:
    classes = batches[0].spec.classes
    labels = [batch.condition.labels for batch in batches]
    if any(part is None for part in labels):
        return
    for column, name in enumerate(classes):
        rows = [np.flatnonzero(part[:, column].numpy() == 1) for part in labels if part is not None]
        if min(map(len, rows)) < MEASURABLE:
            continue
        areas = [side["area"][chosen] for side, chosen in zip(sides, rows, strict=True)]
        groups = [_of(batch.subjects, chosen) for batch, chosen in zip(batches, rows, strict=True)]
        yield from _judged(QUANTITIES["area"], Trio(areas[0], areas[1], areas[2], groups[1], groups[2]), rng, name)


def _of(subjects: tuple[str, ...] | None, rows: NDArray[np.intp]) -> Groups:
    return None if subjects is None else np.asarray(subjects)[rows]


def _variety(
    batches: tuple[Batch, Batch, Batch], sides: list[dict[str, Floats]], rng: np.random.Generator
) -> Iterator[Measure]:
    """Two answers to mode collapse: how alike random pairs are, and how near the nearest other slice is."""
    groups = [None if batch.subjects is None else np.asarray(batch.subjects) for batch in batches]
    yield _pair_similarity(batches, groups, rng)
    subjects = [
        len(side["area"]) if names is None else len(set(names)) for side, names in zip(sides, groups, strict=True)
    ]
    candidates = min(subjects) - 1
    if candidates < 1:
        return
    nearest = [
        nearest_other(side["outline"], names, candidates, rng) for side, names in zip(sides, groups, strict=True)
    ]
    meaning = f"Distance from each slice to the nearest of {candidates} others of the same set: 0 where slices repeat."
    trio = Trio(nearest[0], nearest[1], nearest[2], batches[1].subjects, batches[2].subjects)
    yield Measure("nearest other slice", "HU", "all", "lower", trio.score(quantile_distance, rng), meaning)


def _pair_similarity(
    batches: tuple[Batch, Batch, Batch], groups: list[NDArray[np.str_] | None], rng: np.random.Generator
) -> Measure:
    train, holdout, made = (batch.values[:, 0].numpy() for batch in batches)
    named = groups[2] if groups[2] is not None and len(set(groups[2])) > 1 else None
    first, second = random_pairs(len(made), PAIRS, groups=named, rng=rng)
    similarity = np.asarray(ms_ssim(made[first], made[second], BRAIN_WINDOW))
    # a training and a held-out slice are never of the same subject
    across = ms_ssim(
        train[rng.integers(len(train), size=PAIRS)], holdout[rng.integers(len(holdout), size=PAIRS)], BRAIN_WINDOW
    )
    owners = first if groups[2] is None else groups[2][first]
    interval = bootstrap(np.mean, similarity, groups=[owners], rng=rng)
    sizes = {"n_real": len(holdout), "n_synthetic": len(made)}
    score = Score.against(float(np.mean(across)), float(similarity.mean()), interval, **sizes)
    meaning = "Mean MS-SSIM of random pairs of different subjects: rises when slices are all alike."
    return Measure("similarity of pairs", "", "all", "lower", score, meaning, near=1.1)


def nearest_other(slices: ArrayLike, groups: Groups, candidates: int, rng: np.random.Generator) -> Floats:
    """Distance from each slice to the nearest of so many others of different subjects, one of each.

    The number of independent candidates decides how near the nearest is. With as many on every side, a set of many
    slices of few subjects can be compared with one in which nobody is named.

    Parameters
    ----------
    slices : (n, pixels). groups : (n,) subjects or None. candidates : fewer than there are subjects.

    Returns
    -------
    (n,) root mean squared difference in the unit of the slices.
    """
    values = np.asarray(slices, dtype=np.float64)
    names = np.arange(len(values)) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    nearest = np.empty(len(values))
    for begin in range(0, len(values), 64):
        block = slice(begin, begin + 64)
        order = rng.permutation(len(values))
        one_each = order[np.unique(names[order], return_index=True)[1]]
        chosen = rng.permutation(one_each)[: candidates + 1]
        squares = _mean_squares(values[block], values[chosen])
        own = names[block, None] == names[chosen]
        own[~own.any(1), -1] = True  # who is not among the chosen has one candidate too many
        nearest[block] = np.sqrt(np.where(own, np.inf, squares).min(1))
    return nearest


def _mean_squares(a: Floats, b: Floats) -> Floats:
    squares = (a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T
    return np.asarray(np.maximum(squares, 0) / a.shape[1], dtype=np.float64)
