"""A residual network over rows of numbers, under a time and an embedding of conditions."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from synth_core.generators.nets.embedding import sinusoidal


class Dropout(nn.Module):
    """Dropout from a given source: nn.Dropout draws from the state of the process, which no seed of a run decides."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, x: Tensor, rng: torch.Generator | None) -> Tensor:
        """`x` itself without `rng`."""
        if rng is None:
            return x
        kept = torch.rand(x.shape, generator=rng, device=rng.device).to(x.device) >= self.share
        return x * kept / (1 - self.share)


class Block(nn.Sequential):
    """Layers one after the other, of which dropout is given `rng`."""

    def forward(self, input: Tensor, rng: torch.Generator | None = None) -> Tensor:
        """Of the shape of `input`."""
        for layer in self:
            input = layer(input, rng) if isinstance(layer, Dropout) else layer(input)
        return input


class RowNetwork(nn.Module):
    """(n, size) to (n, size); puts out 0 before training.

    Parameters
    ----------
    size : numbers in a row.
    width, depth, dropout : of the residual blocks.
    """

    def __init__(self, size: int, width: int, depth: int, dropout: float) -> None:
        super().__init__()
        self.width = width
        self.into, self.out = nn.Linear(size, width), nn.Linear(width, size)
        self.time = nn.Linear(width, width)
        self.blocks = nn.ModuleList(
            Block(nn.LayerNorm(width), nn.Linear(width, width), nn.SiLU(), Dropout(dropout), nn.Linear(width, width))
            for _ in range(depth)
        )
        self.modulations = nn.ModuleList(nn.Linear(width, 2 * width) for _ in range(depth))
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor, time: Tensor, embedding: Tensor, rng: torch.Generator | None = None) -> Tensor:
        """`time` (n,) in [0, 1]; `embedding` (n, width); with `rng` values are dropped, as training wants it."""
        told = F.silu(self.time(sinusoidal(1000 * time, self.width)) + embedding)
        hidden = self.into(x)
        for block, modulation in zip(self.blocks, self.modulations, strict=True):
            scale, shift = modulation(told).chunk(2, dim=1)
            hidden = hidden + (1 + scale) * block(hidden, rng) + shift
        output: Tensor = self.out(F.silu(hidden))
        return output


def white_data(x: Tensor, time: Tensor, output: Tensor) -> Tensor:
    """The data that x_t = (1 − t) noise + t data comes from, where a network adds to what white data would be.

    Of white data the mean given x_t is t x_t / v with v = t² + (1 − t)², and its spread (1 − t) / √v (Karras et al.
    2022, arXiv 2206.00364, eq. 7, for straight paths).
    """
    t = time[:, None]
    power = t**2 + (1 - t) ** 2
    return t / power * x + (1 - t) / power.sqrt() * output


def white_target(x: Tensor, time: Tensor, data: Tensor) -> Tensor:
    """What the output must be for `white_data` to give `data`: of unit variance at all times."""
    t = time[:, None]
    power = t**2 + (1 - t) ** 2
    return (data - t / power * x) / ((1 - t) / power.sqrt()).clamp_min(1e-4)


def seen(x: Tensor, time: Tensor) -> Tensor:
    """x_t at unit variance."""
    return x / (time**2 + (1 - time) ** 2).sqrt()[:, None]


def random_times(n: int, rng: torch.Generator) -> Tensor:
    """(n,) logit-normal (Esser et al. 2024)."""
    return torch.sigmoid(torch.randn(n, generator=rng, device=rng.device)).clamp(0.01, 0.99)
