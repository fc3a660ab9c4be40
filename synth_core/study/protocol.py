"""What a study asks, of how many items, and what raters are told: fixed before the first answer."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

ANSWERS: dict[int, tuple[str, ...]] = {
    4: ("Certainly real", "Probably real", "Probably synthetic", "Certainly synthetic"),
    6: (
        "Certainly real",
        "Probably real",
        "Possibly real",
        "Possibly synthetic",
        "Probably synthetic",
        "Certainly synthetic",
    ),
}

INSTRUCTIONS = (
    "You will see one example at a time. Some were recorded from people, some were made by a computer. "
    "Say for each which you think it is, and how sure you are. There is no time limit and no middle answer; "
    "go with your first impression where you cannot tell."
)


class StudyProtocol(BaseModel):
    """A yes/no study with confidence: each rater sees each item alone and answers "real or synthetic".

    Raters never see the title; they do see the instructions.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = Field(min_length=1, max_length=120, description="for the owner; raters do not see it")
    question: Literal["real or synthetic"] = "real or synthetic"
    steps: Literal[4, 6] = Field(
        default=6, description="of the answer scale; no neutral one, so that ratings give an ROC"
    )
    per_side: int = Field(default=30, ge=2, le=500, description="scored real items, and as many synthetic ones")
    practice: int = Field(
        default=4, ge=0, le=20, description="items with feedback before the scored ones, half of each kind"
    )
    repeats: float = Field(
        default=0.1, ge=0, le=0.3, description="share of scored items shown twice, to see self-agreement"
    )
    exposure: Literal["unlimited"] = "unlimited"
    instructions: str = Field(
        default=INSTRUCTIONS, max_length=4000, description="what raters are told; clues move accuracy"
    )
    seed: int | None = Field(
        default=None, ge=0, lt=2**63, description="only to make a study anew; else drawn when it is locked, and secret"
    )

    @field_validator("practice")
    @classmethod
    def _even(cls, practice: int) -> int:
        if practice % 2:
            raise ValueError("an even number keeps practice balanced")
        return practice

    @property
    def answers(self) -> tuple[str, ...]:
        """Labels of the answers 1 … steps, from certainly real to certainly synthetic."""
        return ANSWERS[self.steps]

    @property
    def items_per_side(self) -> int:
        """Real items that the study needs, practice included; as many synthetic ones."""
        return self.per_side + self.practice // 2

    @property
    def repeated(self) -> int:
        """How many scored items each rater sees twice."""
        return round(self.repeats * 2 * self.per_side)

    def says_synthetic(self, value: int) -> bool:
        """Whether an answer 1 … steps is on the synthetic side."""
        return value > self.steps // 2
