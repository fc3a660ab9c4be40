"""Training examples with small changes: the bad student that privacy measures must catch.

Shift, mirror image, gain and light noise are what defeats a search for exact copies; every one of them leaves the
patient recognisable. A control: what finds these examples safe does not measure privacy. After the overfitted extreme
of Carlini et al. 2023, arXiv 2301.13188.
"""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor

from synth_core.generators.bank import BankConfig, BankGenerator

BRAIN = 40.0  # HU about which the contrast of a slice is changed; signals are changed about 0


class MemoriseConfig(BankConfig):
    """Settings of the copies."""

    shift: float = Field(
        0.05,
        title="Largest shift",
        ge=0,
        le=0.5,
        description="Share of the length (of a side for CT) by which a copy is rolled; more moves the head off centre.",
    )
    flip: float = Field(
        0.5,
        title="Share flipped",
        ge=0,
        le=1,
        description="EEG changes its sign, CT left and right; half of the copies hide best.",
        json_schema_extra={"modalities": ["eeg", "ct"]},
    )
    gain: float = Field(
        0.1,
        title="Largest change of scale",
        ge=0,
        le=0.5,
        description="Gains are 1 ± this much, about 0 for signals and 40 HU for CT; people differ by more.",
    )
    noise: float = Field(
        0.05,
        title="Added noise",
        ge=0,
        le=0.3,
        description="Standard deviation in units of the training data's spread; above 0.3 a copy is hard to know.",
    )


class Memorise(BankGenerator):
    """Stored examples of the class asked for, shifted, flipped, scaled and with a little noise."""

    name = "memorise"
    title = "Control: memorised training examples (makes copies of patients' data)"
    reference = "A control, not a generator. After Carlini et al. 2023, arXiv 2301.13188"
    Config = MemoriseConfig
    config: MemoriseConfig

    def altered(self, examples: Tensor, rng: torch.Generator) -> Tensor:
        """Noise in scaled units, as everywhere equally visible; the rest in physical ones."""
        noisy = examples + self.config.noise * self.noise(tuple(examples.shape), rng)
        physical = self.scaling.to_physical(noisy)
        for change in (self._shifted, self._flipped, self._scaled):
            physical = change(physical, rng)
        return self.scaling.to_scaled(physical)

    def _shifted(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Rolled along every axis: a slice has air at its border, and a signal no natural beginning."""
        for axis in range(2, x.ndim):
            length = x.shape[axis]
            by = torch.round((2 * self._uniform(len(x), rng) - 1) * self.config.shift * length).long()
            source = (torch.arange(length, device=x.device) - by[:, None]) % length  # (n, length)
            wide = source.view(len(x), 1, *[length if other == axis else 1 for other in range(2, x.ndim)])
            x = x.gather(axis, wide.expand_as(x))
        return x

    def _flipped(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """An ECG upside down would be known at once, and stays as it is."""
        chosen = self._uniform(len(x), rng) < self.config.flip
        if self.spec.modality == "ecg":
            return x
        return torch.where(_wide(chosen, x), x.flip(-1) if self.spec.is_image else -x, x)

    def _scaled(self, x: Tensor, rng: torch.Generator) -> Tensor:
        pivot = BRAIN if self.spec.is_image else 0.0
        gain = 1 + self.config.gain * (2 * self._uniform(len(x), rng) - 1)
        return pivot + _wide(gain, x) * (x - pivot)

    def _uniform(self, n: int, rng: torch.Generator) -> Tensor:
        return torch.rand(n, generator=rng, device=rng.device).to(self.device)


def _wide(each: Tensor, x: Tensor) -> Tensor:
    return each.view(-1, *[1] * (x.ndim - 1))
