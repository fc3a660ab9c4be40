"""The network of DiffWave: Kong et al. 2021, arXiv 2009.09761, figure 2, without the mel conditioner.

Architecture, widths and starts follow the public implementation (lmnt-com/diffwave 0.1.7), whose weights fit: 30
blocks of 64 channels with 12 channels in and out have 2.31 million parameters. Only the order of the arithmetic
differs: blocks work on (channels, batch, time), the skips of all blocks meet in one matrix product, and a block keeps
little for the backward pass.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from synth_core.generators.nets.convolution import Convolution, as_matrix, columns

STEP_WIDTH = 512  # of the embedding of the diffusion step


class StepEmbedding(nn.Module):
    """Diffusion step, also a fractional one, to 512 values (sec. 3.1): sines and cosines, two dense layers.

    Rows between two whole steps are interpolated, as in the public implementation: fast sampling asks for them.
    """

    table: Tensor

    def __init__(self, steps: int) -> None:
        super().__init__()
        angles = torch.arange(steps)[:, None] * 10.0 ** (torch.arange(64) * 4.0 / 63.0)
        self.register_buffer("table", torch.cat([angles.sin(), angles.cos()], dim=1), persistent=False)
        self.projection1 = nn.Linear(128, STEP_WIDTH)
        self.projection2 = nn.Linear(STEP_WIDTH, STEP_WIDTH)

    def forward(self, step: Tensor) -> Tensor:
        """(B,) in [0, steps − 1] → (B, 512)."""
        low = step.floor().long()
        high = step.ceil().long()
        rows = torch.lerp(self.table[low], self.table[high], (step - low)[:, None].to(self.table.dtype))
        return F.silu(self.projection2(F.silu(self.projection1(rows))))


def gated_residual(
    x: Tensor, step: Tensor, weight: Tensor, bias: Tensor, out_weight: Tensor, out_bias: Tensor, dilation: int
) -> tuple[Tensor, Tensor]:
    """One block: x (C, B, L), step (C, B) → the next x, and the gated activation y that the skip is read from.

    z = conv(x + step); y = σ(z₁) · tanh(z₂); x' = (x + W y + b) / √2. Weight (2C, C, 3); out_weight (C, C).
    """
    channels, batch, length = x.shape
    seen = columns(x + step[..., None], 3, dilation=dilation, padding=dilation)
    gate, value = (as_matrix(weight) @ seen.flatten(1) + bias[:, None]).chunk(2)
    y = gate.sigmoid() * value.tanh()
    x = (x.flatten(1) + out_weight @ y + out_bias[:, None]) / math.sqrt(2)
    return x.view(channels, batch, length), y.view(channels, batch, length)


class _GatedResidual(torch.autograd.Function):
    """`gated_residual` with its gradient written out: fewer passes over memory, and only x, z and y are kept."""

    @staticmethod
    @torch.amp.custom_fwd(device_type="cpu", cast_inputs=torch.float32)
    def forward(
        ctx: Any,
        x: Tensor,
        step: Tensor,
        weight: Tensor,
        bias: Tensor,
        out_weight: Tensor,
        out_bias: Tensor,
        dilation: int,
    ) -> tuple[Tensor, Tensor]:
        channels = len(x)
        seen = _block_columns(x, step, dilation)
        z = torch.addmm(bias[:, None], as_matrix(weight), seen.flatten(1))
        y = z[:channels].sigmoid_() * z[channels:].tanh_()
        half = math.sqrt(0.5)
        out = torch.addmm(x.flatten(1), out_weight, y, beta=half, alpha=half).add_(out_bias[:, None], alpha=half)
        ctx.save_for_backward(x, step, weight, out_weight, z, y)
        ctx.dilation = dilation
        return out.view_as(x), y.view_as(x)

    @staticmethod
    @torch.amp.custom_bwd(device_type="cpu")
    def backward(ctx: Any, of_out: Tensor, of_skip: Tensor) -> tuple[Tensor | None, ...]:
        x, step, weight, out_weight, z, y = ctx.saved_tensors
        channels, _, length = x.shape
        half = math.sqrt(0.5)
        flat = of_out.flatten(1)
        of_y = torch.addmm(of_skip.flatten(1), out_weight.t(), flat, alpha=half)
        gate, value = z[:channels], z[channels:]
        of_z = torch.empty_like(z)
        torch.ops.aten.sigmoid_backward.grad_input(of_y * value, gate, grad_input=of_z[:channels])
        torch.ops.aten.tanh_backward.grad_input(of_y.mul_(gate), value, grad_input=of_z[channels:])
        seen = _block_columns(x, step, ctx.dilation)
        of_weight = (of_z @ seen.flatten(1).t()).unflatten(1, (3, -1)).permute(0, 2, 1)
        torch.mm(as_matrix(weight).t(), of_z, out=seen.flatten(1))
        before, of_x, after = seen.unflatten(0, (3, -1))
        if ctx.dilation < length:
            of_x[..., : length - ctx.dilation] += before[..., ctx.dilation :]
            of_x[..., ctx.dilation :] += after[..., : length - ctx.dilation]
        of_step = of_x.sum(2)
        of_out_weight = (flat @ y.t()).mul_(half)
        # `of_x` is a part of the columns' buffer: a sum of its own lets go of the rest
        return of_x.add(of_out, alpha=half), of_step, of_weight, of_z.sum(1), of_out_weight, flat.sum(1) * half, None


def _block_columns(x: Tensor, step: Tensor, dilation: int) -> Tensor:
    """`columns` of x + step for a kernel of 3, written once into their place; (3C, B, L)."""
    channels, batch, length = x.shape
    seen = x.new_empty(3, channels, batch, length)
    torch.add(x, step[..., None], out=seen[1])
    reach = min(dilation, length)
    seen[0, ..., :reach] = 0
    seen[2, ..., length - reach :] = 0
    seen[0, ..., reach:] = seen[1, ..., : length - reach]
    seen[2, ..., : length - reach] = seen[1, ..., reach:]
    return seen.flatten(0, 1)


class ResidualBlock(nn.Module):
    """Parameters of one block (fig. 2); `output_projection` makes the residual from its first half, the skip after."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.dilation = dilation
        self.dilated_conv = _kaiming(Convolution(channels, 2 * channels, 3))
        self.diffusion_projection = nn.Linear(STEP_WIDTH, channels)
        self.output_projection = _kaiming(Convolution(channels, 2 * channels))

    def forward(self, x: Tensor, step: Tensor) -> tuple[Tensor, Tensor]:
        """x (C, B, L), embedded step (B, 512) → the next x and the gated activation, both (C, B, L)."""
        channels = len(x)
        block = _GatedResidual.apply if x.device.type == "cpu" else gated_residual
        out: tuple[Tensor, Tensor] = block(
            x,
            self.diffusion_projection(step).t(),
            self.dilated_conv.weight,
            self.dilated_conv.bias,
            self.output_projection.weight[:channels, :, 0],
            self.output_projection.bias[:channels],
            self.dilation,
        )
        return out


class DilatedNetwork(nn.Module):
    """Noise (or velocity) network: 1×1 in, `layers` gated blocks, sum of the skips / √layers, two 1×1 out."""

    def __init__(self, channels: int, *, width: int, layers: int, cycle: int, steps: int) -> None:
        super().__init__()
        self.input_projection = _kaiming(Convolution(channels, width))
        self.diffusion_embedding = StepEmbedding(steps)
        self.residual_layers = nn.ModuleList(ResidualBlock(width, 2 ** (i % cycle)) for i in range(layers))
        self.skip_projection = _kaiming(Convolution(width, width))
        self.output_projection = _kaiming(Convolution(width, channels))
        nn.init.zeros_(self.output_projection.weight)

    def forward(self, x: Tensor, step: Tensor, condition: Tensor) -> Tensor:
        """(B, channels, L), (B,) steps, (B, 512) added to the embedded step → (B, channels, L)."""
        embedded = self.diffusion_embedding(step) + condition
        x = F.relu(self.input_projection(x.transpose(0, 1)))
        gated = []
        for block in self.residual_layers:
            x, y = block(x, embedded)
            gated.append(y)
        x = self.output_projection(F.relu(self.skip_projection(self._skips(gated))))
        return x.transpose(0, 1)

    def _skips(self, gated: list[Tensor]) -> Tensor:
        """Σ (W_i y_i + b_i) / √layers as one product of the joined weights and activations."""
        half = len(gated[0])
        projections = [block.output_projection for block in self.residual_layers]
        weight = torch.cat([projection.weight[half:, :, 0] for projection in projections], dim=1)  # type: ignore[index, union-attr]
        bias = torch.stack([projection.bias[half:] for projection in projections]).sum(0)  # type: ignore[index, union-attr]
        total = torch.addmm(bias[:, None], weight, torch.cat(gated).flatten(1)) / math.sqrt(len(gated))
        return total.view_as(gated[0])


def _kaiming(convolution: Convolution) -> Convolution:
    nn.init.kaiming_normal_(convolution.weight)
    return convolution
