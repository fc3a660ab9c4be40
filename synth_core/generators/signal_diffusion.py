"""What diffusion models of signals share: one step of training, and the way from noise to data."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor

from synth_core.generators.base import Phase
from synth_core.generators.diffusion import Prediction, noisy, reverse, target
from synth_core.generators.signals import SignalGenerator, guided
from synth_core.types import Condition


class SignalDiffusion(SignalGenerator):
    """A diffusion model of EEG and ECG; `build` makes its network and its schedule."""

    phases = (Phase("diffusion"),)
    schedule: Tensor  # ᾱ of each step of training

    @property
    def predicts(self) -> Prediction:
        """What the network puts out."""
        return "velocity"

    @abstractmethod
    def output(self, x: Tensor, step: Tensor, condition: Condition, keep: Tensor | None = None) -> Tensor:
        """(n, channels, length) of the network at x_t and (n,) steps; where `keep` is False without a condition."""

    def output_and_target(self, data: Tensor, condition: Condition, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """What the network puts out and what it should, at one random step per example."""
        n = len(data)
        step = (self.uniform((n,), rng) * len(self.schedule)).long()
        level = self.schedule.to(data)[step][:, None, None]
        noise = self.noise(tuple(data.shape), rng)
        output = self.output(noisy(data, noise, level), step, condition, self.kept(n, rng))
        return output.float(), target(data, noise, level, self.predicts)

    def denoised(
        self,
        condition: Condition,
        n: int,
        schedule: tuple[Tensor, Tensor],
        *,
        rng: torch.Generator,
        guidance: float | None,
        eta: float,
        clamp: float | None = None,
    ) -> Tensor:
        """(n, channels, length) from noise, with guidance; `schedule`, `eta` and `clamp` as of `reverse`."""
        strength, shape = self.strength(guidance), (n, *self.scaling.shape)

        def predict(x: Tensor, position: Tensor) -> Tensor:
            steps = position.expand(n)
            return guided(lambda known: self.output(x, steps, known), condition, strength)

        def draw() -> Tensor:
            return self.noise(shape, rng)

        return reverse(predict, draw(), *schedule, kind=self.predicts, eta=eta, draw=draw, clamp=clamp)
