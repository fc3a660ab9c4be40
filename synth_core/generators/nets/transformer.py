"""Diffusion transformer on patches, in one or two dimensions: Peebles & Xie 2023, arXiv 2212.09748."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from synth_core.generators.nets.embedding import sinusoidal


class Block(nn.Module):
    """Self-attention and MLP, each shifted, scaled and gated by the condition (adaLN-zero, fig. 3 of the paper)."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.attention_norm = nn.LayerNorm(dim, elementwise_affine=False)
        self.qkv = nn.Linear(dim, 3 * dim)
        # normalised queries and keys keep attention stable at the learning rates a short budget needs
        self.query_norm, self.key_norm = nn.RMSNorm(dim // heads), nn.RMSNorm(dim // heads)
        self.project = nn.Linear(dim, dim)
        self.mlp_norm = nn.LayerNorm(dim, elementwise_affine=False)
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(approximate="tanh"), nn.Linear(4 * dim, dim))
        self.modulation = nn.Linear(dim, 6 * dim)
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """(B, …, dim), (B, dim) → (B, …, dim)."""
        modulation = self.modulation(condition).view(len(x), *[1] * (x.ndim - 2), -1)
        shift_a, scale_a, gate_a, shift_m, scale_m, gate_m = modulation.chunk(6, dim=-1)
        x = x + gate_a * self.attend(self.attention_norm(x) * (1 + scale_a) + shift_a)
        return x + gate_m * self.mlp(self.mlp_norm(x) * (1 + scale_m) + shift_m)

    def attend(self, x: Tensor) -> Tensor:
        """Multi-head self-attention over tokens."""
        batch, tokens, dim = x.shape
        qkv = self.qkv(x).view(batch, tokens, 3, self.heads, dim // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)  # each (B, heads, tokens, dim / heads)
        mixed = F.scaled_dot_product_attention(self.query_norm(query), self.key_norm(key), value)
        return self.project(mixed.transpose(1, 2).reshape(batch, tokens, dim))


class PatchTransformer(nn.Module):
    """Velocity or noise network: convolutional stem, transformer over patches, convolutional head.

    The stem and the head run at full resolution with a skip from one to the other: without them the seams between
    patches show in the spectrum, at multiples of rate / patch. Inputs that the patch does not divide are padded and
    the output is cropped.
    """

    def __init__(
        self,
        channels: int,
        size: tuple[int, ...],
        *,
        dim: int,
        depth: int,
        heads: int,
        patch: int,
        width: int,
        extra_channels: int = 0,
    ) -> None:
        super().__init__()
        flat = len(size) == 1
        convolution = nn.Conv1d if flat else nn.Conv2d
        kernel = 7 if flat else 3
        self.size, self.patch, self.width = size, patch, width
        self.grid = tuple(math.ceil(length / patch) for length in size)
        self.stem = convolution(channels + extra_channels, width, kernel, padding="same")
        self.embed = convolution(width, dim, patch, stride=patch)
        self.position = nn.Parameter(grid_positions(self.grid, dim))
        self.time = nn.Sequential(nn.Linear(dim, dim), nn.SiLU(), nn.Linear(dim, dim))
        self.blocks = nn.ModuleList(Block(dim, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(dim, elementwise_affine=False)
        self.modulation = nn.Linear(dim, 2 * dim)
        self.unembed = nn.Linear(dim, width * patch ** len(size))
        self.head = nn.Sequential(
            convolution(2 * width, width, kernel, padding="same"),
            nn.SiLU(),
            convolution(width, channels, kernel, padding="same"),
        )
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)
        with torch.no_grad():  # small, not zero: an untrained network still answers to its noise
            for parameter in self.head[-1].parameters():
                parameter.mul_(0.1)

    def forward(self, x: Tensor, time: Tensor, condition: Tensor) -> Tensor:
        """(B, channels (+ extra), *size), (B,) in [0, 1], (B, dim) → (B, channels, *size)."""
        padding: list[int] = []
        for length, cells in zip(reversed(self.size), reversed(self.grid), strict=True):
            padding += [0, cells * self.patch - length]
        local = F.silu(self.stem(F.pad(x, padding)))  # (B, width, *padded)
        tokens = self.embed(local).flatten(2).transpose(1, 2) + self.position  # (B, tokens, dim)
        # times in [0, 1] are spread over the range that the sinusoids were made for
        modulation = F.silu(self.time(sinusoidal(1000 * time, tokens.shape[-1]).to(tokens.dtype)) + condition)
        for block in self.blocks:
            tokens = block(tokens, modulation)
        shift, scale = self.modulation(modulation)[:, None].chunk(2, dim=-1)
        out = self.unembed(self.norm(tokens) * (1 + scale) + shift)
        velocity = self.head(torch.cat([local, self._unpatch(out)], dim=1))
        crop = (..., *(slice(length) for length in self.size))
        return velocity[crop]

    def _unpatch(self, tokens: Tensor) -> Tensor:
        batch, p, w = len(tokens), self.patch, self.width
        if len(self.grid) == 1:
            return tokens.view(batch, self.grid[0], w, p).transpose(1, 2).reshape(batch, w, -1)
        rows, columns = self.grid
        cells = tokens.view(batch, rows, columns, w, p, p).permute(0, 3, 1, 4, 2, 5)  # (B, w, rows, p, columns, p)
        return cells.reshape(batch, w, rows * p, columns * p)


def grid_positions(grid: tuple[int, ...], dim: int) -> Tensor:
    """(1, cells, dim): the sinusoids of each axis side by side; learned from there."""
    if len(grid) == 1:
        return sinusoidal(torch.arange(grid[0]), dim, longest=1000.0)[None]
    rows = sinusoidal(torch.arange(grid[0]), dim // 2, longest=1000.0)[:, None].expand(-1, grid[1], -1)
    columns = sinusoidal(torch.arange(grid[1]), dim // 2, longest=1000.0)[None].expand(grid[0], -1, -1)
    return torch.cat([rows, columns], dim=-1).reshape(1, -1, dim)
