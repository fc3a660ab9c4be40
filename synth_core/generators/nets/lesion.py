"""A lesion mask as a network takes it in."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from synth_core.types import Condition


def mask_channels(condition: Condition, n: int, size: tuple[int, ...], like: Tensor) -> Tensor:
    """(n, 2, height, width): the mask, and ones; zeros in both where none was given."""
    if condition.mask is None:
        return like.new_zeros(n, 2, *size)
    mask = condition.mask.to(like.dtype)
    return torch.cat([mask, torch.ones_like(mask)], dim=1)


class MaskModulation(nn.Module):
    """Features scaled and shifted, position by position, as the mask says: SPADE, Park et al. 2019, arXiv 1903.07291.

    The paper normalises the features first; that is left out, as in the generators that this serves. Its second
    convolution is 1 × 1 here: at full size it would cost more than the stage that it modulates.
    """

    def __init__(self, channels: int, hidden: int = 16) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(2, hidden, 3, padding=1), nn.ReLU(), nn.Conv2d(hidden, 2 * channels, 1))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """(B, channels, h, w), (B, 2, height, width) at any larger size → (B, channels, h, w)."""
        scale, shift = self.layers(F.interpolate(mask, size=x.shape[2:], mode="area")).chunk(2, dim=1)
        return x * (1 + scale) + shift
