"""Arms compared on the same test patients: values with intervals, and differences to one arm, paired by patient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth_core.metrics.classification import MEASURES, classification_scores

Floats = NDArray[np.float64]
Estimate = tuple[float, float, float]  # value, low, high


@dataclass(frozen=True)
class Comparison:
    """Predictions of several arms on the same examples.

    Parameters
    ----------
    truth : (n, classes) of 0 and 1.
    predicted : arm → (seeds, n, classes) probabilities.
    weights : (1 + draws, n): ones, then how often each example counts in each draw (`patient_weights`).
    exclusive : each example has exactly one class.
    """

    truth: Floats
    predicted: Mapping[str, Floats]
    weights: Floats
    exclusive: bool

    @property
    def headline(self) -> str:
        """The measure that sentences speak of."""
        return "balanced accuracy" if self.exclusive else "AUROC"

    @cached_property
    def _scores(self) -> dict[str, dict[str, Floats]]:
        """arm → measure → (1 + draws, 1 + classes), averaged over seeds."""
        return {
            arm: _averaged(
                [classification_scores(self.truth, one, self.weights, exclusive=self.exclusive) for one in runs]
            )
            for arm, runs in self.predicted.items()
        }

    def value(self, arm: str, measure: str, column: int = 0) -> Estimate:
        """A measure of an arm; column 0 is over all classes, 1 + k the k-th class."""
        return _estimate(self._scores[arm][measure][:, column])

    def difference(self, arm: str, other: str, measure: str, column: int = 0) -> Estimate:
        """How much better an arm is than another, in each draw on the same patients."""
        scores = [self._scores[name][measure][:, column] for name in (arm, other)]
        return _estimate(scores[0] - scores[1])

    def rows(self, arms: Sequence[str], column: int = 0) -> tuple[tuple[Any, ...], ...]:
        """One row per arm: name, then each measure as text with its interval."""
        return tuple((arm, *(estimate_text(self.value(arm, measure, column)) for measure in MEASURES)) for arm in arms)


def patient_weights(groups: Sequence[str] | None, n: int, draws: int, rng: np.random.Generator) -> Floats:
    """(1 + draws, n): ones, then weights of a bootstrap that draws whole patients with replacement."""
    names = np.arange(n) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    people = int(names.max()) + 1
    drawn = rng.multinomial(people, np.full(people, 1 / people), size=draws)
    return np.concatenate([np.ones((1, n)), drawn[:, names]]).astype(np.float64)


def estimate_text(estimate: Estimate, form: str = ".3f") -> str:
    """'0.713 (0.681 to 0.749)'; empty where nothing is known."""
    value, low, high = estimate
    if np.isnan(value):
        return ""
    return f"{value:{form}}" if np.isnan(low) else f"{value:{form}} ({low:{form}} to {high:{form}})"


def _averaged(runs: Sequence[Mapping[str, Floats]]) -> dict[str, Floats]:
    return {name: np.mean([run[name] for run in runs], axis=0) for name in runs[0]}


def _estimate(column: Floats) -> Estimate:
    draws = column[1:][np.isfinite(column[1:])]
    low, high = np.quantile(draws, (0.025, 0.975)) if len(draws) else (np.nan, np.nan)
    return float(column[0]), float(low), float(high)
