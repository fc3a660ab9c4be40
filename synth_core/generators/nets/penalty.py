"""Keeping a critic Lipschitz: penalties on its gradient, and weights held within bounds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

Score = Callable[[Tensor], Tensor]
Points = Literal["uniform", "convex", "local"]
Norm = Literal["l2", "l1"]

STEP = 0.01  # of the finite difference, in units of the example's standard deviation


def penalty_points(real: Tensor, fake: Tensor, points: Points, rng: torch.Generator) -> Tensor:
    """Where the gradient is held to 1; shaped like `real`.

    "uniform": a point on the line from each real example to a generated one (Gulrajani et al. 2017, sec. 4).
    "convex": a point of the simplex of two real and two generated examples, uniform over it: lines between examples
    leave most of the space between the two distributions unseen. "local": near the real examples, with noise of half
    their standard deviation (DRAGAN: Kodali et al. 2017, arXiv 1705.07215).
    """
    wide = (-1, *[1] * (real.ndim - 1))
    if points == "local":
        noise = torch.rand(real.shape, generator=rng, device=rng.device).to(real.device)
        return real + 0.5 * real.std() * noise
    if points == "uniform":
        mix = torch.rand(len(real), generator=rng, device=rng.device).to(real.device).view(wide)
        return mix * real + (1 - mix) * fake
    # exponentials over their sum are uniform on the simplex
    weights = torch.rand(4, len(real), generator=rng, device=rng.device).clamp_min(1e-7).log().neg()
    weights = (weights / weights.sum(0)).to(real.device)
    corners = (real, fake, real.roll(1, 0), fake.roll(1, 0))
    return sum((w.view(wide) * corner for w, corner in zip(weights, corners, strict=True)), torch.zeros_like(real))


def gradient_norms(score: Score, points: Tensor, *, norm: Norm = "l2", exact: bool = True) -> Tensor:
    """(B,) norms of the critic's gradient at `points`, differentiable with respect to the critic's parameters.

    Parameters
    ----------
    score : examples (B, …) to scores (B,); no example may depend on another.
    norm : "l2", or "l1" (Lipschitz with respect to the largest change of any value).
    exact : differentiate through the gradient. Otherwise the norm is a finite difference in the direction in which
        the score rises fastest: first derivatives are then enough.
    """
    with torch.autocast(points.device.type, enabled=False):
        points = points.detach().float().requires_grad_(True)
        with torch.enable_grad():
            before = score(points)
            gradient = torch.autograd.grad(before.sum(), points, create_graph=exact)[0].flatten(1)
        if exact:  # the root has no slope at zero
            return gradient.abs().sum(1) if norm == "l1" else (gradient.square().sum(1) + 1e-10).sqrt()
        steepest = gradient.sign() if norm == "l1" else gradient / (gradient.norm(dim=1, keepdim=True) + 1e-10)
        moved = points.detach() + STEP * steepest.view_as(points)
        return (score(moved) - score(points.detach())) / STEP


def lipschitz_penalty(norms: Tensor, one_sided: bool = False) -> Tensor:
    """Mean of (‖∇D‖ − 1)²; one-sided, only norms above 1 count (Gulrajani et al. 2017, sec. 4)."""
    excess = norms - 1
    return (excess.clamp_min(0) if one_sided else excess).square().mean()


def clip_after_step(
    optimizer: torch.optim.Optimizer, parameters: Iterable[nn.Parameter], limit: float
) -> torch.optim.Optimizer:
    """The same optimiser; after each of its steps the parameters are clipped to ±`limit` (WGAN, Alg. 1, line 7)."""
    held: list[Tensor] = list(parameters)

    def clip(*_: Any) -> None:
        with torch.no_grad():
            torch._foreach_clamp_min_(held, -limit)
            torch._foreach_clamp_max_(held, limit)

    optimizer.register_step_post_hook(clip)
    return optimizer


def spectrally_normalised(module: nn.Module) -> None:
    """Divide every convolution and dense layer by its largest singular value (Miyato et al. 2018, arXiv 1802.05957)."""
    for layer in [*module.modules()]:
        if isinstance(layer, nn.Linear | nn.modules.conv._ConvNd):
            spectral_norm(layer)
