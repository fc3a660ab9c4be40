"""What the adversarial generators share: two phases, one pass of a generator as sampler, settings in common."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from synth_core.generators.base import Generator, GeneratorConfig, Phase
from synth_core.generators.nets.adversarial import Objective, critic_accuracy, critic_loss, generator_loss
from synth_core.types import Batch, Condition

Latent = Annotated[
    int,
    Field(title="Noise vector length", ge=2, le=1024, description="As in the sources: 100 hold more than small sets."),
]
Rate = Annotated[float, Field(gt=0, le=0.1)]
Dropout = Annotated[float, Field(ge=0, le=0.9)]


class AdversarialConfig(GeneratorConfig):
    """Settings that every adversarial generator has."""

    latent: Latent = 100
    critic_steps: int = Field(
        5,
        title="Critic steps per generator step",
        ge=1,
        le=100,
        description="A Wasserstein critic should be near its optimum: 5. A step of a run is a critic step.",
    )
    bounded: bool = Field(
        False,
        title="Range of the data as limit",
        description="The generator ends in a tanh whose ±1 are the extremes of the data, and the critic sees ±1, as in "
        "the sources. One artefact then sets the scale of everything: off, both work in standard deviations.",
    )
    whitening: float | None = Field(
        None,
        title="Spectral whitening",
        ge=0,
        le=0.5,
        description="0.5 weighs all frequencies alike, 0 as they are, as in the sources: critics of short runs hardly "
        "see an upper band of little power. Empty: 0.5 for EEG, 0.25 for ECG, 0 with the range as limit.",
        json_schema_extra={"modalities": ["eeg", "ecg"]},
    )

    @model_validator(mode="after")
    def _range_without_whitening(self) -> Self:
        if self.bounded and self.whitening:
            raise ValueError("the range of the data is known without whitening only; set bounded to false or leave it")
        return self


class Adversarial(Generator):
    """A generator and a critic as submodules of these names, trained in turn.

    `build` of a subclass makes both and may replace `phases`; the critic is called with scaled examples, condition and
    `rng`, the generator with noise and condition.
    """

    conditions = frozenset({"labels"})
    phases = (Phase("critic"), Phase("generator"))
    critics = ("critic",)
    config: AdversarialConfig
    generator: nn.Module
    critic: nn.Module

    @property
    def whitening(self) -> float:
        """Of signals alone, and only where no tanh bounds the generator by the range of the data."""
        if self.config.bounded or self.spec.is_image:
            return 0.0
        usual = {"eeg": 0.5, "ecg": 0.25}[self.spec.modality]
        return usual if self.config.whitening is None else self.config.whitening

    @property
    def objective(self) -> Objective:
        """What is minimised."""
        return "wasserstein"

    def alternate(self, critic_steps: int) -> None:
        """Train the generator on every n-th step, the critic on all."""
        self.phases = (Phase("critic"), Phase("generator", every=critic_steps))

    def loss(self, batch: Batch, phase: str, rng: torch.Generator) -> dict[str, Tensor]:
        """The critic's objective with what keeps it in bounds, or the generator's."""
        values, condition = self.prepared(self._to_networks(batch.values), batch.condition, rng)
        latent = self.latents(len(batch), rng)
        if phase == "generator":
            score = self.judged(self.generator(latent, condition), condition, rng)
            return {"total": generator_loss(self.objective, score)}
        with torch.no_grad():
            made = self.generator(latent, condition)
        real, fake = (self.judged(x, condition, rng) for x in (values, made))
        loss = critic_loss(self.objective, real, fake)
        penalty, terms = self.restraint(values, made, condition, rng)
        gap, accuracy = real.mean() - fake.mean(), critic_accuracy(real, fake)
        return {"total": loss + penalty, "gap": gap, "accuracy": accuracy, **terms}

    def prepared(self, values: Tensor, condition: Condition, rng: torch.Generator) -> tuple[Tensor, Condition]:
        """Real examples and their condition as training takes them; by default as they are."""
        return values, condition

    def judged(self, x: Tensor, condition: Condition, rng: torch.Generator) -> Tensor:
        """(B,) scores of real or generated examples."""
        score: Tensor = self.critic(x, condition, rng)
        return score

    def restraint(
        self, real: Tensor, fake: Tensor, condition: Condition, rng: torch.Generator
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """What is added to the critic's loss, and terms for the record; by default nothing."""
        return real.new_zeros(()), {}

    def latents(self, n: int, rng: torch.Generator) -> Tensor:
        """(n, latent) noise for the generator; standard normal by default."""
        return self.noise((n, self.config.latent), rng)

    def sample_scaled(
        self, condition: Condition, n: int, *, rng: torch.Generator, steps: int | None, guidance: float | None
    ) -> Tensor:
        """One pass of the generator; `steps` and `guidance` do not apply."""
        made: Tensor = self.generator(self.latents(n, rng), condition)
        return made * self.scaling.peak() if self.config.bounded else made

    def parameters_of(self, phase: str) -> list[nn.Parameter]:
        """The critic's or the generator's own."""
        return list((self.critic if phase == "critic" else self.generator).parameters())

    def _to_networks(self, values: Tensor) -> Tensor:
        scaled = self.scaling.to_scaled(values)
        return scaled / self.scaling.peak() if self.config.bounded else scaled


def thinned(condition: Condition, labels: float, rest: float, rng: torch.Generator) -> Condition:
    """The condition of a batch without its labels or, each on its own, severity and mask, with these probabilities.

    Generator and critic then also learn what to do where a part is not given.
    """
    drawn = torch.rand(3, generator=rng, device=rng.device).tolist()
    shares = {"labels": labels, "severity": rest, "mask": rest}
    left_out = [name for (name, share), chance in zip(shares.items(), drawn, strict=True) if chance < share]
    return replace(condition, **dict.fromkeys(left_out, None))
