"""Conditional Wasserstein GAN with weight clipping: Arjovsky et al. 2017, arXiv 1701.07875; for ALS EEG 2506.16243.

The ALS paper trains a convolutional generator and critic on EEG windows with a binary label, names "gradient penalty
via weight clipping", which are alternatives, and leaves open whether severity can be a condition. Here the constraint
is a choice, labels and severity are conditions, and the record of a run says where the critic's weights lie: clipping
drives them to ±c (Gulrajani et al. 2017, arXiv 1704.00028, sec. 3). Widths are ours, none were published.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from synth_core.generators.adversarial import Adversarial, AdversarialConfig, Dropout, Rate, thinned
from synth_core.generators.nets.adversarial import Objective
from synth_core.generators.nets.convolutional import PROJECTED, Critic, Ladder, Synthesis
from synth_core.generators.nets.embedding import ConditionEmbedding
from synth_core.generators.nets.penalty import (
    clip_after_step,
    gradient_norms,
    lipschitz_penalty,
    penalty_points,
    spectrally_normalised,
)
from synth_core.types import Condition

AT_CLIP = 0.99  # share of c from which a weight counts as clipped
BINS = 4  # of the histogram of |w| / c


class CWGANConfig(AdversarialConfig):
    """Settings of the conditional WGAN."""

    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {
        "paper": {
            "constraint": "clip",
            "generator_rate": 5e-5,
            "critic_rate": 5e-5,
            "bounded": True,
            "condition_dropout": 0.0,
            "severity_dropout": 0.0,
        },
    }

    channels: int = Field(
        256, title="Channels of the smallest map", ge=16, le=1024, multiple_of=8, description="Halved with each stage."
    )
    constraint: Literal["clip", "gp", "spectral"] = Field(
        "gp",
        title="Constraint on the critic",
        description="clip: weights within ±c, as in the source, which starves gradients; gp: gradient penalty; "
        "spectral: spectral normalisation with a hinge loss, the cheapest step.",
    )
    clip: float = Field(
        0.01,
        title="Largest weight c",
        gt=0,
        le=1,
        description="For clip, and the scale on which the record of a run shows the critic's weights.",
    )
    penalty: float = Field(10.0, title="Gradient penalty λ", ge=0, le=1000, description="For gp; 10 as in its paper.")
    generator_rate: Rate = Field(
        2e-4, title="Generator learning rate", description="RMSProp for clip (the source: 5e-5), Adam otherwise."
    )
    critic_rate: Rate = Field(2e-4, title="Critic learning rate", description="The same optimiser as the generator's.")
    condition_dropout: Dropout = Field(
        0.1, title="Label dropout", description="Batches trained without labels, so that they may be left open."
    )
    severity_dropout: Dropout = Field(
        0.3, title="Severity dropout", description="Batches trained without severity, so that it may be left open."
    )


class ConditionalWGAN(Adversarial):
    """WGAN on signals, conditioned on class and severity, with a choice of Lipschitz constraint."""

    name = "cwgan"
    title = "Conditional WGAN with weight clipping"
    reference = "Arjovsky et al. 2017, arXiv 1701.07875"
    modalities = frozenset({"eeg", "ecg"})
    conditions = frozenset({"labels", "severity"})
    Config = CWGANConfig
    config: CWGANConfig

    def build(self) -> None:
        """Generator and critic, each with its own embedding of conditions; no normalisation in the critic."""
        config, classes = self.config, len(self.spec.classes)
        ladder = Ladder.over(self.scaling.shape, kernel=8, widest=config.channels)
        self.alternate(config.critic_steps)
        self.generator = Synthesis(
            ladder, config.latent, ConditionEmbedding(classes, PROJECTED), PROJECTED, head=7, bounded=config.bounded
        )
        self.critic = Critic(ladder, ConditionEmbedding(classes, PROJECTED))
        if config.constraint == "spectral":
            spectrally_normalised(self.critic)

    @property
    def objective(self) -> Objective:
        """Wasserstein; hinge where the critic is normalised, whose scores would otherwise grow without need."""
        return "hinge" if self.config.constraint == "spectral" else "wasserstein"

    def prepared(self, values: Tensor, condition: Condition, rng: torch.Generator) -> tuple[Tensor, Condition]:
        """Some batches without labels, some without severity."""
        return values, thinned(condition, self.config.condition_dropout, self.config.severity_dropout, rng)

    def restraint(
        self, real: Tensor, fake: Tensor, condition: Condition, rng: torch.Generator
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The gradient penalty, for gp; in any case the histogram of the critic's weights."""
        terms = weight_histogram(self.critic, self.config.clip)
        if self.config.constraint != "gp":
            return real.new_zeros(()), terms
        points = penalty_points(real, fake, "uniform", rng)
        penalty = lipschitz_penalty(gradient_norms(lambda x: self.critic(x, condition, rng), points))
        return self.config.penalty * penalty, {"penalty": penalty, **terms}

    def optimizer(self, phase: str) -> torch.optim.Optimizer:
        """RMSProp for clip: momentum makes a clipped critic oscillate (sec. 4 of the source). Adam otherwise."""
        config, parameters = self.config, self.parameters_of(phase)
        rate = config.critic_rate if phase == "critic" else config.generator_rate
        if config.constraint != "clip":
            return torch.optim.Adam(parameters, lr=rate, betas=(0.0, 0.9))
        optimizer = torch.optim.RMSprop(parameters, lr=rate)
        return clip_after_step(optimizer, parameters, config.clip) if phase == "critic" else optimizer


@torch.no_grad()
def weight_histogram(critic: torch.nn.Module, clip: float) -> dict[str, Tensor]:
    """Shares of a critic's parameters by |w| / c: "weights_q1" … "weights_q4" for the quarters of [0, c], the last one
    including what lies beyond, and "weights_at_clip" for those within 1 % of c or beyond.
    """
    sizes = torch.cat([parameter.flatten() for parameter in critic.parameters()]).abs() / clip
    below = torch.stack([(sizes < edge / BINS).float().mean() for edge in range(1, BINS)])
    shares = torch.diff(below, prepend=below.new_zeros(1), append=below.new_ones(1))
    quarters = {f"weights_q{position}": share for position, share in enumerate(shares, 1)}
    return {"weights_at_clip": (sizes >= AT_CLIP).float().mean(), **quarters}
