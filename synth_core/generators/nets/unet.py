"""One-dimensional U-Net for diffusion: Ho et al. 2020, with linear attention (Shen et al. 2021, arXiv 1812.01243).

Blocks, widths and order follow `Unet1D` of the public denoising-diffusion-pytorch 2.3.4, whose weights fit. The
arithmetic differs: activations are (channels, batch, time), so that convolutions are matrix products; normalisation,
modulation and activation are one step; a convolution after a doubling of the length runs before it, with the taps that
meet the same sample added up.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from synth_core.generators.nets.convolution import Convolution, convolve

HEADS, HEAD_WIDTH = 4, 32  # of all attention, as in the public implementation


class _ModulatedActivation(torch.autograd.Function):
    """silu(m · x · √C / ‖x‖ + s): x (C, B, L), norm over C, m and s (C, B); gradient written out."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, factor: Tensor, shift: Tensor) -> Tensor:
        inverse = _inverse_rms(x)
        normal = x * inverse
        inner = torch.addcmul(shift[..., None], normal, factor[..., None])
        ctx.save_for_backward(normal, inverse, factor, inner)
        return F.silu(inner)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        normal, inverse, factor, inner = ctx.saved_tensors
        of_inner = torch.ops.aten.silu_backward(gradient.to(inner.dtype), inner)
        of_factor = torch.einsum("cbl,cbl->cb", of_inner, normal)
        of_shift = of_inner.sum(2)
        of_normal = of_inner.mul_(factor[..., None])
        along = (of_normal * normal).mean(0)
        return of_normal.addcmul_(normal, along, value=-1).mul_(inverse), of_factor, of_shift


def _inverse_rms(x: Tensor) -> Tensor:
    """(B, L): √C / ‖x‖ over the channels of (C, B, L); a tenth of the time of `linalg.vector_norm` on a CPU."""
    wide = torch.promote_types(x.dtype, torch.float32)  # half precision is too coarse for a norm
    return x.square().mean(0, dtype=wide).clamp_min(1e-24).rsqrt()


class ChannelNorm(nn.Module):
    """x · √C / ‖x‖ · g over the channels of (C, B, L)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.g = nn.Parameter(torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        """(C, B, L) → (C, B, L)."""
        return x * _inverse_rms(x) * self.g[:, None, None]


class Block(nn.Module):
    """Convolution, norm, scale and shift by the embedding, SiLU."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.proj = Convolution(before, after, 3, padding=1)
        self.norm = ChannelNorm(after)

    def forward(self, x: Tensor, scale: Tensor | None = None, shift: Tensor | None = None) -> Tensor:
        """(before, B, L), scale and shift (after, B) → (after, B, L)."""
        x = self.proj(x)
        factor = self.norm.g[:, None].expand(-1, x.shape[1])
        factor = factor if scale is None else factor * (1 + scale)
        shift = torch.zeros_like(factor) if shift is None else shift
        out: Tensor = _ModulatedActivation.apply(x, factor, shift)
        return out


class ResidualBlock(nn.Module):
    """Two blocks, the first of them modulated, and a skip."""

    def __init__(self, before: int, after: int, embedding: int) -> None:
        super().__init__()
        self.mlp = nn.Linear(embedding, 2 * after)
        self.block1, self.block2 = Block(before, after), Block(after, after)
        self.res_conv = Convolution(before, after) if before != after else nn.Identity()

    def forward(self, x: Tensor, embedded: Tensor) -> Tensor:
        """(before, B, L), embedding (B, E) → (after, B, L)."""
        scale, shift = self.mlp(F.silu(embedded)).t().chunk(2)
        out: Tensor = self.block2(self.block1(x, scale, shift)) + self.res_conv(x)
        return out


class Attention(nn.Module):
    """Pre-normalised self-attention over time, with a skip: softmax, or linear in the length of the signal."""

    def __init__(self, channels: int, *, linear: bool) -> None:
        super().__init__()
        self.linear = linear
        self.norm = ChannelNorm(channels)
        self.to_qkv = nn.Parameter(torch.empty(3 * HEADS * HEAD_WIDTH, channels, 1))
        nn.init.kaiming_uniform_(self.to_qkv, a=math.sqrt(5))
        self.to_out = Convolution(HEADS * HEAD_WIDTH, channels)
        self.out_norm = ChannelNorm(channels) if linear else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(C, B, L) → (C, B, L)."""
        _, batch, length = x.shape
        qkv = (self.to_qkv[..., 0] @ self.norm(x).flatten(1)).view(3, HEADS, HEAD_WIDTH, batch, length)
        query, key, value = qkv.permute(0, 3, 1, 2, 4)  # each (B, heads, width, L)
        mixed = _linear_attention(query, key, value) if self.linear else _attention(query, key, value)
        mixed = mixed.permute(1, 2, 0, 3).reshape(HEADS * HEAD_WIDTH, batch, length)
        out: Tensor = self.out_norm(self.to_out(mixed)) + x
        return out


def _linear_attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    context = key.softmax(dim=-1) @ value.transpose(-1, -2)  # (B, heads, width of key, width of value)
    return context.transpose(-1, -2) @ (query.softmax(dim=-2) / math.sqrt(HEAD_WIDTH))


def _attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    query, key, value = (part.transpose(-1, -2) for part in (query, key, value))
    return F.scaled_dot_product_attention(query, key, value).transpose(-1, -2)


class Upsample(nn.Module):
    """Every sample twice, then a convolution of kernel 3, done at the lower rate.

    An even output sees one low-rate sample by its first tap and another by the other two; an odd output the mirror.
    """

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.conv = Convolution(before, after, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(before, B, L) → (after, B, 2L)."""
        first, middle, last = self.conv.weight.unbind(2)
        even = torch.stack([first, middle + last], dim=2)
        odd = torch.stack([first + middle, last], dim=2)
        both = [convolve(F.pad(x, ends), weight, self.conv.bias) for weight, ends in ((even, (1, 0)), (odd, (0, 1)))]
        return torch.stack(both, dim=-1).flatten(2)


class Stage(nn.Module):
    """One resolution: two residual blocks, attention after the second, and the way to the next resolution."""

    def __init__(self, first: ResidualBlock, second: ResidualBlock, attention: nn.Module, resample: nn.Module) -> None:
        super().__init__()
        self.first, self.second, self.attention, self.resample = first, second, attention, resample

    def down(self, x: Tensor, embedded: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The resampled activation, and the two that the way up takes."""
        one = self.first(x, embedded)
        two = self.attention(self.second(one, embedded))
        return self.resample(two), [one, two]

    def up(self, x: Tensor, kept: list[Tensor], embedded: Tensor) -> Tensor:
        """The resampled activation; takes the last two of `kept`."""
        x = self.first(torch.cat([x, kept.pop()]), embedded)
        x = self.attention(self.second(torch.cat([x, kept.pop()]), embedded))
        resampled: Tensor = self.resample(x)
        return resampled


class UNet(nn.Module):
    """Velocity (or noise) network on (B, channels, L); L is padded to what the stages divide."""

    def __init__(self, channels: int, *, width: int, multiples: tuple[int, ...], attention_from: int = 0) -> None:
        super().__init__()
        widths = [width, *(width * multiple for multiple in multiples)]
        pairs = list(itertools.pairwise(widths))
        embedding = 4 * width
        self.width, self.factor = width, 2 ** (len(multiples) - 1)
        self.init_conv = Convolution(channels, width, 7, padding=3)
        self.time_mlp = nn.Sequential(nn.Linear(width, embedding), nn.GELU(), nn.Linear(embedding, embedding))
        downs, ups = [], []
        for stage, (before, after) in enumerate(pairs):
            halved = {"kernel": 3} if stage == len(pairs) - 1 else {"kernel": 4, "stride": 2}
            first, second = (ResidualBlock(before, before, embedding) for _ in range(2))
            attend = Attention(before, linear=True) if stage >= attention_from else nn.Identity()
            downs.append(Stage(first, second, attend, Convolution(before, after, padding=1, **halved)))
            first, second = (ResidualBlock(before + after, after, embedding) for _ in range(2))
            attend = Attention(after, linear=True) if stage >= attention_from else nn.Identity()
            doubled = Convolution(after, before, 3, padding=1) if stage == 0 else Upsample(after, before)
            ups.append(Stage(first, second, attend, doubled))
        self.downs, self.ups = nn.ModuleList(downs), nn.ModuleList(reversed(ups))
        self.mid_block1 = ResidualBlock(widths[-1], widths[-1], embedding)
        self.mid_attn = Attention(widths[-1], linear=False)
        self.mid_block2 = ResidualBlock(widths[-1], widths[-1], embedding)
        self.final_res_block = ResidualBlock(2 * width, width, embedding)
        self.final_conv = Convolution(width, channels)

    @property
    def embedding_width(self) -> int:
        """Width of the condition that `forward` adds to the embedded time."""
        return 4 * self.width

    def forward(self, x: Tensor, time: Tensor, condition: Tensor) -> Tensor:
        """(B, channels, L), (B,) times on a scale of 1000, (B, 4 · width) → (B, channels, L)."""
        length = x.shape[-1]
        x = self.init_conv(F.pad(x, (0, -length % self.factor)).transpose(0, 1))
        embedded = self.time_mlp(_sinusoids(time, self.width)) + condition
        start, kept = x, []
        for stage in self.downs:
            x, two = stage.down(x, embedded)  # type: ignore[operator]
            kept += two
        x = self.mid_block2(self.mid_attn(self.mid_block1(x, embedded)), embedded)
        for stage in self.ups:
            x = stage.up(x, kept, embedded)  # type: ignore[operator]
        x = self.final_conv(self.final_res_block(torch.cat([x, start]), embedded))
        return x.transpose(0, 1)[..., :length]


def _sinusoids(time: Tensor, width: int) -> Tensor:
    """(B,) to (B, width), wavelengths up to 10,000 with both ends included, as the public implementation has them."""
    frequencies = torch.exp(-math.log(10_000) * torch.arange(width // 2, device=time.device) / (width // 2 - 1))
    angles = time[:, None].float() * frequencies
    return torch.cat([angles.sin(), angles.cos()], dim=-1)
