"""WaveGAN on EEG and ECG: Donahue et al. 2018, arXiv 1802.04208; code chrisdonahue/wavegan.

Kernel 25 and stride 4 throughout, no normalisation, phase shuffle in the critic. The source makes 16,384 samples from
16 in five stages; other lengths take as many stages as bring them to about 16 samples, with `channels` nearest to the
signal, as the source does for its longer variants. Examples that no ladder fits are padded for the critic and cropped
from the generator. Labels are ours: joined to the noise, projected in the critic; without classes nothing is added.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from synth_core.generators.adversarial import Adversarial, AdversarialConfig
from synth_core.generators.nets.adversarial import Objective
from synth_core.generators.nets.convolutional import PROJECTED, Critic, Ladder, Synthesis
from synth_core.generators.nets.embedding import LabelEmbedding
from synth_core.generators.nets.penalty import clip_after_step, gradient_norms, lipschitz_penalty, penalty_points
from synth_core.types import Condition

KERNEL = 25
OBJECTIVES: dict[str, Objective] = {
    "dcgan": "bce",
    "lsgan": "least-squares",
    "wgan": "wasserstein",
    "wgan-gp": "wasserstein",
}
RATES = {"dcgan": 2e-4, "lsgan": 1e-4, "wgan": 5e-5, "wgan-gp": 1e-4}  # of the source's code
CLIP = 0.01  # of the weights, loss wgan


class WaveGANConfig(AdversarialConfig):
    """Settings of WaveGAN."""

    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {
        "paper": {
            "bounded": True,
            "noise": "uniform",
            "channels": 64,
            "learning_rate": 1e-4,
            "shuffle_each": False,
        },
    }

    channels: int = Field(
        32,
        title="Channels next to the signal",
        ge=4,
        le=128,
        description="They double with each stage towards the smallest map. The source has 64.",
    )
    noise: Literal["uniform", "normal"] = Field(
        "normal", title="Noise", description="The source draws uniformly from ±1; normal noise has no corners."
    )
    loss: Literal["dcgan", "lsgan", "wgan", "wgan-gp"] = Field(
        "wgan-gp", title="Loss", description="wgan-gp, the source's choice, is the one that stays stable on small sets."
    )
    penalty: float = Field(
        10.0, title="Gradient penalty λ", ge=0, le=1000, description="For loss wgan-gp; as in the source."
    )
    learning_rate: float | None = Field(
        2e-4,
        title="Learning rate",
        gt=0,
        le=0.1,
        description="Of both networks. Empty: the source's for the loss (1e-4 for wgan-gp).",
    )
    shuffle: int = Field(
        2,
        title="Phase shuffle",
        ge=0,
        le=10,
        description="Hides at which phase the generator's artefacts come; 0 for none.",
        json_schema_extra={"unit": "samples"},
    )
    shuffle_each: bool = Field(
        True,
        title="Shuffle each example",
        description="A shift for each example is the intention of the paper; its code draws one per batch.",
    )


class WaveGAN(Adversarial):
    """WaveGAN on signals of some hundred to some thousand samples."""

    name = "wavegan"
    title = "WaveGAN"
    reference = "Donahue et al. 2018, arXiv 1802.04208"
    modalities = frozenset({"eeg", "ecg"})
    growth = 1.6  # every stage more, for four times the length, has twice the channels
    Config = WaveGANConfig
    config: WaveGANConfig

    def build(self) -> None:
        """Generator and critic, each with its own embedding of labels where there are classes."""
        config, classes = self.config, len(self.spec.classes)
        ladder = Ladder.over(self.scaling.shape, kernel=KERNEL, narrowest=config.channels)
        self.alternate(config.critic_steps)
        joined, projected = (LabelEmbedding(classes, PROJECTED) if classes else None for _ in range(2))
        self.generator = Synthesis(ladder, config.latent, joined, PROJECTED if classes else 0, bounded=config.bounded)
        self.critic = Critic(ladder, projected, shuffle=config.shuffle, shuffle_each=config.shuffle_each)

    @property
    def objective(self) -> Objective:
        """By the configured loss."""
        return OBJECTIVES[self.config.loss]

    def latents(self, n: int, rng: torch.Generator) -> Tensor:
        """(n, latent), uniform in ±1 or standard normal."""
        if self.config.noise == "normal":
            return super().latents(n, rng)
        return 2 * torch.rand(n, self.config.latent, generator=rng, device=rng.device).to(self.device) - 1

    def restraint(
        self, real: Tensor, fake: Tensor, condition: Condition, rng: torch.Generator
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The gradient penalty, for loss wgan-gp."""
        if self.config.loss != "wgan-gp":
            return real.new_zeros(()), {}
        points = penalty_points(real, fake, "uniform", rng)
        penalty = lipschitz_penalty(gradient_norms(lambda x: self.critic(x, condition, rng), points))
        return self.config.penalty * penalty, {"penalty": penalty}

    def optimizer(self, phase: str) -> torch.optim.Optimizer:
        """As the source for each loss: Adam, or RMSProp for lsgan and wgan, the latter with clipped critic weights."""
        loss = self.config.loss
        rate, parameters = self.config.learning_rate or RATES[loss], self.parameters_of(phase)
        if loss == "dcgan":
            return torch.optim.Adam(parameters, lr=rate, betas=(0.5, 0.999))
        if loss == "wgan-gp":
            return torch.optim.Adam(parameters, lr=rate, betas=(0.5, 0.9))
        optimizer = torch.optim.RMSprop(parameters, lr=rate, alpha=0.9)
        clips = loss == "wgan" and phase == "critic"
        return clip_after_step(optimizer, parameters, CLIP) if clips else optimizer
