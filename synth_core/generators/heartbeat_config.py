"""Settings of the heartbeat generator."""

from __future__ import annotations

from pydantic import Field

from synth_core.generators.base import GeneratorConfig


class HeartbeatConfig(GeneratorConfig):
    """Settings of the heartbeat generator; it is our own, so both presets are the same."""

    components: int = Field(
        60,
        title="Components of a beat",
        ge=4,
        le=400,
        description="Principal components of the shape; 60 keep 99 % of what differs between 275 people.",
    )
    noise_components: int = Field(
        40,
        title="Components of the noise",
        ge=2,
        le=200,
        description="Principal components of the spectra of wander, muscle and mains.",
    )
    width: int = Field(
        128, title="Network width", ge=16, le=1024, description="Small: a network sees one row of numbers per record."
    )
    depth: int = Field(2, title="Network blocks", ge=1, le=8, description="Residual blocks; more want more records.")
    dropout: float = Field(
        0.4, title="Dropout", ge=0, lt=1, description="Some hundred records are learnt by heart without it."
    )
    learning_rate: float = Field(5e-4, title="Learning rate", gt=0, le=0.1, description="Peak, of AdamW.")
    weight_decay: float = Field(
        1.0, title="Weight decay", ge=0, le=10, description="Towards the Gaussian that the network begins from."
    )
    condition_dropout: float = Field(
        0.1, title="Condition dropout", ge=0, lt=1, description="Share of records seen without labels and severity."
    )
    steps: int = Field(20, title="Sampler steps", ge=1, le=500, description="Of Heun's method, on rows of numbers.")
    studied: int = Field(
        2048,
        title="Records studied",
        ge=20,
        le=100_000,
        description="That components, quantiles and noise are fitted on before the first step; 20 ms each.",
    )
