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
    leaked : what copies of the training examples would give, of a measure of safety; NaN for others.
    clinical : whether it is what a clinician reads from an example.
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
    leaked: float = math.nan
    clinical: bool = False

    @property
    def verdict(self) -> str:
        """One of as real, near, far, not known.

        As real: not beyond what honest examples reach (the limit), or an interval that holds the floor. Near and far go
        by the ratio. Not known: nothing to compare with; for safety also what may be a leak, but is not shown to be one
        (beyond the limit with an interval that holds the floor), and what would not show even if everything had leaked.
        """
        score = self.score
        if math.isnan(score.floor) or math.isnan(score.value) or self.is_blind:
            return "not known"
        bound = score.low if self.better == "lower" else score.high
        holds_floor = self._within(score.value if math.isnan(bound) else bound, score.floor)
        if self.question == "safety" and not math.isnan(score.limit):
            if self._within(score.value, score.limit):
                return "as real"
            if holds_floor or math.isnan(bound):
                return "not known"
        elif holds_floor or self._within(score.value, score.limit):
            return "as real"
        if math.isnan(score.ratio):
            return "far"
        return "near" if (score.ratio <= self.near if self.better == "lower" else score.ratio >= 0.8) else "far"

    @property
    def is_blind(self) -> bool:
        """Whether honest examples come as far as copies of the training examples would."""
        return not math.isnan(self.leaked) and self._within(self.leaked, self.score.limit)

    def _within(self, value: float, bound: float) -> bool:
        """False where either is not known."""
        return value <= bound if self.better == "lower" else value >= bound

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        fields: dict[str, Any] = {"question": self.question, "measure": self.name, "unit": self.unit, "part": self.part}
        leaked = None if math.isnan(self.leaked) else self.leaked
        fields |= {"split": self.split, "better": self.better, "near": self.near, "leaked": leaked}
        fields["clinical"] = self.clinical
        return {**fields, **self.score.to_dict(), "verdict": self.verdict, "meaning": self.meaning}
