"""Times of a rectified flow: t = 0 is noise, t = 1 is data."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

LAST = 0.97  # from which a network that predicts data makes its last step


@dataclass(frozen=True)
class FlowTimes:
    """Where training looks and where sampling steps.

    Parameters
    ----------
    shift : above 1 moves times towards the noise, as Esser et al. 2024, eq. 23, do for large pictures (there t = 1 is
        the noise). A tall, sparse QRS shows through the noise at t ≈ 0.1 already: without the shift hardly any training
        step sees the times at which the rhythm is still open.
    uniform : share of the training times that are uniform; the others are logit-normal, and shifted.
    to_data : whether the network predicts data.
    """

    shift: float
    uniform: float
    to_data: bool

    def training(self, n: int, rng: torch.Generator) -> Tensor:
        """(n,) on the device of `rng`."""
        time = self._shifted(torch.randn(n, generator=rng, device=rng.device).sigmoid())
        uniform = torch.rand(n, generator=rng, device=rng.device)
        return torch.where(torch.rand(n, generator=rng, device=rng.device) < self.uniform, uniform, time)

    def sampling(self, steps: int) -> Tensor:
        """0 … 1, (steps + 1,). A network that predicts data gets the middle ones even in the logit, up to LAST.

        Its last step goes towards the mean of what is still possible: begun early, it takes the grain of the recording
        away with the noise.
        """
        if not self.to_data:
            return self._shifted(torch.linspace(0, 1, steps + 1))
        ends = torch.stack([self._shifted(torch.tensor(1 / steps)), torch.tensor(LAST)]).clamp_max(LAST)
        first, last = ends.logit().tolist()
        middle = torch.linspace(first, last, steps - 1).sigmoid()
        return torch.cat([torch.zeros(1), middle, torch.ones(1)])

    def _shifted(self, time: Tensor) -> Tensor:
        return time / (time + self.shift * (1 - time))
