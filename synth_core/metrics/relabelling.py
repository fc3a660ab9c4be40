"""Who was trained on is dealt out anew among all real people: what the same synthetic examples give by chance.

Whatever the synthetic examples are (strangers, noise, sixty times one record), they cannot know which of the real
people were trained on unless they were made from them. Dealing out the label anew is therefore an exact test (Fisher
1935, The Design of Experiments), for one measure and for the worst of all.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from synth_core.metrics.divisions import divisions
from synth_core.metrics.privacy import distance_ratio, entropy_weights
from synth_core.metrics.trio import Trio

MEASURED = (
    "distance to training, 5th percentile",
    "nearest-neighbour ratio",
    "identifiability",
)

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Labels = NDArray[np.bool_]


@dataclass(frozen=True)
class Relabelling:
    """Distances of all real and synthetic examples, from which every measure follows for any labels.

    Parameters
    ----------
    features : of training, held-out and synthetic examples, on one scale.
    """

    features: Trio

    @cached_property
    def real(self) -> Floats:
        """Training examples, then held-out ones."""
        return np.concatenate([self.features.train, self.features.holdout])

    @cached_property
    def trained(self) -> Labels:
        """(n,) the labels as they are."""
        return np.arange(len(self.real)) < len(self.features.train)

    @cached_property
    def people(self) -> NDArray[np.str_]:
        """(n,) names of the real people; each example is its own where nobody is named."""
        train, holdout = self.features.train_groups, self.features.holdout_groups
        named = [f"t{i}" for i in range(len(self.features.train))] if train is None else [f"s{name}" for name in train]
        other = [f"h{i}" for i in range(len(self.features.holdout))]
        return np.array(named + (other if holdout is None else [f"s{name}" for name in holdout]))

    @cached_property
    def labels(self) -> Labels:
        """(relabellings, n) as many people trained on as there were."""
        return divisions(self.people, len(set(self.people[self.trained].tolist())))

    @cached_property
    def between(self) -> Singles:
        """(synthetic, real) distances."""
        return cdist(self.features.synthetic, self.real).astype(np.float32)

    @cached_property
    def weighted(self) -> tuple[Singles, Floats]:
        """Distances weighted as for identifiability: (real, real), infinite to itself; (real,) to a synthetic one."""
        weights = entropy_weights(self.real)
        within = cdist(self.real * weights, self.real * weights).astype(np.float32)
        np.fill_diagonal(within, np.inf)
        return within, cdist(self.real * weights, self.features.synthetic * weights).min(1)

    @cached_property
    def chance(self) -> dict[str, Floats]:
        """How far each measure moves between labelled and other people by chance: name → (relabellings,)."""
        found = [(self.measured(labels), self.measured(~labels)) for labels in self.labels]
        return {name: np.array([one[name] - other[name] for one, other in found]) for name in MEASURED}

    def measured(self, labels: Labels) -> dict[str, float]:
        """The measures that follow from distances, with some of the real examples called trained on.

        Returns
        -------
        distance to training, 5th percentile : distance to the nearest labelled one that 95 % of the synthetic examples
            keep. nearest-neighbour ratio : the median. identifiability : share of the labelled that are nearer to a
            synthetic example than to another of the labelled.
        """
        nearest = np.partition(self.between[:, labels], 1, axis=1)[:, :2].astype(np.float64)
        nearest = np.sort(nearest, axis=1)
        within, made = self.weighted
        values = (
            float(np.quantile(nearest[:, 0], 0.05)),
            float(np.median(distance_ratio(nearest))),
            float((made[labels] < within[np.ix_(labels, labels)].min(1)).mean()),
        )
        return dict(zip(MEASURED, values, strict=True))

    @cached_property
    def closer(self) -> Floats:
        """(relabellings,) share of synthetic examples nearer to a labelled than to another real one; ½ on average."""
        return np.array([self._closer(labels) for labels in self.labels])

    def _closer(self, labels: Labels) -> float:
        to_train, to_other = self.between[:, labels].min(1), self.between[:, ~labels].min(1)
        share = float((to_train < to_other).mean() + (to_train == to_other).mean() / 2)
        n, m = int(labels.sum()), int((~labels).sum())
        return share * m / (share * m + (1 - share) * n)  # as `privacy.closer_to_train`
