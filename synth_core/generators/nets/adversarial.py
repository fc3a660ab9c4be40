"""What critic and generator minimise against one another."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

Objective = Literal["bce", "least-squares", "wasserstein", "hinge"]


def critic_loss(objective: Objective, real: Tensor, fake: Tensor) -> Tensor:
    """Loss of the critic from its scores of real and of generated examples, (B,) each, unbounded.

    "bce": binary cross-entropy of a sigmoid, Goodfellow et al. 2014, eq. 1. "least-squares": Mao et al. 2017,
    arXiv 1611.04076, eq. 9 with targets 1 and 0. "wasserstein": Arjovsky et al. 2017, arXiv 1701.07875, eq. 2.
    "hinge": Lim & Ye 2017, as in SAGAN, arXiv 1805.08318, eq. 4.
    """
    match objective:
        case "bce":
            return F.softplus(-real).mean() + F.softplus(fake).mean()
        case "least-squares":
            return ((real - 1).square().mean() + fake.square().mean()) / 2
        case "wasserstein":
            return fake.mean() - real.mean()
        case "hinge":
            return F.relu(1 - real).mean() + F.relu(1 + fake).mean()


def generator_loss(objective: Objective, fake: Tensor) -> Tensor:
    """Loss of the generator from the critic's scores of its examples, (B,); for "bce" the non-saturating form."""
    match objective:
        case "bce":
            return F.softplus(-fake).mean()
        case "least-squares":
            return (fake - 1).square().mean() / 2
        case "wasserstein" | "hinge":
            return -fake.mean()


@torch.no_grad()
def critic_accuracy(real: Tensor, fake: Tensor) -> Tensor:
    """Share of pairs of a real and a generated example that the critic puts in the right order; 0.5 is chance."""
    return (real[:, None] > fake[None]).float().mean()
