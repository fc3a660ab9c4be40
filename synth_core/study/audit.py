"""Whether anything but the content of an item says which kind it is: an audit of a study's blinding.

What an item is sent as (its file, its size, its extremes, its last digits, its place in a rater's order) must not tell
real from synthetic. Every trait is tried alone, and those of a group together by a classifier; one permutation test
over the largest of them keeps the chance of a false alarm at `family_error` whatever the number of traits (Westfall &
Young, Resampling-Based Multiple Testing, 1993, the single-step maxT procedure; permuted within strata).

Apart from it stands the signature: simple statistics of the content. They may differ, since that is a property of the
generator which an expert may notice too; they are reported and gate nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import rankdata

from synth_core.errors import StudyError

FAMILY_ERROR = 0.01
PERMUTATIONS = 2000
RIDGE = 1.0
TOGETHER = "all together"  # the classifier of a group
FEWEST = 6  # items a side, below which no arrangement is rare enough to say anything at 1 %

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Trait:
    """One thing that was tried.

    Parameters
    ----------
    group : what it belongs to, such as "extremes".
    name : in words; "all together" for the classifier of a group.
    auc : how well it orders synthetic above real items; 0.5 is chance, and for a single trait below is as telling
        as above.
    p : chance of one as telling among all that were tried, if nothing tells the kinds apart.
    """

    group: str
    name: str
    auc: float
    p: float


@dataclass(frozen=True)
class Audit:
    """What the audit found; `leaks` are traits of the transport that tell real from synthetic.

    Parameters
    ----------
    transport : every trait of how items are sent, the most telling first.
    signature : every trait of what is shown, the most telling first; reported apart, gates nothing.
    """

    transport: tuple[Trait, ...]
    signature: tuple[Trait, ...]
    items: int
    family_error: float = FAMILY_ERROR

    @property
    def leaks(self) -> tuple[Trait, ...]:
        """What gives the kind away, at the stated family-wise error."""
        return tuple(trait for trait in self.transport if trait.p <= self.family_error)

    @property
    def conclusive(self) -> bool:
        """Whether there are enough items for a leak to show."""
        return self.items >= 2 * FEWEST

    @property
    def passed(self) -> bool:
        """Whether no trait of the transport tells real from synthetic."""
        return not self.leaks

    @property
    def sentences(self) -> tuple[str, ...]:
        """What was found, in words."""
        tried = f"{len(self.transport)} traits of how {self.items} items are sent were tried"
        if not self.conclusive:
            return (f"{tried}; so few items cannot show a leak.",)
        if self.passed:
            return (f"{tried}; none tells real from synthetic (false alarms: {self.family_error:.0%} of audits).",)
        return tuple(
            f"The kind of an item can be told from its {trait.group}: {trait.name} "
            f"(AUROC {trait.auc:.2f}, p = {trait.p:.4f} over all that was tried)."
            for trait in self.leaks
        )


Groups = Mapping[str, Mapping[str, Sequence[float] | Array]]


def audit(
    transport: Groups,
    signature: Groups,
    synthetic: NDArray[np.bool_],
    *,
    strata: Sequence[str] | None = None,
    seed: int = 0,
) -> Audit:
    """Try every trait, alone and with those of its group.

    Parameters
    ----------
    transport, signature : group → name of the trait → its value for each item.
    synthetic : (items,) the truth.
    strata : class of each item; kinds are permuted within classes.

    Raises
    ------
    StudyError : when there are not both kinds.
    """
    if synthetic.all() or not synthetic.any():
        raise StudyError("An audit needs real and synthetic items.")
    rng = np.random.default_rng(seed)
    labels = permuted(synthetic, strata or [""] * len(synthetic), PERMUTATIONS, rng)
    return Audit(try_all(transport, labels), try_all(signature, labels), len(synthetic))


def permuted(
    synthetic: NDArray[np.bool_], strata: Sequence[str], times: int, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """(1 + times, items): the truth, then the truth shuffled within strata."""
    labels = np.repeat(synthetic[None], times + 1, axis=0)
    for stratum in set(strata):
        members = np.flatnonzero([one == stratum for one in strata])
        labels[1:, members] = rng.permuted(labels[1:, members], axis=1)
    return labels


def try_all(groups: Groups, labels: NDArray[np.bool_]) -> tuple[Trait, ...]:
    """The traits with the AUROC of each and its p over the largest of all, the most telling first.

    Parameters
    ----------
    labels : (1 + permutations, items); the first row is the truth.
    """
    found: list[tuple[str, str, Array]] = []
    for group, traits in groups.items():
        measured = {name: np.asarray(values, float) for name, values in traits.items()}
        found += [(group, name, areas(rankdata(values)[None], labels)) for name, values in measured.items()]
        if any(np.ptp(values) > 0 for values in measured.values()):
            found.append((group, TOGETHER, areas(_left_out(measured, labels), labels)))
    if not found:
        return ()
    # a single trait tells in both directions, a classifier only where it is right
    telling = np.stack(
        [_standardised(area) if name == TOGETHER else np.abs(_standardised(area)) for _, name, area in found]
    )
    largest = telling.max(axis=0)
    traits_ = [
        Trait(group, name, float(area[0]), float(np.mean(largest >= told - 1e-9)))
        for (group, name, area), told in zip(found, telling[:, 0], strict=True)
    ]
    order = np.argsort(-telling[:, 0])
    return tuple(traits_[index] for index in order)


def areas(ranks: Array, labels: NDArray[np.bool_]) -> Array:
    """(times,) AUROC of the synthetic items over the real ones, ties ½, for each row of labels (Mann–Whitney).

    Parameters
    ----------
    ranks : (times, items), or (1, items) where they are the same for all.
    """
    n_synthetic = labels.sum(axis=1)
    n_real = labels.shape[1] - n_synthetic
    above = np.where(labels, ranks, 0.0).sum(axis=1) - n_synthetic * (n_synthetic + 1) / 2
    return above / (n_synthetic * n_real)


def _standardised(area: Array) -> Array:
    spread = area.std()
    return np.zeros_like(area) if spread == 0 else (area - area.mean()) / spread


def _left_out(traits: Mapping[str, Array], labels: NDArray[np.bool_]) -> Array:
    """(times, items) ranks of what a ridge classifier says of each item that it was not fitted to.

    On normal scores and their squares, so that a kind which is both smaller and larger than the other is seen too. The
    hat matrix is the same for all permutations, and leaving one out is exact: (fit − h y)/(1 − h).
    """
    scores = np.stack([ndtri((rankdata(values) - 0.5) / len(values)) for values in traits.values()], axis=1)
    columns = np.concatenate([scores, scores**2], axis=1)
    columns = columns[:, columns.std(axis=0) > 1e-9]
    columns = (columns - columns.mean(axis=0)) / columns.std(axis=0)
    hat = columns @ np.linalg.solve(columns.T @ columns + RIDGE * np.eye(columns.shape[1]), columns.T)
    leverage = np.minimum(np.diag(hat), 1 - 1e-9)
    wanted = labels - labels.mean(axis=1, keepdims=True)  # no intercept: one left out would move it the other way
    said = (wanted @ hat - leverage * wanted) / (1 - leverage)
    return np.asarray(rankdata(np.round(said, 9), axis=1))
