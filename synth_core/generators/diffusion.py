"""Noise schedules and reverse steps of diffusion models, as functions of ᾱ, the share of the signal's power.

x_t = √ᾱ_t x_0 + √(1 − ᾱ_t) ε (Ho et al. 2020, arXiv 2006.11239, eq. 4). A network puts out ε, or
v = √ᾱ ε − √(1 − ᾱ) x_0 (Salimans & Ho 2022, arXiv 2202.00512, appendix D), which stays defined where ᾱ = 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

Prediction = Literal["noise", "velocity"]


def linear_schedule(steps: int, first: float = 1e-4, last: float = 0.05) -> Tensor:
    """ᾱ of `steps` variances β that rise evenly from `first` to `last`; (steps,) float64."""
    return torch.cumprod(1 - torch.linspace(first, last, steps, dtype=torch.float64), dim=0)


def cosine_schedule(steps: int, offset: float = 0.008) -> Tensor:
    """ᾱ_t = cos²((t / T + s) / (1 + s) · π / 2), β at most 0.999 (Nichol & Dhariwal 2021, eq. 17); (steps,) float64."""
    positions = torch.linspace(0, 1, steps + 1, dtype=torch.float64)
    signal = torch.cos((positions + offset) / (1 + offset) * math.pi / 2).square()
    betas = (1 - signal[1:] / signal[:-1]).clamp_max(0.999)
    return torch.cumprod(1 - betas, dim=0)


def zero_terminal_snr(schedule: Tensor) -> Tensor:
    """√ᾱ shifted and scaled so that the last is 0 and the first stays (Lin et al. 2023, arXiv 2305.08891, alg. 1)."""
    root = schedule.sqrt()
    return ((root - root[-1]) * root[0] / (root[0] - root[-1])).square()


def matching_steps(schedule: Tensor, wanted: Tensor) -> Tensor:
    """Fractional positions in `schedule` at which √ᾱ is that of `wanted`, by linear interpolation of √ᾱ.

    Kong et al. 2021, arXiv 2009.09761, appendix B. Levels beyond either end of the schedule take that end.
    """
    falling, level = schedule.sqrt(), wanted.sqrt()
    right = torch.searchsorted(-falling, -level).clamp(1, len(schedule) - 1)
    share = (falling[right - 1] - level) / (falling[right - 1] - falling[right])
    return right - 1 + share.clamp(0, 1)


def evenly_spaced(schedule: Tensor, steps: int) -> tuple[Tensor, Tensor]:
    """`steps` levels of the schedule, the last included, with their positions: ᾱ (steps,), positions (steps,)."""
    if steps >= len(schedule):
        return schedule, torch.arange(len(schedule), dtype=schedule.dtype)
    positions = torch.linspace(len(schedule) - 1, -1, steps + 1, dtype=schedule.dtype)[:-1].flip(0).round()
    return schedule[positions.long()], positions


def noisy(data: Tensor, noise: Tensor, level: Tensor) -> Tensor:
    """x_t for ᾱ `level`, which broadcasts."""
    return level.sqrt() * data + (1 - level).sqrt() * noise


def target(data: Tensor, noise: Tensor, level: Tensor, kind: Prediction) -> Tensor:
    """What the network shall put out."""
    return noise if kind == "noise" else level.sqrt() * noise - (1 - level).sqrt() * data


def data_and_noise(output: Tensor, x: Tensor, level: Tensor, kind: Prediction) -> tuple[Tensor, Tensor]:
    """The x_0 and ε that an output at x_t and ᾱ `level` stands for."""
    signal, spread = level.sqrt(), (1 - level).sqrt()
    if kind == "velocity":
        return signal * x - spread * output, spread * x + signal * output
    return (x - spread * output) / signal, output


def reverse(
    predict: Callable[[Tensor, Tensor], Tensor],
    x: Tensor,
    levels: Tensor,
    positions: Tensor,
    *,
    kind: Prediction,
    eta: float,
    draw: Callable[[], Tensor],
    clamp: float | None = None,
) -> Tensor:
    """From x at the last of `levels` to data (Song et al. 2021, arXiv 2010.02502, eq. 12 and 16).

    Parameters
    ----------
    predict : (x, position) → output of the network.
    x : noise; its shape is that of the result.
    levels, positions : rising positions in the schedule and their ᾱ.
    eta : 1 is the ancestral sampler of Ho et al. 2020 (σ² = (1 − ᾱ') / (1 − ᾱ) · β), 0 has no noise (DDIM).
    draw : standard normal noise of the shape of x.
    clamp : values are kept within ± this after each step.
    """
    after = torch.cat([levels.new_ones(1), levels[:-1]])
    for now in reversed(range(len(levels))):
        level, next_level = levels[now].to(x), after[now].to(x)
        data, noise = data_and_noise(predict(x, positions[now].to(x)), x, level, kind)
        if now == 0:
            x = data
        else:
            sigma = eta * ((1 - next_level) / (1 - level) * (1 - level / next_level)).sqrt()
            x = next_level.sqrt() * data + (1 - next_level - sigma.square()).clamp_min(0).sqrt() * noise
            x = x + sigma * draw() if eta > 0 else x
        x = x if clamp is None else x.clamp(-clamp, clamp)
    return x
