"""What predictions are worth, per class and over classes, for many weightings of the same examples at once.

A bootstrap over patients weighs each example by how often its patient was drawn: all draws are scored together.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from synth_core.errors import SpecMismatch

Floats = NDArray[np.float64]

BINS = 10  # of the calibration error (Guo et al. 2017)
MEASURES = (
    "accuracy",
    "balanced accuracy",
    "sensitivity",
    "specificity",
    "F1",
    "AUROC",
    "average precision",
    "calibration error",
)


def classification_scores(truth: Floats, predicted: Floats, weights: Floats, *, exclusive: bool) -> dict[str, Floats]:
    """Measures of a classifier.

    Parameters
    ----------
    truth, predicted : (n, classes), 0/1 and probabilities.
    weights : (draws, n), how often each example counts; ones for the plain value.
    exclusive : each example has exactly one class: the most probable one is predicted, else those at ½ or more.

    Returns
    -------
    measure → (draws, 1 + classes): over all classes (macro average of those that can be scored), then per class. NaN
    where a draw holds no example of a class, or only such. Accuracy of all is the share of examples that are right in
    every class; the calibration error is the expected one with ten equal bins.

    Raises
    ------
    SpecMismatch : when shapes do not belong together.
    """
    if truth.shape != predicted.shape or truth.ndim != 2 or weights.shape[1:] != truth.shape[:1]:
        shapes = f"{truth.shape}, {predicted.shape}, {weights.shape}"
        raise SpecMismatch(f"truth and predicted must be (n, classes), weights (draws, n). Got {shapes} instead.")
    decided = _decided(predicted, exclusive)
    counts = _Counts(truth, decided, weights)
    scores = {
        "sensitivity": counts.sensitivity,
        "specificity": counts.specificity,
        "F1": counts.f1,
        "AUROC": _per_class(_auroc, truth, predicted, weights),
        "average precision": _per_class(_average_precision, truth, predicted, weights),
        "calibration error": _per_class(_calibration_error, truth, predicted, weights),
    }
    scores = {name: np.column_stack([_mean(values), values]) for name, values in scores.items()}
    right = weights @ (decided == truth) / weights.sum(1, keepdims=True)
    exact = weights @ (decided == truth).all(1) / weights.sum(1)
    both = (counts.sensitivity + counts.specificity) / 2
    balanced = _mean(counts.sensitivity) if exclusive else _mean(both)
    scores["accuracy"] = np.column_stack([exact, right])
    scores["balanced accuracy"] = np.column_stack([balanced, both])
    return {name: scores[name] for name in MEASURES}


class _Counts:
    """Weighted numbers of right and wrong decisions, (draws, classes) each."""

    def __init__(self, truth: Floats, decided: Floats, weights: Floats) -> None:
        hits, found, there = weights @ (truth * decided), weights @ decided, weights @ truth
        total = weights.sum(1, keepdims=True)
        self.sensitivity = _over(hits, there)
        self.specificity = _over(total - there - found + hits, total - there)
        self.f1 = np.where(there > 0, _over(2 * hits, there + found), np.nan)


def _decided(predicted: Floats, exclusive: bool) -> Floats:
    if exclusive:
        return np.eye(predicted.shape[1])[predicted.argmax(1)]
    return (predicted >= 0.5).astype(np.float64)


def _per_class(
    score: Callable[[Floats, Floats, Floats], Floats], truth: Floats, predicted: Floats, weights: Floats
) -> Floats:
    return np.stack([score(truth[:, k], predicted[:, k], weights) for k in range(truth.shape[1])], axis=1)


def _grouped(truth: Floats, predicted: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Weights of the positive and of the negative examples at each distinct probability, rising: (draws, values)."""
    _, group = np.unique(predicted, return_inverse=True)
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    positive = np.add.reduceat(weights[:, order] * truth[order], starts, axis=1)
    return positive, np.add.reduceat(weights[:, order] * (1 - truth[order]), starts, axis=1)


def _auroc(truth: Floats, predicted: Floats, weights: Floats) -> Floats:
    """Share of pairs in the right order, ties counting half (Mann and Whitney 1947)."""
    positive, negative = _grouped(truth, predicted, weights)
    below = np.cumsum(negative, axis=1) - negative / 2
    return _over((positive * below).sum(1), positive.sum(1) * negative.sum(1))


def _average_precision(truth: Floats, predicted: Floats, weights: Floats) -> Floats:
    """Precision at each recall step, weighted by the step."""
    positive, negative = (part[:, ::-1] for part in _grouped(truth, predicted, weights))
    hits, alarms = np.cumsum(positive, axis=1), np.cumsum(negative, axis=1)
    return _over((positive * _over(hits, hits + alarms, 0.0)).sum(1), positive.sum(1))


def _calibration_error(truth: Floats, predicted: Floats, weights: Floats) -> Floats:
    """Gap of mean probability and frequency in ten bins, weighted by their size."""
    which = np.minimum((predicted * BINS).astype(int), BINS - 1)
    member = np.eye(BINS)[which]
    gaps = np.abs((weights * (truth - predicted)) @ member)
    return gaps.sum(1) / weights.sum(1)


def _over(a: Floats, b: Floats, otherwise: float = np.nan) -> Floats:
    return np.divide(a, b, out=np.full(np.broadcast(a, b).shape, otherwise), where=b > 0)


def _mean(values: Floats) -> Floats:
    """(draws,) over the classes that could be scored."""
    known = np.isfinite(values)
    return _over(np.where(known, values, 0.0).sum(1), known.sum(1).astype(np.float64))
