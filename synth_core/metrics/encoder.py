"""Fréchet distance in the space of a network that was trained on the task of the data (FID: Heusel et al. 2017).

The encoder is trained on one half of the training people; the floor compares the other half with the held-out people,
since an encoder spreads the examples that it was trained on further apart than any others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from synth_core.metrics.classifier import ClassifierSettings, Progress, TrainedNetwork, train_network
from synth_core.metrics.distribution import frechet_distance
from synth_core.metrics.measure import Measure
from synth_core.metrics.trio import Trio
from synth_core.types import Batch

Floats = NDArray[np.float64]

DIMENSIONS = 32  # principal components kept: a Fréchet distance wants ten examples for each
STEPS = 300  # enough for an embedding; the classifiers of the usefulness take twice as many
SMALLEST = 40  # training examples in either half


@dataclass(frozen=True)
class Encoder:
    """A network that learned the classes from one half of the training people.

    Parameters
    ----------
    network, project : what gives an embedding, and its leading principal components.
    others : the training examples of the other half, which the floor compares with held-out ones.
    """

    network: TrainedNetwork
    project: Callable[[Floats], Floats]
    others: Batch

    @classmethod
    def learned(
        cls,
        train: Batch,
        settings: ClassifierSettings | None,
        seed: int,
        rng: np.random.Generator,
        progress: Progress | None = None,
    ) -> Encoder | None:
        """Train it; None where half of the training people are too few to train on.

        Parameters
        ----------
        train : real examples with labels.
        """
        half, compared = _halves(train, rng)
        if min(len(half), len(compared)) < SMALLEST:
            return None
        given = settings or ClassifierSettings()
        steps = replace(given, steps=min(STEPS, given.steps))
        network = train_network(train.select(half.tolist()), steps, seed=seed, progress=progress)
        project = _projection(network.embeddings(train.values[half]))
        return cls(network, project, train.select(compared.tolist()))

    def distance(self, holdout: Batch, synthetic: Batch, rng: np.random.Generator) -> Measure:
        """Fréchet distance on the penultimate layer, of as many synthetic examples as there are in the floor."""
        some = synthetic.select(np.sort(rng.permutation(len(synthetic))[: len(self.others)]).tolist())
        batches = (self.others, holdout, some)
        sides = [self.project(self.network.embeddings(part.values)) for part in batches]
        groups = (holdout.subjects, some.subjects, self.others.subjects)
        score = Trio(sides[0], sides[1], sides[2], *groups).score(frechet_distance, rng)
        meaning = "Difference in mean and covariance of what a network trained on the classes sees."
        return Measure("Fréchet distance, encoder", "", "all", "lower", score, meaning)


def encoder_measures(
    batches: tuple[Batch, Batch, Batch],
    settings: ClassifierSettings | None,
    seed: int,
    rng: np.random.Generator,
    progress: Progress | None = None,
) -> Iterator[Measure]:
    """Fréchet distance on the penultimate layer; nothing where half of the training people are too few to train on.

    Parameters
    ----------
    batches : training, held-out and synthetic examples with labels.
    """
    train, holdout, synthetic = batches
    encoder = Encoder.learned(train, settings, seed, rng, progress)
    if encoder is not None:
        yield encoder.distance(holdout, synthetic, rng)


def _halves(train: Batch, rng: np.random.Generator) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows of the training people that the encoder learns from, and of the others."""
    names = np.arange(len(train)).astype(str) if train.subjects is None else np.asarray(train.subjects)
    people = rng.permutation(np.unique(names))
    first = np.isin(names, people[: len(people) // 2])
    return np.flatnonzero(first), np.flatnonzero(~first)


def _projection(embeddings: Floats) -> Callable[[Floats], Floats]:
    """Onto the leading principal components of the encoder's own examples, in units of their spread."""
    centre = embeddings.mean(0)
    _, spread, components = np.linalg.svd(embeddings - centre, full_matrices=False)
    kept = components[:DIMENSIONS].T
    unit = spread[0] / np.sqrt(len(embeddings))
    return lambda values: (values - centre) @ kept / unit
