"""What a set of examples teaches a classifier, tested on people whom it has not seen (TSTR: Esteban et al. 2017).

Training uses the same number of optimiser steps whatever the number of examples, so that "trained on synthetic" and
"trained on real" differ in the examples only. arXiv 1706.02633.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from synth_core.errors import InvalidSetting, SpecMismatch
from synth_core.metrics.features import features_of
from synth_core.metrics.networks import SignalNet, SliceNet, classifier_for
from synth_core.metrics.ranks import auroc
from synth_core.types import Batch

RISE = 0.2  # of the steps, until the rate is at its peak
Method = Literal["network", "features"]
METHODS: tuple[Method, ...] = ("network", "features")
Progress = Callable[[int, int, str], None]
Augmentation = Callable[[Tensor], Tensor]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ClassifierSettings:
    """How the network is trained; the same for every set of examples that is compared."""

    steps: int = 600
    batch_size: int = 64
    lr: float = 2e-3  # peak of one cycle (Smith and Topin 2018)
    weight_decay: float = 0.02
    label_smoothing: float = 0.1


@dataclass(frozen=True)
class Recovery:
    """Predictions on the test examples and what they are worth.

    Parameters
    ----------
    score : balanced accuracy when each example has one class, else macro AUROC; both in [0, 1].
    measure : which of the two.
    truth, predicted : (n, classes), 0/1 and probabilities.
    """

    score: float
    measure: str
    truth: Floats
    predicted: Floats


def class_recovery(
    train: Batch,
    test: Batch,
    *,
    method: Method = "network",
    settings: ClassifierSettings | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Recovery:
    """Train a classifier on one set of examples and test it on another.

    Parameters
    ----------
    train, test : Batches of the same spec, with labels; the test examples should be real and of other subjects.
    method : "network", a small residual network on the values; "features", gradient boosting on interpretable features.
    seed : of the initial weights, the order of the examples and the augmentation.
    progress : called as progress(step, steps, message); may raise to stop.

    Raises
    ------
    SpecMismatch : when labels are missing, or the two sets are not of the same shape and classes.
    """
    _check_pair(train, test)
    truth = labels_of(test)
    if method == "features":
        predicted = feature_probabilities(train, test, seed)
    elif method == "network":
        predicted = train_network(train, settings, seed=seed, progress=progress).probabilities(test.values)
    else:
        raise InvalidSetting(f"`method` must be network or features. Got {method!r} instead.")
    exclusive = bool((labels_of(train).sum(1) == 1).all() and (truth.sum(1) == 1).all())
    measure = "balanced accuracy" if exclusive else "macro AUROC"
    return Recovery(recovery_score(truth, predicted, measure), measure, truth, predicted)


def recovery_score(truth: Floats, predicted: Floats, measure: str) -> float:
    """Balanced accuracy of the most probable class, or AUROC averaged over the classes that occur both ways.

    Parameters
    ----------
    truth, predicted : (n, classes).
    measure : "balanced accuracy" or "macro AUROC".

    Returns
    -------
    In [0, 1]; NaN when no class can be scored.
    """
    if measure == "balanced accuracy":
        right = predicted.argmax(1) == truth.argmax(1)
        return float(np.mean([right[truth[:, k] == 1].mean() for k in range(truth.shape[1]) if truth[:, k].any()]))
    areas = [
        auroc(truth[:, k] == 1, predicted[:, k]) for k in range(truth.shape[1]) if 0 < truth[:, k].sum() < len(truth)
    ]
    return float(np.mean(areas)) if areas else float("nan")


def labels_of(batch: Batch) -> Floats:
    """(n, classes) of 0 and 1; raises SpecMismatch when the batch has none."""
    if batch.condition.labels is None or not batch.spec.classes:
        raise SpecMismatch("A classifier needs labelled examples, and these have no labels.")
    return batch.condition.labels.numpy().astype(np.float64)


def _check_pair(train: Batch, test: Batch) -> None:
    if train.spec.shape != test.spec.shape or train.spec.classes != test.spec.classes:
        raise SpecMismatch(
            f"Training and test examples must agree in shape and classes. Got {train.spec.shape} of "
            f"{train.spec.classes} and {test.spec.shape} of {test.spec.classes}."
        )


def feature_probabilities(train: Batch, test: Batch, seed: int) -> Floats:
    """(n_test, classes) by gradient boosting on interpretable features; see `class_recovery`."""
    inputs, unseen = features_of(train).values, features_of(test).values
    labels = labels_of(train)
    if (labels.sum(1) == 1).all():
        model = _boosting(seed)
        model.fit(inputs, labels.argmax(1))
        predicted = np.zeros((len(unseen), labels.shape[1]))
        predicted[:, model.classes_] = model.predict_proba(unseen)
        return predicted
    return np.stack([_probability(inputs, labels[:, k], unseen, seed) for k in range(labels.shape[1])], axis=1)


def _boosting(seed: int) -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(max_iter=100, max_leaf_nodes=12, random_state=seed, class_weight="balanced")


def _probability(inputs: Floats, label: Floats, unseen: Floats, seed: int) -> Floats:
    if label.min() == label.max():
        return np.full(len(unseen), label[0])
    model = _boosting(seed)
    return model.fit(inputs, label).predict_proba(unseen)[:, 1]


@dataclass(frozen=True)
class TrainedNetwork:
    """A network that was trained on labelled examples.

    Parameters
    ----------
    network : in evaluation mode.
    exclusive : whether each example has exactly one class; probabilities then sum to 1.
    """

    network: SignalNet | SliceNet
    exclusive: bool

    def probabilities(self, values: Tensor) -> Floats:
        """(n, *shape) in physical units → (n, classes)."""
        logits = self._in_parts(self.network, values)
        return (logits.softmax(1) if self.exclusive else logits.sigmoid()).double().numpy()

    def embeddings(self, values: Tensor) -> Floats:
        """(n, *shape) in physical units → (n, d), what the last layer sees."""
        return self._in_parts(self.network.embed, values).double().numpy()

    @staticmethod
    def _in_parts(function: Callable[[Tensor], Tensor], values: Tensor) -> Tensor:
        with torch.no_grad():
            return torch.cat([function(part) for part in values.split(256)])


def train_network(
    train: Batch,
    settings: ClassifierSettings | None = None,
    *,
    seed: int = 0,
    start: TrainedNetwork | None = None,
    augment: Augmentation | None = None,
    progress: Progress | None = None,
) -> TrainedNetwork:
    """Train the network of a modality on labelled examples.

    Parameters
    ----------
    train : examples with labels.
    seed : of the initial weights, the order of the examples and the augmentation.
    start : a trained network to go on from; it is left as it is.
    augment : called on each batch of values, (n, *shape) in physical units.
    progress : called as progress(step, steps, message); may raise to stop.
    """
    labels = torch.from_numpy(labels_of(train)).float()
    exclusive = bool((labels.sum(1) == 1).all()) if start is None else start.exclusive
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = classifier_for(train.spec, train.values) if start is None else copy.deepcopy(start.network)
        _fit(network, train.values, labels, exclusive, settings or ClassifierSettings(), augment, progress)
    return TrainedNetwork(network.eval(), exclusive)


def _fit(
    network: nn.Module,
    values: Tensor,
    labels: Tensor,
    exclusive: bool,
    settings: ClassifierSettings,
    augment: Augmentation | None,
    progress: Progress | None,
) -> None:
    optimiser = torch.optim.AdamW(network.parameters(), settings.lr, weight_decay=settings.weight_decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _one_cycle((step + 1) / settings.steps))
    weights = _sampling_weights(labels)
    network.train()
    for step in range(settings.steps):
        chosen = torch.multinomial(weights, settings.batch_size, replacement=True)
        seen = _mirrored(values[chosen])
        logits = network(seen if augment is None else augment(seen))
        if exclusive:
            loss = cross_entropy(logits, labels[chosen].argmax(1), label_smoothing=settings.label_smoothing)
        else:
            loss = binary_cross_entropy_with_logits(logits, labels[chosen])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if progress is not None and step % 20 == 0:
            progress(step, settings.steps, "training the classifier")


def _one_cycle(share: float) -> float:
    """Rate at a share of the steps: up in a straight line over the first fifth, down along a cosine to zero."""
    return share / RISE if share < RISE else (1 + math.cos(math.pi * (share - RISE) / (1 - RISE))) / 2


def _sampling_weights(labels: Tensor) -> Tensor:
    """(n,): every combination of classes drawn equally often in the square root, so that rare ones are not lost."""
    _, which, counts = torch.unique(labels, dim=0, return_inverse=True, return_counts=True)
    return counts[which].float().rsqrt()


def _mirrored(values: Tensor) -> Tensor:
    """Half of the slices mirrored, which leaves the class as it is; signals as they are."""
    if values.ndim == 3:
        return values
    mirrored = torch.rand(len(values)) < 0.5
    return torch.where(mirrored[:, None, None, None], values.flip(-1), values)
