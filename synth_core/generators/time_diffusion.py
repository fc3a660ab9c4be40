"""Class-conditional diffusion for time series: our reading of the "Time-Diffusion" named in arXiv 2411.18456.

The code of that paper is not public, so this is not a copy of it: a one-dimensional U-Net that predicts v on a cosine
schedule, as BioDiffusion (Li et al. 2024, arXiv 2401.10282) does for biosignals, with classifier-free guidance (Ho &
Salimans 2022, arXiv 2207.12598) and DDIM sampling (Song et al. 2021, arXiv 2010.02502).
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from synth_core.generators.diffusion import cosine_schedule, evenly_spaced, zero_terminal_snr
from synth_core.generators.nets.embedding import ConditionEmbedding
from synth_core.generators.nets.unet import UNet
from synth_core.generators.signal_diffusion import SignalDiffusion
from synth_core.generators.signals import SignalConfig, checked_steps
from synth_core.types import Batch, Condition


class TimeDiffusionConfig(SignalConfig):
    """Settings of the class-conditional U-Net diffusion."""

    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {
        "paper": {
            "width": 64,
            "stages": 4,
            "attention_from": 0,
            "zero_terminal": False,
            "learning_rate": 1e-4,
            "whitening": 0.0,
            "steps": 100,
        }
    }

    width: int = Field(
        32,
        title="Channels at full length",
        ge=8,
        le=256,
        multiple_of=8,
        description="32 trains on a CPU (16 at 12 × 1000: 0.7 s for 16 examples), 64 wants a GPU.",
    )
    stages: int = Field(
        3, title="Stages", ge=2, le=5, description="Each doubles the channels and, but for the last, halves the length."
    )
    attention_from: int = Field(
        2,
        title="Attention from stage",
        ge=0,
        le=5,
        description="Linear attention in this stage and deeper ones; 0 has it at full length, which doubles the cost.",
    )
    noise_steps: int = Field(
        1000, title="Diffusion steps", ge=2, le=10_000, description="T of training; the usual 1000."
    )
    zero_terminal: bool = Field(
        True, title="End in pure noise", description="Sampling begins from noise alone; so should training end there."
    )
    learning_rate: float = Field(
        1e-3,
        title="Learning rate",
        gt=0,
        le=0.1,
        description="AdamW; 1e-3 for the small network, 1e-4 for a large one.",
    )
    weight_decay: float = Field(
        0.01, title="Weight decay", ge=0, le=1, description="Of AdamW; mild: the moving average smooths already."
    )
    steps: int = Field(
        50,
        title="Sampler steps",
        ge=1,
        le=10_000,
        description="DDIM steps; 25 to 100 are enough, 1000 is the full chain.",
    )
    eta: float = Field(
        0.0, title="Sampler noise η", ge=0, le=1, description="0 is DDIM, without noise; 1 is the ancestral sampler."
    )


class TimeDiffusion(SignalDiffusion):
    """Class-conditional U-Net diffusion on signals."""

    name = "time_diffusion"
    title = "Class-conditional diffusion, U-Net"
    reference = "Our reading of arXiv 2411.18456; Li et al. 2024, arXiv 2401.10282"
    growth = 1.5  # attention at the last stage
    Config = TimeDiffusionConfig
    config: TimeDiffusionConfig

    def build(self) -> None:
        """The U-Net, the embedding of conditions and the schedule."""
        config = self.config
        self.network = UNet(
            self.scaling.shape[0],
            width=config.width,
            multiples=tuple(2**stage for stage in range(config.stages)),
            attention_from=config.attention_from,
        )
        self.embedding = ConditionEmbedding(len(self.spec.classes), self.network.embedding_width)
        schedule = cosine_schedule(config.noise_steps)
        self.schedule = zero_terminal_snr(schedule) if config.zero_terminal else schedule

    def loss(self, batch: Batch, phase: str, rng: torch.Generator) -> dict[str, Tensor]:
        """Mean squared error of v at one random step per example."""
        data = self.scaling.to_scaled(batch.values)
        return {"total": F.mse_loss(*self.output_and_target(data, batch.condition, rng))}

    def output(self, x: Tensor, step: Tensor, condition: Condition, keep: Tensor | None = None) -> Tensor:
        """The U-Net's, whose embedding of time is made for 1000 steps."""
        times = step * (1000 / self.config.noise_steps)
        return self.network(x, times, self.embedding(condition, len(x), keep))

    def sample_scaled(
        self, condition: Condition, n: int, *, rng: torch.Generator, steps: int | None, guidance: float | None
    ) -> Tensor:
        """DDIM from noise to data, with guidance."""
        most = self.config.noise_steps
        wanted = min(self.config.steps, most) if steps is None else steps
        schedule = evenly_spaced(self.schedule, checked_steps(wanted, most))
        return self.denoised(condition, n, schedule, rng=rng, guidance=guidance, eta=self.config.eta)

    def optimizer(self, phase: str) -> torch.optim.Optimizer:
        """AdamW on all parameters."""
        config = self.config
        return torch.optim.AdamW(
            self.parameters_of(phase), lr=config.learning_rate, betas=(0.9, 0.99), weight_decay=config.weight_decay
        )
