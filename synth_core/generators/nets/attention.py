"""Self-attention between the positions of a feature map: SAGAN, Zhang et al. 2018, arXiv 1805.08318, sec. 3."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class SelfAttention(nn.Module):
    """x + γ · attention(x), γ = 0 at the start: local evidence first, distant evidence later.

    Written as products and a softmax: fused kernels have no second derivative, which a gradient penalty needs.
    """

    def __init__(self, channels: int, dimensions: int) -> None:
        super().__init__()
        convolution = nn.Conv1d if dimensions == 1 else nn.Conv2d
        narrow = max(1, channels // 8)
        self.query, self.key = (convolution(channels, narrow, 1, bias=False) for _ in range(2))
        self.value, self.project = (convolution(channels, channels, 1, bias=False) for _ in range(2))
        self.gamma = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, *size) → the same shape."""
        query, key, value = (layer(x).flatten(2) for layer in (self.query, self.key, self.value))
        shares = torch.softmax(query.transpose(1, 2) @ key, dim=-1)  # (B, positions, positions)
        gathered = value @ shares.transpose(1, 2)  # (B, channels, positions)
        return x + self.gamma * self.project(gathered.view_as(x))
