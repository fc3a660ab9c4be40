"""Differentiable augmentation of what a critic sees: Zhao et al. 2020, arXiv 2006.10738."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from synth_core.generators.nets.shift import shifted
from synth_core.types import Condition

FURTHEST = 1 / 8  # of the length of an axis, as in the paper
HOLE = 1 / 2  # side of the cutout, as a share of the side of the slice


def augmented(x: Tensor, condition: Condition, rng: torch.Generator) -> tuple[Tensor, Condition]:
    """Change real and generated examples alike, differentiably, so that a critic cannot learn a small set by heart.

    Parameters
    ----------
    x : (B, channels, *size) scaled values. Slices are brightened, moved and lose a square; signals are moved in time
        and scaled.
    condition : a lesion mask moves with its slice.
    """
    if x.ndim == 3:
        return rescaled(_moved(x, rng), rng), condition
    bright = x + _uniform((len(x), 1, 1, 1), rng, x) - 0.5
    if condition.mask is None:
        return cut_out(_moved(bright, rng), rng), condition
    both = cut_out(_moved(torch.cat([bright, condition.mask.to(x.dtype)], dim=1), rng), rng)
    return both[:, :-1], replace(condition, mask=both[:, -1:])


def mirrored(x: Tensor, condition: Condition, rng: torch.Generator) -> tuple[Tensor, Condition]:
    """Left and right swapped in half of the slices (B, channels, height, width), and in their lesion masks."""
    swap = _uniform((len(x), 1, 1, 1), rng, x) < 0.5
    mask = condition.mask
    turned = condition if mask is None else replace(condition, mask=torch.where(swap, mask.flip(-1), mask))
    return torch.where(swap, x.flip(-1), x), turned


def rescaled(x: Tensor, rng: torch.Generator) -> Tensor:
    """Each example times a factor between 0.8 and 1.25, uniform in its logarithm."""
    return x * 1.25 ** (2 * _uniform((len(x), *[1] * (x.ndim - 1)), rng, x) - 1)


def cut_out(x: Tensor, rng: torch.Generator) -> Tensor:
    """Zero a rectangle of half the height and width, its centre anywhere, in (B, channels, height, width)."""
    inside = torch.ones(len(x), 1, 1, 1, dtype=torch.bool, device=x.device)
    for axis, shape in ((2, (-1, 1)), (3, (1, -1))):
        length = x.shape[axis]
        position = torch.arange(length, device=x.device).view(shape)
        centre = (_uniform((len(x), 1, 1, 1), rng, x) * length).floor()
        inside = inside & ((position - centre).abs() < HOLE * length / 2)
    return x.masked_fill(inside, 0.0)


def _moved(x: Tensor, rng: torch.Generator) -> Tensor:
    for axis in range(2, x.ndim):
        most = int(x.shape[axis] * FURTHEST)
        x = shifted(x, torch.randint(-most, most + 1, (len(x),), generator=rng, device=rng.device), axis - x.ndim)
    return x


def _uniform(shape: tuple[int, ...], rng: torch.Generator, like: Tensor) -> Tensor:
    return torch.rand(shape, generator=rng, device=rng.device).to(like.device, like.dtype)
