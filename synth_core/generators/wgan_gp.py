"""Wasserstein GAN with gradient penalty: Gulrajani et al. 2017, arXiv 1704.00028, with the Fahr paper's enhancements.

Networks and settings of the preset "paper" follow the public WGAN-GP example on which the Fahr-disease CT work builds:
a dense layer to a 4 × 4 map, transposed convolutions of kernel 5 up to the example, a mirrored critic with layer
normalisation. That example ends its critic in a sigmoid, which bounds a Wasserstein distance: `bounded_critic`. Each
row of the paper's table of enhancements is a setting here; self-attention (SAGAN, Zhang et al. 2018, arXiv 1805.08318),
the lesion mask and the differentiable augmentation come on top.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from synth_core.generators.adversarial import Adversarial, AdversarialConfig, Dropout, Rate, thinned
from synth_core.generators.nets.adversarial import Objective
from synth_core.generators.nets.augmentation import augmented, mirrored
from synth_core.generators.nets.convolutional import PROJECTED, Critic, Ladder, Synthesis
from synth_core.generators.nets.embedding import ConditionEmbedding
from synth_core.generators.nets.penalty import (
    gradient_norms,
    lipschitz_penalty,
    penalty_points,
    spectrally_normalised,
)
from synth_core.types import Condition

ADAPTATION = 0.02  # rate at which an adaptive λ moves, in its logarithm
TOLERANCE = 0.1  # root mean square of ‖∇D‖ − 1 at which an adaptive λ stays
ADAPTIVE_RANGE = 10.0  # an adaptive λ stays within this factor of the set one


class WGANGPConfig(AdversarialConfig):
    """Settings of the WGAN-GP."""

    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {
        "paper": {
            "channels": 512,
            "kernel": 5,
            "head": False,
            "bounded": True,
            "generator_rate": 1e-3,
            "critic_rate": 2e-4,
            "mirror": True,
            "mask": False,
            "condition_dropout": 0.0,
        },
    }

    channels: int | None = Field(
        None,
        title="Channels of the smallest map",
        ge=16,
        le=1024,
        multiple_of=8,
        description="Halved with each stage. The source has 512. Empty: 256 for signals, 128 for slices, which train "
        "on a CPU in under half a second a step.",
    )
    kernel: int | None = Field(
        None,
        title="Kernel",
        ge=3,
        le=25,
        description="Of the strided convolutions; the source has 5. Empty: twice the stride, which leaves no "
        "checkerboard, as every output sees the same number of inputs.",
    )
    head: bool = Field(
        True, title="Convolution at full size", description="A last one in the generator that smooths its stages."
    )
    loss: Literal["wasserstein", "hinge"] = Field(
        "wasserstein", title="Loss", description="hinge (SAGAN) goes with spectral normalisation."
    )
    penalty: float = Field(
        10.0,
        title="Gradient penalty λ",
        ge=0,
        le=1000,
        description="Weight λ of the gradient penalty (Algorithm 1: 10); 0 leaves it out.",
    )
    adaptive_penalty: bool = Field(
        False,
        title="Adaptive λ",
        description="λ grows while gradient norms are far from 1 and shrinks while they are close, within a factor "
        "of ten.",
    )
    points: Literal["uniform", "convex", "local"] = Field(
        "uniform",
        title="Penalty points",
        description="uniform: on lines from real to generated; convex: in simplices of two of each; local: around "
        "real examples (DRAGAN).",
    )
    norm: Literal["l2", "l1"] = Field("l2", title="Gradient norm", description="l2 as in the source; l1 is sparser.")
    one_sided: bool = Field(
        False, title="One-sided penalty", description="Only norms above 1 count: a flat critic costs nothing."
    )
    exact_gradients: bool = Field(
        True,
        title="Exact higher-order gradients",
        description="Off: the norm is a finite difference along the steepest direction, cheaper in memory.",
    )
    attention: bool = Field(
        False,
        title="Self-attention",
        description="In both networks, at about 32 × 32 pixels or 128 samples; symmetry and rhythm over distance, at "
        "a slower step.",
    )
    spectral_norm: Literal["none", "critic", "both"] = Field(
        "none", title="Spectral normalisation", description="A second way to hold the critic; both as in SAGAN."
    )
    bounded_critic: bool = Field(
        False, title="Sigmoid on the critic", description="As in the MATLAB example; it bounds the distance."
    )
    augment: bool = Field(
        False,
        title="Differentiable augmentation",
        description="For sets of some hundred examples, which a critic learns by heart: moves, cuts and brightens "
        "slices, moves and scales signals, real and generated alike.",
    )
    mirror: bool = Field(
        False,
        title="Random reflection",
        description="Left and right of real slices are swapped at random, as in the source.",
        json_schema_extra={"modalities": ["ct"]},
    )
    mask: bool = Field(
        True,
        title="Lesion mask",
        description="Modulates the generator and is seen by the critic: where a lesion lies can be asked for.",
        json_schema_extra={"modalities": ["ct"]},
    )
    condition_dropout: Dropout = Field(
        0.1, title="Label dropout", description="Batches trained without labels, so that they may be left open."
    )
    detail_dropout: Dropout = Field(
        0.3,
        title="Severity and mask dropout",
        description="Batches trained without severity and without mask, each on its own: both may be left open.",
    )
    generator_rate: Rate = Field(
        3e-4,
        title="Generator learning rate",
        description="Adam; 1e-4 gets nowhere in some hundred steps. The source: 1e-3.",
    )
    critic_rate: Rate = Field(
        6e-4, title="Critic learning rate", description="Adam; faster than the generator's (TTUR). The source: 2e-4."
    )


class WGANGP(Adversarial):
    """WGAN-GP on signals and slices; the condition joins the noise in G and enters the critic by projection."""

    name = "wgan_gp"
    title = "Wasserstein GAN with gradient penalty"
    reference = "Gulrajani et al. 2017, arXiv 1704.00028"
    modalities = frozenset({"eeg", "ecg", "ct"})
    conditions = frozenset({"labels", "severity", "mask"})
    Config = WGANGPConfig
    config: WGANGPConfig
    penalty_weight: Tensor

    def build(self) -> None:
        """Generator and critic, each with its own embedding of conditions."""
        config, classes = self.config, len(self.spec.classes)
        stride = 2 if self.spec.is_image else 4
        widest = config.channels or (128 if self.spec.is_image else 256)
        ladder = Ladder.over(self.scaling.shape, kernel=config.kernel or 2 * stride, widest=widest)
        self.alternate(config.critic_steps)
        self.generator = Synthesis(
            ladder,
            config.latent,
            ConditionEmbedding(classes, PROJECTED),
            PROJECTED,
            head=(3 if self.spec.is_image else 7) if config.head else 0,
            attention=config.attention,
            masked=self.masked,
            bounded=config.bounded,
        )
        self.critic = Critic(
            ladder,
            ConditionEmbedding(classes, PROJECTED),
            normalised=True,
            attention=config.attention,
            masked=self.masked,
            bounded=config.bounded_critic,
        )
        if config.spectral_norm != "none":
            spectrally_normalised(self.critic)
        if config.spectral_norm == "both":
            spectrally_normalised(self.generator)
        if config.adaptive_penalty:
            self.register_buffer("penalty_weight", torch.tensor(config.penalty))

    @property
    def masked(self) -> bool:
        """Whether this instance answers to a lesion mask."""
        return self.spec.is_image and self.config.mask

    @property
    def accepted(self) -> frozenset[str]:
        """Without the mask where that is switched off."""
        return super().accepted - (frozenset() if self.masked else {"mask"})

    @property
    def objective(self) -> Objective:
        """As configured."""
        return self.config.loss

    def prepared(self, values: Tensor, condition: Condition, rng: torch.Generator) -> tuple[Tensor, Condition]:
        """Slices mirrored at random where that is set; some batches without labels, severity or mask."""
        config = self.config
        if config.mirror and self.spec.is_image:
            values, condition = mirrored(values, condition, rng)
        return values, thinned(condition, config.condition_dropout, config.detail_dropout, rng)

    def judged(self, x: Tensor, condition: Condition, rng: torch.Generator) -> Tensor:
        """(B,) scores, after the augmentation where that is set."""
        if self.config.augment:
            x, condition = augmented(x, condition, rng)
        return super().judged(x, condition, rng)

    def restraint(
        self, real: Tensor, fake: Tensor, condition: Condition, rng: torch.Generator
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The gradient penalty in the configured form, and the mean norm that it acts on."""
        config = self.config
        if config.penalty == 0:
            return real.new_zeros(()), {}
        points = penalty_points(real, fake, config.points, rng)
        if config.augment:
            points, condition = augmented(points, condition, rng)
        norms = gradient_norms(
            lambda x: self.critic(x, condition), points, norm=config.norm, exact=config.exact_gradients
        )
        penalty = lipschitz_penalty(norms, config.one_sided)
        terms = {"penalty": penalty, "gradient_norm": norms.mean()}
        if not config.adaptive_penalty:
            return config.penalty * penalty, terms
        weight = self._adapted(penalty)
        return weight * penalty, {**terms, "penalty_weight": weight}

    @torch.no_grad()
    def _adapted(self, penalty: Tensor) -> Tensor:
        towards = torch.sign(penalty.sqrt() - TOLERANCE)
        low, high = self.config.penalty / ADAPTIVE_RANGE, self.config.penalty * ADAPTIVE_RANGE
        self.penalty_weight.mul_(torch.exp(ADAPTATION * towards)).clamp_(low, high)
        return self.penalty_weight.clone()

    def optimizer(self, phase: str) -> torch.optim.Optimizer:
        """Adam without momentum, β = (0, 0.9), as Algorithm 1."""
        rate = self.config.critic_rate if phase == "critic" else self.config.generator_rate
        return torch.optim.Adam(self.parameters_of(phase), lr=rate, betas=(0.0, 0.9))
