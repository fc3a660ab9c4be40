"""What an evaluation found: verdicts, measures with their scores, and the arrays for its figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synth_core.metrics.measure import Measure
from synth_core.metrics.score import Score
from synth_core.metrics.verdict import Verdict
from synth_core.types import DataSpec

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Finding:
    """One synthetic example that a reader should look at first.

    Parameters
    ----------
    kind : "least realistic", by the classifier that tells synthetic from real; "closest copy" of a training example.
    index : of the synthetic example, in the set that was given.
    value : probability of being synthetic, or similarity to the training example; in [0, 1].
    values : (*spec.shape) in the unit of the data.
    original : index of the training example that it resembles, and its values; None for the least realistic.
    """

    kind: Literal["least realistic", "closest copy"]
    index: int
    value: float
    values: NDArray[np.float32] = field(repr=False)
    original: int | None = None
    original_values: NDArray[np.float32] | None = field(default=None, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types, without the arrays."""
        return {"kind": self.kind, "synthetic": self.index, "training": self.original, "value": self.value}


@dataclass(frozen=True)
class Evidence:
    """Arrays that figures are drawn from.

    Parameters
    ----------
    spec : what one example is.
    freqs : (frequencies,) in Hz, or cycles per mm for CT.
    real_psd, synthetic_psd : (n, channels, frequencies) in unit² / Hz (CT: HU² · mm²), some hundred examples a side.
    real_labels, synthetic_labels : (n, classes) of the same examples, or None.
    real_values, synthetic_values : (m,) values drawn evenly from all examples, in the unit of the data.
    findings : failures first: the least realistic examples, then the closest copies.
    """

    spec: DataSpec
    freqs: Floats
    real_psd: Floats
    synthetic_psd: Floats
    real_labels: Floats | None
    synthetic_labels: Floats | None
    real_values: Floats
    synthetic_values: Floats
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Report:
    """The result of `evaluate`.

    Parameters
    ----------
    verdicts : one per question, in the order in which they should be read.
    measures : what they rest on.
    limits : what this evaluation cannot say, one sentence each.
    settings : seed, numbers of examples and subjects, modality, unit, versions, hashes of the examples.
    evidence : arrays for the figures.
    """

    verdicts: tuple[Verdict, ...]
    measures: tuple[Measure, ...]
    limits: tuple[str, ...]
    settings: Mapping[str, Any]
    evidence: Evidence = field(repr=False)

    def __getitem__(self, name: str) -> Score:
        """Score of a measure over all examples, by its name."""
        return self.score(name)

    @property
    def sentences(self) -> tuple[str, ...]:
        """The verdicts as question, answer and reason, then the limits."""
        spoken = (f"{verdict.title} {verdict.answer.capitalize()}. {verdict.sentence}" for verdict in self.verdicts)
        return (*spoken, *self.limits)

    def score(self, name: str, part: str = "all") -> Score:
        """Score of a measure of one part; KeyError names those that exist."""
        for measure in self.measures:
            if (measure.name, measure.part) == (name, part):
                return measure.score
        raise KeyError(f"{name} of {part} is not in this report; it has {sorted({m.name for m in self.measures})}")

    def table(self) -> pd.DataFrame:
        """One row per measure; the columns are the keys of `Measure.to_dict`."""
        return pd.DataFrame([measure.to_dict() for measure in self.measures])

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types, without the arrays."""
        return {
            "format": 2,
            "spec": self.evidence.spec.to_dict(),
            "verdicts": [verdict.to_dict() for verdict in self.verdicts],
            "measures": [measure.to_dict() for measure in self.measures],
            "limits": list(self.limits),
            "findings": [finding.to_dict() for finding in self.evidence.findings],
            "settings": dict(self.settings),
        }
