"""One-dimensional convolution as one matrix product, for activations of shape (channels, batch, time).

With the channels first a whole batch is one matrix of (channels, batch · time): on a CPU one large product runs at the
speed of the processor, where the library's own convolution of a batch spends a third of its time on layouts. The
shifted copies ("columns") are made again in the backward pass instead of kept, which saves three quarters of the
memory.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def columns(x: Tensor, kernel: int, *, stride: int = 1, dilation: int = 1, padding: int = 0) -> Tensor:
    """(C, B, L) to (kernel · C, B, L'): the values that each tap of the kernel sees; zeros beyond the ends."""
    if kernel == 1 and stride == 1 and padding == 0:
        return x
    channels, batch, length = x.shape
    padded = F.pad(x, (padding, padding))
    out_length = (length + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
    reach = stride * (out_length - 1) + 1
    taps = [padded[:, :, tap * dilation : tap * dilation + reach : stride] for tap in range(kernel)]
    return torch.cat(taps).view(kernel * channels, batch, out_length)


def as_matrix(weight: Tensor) -> Tensor:
    """(out, in, kernel), as of a Conv1d, to (out, kernel · in) in the order of `columns`."""
    return weight.permute(0, 2, 1).flatten(1)


def _uncolumns(gradient: Tensor, length: int, kernel: int, stride: int, dilation: int, padding: int) -> Tensor:
    """The transpose of `columns`: (kernel · C, B, L') to (C, B, length)."""
    taps = gradient.unflatten(0, (kernel, -1))
    if kernel == 1 and stride == 1 and padding == 0:
        return taps[0]
    out_length = gradient.shape[-1]
    reach = stride * (out_length - 1) + 1
    padded = gradient.new_zeros(*taps.shape[1:3], length + 2 * padding)
    for tap in range(kernel):
        padded[:, :, tap * dilation : tap * dilation + reach : stride] += taps[tap]
    return padded[:, :, padding : padding + length]


class _Convolution(torch.autograd.Function):
    """`convolve` with the columns made again in the backward pass."""

    @staticmethod
    @torch.amp.custom_fwd(device_type="cpu", cast_inputs=torch.float32)
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, stride: int, dilation: int, padding: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.how = (weight.shape[2], stride, dilation, padding)
        seen = columns(x, weight.shape[2], stride=stride, dilation=dilation, padding=padding)
        return torch.addmm(bias[:, None], as_matrix(weight), seen.flatten(1)).view(len(weight), *seen.shape[1:])

    @staticmethod
    @torch.amp.custom_bwd(device_type="cpu")
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        kernel, stride, dilation, padding = ctx.how
        flat = gradient.flatten(1)
        seen = columns(x, kernel, stride=stride, dilation=dilation, padding=padding)
        of_weight = (flat @ seen.flatten(1).t()).unflatten(1, (kernel, -1)).permute(0, 2, 1)
        of_x = None
        if ctx.needs_input_grad[0]:
            of_columns = (as_matrix(weight).t() @ flat).view_as(seen)
            of_x = _uncolumns(of_columns, x.shape[-1], kernel, stride, dilation, padding)
        return of_x, of_weight, flat.sum(1), None, None, None


def convolve(
    x: Tensor, weight: Tensor, bias: Tensor, *, stride: int = 1, dilation: int = 1, padding: int = 0
) -> Tensor:
    """(C, B, L), weight (out, C, kernel), bias (out,) → (out, B, L'), as `torch.nn.functional.conv1d` on (B, C, L)."""
    if x.device.type == "cpu":
        result: Tensor = _Convolution.apply(x, weight, bias, stride, dilation, padding)
        return result
    seen = columns(x, weight.shape[2], stride=stride, dilation=dilation, padding=padding)
    return (as_matrix(weight) @ seen.flatten(1) + bias[:, None]).view(len(weight), *seen.shape[1:])


class Convolution(nn.Module):
    """A Conv1d for (C, B, L): the same weights, the same start (uniform, as `torch.nn.Conv1d`)."""

    def __init__(
        self, before: int, after: int, kernel: int = 1, *, stride: int = 1, dilation: int = 1, padding: int = 0
    ) -> None:
        super().__init__()
        self.stride, self.dilation, self.padding = stride, dilation, padding
        self.weight = nn.Parameter(torch.empty(after, before, kernel))
        self.bias = nn.Parameter(torch.empty(after))
        nn.init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        bound = 1 / math.sqrt(before * kernel)
        nn.init.uniform_(self.bias, -bound, bound)

    def forward(self, x: Tensor) -> Tensor:
        """(C, B, L) → (after, B, L')."""
        return convolve(x, self.weight, self.bias, stride=self.stride, dilation=self.dilation, padding=self.padding)
