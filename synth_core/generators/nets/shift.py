"""Shifts along an axis, with what is missing reflected in from the edge."""

from __future__ import annotations

import torch
from torch import Tensor


def shifted(x: Tensor, shifts: Tensor, axis: int = -1) -> Tensor:
    """Move examples along one axis.

    Parameters
    ----------
    x : (B, channels, *size).
    shifts : () for all examples alike or (B,) for each, whole numbers below the length of the axis; positive moves
        the content to higher positions.
    axis : counted from the end.

    Returns
    -------
    Like `x`; position i holds what was at i − shift, reflected at the ends without repeating the edge.
    """
    length = x.shape[axis]
    wanted = torch.arange(length, device=x.device) - shifts.to(x.device)[..., None]
    source = wanted.abs()
    source = torch.where(source >= length, 2 * (length - 1) - source, source)
    if source.ndim == 1:
        return x.index_select(axis, source)
    shape = [1] * x.ndim
    shape[0], shape[axis] = source.shape
    return x.gather(axis, source.view(shape).expand_as(x))


def phase_shuffle(x: Tensor, most: int, rng: torch.Generator, per_example: bool = False) -> Tensor:
    """Shift (B, channels, time) by −`most` … `most` samples, so that a critic cannot tell examples by the phase of
    the generator's artefacts: WaveGAN, arXiv 1802.04208, sec. 3.3; one shift per batch there, as in its code.
    """
    shape = (len(x),) if per_example else ()
    return shifted(x, torch.randint(-most, most + 1, shape, generator=rng, device=rng.device))
