"""DiffWave: a diffusion model with dilated convolutions on the waveform, Kong et al. 2021, arXiv 2009.09761.

Many channels instead of one enter and leave by the 1×1 convolutions, and an embedding of class and severity is added
to that of the diffusion step. With preset="paper" values are scaled into [−1, 1] by the largest that training saw, as
audio is: the sampler of the paper clamps there, and unit variance would lose every peak.

The schedule of the paper ends at ᾱ = 0.28, where a quarter of the power is still signal, while sampling begins from
noise alone. "modern" scales the schedule to end at zero and predicts v, since ε says nothing of the data there (Lin et
al. 2023, arXiv 2305.08891).
"""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from synth_core.generators.diffusion import (
    Prediction,
    evenly_spaced,
    linear_schedule,
    matching_steps,
    zero_terminal_snr,
)
from synth_core.generators.nets.dilated import STEP_WIDTH, DilatedNetwork
from synth_core.generators.nets.embedding import ConditionEmbedding
from synth_core.generators.signal_diffusion import SignalDiffusion
from synth_core.generators.signals import SignalConfig, checked_steps
from synth_core.types import Batch, Condition

FAST_BETAS = (1e-4, 1e-3, 0.01, 0.05, 0.2, 0.5)  # of the public implementation, for 6 steps


class DiffWaveConfig(SignalConfig):
    """Settings of DiffWave."""

    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {
        "paper": {
            "layers": 30,
            "cycle": 10,
            "terminal": "source",
            "amplitude": "peak",
            "loss": "absolute",
            "learning_rate": 2e-4,
            "whitening": 0.0,
            "condition_dropout": 0.0,
        }
    }

    width: int = Field(
        64, title="Channels", ge=8, le=512, multiple_of=8, description="Of every block; 64 in the source."
    )
    layers: int = Field(
        16,
        title="Residual blocks",
        ge=1,
        le=60,
        description="30 in the source; 16 reach as far in short windows. At 12 × 1000, 18 blocks of 32 channels take "
        "half a second for 16 examples on one CPU core.",
    )
    cycle: int | None = Field(
        None,
        title="Dilation cycle",
        ge=1,
        le=12,
        description="Dilations go 1, 2, 4 … over so many blocks and begin again; 10 in the source. Empty: as many as "
        "reach half of the window.",
    )
    noise_steps: int = Field(50, title="Diffusion steps", ge=2, le=1000, description="T of training; 50 in the source.")
    last_beta: float = Field(
        0.05,
        title="Last variance β",
        gt=1e-4,
        lt=1,
        description="β rises evenly from 0.0001 to this; 0.05 in the source.",
    )
    terminal: Literal["zero", "source"] = Field(
        "zero",
        title="End of the schedule",
        description="zero: the last step is pure noise, and v is predicted; source: ε, and 28 % of the power remain.",
    )
    amplitude: Literal["unit", "peak"] = Field(
        "unit",
        title="Amplitude",
        description="unit: variance 1; peak: within ±1, where the source's sampler clamps.",
    )
    loss: Literal["squared", "absolute"] = Field(
        "squared",
        title="Error",
        description="Squared errors keep the spread of the noise; the source has absolute ones.",
    )
    learning_rate: float = Field(
        1e-3, title="Learning rate", gt=0, le=0.1, description="Adam; the source's 2e-4 is for a million steps."
    )
    fast: bool = Field(
        False, title="Fast sampling", description="The six steps of the source's fast schedule instead of all."
    )
    steps: int = Field(
        50, title="Sampler steps", ge=1, le=1000, description="At most the diffusion steps; fewer are evenly spaced."
    )


class DiffWave(SignalDiffusion):
    """DiffWave on signals of any number of channels, conditioned on labels and severity."""

    name = "diffwave"
    title = "DiffWave, dilated convolutions"
    reference = "Kong et al. 2021, arXiv 2009.09761; Lin et al. 2023, arXiv 2305.08891"
    Config = DiffWaveConfig
    config: DiffWaveConfig

    def build(self) -> None:
        """The network, the embedding of conditions and the schedule."""
        config = self.config
        channels, length = self.scaling.shape
        self.embedding = ConditionEmbedding(len(self.spec.classes), STEP_WIDTH)
        self.network = DilatedNetwork(
            channels,
            width=config.width,
            layers=config.layers,
            cycle=config.cycle or suggested_cycle(length),
            steps=config.noise_steps,
        )
        schedule = linear_schedule(config.noise_steps, last=config.last_beta)
        self.schedule = zero_terminal_snr(schedule) if config.terminal == "zero" else schedule

    @property
    def predicts(self) -> Prediction:
        """What the network puts out."""
        return "velocity" if self.config.terminal == "zero" else "noise"

    def loss(self, batch: Batch, phase: str, rng: torch.Generator) -> dict[str, Tensor]:
        """Error of ε (alg. 1 of the paper) or of v, at one random step per example."""
        data = self.scaling.to_scaled(batch.values) / self._peak()
        error = F.mse_loss if self.config.loss == "squared" else F.l1_loss
        return {"total": error(*self.output_and_target(data, batch.condition, rng))}

    def output(self, x: Tensor, step: Tensor, condition: Condition, keep: Tensor | None = None) -> Tensor:
        """The residual network's."""
        return self.network(x, step, self.embedding(condition, len(x), keep))

    def sample_scaled(
        self, condition: Condition, n: int, *, rng: torch.Generator, steps: int | None, guidance: float | None
    ) -> Tensor:
        """Ancestral sampling (alg. 1 of the paper), over all steps, evenly spaced ones, or the six fast ones."""
        clamp = 1.0 if self.config.amplitude == "peak" else None
        schedule = self.sampler_levels(steps)
        return self.denoised(condition, n, schedule, rng=rng, guidance=guidance, eta=1.0, clamp=clamp) * self._peak()

    def sampler_levels(self, steps: int | None) -> tuple[Tensor, Tensor]:
        """ᾱ of each sampler step and its fractional position in the training schedule, from data to noise.

        Raises
        ------
        InvalidSetting : more steps than the schedule has, or fewer than one.
        """
        if steps is None and self.config.fast:
            levels = torch.cumprod(1 - torch.tensor(FAST_BETAS, dtype=torch.float64), dim=0)
            return levels, matching_steps(self.schedule, levels)
        wanted = min(self.config.steps, self.config.noise_steps) if steps is None else steps
        return evenly_spaced(self.schedule, checked_steps(wanted, self.config.noise_steps))

    def _peak(self) -> Tensor | float:
        """(channels, 1): the largest scaled magnitude that training saw; 1 where variance is 1."""
        if self.config.amplitude == "unit":
            return 1.0
        ends = torch.stack([self.scaling.low, self.scaling.high]) - self.scaling.centre
        scaled = torch.asinh(ends / self.scaling.knee) / self.scaling.spread
        return scaled.abs().amax(0)[:, None]

    def optimizer(self, phase: str) -> torch.optim.Optimizer:
        """Adam, as the source."""
        return torch.optim.Adam(self.parameters_of(phase), lr=self.config.learning_rate)


def suggested_cycle(length: int) -> int:
    """Dilations up to half of the window: a longer reach sees padding alone. 7 at 178 samples, 9 at 1000."""
    return max(1, min(12, int(math.log2(max(2, length // 2))) + 1))
