"""Settings of one training run."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

MOST_STEPS = 10_000_000


class RunConfig(BaseModel):
    """How long, how fast and where to train; what to train is the generator's own config."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    out: Path | None = Field(None, title="Run directory", description="Run directory; nothing is written when empty.")
    steps: int = Field(
        2000, title="Training steps", ge=1, le=MOST_STEPS, description="The learning rate ends its decay with them."
    )
    batch_size: int = Field(
        32, title="Batch size", ge=1, le=65_536, description="Examples per step; 32 to 64 suit a CPU, hundreds a GPU."
    )
    seed: int = Field(0, title="Seed", ge=0, le=2**31 - 1, description="Same seed, data and machine: same run.")
    average: float = Field(
        0.999,
        title="Moving average of weights",
        ge=0,
        lt=1,
        description="Decay of the moving average of weights that samples are drawn from.",
    )
    clip: float | None = Field(
        None,
        title="Gradient clipping",
        gt=0,
        description="Largest gradient norm; empty means 1 for likelihood-like training, none for critics.",
    )
    schedule: Literal["auto", "cosine", "constant"] = Field(
        "auto",
        title="Learning-rate schedule",
        description="Learning rate over the run; auto means cosine, and constant for adversarial training.",
    )
    warmup: int = Field(
        100, title="Warm-up steps", ge=0, description="Steps over which the learning rate rises to its peak."
    )
    accelerator: Literal["auto", "cpu", "cuda", "mps"] = Field(
        "auto", title="Device", description="Auto takes a GPU if any."
    )
    precision: Literal["auto", "32-true", "bf16-mixed"] = Field(
        "auto", title="Precision", description="Auto means bf16 on CUDA and 32-bit elsewhere."
    )
    checkpoint_seconds: float = Field(
        60.0,
        title="Time between checkpoints",
        ge=0,
        description="A crash loses at most this much work.",
        json_schema_extra={"unit": "s"},
    )
    preview_seconds: float = Field(
        60.0,
        title="Time between previews",
        ge=0,
        description="Time between preview samples.",
        json_schema_extra={"unit": "s"},
    )
    allow_synthetic: bool = Field(
        False,
        title="Train on synthetic examples",
        description="Needed for a dataset that a generator drew; the model's card says it.",
    )
    previews: int = Field(
        8, title="Examples per preview", ge=0, le=64, description="Examples in each preview; 0 for none."
    )
