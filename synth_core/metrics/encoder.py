"""Fréchet distance in the space of a network that was trained on the task of the data (FID: Heusel et al. 2017).

The encoder is trained on one half of the training people; the floor compares the other half with the held-out people,
since an encoder spreads the examples that it was trained on further apart than any others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from synth_core.metrics.classifier import ClassifierSettings, Progress, train_network
from synth_core.metrics.distribution import frechet_distance
from synth_core.metrics.measure import Measure
from synth_core.metrics.trio import Trio
from synth_core.types import Batch

Floats = NDArray[np.float64]

DIMENSIONS = 32  # principal components kept: a Fréchet distance wants ten examples for each
STEPS = 300  # enough for an embedding; the classifiers of the usefulness take twice as many
SMALLEST = 40  # training examples in either half


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
    learned, compared = _halves(train, rng)
    if min(len(learned), len(compared)) < SMALLEST:
        return
    steps = replace(settings or ClassifierSettings(), steps=min(STEPS, (settings or ClassifierSettings()).steps))
    network = train_network(train.select(learned.tolist()), steps, seed=seed, progress=progress)
    project = _projection(network.embeddings(train.values[learned]))
    some = synthetic.select(
        np.sort(rng.permutation(len(synthetic))[: len(compared)]).tolist()
    )  # as many as in the floor
    others = train.select(compared.tolist())
    sides = [project(network.embeddings(part.values)) for part in (others, holdout, some)]
    score = Trio(sides[0], sides[1], sides[2], holdout.subjects, some.subjects, others.subjects).score(
        frechet_distance, rng
    )
    meaning = "Difference in mean and covariance of what a network trained on the classes sees."
    yield Measure("Fréchet distance, encoder", "", "all", "lower", score, meaning)


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
