"""Rectified flow with a patch transformer: Liu et al. 2022, arXiv 2209.03003; logit-normal times of Esser et al. 2024.

The network learns the velocity v(x_t, t) = x_1 − x_0 of straight paths x_t = (1 − t) x_0 + t x_1 from noise x_0 to data
x_1 (eq. 1 of the paper). Sampling integrates dx = v dt from 0 to 1 with Heun's method.

A small network cannot carry the noise of every sample through its tokens, which an output of v asks for, and leaves
grain where the data are smooth. It can put out x_1 instead; v follows as (x_1 − x_t) / (1 − t), and the loss stays that
of the velocity (Li & He 2025, arXiv 2511.13720, eq. 6).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from synth_core.errors import InvalidSetting, SpecMismatch
from synth_core.generators.base import Generator, Phase
from synth_core.generators.flow_config import BEFORE, FlowConfig
from synth_core.generators.flow_times import FlowTimes
from synth_core.generators.inpainting import Known, infill, random_keep
from synth_core.generators.nets.autoencoder import Autoencoder
from synth_core.generators.nets.embedding import ConditionEmbedding
from synth_core.generators.nets.factorised import FactorisedTransformer
from synth_core.generators.nets.transformer import PatchTransformer
from synth_core.generators.solvers import SOLVERS, Velocity
from synth_core.types import Batch, Condition

MOST_FOLDED = 16  # channels; more do not fit one token of the usual width
LEAST_TIME_LEFT = 0.05  # 1 − t is not taken smaller where it divides (Li & He 2025, sec. 4.3)


class Flow(Generator):
    """Rectified flow on signals and slices, conditioned on labels, severity and lesion mask."""

    name = "flow"
    title = "Rectified flow, patch transformer"
    reference = "Liu et al. 2022, arXiv 2209.03003; Peebles & Xie 2023, arXiv 2212.09748"
    modalities = frozenset({"eeg", "ecg", "ct"})
    conditions = frozenset({"labels", "severity", "mask"})
    phases: tuple[Phase, ...] = (Phase("flow"),)  # after an "autoencoder" in the latent variant
    copied = ("autoencoder",)
    Config = FlowConfig
    config: FlowConfig

    def build(self) -> None:
        """One velocity network and the embedding of conditions; for the latent variant an autoencoder as well."""
        config, spec = self.config, self.spec
        if config.dim % config.heads or (config.dim // config.heads) % 2:
            raise InvalidSetting(f"The width {config.dim} must be an even multiple of the {config.heads} heads.")
        self.embedding = ConditionEmbedding(len(spec.classes), config.dim)
        if config.latent > 1:
            self._build_autoencoder()
        self.velocity = self._network(self.shape[0], self.shape[1:])

    def _build_autoencoder(self) -> None:
        if self.config.infilling or self.config.mixing == "factorised":
            raise InvalidSetting("Latents mix channels and samples: turn infilling and factorised mixing off.")
        channels, *size = self.scaling.shape
        stages = {4: 2, 8: 3}[self.config.latent]
        self.autoencoder = Autoencoder(channels, tuple(size), stages=stages, width=self.config.width)
        self.phases = (Phase("autoencoder", share=0.3), Phase("flow", share=0.7))

    @property
    def shape(self) -> tuple[int, ...]:
        """(channels, *size) of what the flow moves: scaled values, or latents."""
        if self.config.latent == 1:
            return self.scaling.shape
        return (self.autoencoder.channels, *self.autoencoder.grid)

    def _encoded(self, values: Tensor) -> Tensor:
        """Physical values to what the flow moves."""
        scaled = self.scaling.to_scaled(values)
        return scaled if self.config.latent == 1 else self.autoencoder.encode(scaled)

    def _decoded(self, moved: Tensor) -> Tensor:
        """What the flow moves to scaled values."""
        return moved if self.config.latent == 1 else self.autoencoder.decode(moved)

    def _network(self, channels: int, size: tuple[int, ...]) -> PatchTransformer | FactorisedTransformer:
        config = self.config
        shared = {"dim": config.dim, "depth": config.depth, "heads": config.heads}
        if self.mixing == "folded":
            patch = config.patch or max(1, suggested_patch(self.spec.shape) // config.latent)
            extra = self._extra_channels
            return PatchTransformer(channels, size, **shared, patch=patch, width=config.width, extra_channels=extra)
        if config.depth < 2:
            raise InvalidSetting("Factorised mixing needs two blocks at least: one over time, one over electrodes.")
        return FactorisedTransformer(
            channels,
            size[0],
            **shared,
            patch=config.patch or 2 * suggested_patch(self.spec.shape),  # of one channel, so it may be longer
            width=max(4, config.width // 4),
            extra_channels=self._extra_channels,
        )

    @property
    def mixing(self) -> str:
        """How channels are mixed: in the patch, or by attention over electrodes where they are many."""
        if self.spec.is_image or self.config.latent > 1:
            return "folded"
        return self.config.mixing or ("factorised" if self.scaling.shape[0] > MOST_FOLDED else "folded")

    @property
    def solver(self) -> str:
        """The one that is set, or the one that comes to 20 of Heun's steps with the fewest evaluations."""
        return self.config.solver or ("ab2" if self.predicts == "velocity" else "dpm2m")

    @classmethod
    def from_description(cls, description: dict[str, Any]) -> Self:
        """The inverse of `describe`; models of before a setting existed get what they were made with."""
        return super().from_description(description | {"config": BEFORE | description["config"]})

    @property
    def _extra_channels(self) -> int:
        """Of a slice its lesion mask, and whether one was given; with infilling, what is known, and where."""
        return (2 if self.spec.is_image else 0) + (2 * self.scaling.shape[0] if self.config.infilling else 0)

    @property
    def whitening(self) -> float:
        """EEG is judged by its bands and is whitened fully; ECG half-way, its shape counts as much; CT not at all.

        Before an autoencoder nothing is whitened: it has no room for noise.
        """
        usual = {"eeg": 0.5, "ecg": 0.25, "ct": 0.0}[self.spec.modality] if self.config.latent == 1 else 0.0
        return usual if self.spec.is_image or self.config.whitening is None else self.config.whitening

    @property
    def calibrated(self) -> bool:
        """EEG is, unless the config says otherwise: it is known by its bands. Of an ECG the stop band is."""
        return self._calibration != "none"

    @property
    def stop_band_only(self) -> bool:
        """Of an ECG, unless the config says otherwise: more would raise the grain between the beats."""
        return self._calibration == "stop band"

    @property
    def _calibration(self) -> str:
        usual = "spectrum" if self.spec.modality == "eeg" else "stop band"
        return "none" if self.spec.is_image else self.config.calibration or usual

    @property
    def predicts(self) -> str:
        """What the network puts out; the objective is that of the velocity in both cases."""
        usual = "velocity" if self.spec.modality == "eeg" or self.config.latent > 1 else "data"
        return self.config.prediction or usual

    def loss(self, batch: Batch, phase: str, rng: torch.Generator) -> dict[str, Tensor]:
        """Mean squared error of the velocity (eq. 1), or of what the autoencoder gives back."""
        if self.config.latent > 1:
            self.autoencoder.train(phase == "autoencoder")
        if phase == "autoencoder":
            scaled = self.scaling.to_scaled(batch.values)
            return {"total": F.mse_loss(self.autoencoder(scaled, rng), scaled)}
        with torch.no_grad():
            data = self._encoded(batch.values)
        start = self.noise(tuple(data.shape), rng)
        n = len(data)
        time = self.times.training(n, rng).to(self.device)
        keep, keep_severity = self._kept_parts(batch.condition, n, rng)
        keep_mask = self._kept(n, self.config.mask_dropout, rng) if batch.condition.mask is not None else None
        embedding = self.embedding(batch.condition, n, keep, keep_severity)
        wide = time.view(-1, *[1] * (data.ndim - 1))
        x = (1 - wide) * start + wide * data
        predicted = self._velocity(x, time, embedding, self._beside(x, batch, keep_mask, rng))
        return {"total": F.mse_loss(predicted.float(), data - start)}

    def _kept_parts(self, condition: Condition, n: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """(n,) twice: which examples keep their labels and which their severity.

        Some keep neither, for guidance. Beside each other each is left out on its own as well: a severity that was only
        ever seen with a class means little without one.
        """
        both = self._kept(n, self.config.condition_dropout, rng)
        if not {"labels", "severity"} <= condition.given:
            return both, both
        labels, severity = (both & self._kept(n, self.config.part_dropout, rng) for _ in range(2))
        return labels, severity

    @property
    def times(self) -> FlowTimes:
        """Where training looks and sampling steps."""
        config, to_data = self.config, self.predicts == "data"
        usual = {"eeg": 1.0, "ecg": 8.0, "ct": 2.0}[self.spec.modality] if config.latent == 1 else 1.0
        sampling = config.time_sampling or ("mixed" if to_data else "logit-normal")
        uniform = {"logit-normal": 0.0, "mixed": 0.5, "uniform": 1.0}[sampling]
        return FlowTimes(usual if config.time_shift is None else config.time_shift, uniform, to_data)

    def _kept(self, n: int, dropout: float, rng: torch.Generator) -> Tensor:
        return (torch.rand(n, generator=rng, device=rng.device) >= dropout).to(self.device)

    def _velocity(self, x: Tensor, time: Tensor, embedding: Tensor, beside: Tensor | None) -> Tensor:
        """(B, channels, *size): dx/dt at x_t; `beside` are further channels that the network sees."""
        output = self.velocity(x if beside is None else torch.cat([x, beside], dim=1), time, embedding)
        if self.predicts == "velocity":
            return output
        left = (1 - time).clamp_min(LEAST_TIME_LEFT).view(-1, *[1] * (x.ndim - 1))
        return (output - x) / left

    def _beside(self, x: Tensor, batch: Batch, keep_mask: Tensor | None, rng: torch.Generator) -> Tensor | None:
        """What the network sees in training beside x_t: masks, some of them left out, and parts that are known."""
        known = None
        if self.config.infilling:
            keep = random_keep(self.spec, len(x), self.config.infilling, rng).to(x.device)
            known = Known(self.scaling, batch, keep).channels()
        return self._further_channels(x, batch.condition, keep_mask, known)

    def _further_channels(
        self, x: Tensor, condition: Condition, keep_mask: Tensor | None = None, known: Tensor | None = None
    ) -> Tensor | None:
        parts = [self._mask_channels(x, condition, keep_mask)] if self.spec.is_image else []
        if self.config.infilling:
            parts.append(x.new_zeros(len(x), 2 * x.shape[1], *x.shape[2:]) if known is None else known)
        return torch.cat(parts, dim=1) if parts else None

    def _mask_channels(self, x: Tensor, condition: Condition, keep: Tensor | None) -> Tensor:
        """(B, 2, height, width): the mask, and ones where it was given; zeros where it was not or is dropped."""
        if condition.mask is None:
            return x.new_zeros(len(x), 2, *x.shape[2:])
        mask = condition.mask.to(x.dtype)
        if mask.shape[2:] != x.shape[2:]:
            mask = F.interpolate(mask, size=tuple(x.shape[2:]), mode="area")
        channels = torch.cat([mask, torch.ones_like(mask)], dim=1)
        return channels if keep is None else channels * keep.view(-1, 1, 1, 1)

    def sample_scaled(
        self, condition: Condition, n: int, *, rng: torch.Generator, steps: int | None, guidance: float | None
    ) -> Tensor:
        """From noise (t = 0) to data (t = 1) by the configured solver.

        The last step of a network that predicts data is Euler's, towards its prediction.
        """
        times = self.times.sampling(self._checked_steps(steps)).to(self.device)
        x = self.noise((n, *self.shape), rng)
        velocity = self._guided(x, condition, guidance)
        return self._decoded(SOLVERS[self.solver](velocity, x, times, closing=self.predicts == "data"))

    def _checked_steps(self, steps: int | None) -> int:
        steps = self.config.steps if steps is None else steps
        if not 1 <= steps <= 500:
            raise InvalidSetting(f"The number of sampler steps must lie in 1 … 500. Got {steps} instead.")
        return steps

    def _guided(
        self, like: Tensor, condition: Condition, guidance: float | None, known: Tensor | None = None
    ) -> Velocity:
        """The velocity under classifier-free guidance (Ho & Salimans 2022, eq. 6, written for velocities)."""
        strength = self.config.guidance if guidance is None else guidance
        asked = [condition] if strength == 1.0 or not condition.given else [condition, Condition()]
        seen = [(self.embedding(one, len(like)), self._further_channels(like, one, None, known)) for one in asked]

        def velocity(x: Tensor, time: Tensor) -> Tensor:
            times = time.expand(len(x))
            conditional, *without = [self._velocity(x, times, *one) for one in seen]
            return without[0] + strength * (conditional - without[0]) if without else conditional

        return velocity

    def inpaint(
        self,
        batch: Batch,
        keep: Tensor,
        *,
        rng: torch.Generator,
        steps: int | None = None,
        guidance: float | None = None,
        resampling: int = 3,
    ) -> Batch:
        """Make the missing part of real or synthetic examples.

        A lead follows its neighbours (V3 of held-out PTB-XL: correlation .89 with the shipped model, .95 with one
        trained with `infilling`). A gap of all leads is filled with beats of the right size, not at the right times.

        Parameters
        ----------
        batch : n examples in physical units; what is not kept may be anything, NaN as well. Their condition is asked
            for, as far as this generator knows it.
        keep : (n or 1, *spec.shape) bool, True for what is known; `inpainting.keep_all_but` makes the usual ones.
        rng : the only source of randomness.
        steps, guidance : as of `sample`; each step is one evaluation of the network for each of its repetitions.
        resampling : how often a step is made; 1 is fastest, more makes the new part agree with the old
            (Lugmayr et al. 2022, arXiv 2201.09865).

        Returns
        -------
        Batch of the same n examples on the CPU: known values exactly as given, derived limb leads consistent with them.

        Raises
        ------
        SpecMismatch : for examples of another spec, or a `keep` of the wrong type or shape.
        InvalidSetting : for a known value that is not finite, or steps or resampling out of bounds.
        """
        if batch.spec != self.spec:
            raise SpecMismatch("The examples are of another kind than this generator makes; their specs must agree.")
        if not 1 <= resampling <= 50:
            raise InvalidSetting(f"The number of repetitions must lie in 1 … 50. Got {resampling} instead.")
        times = self.times.sampling(self._checked_steps(steps)).to(self.device)
        was_training = self.training
        self.eval()
        try:
            with torch.no_grad():
                known = Known(self.scaling, batch.to(self.device), keep.to(self.device))
                condition = self._answered(batch.condition).to(self.device)
                values = known.fill(self._infilled(known, condition, times, resampling, rng, guidance))
        finally:
            self.train(was_training)
        return replace(batch.to("cpu"), values=values.cpu(), subjects=None)

    def _answered(self, condition: Condition) -> Condition:
        return Condition(**{part: getattr(condition, part) for part in condition.given & self.accepted})

    def _infilled(
        self,
        known: Known,
        condition: Condition,
        times: Tensor,
        resampling: int,
        rng: torch.Generator,
        guidance: float | None,
    ) -> Tensor:
        """(n, *spec.shape) physical values, before the known ones are put in for the last time."""
        shape = (len(known.values), *self.shape)
        like = known.values.new_zeros(shape)
        velocity = self._guided(like, condition, guidance, known.channels() if self.config.infilling else None)
        moved = infill(
            lambda x, time: x + (1 - time) * velocity(x, time),
            lambda x: self._encoded(known.fill(self.scaling.to_physical(self._decoded(x)))),
            lambda: self.noise(shape, rng),
            times,
            resampling,
        )
        return self.scaling.to_physical(self._decoded(moved))

    def parameters_of(self, phase: str) -> list[nn.Parameter]:
        """The autoencoder's, or those of the velocity network and the embedding."""
        own = set(self.autoencoder.parameters()) if self.config.latent > 1 else set()
        return [parameter for parameter in self.parameters() if (parameter in own) == (phase == "autoencoder")]

    def optimizer(self, phase: str) -> torch.optim.Optimizer:
        """AdamW on the parameters of the phase."""
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
