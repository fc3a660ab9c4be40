"""What a classifier is trained on in each arm of the augmentation experiment, and the baselines among them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from synth_core.types import Batch, Condition

NOISE = 0.1  # of an example's spread, added to noisy copies
CROPPED = 0.1  # of the length that classical augmentation shifts by and blanks out
Augmentation = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Arm:
    """One way of training.

    Parameters
    ----------
    name : as tables call it.
    examples : real, synthetic and a random source → what is trained on.
    first : what is trained on before, with the first half of the steps; None for nothing.
    augment : a change to each batch of values.
    test : "real", or "synthetic": trained on real and tested on synthetic examples.
    source : title of the source of its synthetic examples; "" for none.
    """

    name: str
    examples: Callable[[Batch, Batch, np.random.Generator], Batch]
    first: Callable[[Batch, Batch, np.random.Generator], Batch] | None = None
    augment: Augmentation | None = None
    test: str = "real"
    source: str = ""


REAL = "real"


def baseline_arms() -> Iterator[Arm]:
    """Real examples alone, and what people do without a generator."""
    yield Arm(REAL, _real)
    yield Arm("real, classical augmentation", _real, augment=classical_augmentation)
    yield Arm("real, oversampled", lambda real, _, rng: oversampled(real, rng))
    yield Arm("real + noisy copies", lambda real, _, rng: joined(real, noisy_copies(real, rng)))


def fraction_arms(fractions: Sequence[float]) -> Iterator[Arm]:
    """Some of the real people alone: what pre-training is compared with."""
    for fraction in fractions:
        if 0 < fraction < 1:
            yield Arm(f"{fraction:.0%} of real", _fraction(fraction))


def source_arms(title: str, ratios: Sequence[float], fractions: Sequence[float]) -> Iterator[Arm]:
    """Everything that is done with the examples of one source."""
    yield Arm(title, _synthetic(1.0), source=title)
    yield Arm(f"real, tested on {title}", _real, test="synthetic", source=title)
    for ratio in ratios:
        yield Arm(f"real + {ratio:g}× {title}", _with(ratio), source=title)
    for fraction in fractions:
        if fraction > 0:
            yield Arm(f"{title}, then {fraction:.0%} of real", _fraction(fraction), _synthetic(1.0), source=title)


def collection_arms(names: Sequence[str], of: Callable[[Batch], NDArray[np.str_]]) -> Iterator[Arm]:
    """Each collection of a merged dataset alone; `of` gives the collection of each real example."""
    for name in names:
        yield Arm(f"real, {name} only", _collection(name, of))


def classical_augmentation(values: Tensor) -> Tensor:
    """Gain, shift, noise, and for signals a blanked stretch (Um et al. 2017, arXiv 1706.00527); (n, *shape)."""
    n, length = len(values), values.shape[-1]
    wide = (n, *[1] * (values.ndim - 1))
    if values.ndim == 4:
        moved = torch.roll(values, tuple(int(x) for x in torch.randint(-2, 3, (2,))), (-2, -1))
        return moved + 5 * torch.randn_like(moved) + 5 * torch.randn(wide)  # HU
    most = max(1, int(CROPPED * length))
    shifts = torch.randint(-most, most + 1, (n, 1))
    places = (torch.arange(length)[None] + shifts) % length
    moved = values.gather(-1, places[:, None].expand_as(values))
    begin = torch.randint(0, length, (n, 1))
    blank = (torch.arange(length)[None] >= begin) & (torch.arange(length)[None] < begin + most)
    level = moved.mean(-1, keepdim=True)
    kept = torch.where(blank[:, None], level, moved)
    spread = kept.std(-1, keepdim=True)
    return kept * (0.8 + 0.4 * torch.rand(wide)) + 0.05 * spread * torch.randn_like(kept)


def oversampled(real: Batch, rng: np.random.Generator) -> Batch:
    """Rarer combinations of classes repeated until each is as frequent as the most frequent."""
    labels = _labels(real)
    _, which, counts = np.unique(labels, axis=0, return_inverse=True, return_counts=True)
    groups = [np.flatnonzero(which.ravel() == group) for group in range(len(counts))]
    rows = np.concatenate([np.concatenate([rows, rng.choice(rows, counts.max() - len(rows))]) for rows in groups])
    return real.select(rows.tolist())


def noisy_copies(real: Batch, rng: np.random.Generator) -> Batch:
    """Each example once more, with a tenth of its spread as noise."""
    noise = torch.from_numpy(rng.standard_normal(tuple(real.values.shape))).float()
    spread = real.values.flatten(1).std(1).view(-1, *[1] * (real.values.ndim - 1))
    return replace(real, values=real.values + NOISE * spread * noise)


def joined(one: Batch, other: Batch) -> Batch:
    """Two sets of labelled examples after one another; only labels are kept of their conditions."""
    labels = torch.cat([torch.from_numpy(_labels(part)) for part in (one, other)])
    return Batch(torch.cat([one.values, other.values]), one.spec, Condition(labels=labels))


def some_subjects(real: Batch, fraction: float, rng: np.random.Generator) -> Batch:
    """The examples of a share of the people, one person at least for each class that occurs."""
    names = np.arange(len(real)).astype(str) if real.subjects is None else np.asarray(real.subjects)
    labels = _labels(real)
    people = rng.permutation(np.unique(names))
    chosen = set(people[: max(1, round(fraction * len(people)))].tolist())
    for column in labels.T:
        have = [name for name in people if (column[names == name] == 1).any()]
        if have and not chosen & set(have):
            chosen.add(have[0])
    return real.select(np.flatnonzero(np.isin(names, list(chosen))).tolist())


def _real(real: Batch, synthetic: Batch, rng: np.random.Generator) -> Batch:
    return real


def _synthetic(ratio: float) -> Callable[[Batch, Batch, np.random.Generator], Batch]:
    def chosen(real: Batch, synthetic: Batch, rng: np.random.Generator) -> Batch:
        count = min(max(1, round(ratio * len(real))), len(synthetic))
        return synthetic.select(rng.permutation(len(synthetic))[:count].tolist())

    return chosen


def _with(ratio: float) -> Callable[[Batch, Batch, np.random.Generator], Batch]:
    return lambda real, synthetic, rng: joined(real, _synthetic(ratio)(real, synthetic, rng))


def _fraction(fraction: float) -> Callable[[Batch, Batch, np.random.Generator], Batch]:
    return lambda real, synthetic, rng: real if fraction >= 1 else some_subjects(real, fraction, rng)


def _collection(
    name: str, of: Callable[[Batch], NDArray[np.str_]]
) -> Callable[[Batch, Batch, np.random.Generator], Batch]:
    return lambda real, synthetic, rng: real.select(np.flatnonzero(of(real) == name).tolist())


def _labels(batch: Batch) -> NDArray[np.float32]:
    assert batch.condition.labels is not None
    return batch.condition.labels.numpy()


def titles(arms: Mapping[str, Arm]) -> list[str]:
    """Sources that the arms name, once each."""
    return list(dict.fromkeys(arm.source for arm in arms.values() if arm.source))
