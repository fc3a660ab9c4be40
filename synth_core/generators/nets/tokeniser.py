"""Encoder and decoder of one frequency band of TimeVQVAE: Lee et al. 2023, arXiv 2303.04743, section 3.

Blocks, widths and order follow ML4ITS/TimeVQVAE: depthwise and pointwise convolutions, batch normalisation, Snake
(Ziyin et al. 2020, arXiv 2006.08195), time halved per stage. Its weight normalisation is left out, as a batch
normalisation follows. Activations are (channels, bins, frames, batch): a shift in time is then one contiguous run, and
a pointwise convolution one matrix product.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class _Depthwise(torch.autograd.Function):
    """Sum over taps of shifted, weighted copies; x (C, H, W, B) padded in time already, weight (C, kh, kw), bias (C,).

    `rows` bins of zeros above and below are not made, the taps that meet them are cut short.
    """

    @staticmethod
    @torch.amp.custom_fwd(device_type="cpu", cast_inputs=torch.float32)
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, stride: int, rows: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.how = (stride, rows)
        channels, kernel_rows, width = weight.shape
        shape = (channels, x.shape[1] + 2 * rows - kernel_rows + 1, (x.shape[2] - width) // stride + 1, x.shape[3])
        out = bias.view(-1, 1, 1, 1).expand(shape).contiguous()
        for factor, target, seen in zip(_factors(weight), *_taps(x, out, weight, stride, rows), strict=True):
            target.addcmul_(seen, factor)
        return out

    @staticmethod
    @torch.amp.custom_bwd(device_type="cpu")
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        of_x, of_weight = torch.zeros_like(x), []
        targets, seen = _taps(x, gradient, weight, *ctx.how)
        _, places = _taps(of_x, gradient, weight, *ctx.how)
        for factor, target, part, place in zip(_factors(weight), targets, seen, places, strict=True):
            of_weight.append((target * part).sum((1, 2, 3)))
            place.addcmul_(target, factor)
        return of_x, torch.stack(of_weight, dim=1).view_as(weight), gradient.sum((1, 2, 3)), None, None


def _factors(weight: Tensor) -> tuple[Tensor, ...]:
    return weight.flatten(1)[..., None, None, None].unbind(1)


def _taps(x: Tensor, out: Tensor, weight: Tensor, stride: int, rows: int) -> tuple[list[Tensor], list[Tensor]]:
    """For each tap the part of the output that it adds to, and the part of the input that it reads."""
    height, reach = x.shape[1], stride * (out.shape[2] - 1) + 1
    targets, seen = [], []
    for shift in range(-rows, weight.shape[1] - rows):
        first, last = max(0, -shift), min(out.shape[1], height - shift)
        target, source = out[:, first:last], x[:, first + shift : last + shift]
        for tap in range(weight.shape[2]):
            targets.append(target)
            seen.append(source[:, :, tap : tap + reach : stride])
    return targets, seen


def _around(x: Tensor, before: int, after: int) -> Tensor:
    """Zeros before the first and after the last frame."""
    return F.pad(x, (0, 0, before, after))


class Depthwise(nn.Module):
    """Each channel with a kernel of its own; `rows` is 1 for the low band and 3 for the two bins of the high one."""

    def __init__(self, channels: int, rows: int, width: int) -> None:
        super().__init__()
        bound = (rows * width) ** -0.5
        self.weight = nn.Parameter(torch.empty(channels, rows, width).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(channels).uniform_(-bound, bound))

    def forward(self, x: Tensor) -> Tensor:
        """Kernel 3 in time: (C, H, W, B) → (C, H, W, B)."""
        rows = self.weight.shape[1] // 2
        out: Tensor = _Depthwise.apply(_around(x, 1, 1), self.weight, self.bias, 1, rows)
        return out

    def halved(self, x: Tensor) -> Tensor:
        """Kernel 4, stride 2; the ends are repeated, as in the source: (C, H, W, B) → (C, H, ⌊W / 2⌋, B)."""
        ends = torch.cat([x[:, :, :1], x, x[:, :, -1:]], dim=2)
        if self.weight.shape[1] > 1:
            ends = torch.cat([ends[:, :1], ends, ends[:, -1:]], dim=1)
        out: Tensor = _Depthwise.apply(ends, self.weight, self.bias, 2, 0)
        return out

    def doubled(self, x: Tensor) -> Tensor:
        """Transposed kernel 4, stride 2: (C, H, W, B) → (C, H, 2W, B); even and odd frames see two taps each."""
        rows = self.weight.shape[1] // 2
        even = _Depthwise.apply(_around(x, 1, 0), self.weight[..., (3, 1)], self.bias, 1, rows)
        odd = _Depthwise.apply(_around(x, 0, 1), self.weight[..., (2, 0)], self.bias, 1, rows)
        return _interleaved(even, odd)


def _interleaved(even: Tensor, odd: Tensor) -> Tensor:
    return torch.stack([even, odd], dim=3).flatten(2, 3)


class Pointwise(nn.Module):
    """A 1×1 convolution as one matrix product; more taps for the one dense layer of the source's decoder."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.empty(after, before)), nn.Parameter(torch.empty(after))
        nn.init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        nn.init.uniform_(self.bias, -(before**-0.5), before**-0.5)

    def forward(self, x: Tensor) -> Tensor:
        """(before, …) → (after, …)."""
        out = torch.addmm(self.bias[:, None], self.weight, x.flatten(1))
        return out.view(len(self.weight), *x.shape[1:])


class DenseDouble(nn.Module):
    """Transposed convolution of all channels, kernel 4 in time and stride 2: the oversampling end of the source."""

    def __init__(self, channels: int, rows: int) -> None:
        super().__init__()
        self.rows = rows
        self.even = Pointwise(2 * rows * channels, channels)
        self.odd = Pointwise(2 * rows * channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """(C, H, W, B) → (C, H, 2W, B)."""
        height, width = x.shape[1:3]
        margin = self.rows // 2
        around = F.pad(x, (0, 0, 1, 1, margin, margin))
        taps = [around[:, i : i + height, j : j + width] for i in range(self.rows) for j in range(3)]
        kept = [[tap for place, tap in enumerate(taps) if place % 3 != left_out] for left_out in (2, 0)]
        return _interleaved(self.even(torch.cat(kept[0])), self.odd(torch.cat(kept[1])))


class _SnakeFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, a: Tensor) -> Tensor:
        out = torch.cos(2 * a * x).neg_().add_(1).div_(2 * a).add_(x)
        ctx.save_for_backward(x, a, out)
        return out

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        x, a, out = ctx.saved_tensors
        slope = torch.sin(2 * a * x)
        of_a = (gradient * (x * slope - (out - x))).sum((1, 2, 3), keepdim=True) / a
        return gradient * slope.add_(1), of_a


class Snake(nn.Module):
    """x + sin²(a x) / a with a learned a per channel; a begins between 0.2 and 0.5, as in the source."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.a = nn.Parameter(torch.empty(channels, 1, 1, 1).uniform_(0.2, 0.5))

    def forward(self, x: Tensor) -> Tensor:
        """(C, H, W, B) → (C, H, W, B)."""
        out: Tensor = _SnakeFunction.apply(x, self.a)
        return out


class Norm(nn.BatchNorm1d):
    """Batch normalisation of (C, H, W, B), channels first."""

    def forward(self, x: Tensor) -> Tensor:
        """(C, H, W, B) → (C, H, W, B)."""
        return super().forward(x.flatten(1)[None])[0].view_as(x)


class ResidualBlock(nn.Module):
    """Two separable convolutions beside a skip; dropout draws from the `rng` of the training step."""

    def __init__(self, before: int, after: int, rows: int, dropout: float) -> None:
        super().__init__()
        self.dropout = dropout
        self.first = nn.Sequential(
            Snake(before), Depthwise(before, rows, 3), Pointwise(before, after), Norm(after), Snake(after)
        )
        self.second = nn.Sequential(Depthwise(after, rows, 3), Pointwise(after, after))
        self.skip = nn.Identity() if before == after else Pointwise(before, after)

    def forward(self, x: Tensor, rng: torch.Generator | None) -> Tensor:
        """(before, H, W, B) → (after, H, W, B)."""
        out: Tensor = self.skip(x) + dropped(self.second(self.first(x)), self.dropout, rng)
        return out


def dropped(x: Tensor, share: float, rng: torch.Generator | None) -> Tensor:
    """Dropout by `rng`; x itself without one."""
    if rng is None or share == 0:
        return x
    keep = torch.rand(x.shape, generator=rng, device=rng.device).to(x.device) >= share
    return x * (keep / (1 - share))


class Halve(nn.Module):
    """Separable convolution of stride 2, normalisation, Snake."""

    def __init__(self, before: int, after: int, rows: int) -> None:
        super().__init__()
        self.depthwise, self.pointwise = Depthwise(before, rows, 4), Pointwise(before, after)
        self.rest = nn.Sequential(Norm(after), Snake(after))

    def forward(self, x: Tensor, rng: torch.Generator | None) -> Tensor:
        """(before, H, W, B) → (after, H, ⌊W / 2⌋, B)."""
        out: Tensor = self.rest(self.pointwise(self.depthwise.halved(x)))
        return out


class Double(nn.Module):
    """Separable convolution that doubles the frames, then normalisation and Snake unless it is the last."""

    def __init__(self, before: int, after: int, rows: int, *, last: bool = False) -> None:
        super().__init__()
        self.depthwise, self.pointwise = Depthwise(before, rows, 4), Pointwise(before, after)
        self.rest = nn.Identity() if last else nn.Sequential(Norm(after), Snake(after))

    def forward(self, x: Tensor, rng: torch.Generator | None) -> Tensor:
        """(before, H, W, B) → (after, H, 2W, B)."""
        out: Tensor = self.rest(self.pointwise(self.depthwise.doubled(x)))
        return out


class Encoder(nn.Module):
    """Time–frequency values of one band to unit vectors; time is halved once for each of `widths`."""

    def __init__(self, channels: int, *, rows: int, widths: list[int], dim: int, blocks: int, dropout: float) -> None:
        super().__init__()
        layers: list[nn.Module] = [Halve(channels, widths[0], rows)]
        for before, after in itertools.pairwise(widths):
            layers.append(Halve(before, after, rows))
            layers += [ResidualBlock(after, after, rows, dropout) for _ in range(blocks)]
        layers.append(ResidualBlock(widths[-1], dim, rows, dropout))
        self.layers = nn.ModuleList(layers)

    def forward(self, x: Tensor, rng: torch.Generator | None) -> Tensor:
        """(channels, H, W, B) → (dim, H, ⌊W / 2^stages⌋, B), of length 1 over dim."""
        for layer in self.layers:
            x = layer(x, rng)
        return F.normalize(x, dim=0)


class Decoder(nn.Module):
    """The mirror of `Encoder`; with `oversample` a dense layer doubles the frames once more, as in the source."""

    def __init__(
        self,
        channels: int,
        *,
        rows: int,
        widths: list[int],
        dim: int,
        blocks: int,
        dropout: float,
        oversample: bool,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = [ResidualBlock(dim, widths[-1], rows, dropout)]
        for before, after in itertools.pairwise(reversed(widths)):
            layers += [ResidualBlock(before, before, rows, dropout) for _ in range(blocks)]
            layers.append(Double(before, after, rows))
        layers.append(Double(widths[0], channels, rows, last=True))
        self.layers = nn.ModuleList(layers)
        self.end = nn.Sequential(DenseDouble(channels, rows), Pointwise(channels, channels)) if oversample else None

    def forward(self, x: Tensor, rng: torch.Generator | None) -> Tensor:
        """(dim, H, W, B) → (channels, H, W · 2^stages, B), twice as long with `oversample`."""
        for layer in self.layers:
            x = layer(x, rng)
        return x if self.end is None else self.end(x)
