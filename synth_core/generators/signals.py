"""What the generators of signals in this folder share: whitening, condition dropout and guidance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from synth_core.errors import InvalidSetting
from synth_core.generators.base import Generator, GeneratorConfig
from synth_core.types import Condition

ConditionDropout = Annotated[
    float,
    Field(
        title="Condition dropout",
        ge=0,
        le=0.9,
        description="Share of examples trained without their condition; guidance needs some.",
    ),
]
Guidance = Annotated[
    float,
    Field(title="Guidance", ge=0, le=20, description="1 follows the data; more: clearer classes, less variety."),
]


class SignalConfig(GeneratorConfig):
    """Settings that generators of signals share."""

    whitening: float | None = Field(
        None,
        title="Spectral whitening",
        ge=0,
        le=0.5,
        description="0.5 weighs all frequencies alike, 0 as they are. Empty: 0.5 for EEG, 0.25 for ECG.",
    )
    condition_dropout: ConditionDropout = 0.1
    guidance: Guidance = 1.0


class SignalGenerator(Generator):
    """A generator of EEG and ECG that knows labels and severity, and can leave them out while it trains."""

    modalities = frozenset({"eeg", "ecg"})
    conditions = frozenset({"labels", "severity"})
    config: SignalConfig

    @property
    def whitening(self) -> float:
        """EEG is judged by its bands and is whitened fully; ECG half-way, its shape counts as much."""
        usual = {"eeg": 0.5, "ecg": 0.25}[self.spec.modality]
        return usual if self.config.whitening is None else self.config.whitening

    def uniform(self, shape: tuple[int, ...], rng: torch.Generator) -> Tensor:
        """Uniform numbers in [0, 1) from `rng`, on this generator's device."""
        return torch.rand(shape, generator=rng, device=rng.device).to(self.device)

    def kept(self, n: int, rng: torch.Generator) -> Tensor:
        """(n,) True for the examples whose condition this training step uses."""
        return self.uniform((n,), rng) >= self.config.condition_dropout

    def strength(self, guidance: float | None) -> float:
        """The guidance asked for, or the configured one.

        Raises
        ------
        InvalidSetting : a negative one.
        """
        chosen = self.config.guidance if guidance is None else guidance
        if not 0 <= chosen <= 20:
            raise InvalidSetting(f"The guidance must lie in 0 … 20. Got {chosen} instead.")
        return chosen


def guided(predict: Callable[[Condition], Tensor], condition: Condition, strength: float) -> Tensor:
    """Classifier-free guidance (Ho & Salimans 2022, arXiv 2207.12598, eq. 6, with 1 + w = `strength`)."""
    conditional = predict(condition)
    if strength == 1.0 or not condition.given:
        return conditional
    unconditional = predict(Condition())
    return unconditional + strength * (conditional - unconditional)


def checked_steps(steps: int, most: int) -> int:
    """`steps` when it lies in 1 … `most`; InvalidSetting otherwise."""
    if not 1 <= steps <= most:
        raise InvalidSetting(f"The number of sampler steps must lie in 1 … {most}. Got {steps} instead.")
    return steps
