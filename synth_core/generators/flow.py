"""Rectified flow with a patch transformer: Liu et al. 2022, arXiv 2209.03003; logit-normal times of Esser et al. 2024.

The network learns the velocity v(x_t, t) = x_1 − x_0 of straight paths x_t = (1 − t) x_0 + t x_1 from noise x_0 to data
x_1 (eq. 1 of the paper). Sampling integrates dx = v dt from 0 to 1 with Heun's method.

A small network cannot carry the noise of every sample through its tokens, which an output of v asks for, and leaves
grain where the data are smooth. It can put out x_1 instead; v follows as (x_1 − x_t) / (1 − t), and the loss stays that
of the velocity (Li & He 2025, arXiv 2511.13720, eq. 6).
"""

from __future__ import annotations

import itertools
from typing import Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from synth_core.errors import InvalidSetting
from synth_core.generators.base import Generator, GeneratorConfig, Phase
from synth_core.generators.nets.embedding import ConditionEmbedding
from synth_core.generators.nets.transformer import PatchTransformer
from synth_core.types import Batch, Condition

LAST_TIME = 0.97  # from which a network that predicts data makes its last step
LEAST_TIME_LEFT = 0.05  # 1 − t is not taken smaller where it divides (Li & He 2025, sec. 4.3)


class FlowConfig(GeneratorConfig):
    """Settings of the rectified flow; "paper" is the plain method, with its network and sampler as here."""

    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {
        "paper": {
            "prediction": "velocity",
            "time_sampling": "uniform",
            "time_shift": 1.0,
            "whitening": 0.0,
            "learning_rate": 2e-4,
            "weight_decay": 0.0,
        },
    }

    dim: int = Field(
        128,
        title="Transformer width",
        ge=32,
        le=1024,
        multiple_of=16,
        description="Width; 128 trains on a CPU, 384 wants a GPU.",
    )
    depth: int = Field(
        4, title="Transformer blocks", ge=1, le=24, description="Transformer blocks; 4 on a CPU, 12 on a GPU."
    )
    heads: int = Field(4, title="Attention heads", ge=1, le=16, description="Attention heads; must divide the width.")
    patch: int | None = Field(
        None,
        title="Patch length",
        ge=1,
        le=64,
        description="Samples (or pixels a side) per token; chosen from the length when empty.",
    )
    width: int = Field(
        32, title="Stem channels", ge=4, le=256, description="Channels of the stem and head that hide patch seams."
    )
    learning_rate: float = Field(
        1e-3, title="Learning rate", gt=0, le=0.1, description="AdamW; small networks take 1e-3, large ones 2e-4."
    )
    weight_decay: float = Field(
        0.01, title="Weight decay", ge=0, le=1, description="Of AdamW; mild: the moving average smooths already."
    )
    condition_dropout: float = Field(
        0.1,
        title="Condition dropout",
        ge=0,
        le=0.9,
        description="Examples trained without condition; guidance needs them.",
    )
    mask_dropout: float = Field(
        0.5,
        title="Mask dropout",
        ge=0,
        le=0.9,
        description="Slices trained without their lesion mask, on its own: they can then be drawn by class alone.",
        json_schema_extra={"modalities": ["ct"]},
    )
    prediction: Literal["data", "velocity"] | None = Field(
        None,
        title="Network predicts",
        description="data: clean slices and beats from small networks; velocity: for noise-like signals. "
        "Empty: velocity for EEG, data for ECG and CT.",
    )
    time_sampling: Literal["logit-normal", "mixed", "uniform"] | None = Field(
        None,
        title="Training times",
        description="logit-normal spends more of them where the velocity is hard; mixed takes half of them uniform, "
        "for the fine grain of late times. Empty: mixed where data are predicted.",
    )
    time_shift: float | None = Field(
        None,
        title="Time shift",
        ge=0.1,
        le=30,
        description="Above 1 spends more of training and sampling close to the noise, where rhythm and anatomy are "
        "decided. Empty: 1 for EEG, 8 for ECG, 2 for CT.",
    )
    whitening: float | None = Field(
        None,
        title="Spectral whitening",
        ge=0,
        le=0.5,
        description="0.5 weighs all frequencies alike, 0 as they are. Empty: 0.5 for EEG, 0.25 for ECG.",
        json_schema_extra={"modalities": ["eeg", "ecg"]},
    )
    steps: int = Field(
        20, title="Sampler steps", ge=1, le=500, description="Heun steps when sampling; 10 to 25 are enough."
    )
    guidance: float = Field(
        1.0, title="Guidance", ge=0, le=20, description="1 follows the data; more: clearer classes, less variety."
    )


class Flow(Generator):
    """Rectified flow on signals and slices, conditioned on labels, severity and lesion mask."""

    name = "flow"
    title = "Rectified flow, patch transformer"
    reference = "Liu et al. 2022, arXiv 2209.03003; Peebles & Xie 2023, arXiv 2212.09748"
    modalities = frozenset({"eeg", "ecg", "ct"})
    conditions = frozenset({"labels", "severity", "mask"})
    phases = (Phase("flow"),)
    Config = FlowConfig
    config: FlowConfig

    def build(self) -> None:
        """One velocity network and the embedding of conditions."""
        config, spec = self.config, self.spec
        if config.dim % config.heads or (config.dim // config.heads) % 2:
            raise InvalidSetting(f"The width {config.dim} must be an even multiple of the {config.heads} heads.")
        self.embedding = ConditionEmbedding(len(spec.classes), config.dim)
        self.velocity = PatchTransformer(
            self.scaling.shape[0],
            self.scaling.shape[1:],
            dim=config.dim,
            depth=config.depth,
            heads=config.heads,
            patch=config.patch or suggested_patch(spec.shape),
            width=config.width,
            extra_channels=2 if spec.is_image else 0,  # lesion mask, and whether one was given
        )

    @property
    def whitening(self) -> float:
        """EEG is judged by its bands and is whitened fully; ECG half-way, its shape counts as much; CT not at all."""
        usual = {"eeg": 0.5, "ecg": 0.25, "ct": 0.0}[self.spec.modality]
        return usual if self.spec.is_image or self.config.whitening is None else self.config.whitening

    @property
    def predicts(self) -> str:
        """What the network puts out; the objective is that of the velocity in both cases."""
        usual = "velocity" if self.spec.modality == "eeg" else "data"
        return self.config.prediction or usual

    def loss(self, batch: Batch, phase: str, rng: torch.Generator) -> dict[str, Tensor]:
        """Mean squared error of the velocity (eq. 1)."""
        data = self.scaling.to_scaled(batch.values)
        start = self.noise(tuple(data.shape), rng)
        n = len(data)
        time = self._training_times(n, rng)
        keep = self._kept(n, self.config.condition_dropout, rng)
        keep_mask = self._kept(n, self.config.mask_dropout, rng) if batch.condition.mask is not None else None
        wide = time.view(-1, *[1] * (data.ndim - 1))
        predicted = self._velocity((1 - wide) * start + wide * data, time, batch.condition, keep, keep_mask)
        return {"total": F.mse_loss(predicted.float(), data - start)}

    def _training_times(self, n: int, rng: torch.Generator) -> Tensor:
        time = self._shifted(torch.randn(n, generator=rng, device=rng.device).to(self.device).sigmoid())
        uniform = torch.rand(n, generator=rng, device=rng.device).to(self.device)
        share = {"logit-normal": 0.0, "mixed": 0.5, "uniform": 1.0}[self.time_sampling]
        return torch.where(torch.rand(n, generator=rng, device=rng.device).to(self.device) < share, uniform, time)

    @property
    def time_sampling(self) -> str:
        """Where training times come from."""
        usual = "mixed" if self.predicts == "data" else "logit-normal"
        return self.config.time_sampling or usual

    def _sampling_times(self, steps: int) -> Tensor:
        """0 … 1. A network that predicts data gets the middle ones evenly spaced in the logit, up to LAST_TIME.

        Its last step goes towards the mean of what is still possible: begun early, it takes the grain of the recording
        away with the noise.
        """
        if self.predicts == "velocity":
            return self._shifted(torch.linspace(0, 1, steps + 1, device=self.device))
        ends = torch.stack([self._shifted(torch.tensor(1 / steps)), torch.tensor(LAST_TIME)]).clamp_max(LAST_TIME)
        first, last = ends.logit().tolist()
        middle = torch.linspace(first, last, steps - 1).sigmoid()
        return torch.cat([torch.zeros(1), middle, torch.ones(1)]).to(self.device)

    def _shifted(self, time: Tensor) -> Tensor:
        """Earlier times, as Esser et al. 2024, eq. 23, do for large pictures (there t = 1 is the noise).

        A tall, sparse QRS shows through the noise at t ≈ 0.1 already: without the shift hardly any training step sees
        the times at which the rhythm is still open.
        """
        usual = {"eeg": 1.0, "ecg": 8.0, "ct": 2.0}[self.spec.modality]
        shift = usual if self.config.time_shift is None else self.config.time_shift
        return time / (time + shift * (1 - time))

    def _kept(self, n: int, dropout: float, rng: torch.Generator) -> Tensor:
        return (torch.rand(n, generator=rng, device=rng.device) >= dropout).to(self.device)

    def _velocity(
        self,
        x: Tensor,
        time: Tensor,
        condition: Condition,
        keep: Tensor | None = None,
        keep_mask: Tensor | None = None,
    ) -> Tensor:
        seen = torch.cat([x, self._mask_channels(x, condition, keep_mask)], dim=1) if self.spec.is_image else x
        output = self.velocity(seen, time, self.embedding(condition, len(x), keep))
        if self.predicts == "velocity":
            return output
        left = (1 - time).clamp_min(LEAST_TIME_LEFT).view(-1, *[1] * (x.ndim - 1))
        return (output - x) / left

    def _mask_channels(self, x: Tensor, condition: Condition, keep: Tensor | None) -> Tensor:
        """(B, 2, height, width): the mask, and ones where it was given; zeros where it was not or is dropped."""
        if condition.mask is None:
            return x.new_zeros(len(x), 2, *x.shape[2:])
        channels = torch.cat([condition.mask.to(x.dtype), torch.ones_like(x)], dim=1)
        return channels if keep is None else channels * keep.view(-1, 1, 1, 1)

    def sample_scaled(
        self, condition: Condition, n: int, *, rng: torch.Generator, steps: int | None, guidance: float | None
    ) -> Tensor:
        """Heun's method from noise (t = 0) to data (t = 1); two evaluations a step.

        The last step of a network that predicts data is Euler's, towards its prediction.
        """
        steps = self.config.steps if steps is None else steps
        guidance = self.config.guidance if guidance is None else guidance
        if not 1 <= steps <= 500:
            raise InvalidSetting(f"The number of sampler steps must lie in 1 … 500. Got {steps} instead.")
        x = self.noise((n, *self.scaling.shape), rng)
        times = self._sampling_times(steps)
        for now, after in itertools.pairwise(times):
            first = self._guided(x, now, condition, guidance)
            ahead = x + (after - now) * first
            if after == 1 and self.predicts == "data":
                return ahead
            second = self._guided(ahead, after, condition, guidance)
            x = x + (after - now) * (first + second) / 2
        return x

    def _guided(self, x: Tensor, time: Tensor, condition: Condition, guidance: float) -> Tensor:
        """Classifier-free guidance (Ho & Salimans 2022, eq. 6, written for velocities)."""
        times = time.expand(len(x))
        conditional = self._velocity(x, times, condition)
        if guidance == 1.0 or not condition.given:
            return conditional
        unconditional = self._velocity(x, times, Condition())
        return unconditional + guidance * (conditional - unconditional)

    def optimizer(self, phase: str) -> torch.optim.Optimizer:
        """AdamW on all parameters."""
        config = self.config
        return torch.optim.AdamW(
            self.parameters_of(phase), lr=config.learning_rate, betas=(0.9, 0.99), weight_decay=config.weight_decay
        )


def suggested_patch(shape: tuple[int, ...]) -> int:
    """About 25 to 100 tokens: 8 at 178 samples, 20 at 1000, 50 at 5000; 8 pixels at 64, 16 at 256."""
    length = shape[-1]
    if len(shape) == 3:
        return 4 if length < 64 else 8 if length < 256 else 16
    return next(patch for limit, patch in ((256, 8), (640, 16), (1500, 20), (3000, 32), (10**9, 50)) if length <= limit)
