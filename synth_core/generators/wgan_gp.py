"""Wasserstein GAN with gradient penalty, conditioned on class: Gulrajani et al. 2017, arXiv 1704.00028.

Networks and settings follow the public WGAN-GP example on which the Fahr-disease CT work builds: a dense layer to a
small map, transposed convolutions up to the example; a mirrored critic with layer normalisation, since batch
normalisation would couple the examples whose gradients are penalised one by one.
"""

from __future__ import annotations

import itertools
import math

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from synth_core.generators.base import Generator, GeneratorConfig, Phase
from synth_core.generators.nets.embedding import ConditionEmbedding
from synth_core.types import Batch, Condition, DataSpec


class WGANGPConfig(GeneratorConfig):
    """Settings of the WGAN-GP."""

    latent: int = Field(
        100, title="Noise vector length", ge=2, le=1024, description="Length of the noise vector, as in the source."
    )
    channels: int = Field(
        256,
        title="Channels of the smallest map",
        ge=16,
        le=1024,
        multiple_of=8,
        description="Of the smallest map; the source has 512.",
    )
    penalty: float = Field(
        10.0,
        title="Gradient penalty λ",
        ge=0,
        le=1000,
        description="Weight λ of the gradient penalty (Algorithm 1: 10).",
    )
    generator_rate: float = Field(
        1e-4,
        title="Generator learning rate",
        gt=0,
        le=0.1,
        description="Adam; the source's 1e-3 diverges on small sets.",
    )
    critic_rate: float = Field(
        2e-4, title="Critic learning rate", gt=0, le=0.1, description="Adam; the source has 2e-4."
    )


class WGANGP(Generator):
    """WGAN-GP on signals and slices; the condition joins the noise in G and enters the critic by projection."""

    name = "wgan_gp"
    title = "Wasserstein GAN with gradient penalty"
    reference = "Gulrajani et al. 2017, arXiv 1704.00028"
    modalities = frozenset({"eeg", "ecg", "ct"})
    conditions = frozenset({"labels", "severity"})
    phases = (Phase("critic", every=1), Phase("generator", every=5))  # n_critic = 5, Algorithm 1
    critics = ("critic",)
    Config = WGANGPConfig
    config: WGANGPConfig

    def build(self) -> None:
        """Generator and critic, each with its own embedding of conditions."""
        config = self.config
        self.generator = Synthesis(self.spec, self.scaling.shape, config.latent, config.channels)
        self.critic = Critic(self.spec, self.scaling.shape, config.channels)

    def loss(self, batch: Batch, phase: str, rng: torch.Generator) -> dict[str, Tensor]:
        """Algorithm 1: line 7 for the critic, line 12 for the generator."""
        fake = self.generator(self.noise((len(batch), self.config.latent), rng), batch.condition)
        if phase == "generator":
            return {"total": -self.critic(fake, batch.condition).mean()}
        real, fake = self.scaling.to_scaled(batch.values), fake.detach()
        gap = self.critic(real, batch.condition).mean() - self.critic(fake, batch.condition).mean()
        penalty = self._penalty(real, fake, batch.condition, rng)
        return {"total": self.config.penalty * penalty - gap, "wasserstein": gap, "penalty": penalty}

    def _penalty(self, real: Tensor, fake: Tensor, condition: Condition, rng: torch.Generator) -> Tensor:
        """(‖∇D(x̂)‖ − 1)² at points x̂ drawn on the lines between real and fake (sec. 4)."""
        mix = torch.rand(len(real), generator=rng, device=rng.device).to(real.device).view(-1, *[1] * (real.ndim - 1))
        between = (mix * real + (1 - mix) * fake).requires_grad_(True)
        gradient = torch.autograd.grad(self.critic(between, condition).sum(), between, create_graph=True)[0]
        norm = (gradient.flatten(1).square().sum(1) + 1e-10).sqrt()  # the root has no slope at zero
        return (norm - 1).square().mean()

    def sample_scaled(
        self, condition: Condition, n: int, *, rng: torch.Generator, steps: int | None, guidance: float | None
    ) -> Tensor:
        """One pass of the generator; `steps` and `guidance` do not apply."""
        return self.generator(self.noise((n, self.config.latent), rng), condition)

    def parameters_of(self, phase: str) -> list[nn.Parameter]:
        """The critic's or the generator's own."""
        return list((self.critic if phase == "critic" else self.generator).parameters())

    def optimizer(self, phase: str) -> torch.optim.Optimizer:
        """Adam without momentum, β = (0, 0.9), as Algorithm 1."""
        rate = self.config.critic_rate if phase == "critic" else self.config.generator_rate
        return torch.optim.Adam(self.parameters_of(phase), lr=rate, betas=(0.0, 0.9))


def _stages(spec: DataSpec) -> tuple[int, int, tuple[int, ...]]:
    """Number of stages, stride of each, and the size of the smallest map (at least 4 a side; about 16 samples)."""
    stride, smallest = (2, 4) if spec.is_image else (4, 16)
    sizes = spec.shape[1:]
    stages = max(1, round(math.log(max(sizes) / smallest, stride)))
    return stages, stride, tuple(math.ceil(size / stride**stages) for size in sizes)


class Synthesis(nn.Module):
    """Noise and condition to a scaled example: dense, then one transposed convolution per stage."""

    def __init__(self, spec: DataSpec, shape: tuple[int, ...], latent: int, channels: int) -> None:
        super().__init__()
        stages, stride, self.smallest = _stages(spec)
        self.sizes = shape[1:]
        self.channels = channels
        widths = [max(16, channels >> stage) for stage in range(stages)]
        convolution, transposed = (nn.Conv2d, nn.ConvTranspose2d) if spec.is_image else (nn.Conv1d, nn.ConvTranspose1d)
        self.embedding = ConditionEmbedding(len(spec.classes), latent)
        self.dense = nn.Linear(2 * latent, channels * math.prod(self.smallest))
        layers: list[nn.Module] = []
        for before, after in zip(widths, [*widths[1:], widths[-1]], strict=True):
            # a kernel of twice the stride has no checkerboard: every output sees the same number of inputs
            layers += [nn.ReLU(), transposed(before, after, 2 * stride, stride, padding=stride // 2)]
        self.layers = nn.Sequential(*layers, nn.ReLU(), convolution(widths[-1], shape[0], 7, padding=3))

    def forward(self, noise: Tensor, condition: Condition) -> Tensor:
        """(B, latent) → (B, channels, *size)."""
        joined = torch.cat([noise, self.embedding(condition, len(noise))], dim=1)
        grown = self.layers(self.dense(joined).view(len(noise), self.channels, *self.smallest))
        return grown[(..., *(slice(size) for size in self.sizes))]


class Critic(nn.Module):
    """Scaled example and condition to one unbounded score, by projection (Miyato & Koyama 2018, arXiv 1802.05637)."""

    def __init__(self, spec: DataSpec, shape: tuple[int, ...], channels: int) -> None:
        super().__init__()
        stages, stride, smallest = _stages(spec)
        self.padding: list[int] = []
        for size, cells in zip(reversed(shape[1:]), reversed(smallest), strict=True):
            self.padding += [0, cells * stride**stages - size]
        widths = [shape[0], *(max(16, channels >> stage) for stage in reversed(range(stages)))]
        convolution = nn.Conv2d if spec.is_image else nn.Conv1d
        layers: list[nn.Module] = []
        for stage, (before, after) in enumerate(itertools.pairwise(widths)):
            layers.append(convolution(before, after, 2 * stride + 1, stride, padding=stride))
            if stage > 0:
                layers.append(nn.GroupNorm(1, after))  # layer normalisation over channels and positions
            layers.append(nn.LeakyReLU(0.2))
        self.layers = nn.Sequential(*layers)
        features = channels * math.prod(smallest)
        self.score = nn.Linear(features, 1)
        self.project = nn.Linear(features, 64)
        self.embedding = ConditionEmbedding(len(spec.classes), 64)

    def forward(self, x: Tensor, condition: Condition) -> Tensor:
        """(B, channels, *size) → (B,)."""
        features = self.layers(F.pad(x, self.padding)).flatten(1)
        agreement = (self.project(features) * self.embedding(condition, len(x))).sum(1) / 8  # √64
        return self.score(features)[:, 0] + agreement
