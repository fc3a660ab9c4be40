"""One measure of one part of the data, with its numbers and what they mean."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from synth_core.metrics.score import Score

Question = Literal["realism", "usefulness", "safety", "certainty"]


@dataclass(frozen=True)
class Measure:
    """One measure of one part of the data.

    Parameters
    ----------
    name, unit : what is measured, and in what; "" for a pure number.
    part : "all", or the class or channel that it is restricted to.
    better : which direction is towards real data.
    score : the numbers.
    meaning : one sentence for a reader who meets the measure for the first time.
    near : ratio to the floor up to which a measure whose lower values are better is near; less than 2 for measures
        that begin at one half.
    question : which of the questions of an evaluation it helps to answer.
    split : what `part` names: "class", "channel", or "all" for the whole.
    """

    name: str
    unit: str
    part: str
    better: Literal["lower", "higher"]
    score: Score
    meaning: str
    near: float = 2.0
    question: Question = "realism"
    split: Literal["all", "class", "channel"] = "all"

    @property
    def verdict(self) -> str:
        """One of as real, near, far (by the interval against the floor, then the ratio); not known without a floor."""
        score = self.score
        if math.isnan(score.floor) or math.isnan(score.value):
            return "not known"
        bound = score.low if self.better == "lower" else score.high
        reached = score.value if math.isnan(bound) else bound
        if (reached <= score.floor) if self.better == "lower" else (reached >= score.floor):
            return "as real"
        if math.isnan(score.ratio):
            return "far"
        return "near" if (score.ratio <= self.near if self.better == "lower" else score.ratio >= 0.8) else "far"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        fields: dict[str, Any] = {"question": self.question, "measure": self.name, "unit": self.unit, "part": self.part}
        fields |= {"split": self.split, "better": self.better, "near": self.near}
        return {**fields, **self.score.to_dict(), "verdict": self.verdict, "meaning": self.meaning}
