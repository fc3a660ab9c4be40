"""Solvers of the ordinary differential equation of a flow, from noise (t = 0) to data (t = 1)."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from torch import Tensor

Velocity = Callable[[Tensor, Tensor], Tensor]  # (x_t, t) to dx/dt, of the shape of x_t


def heun(velocity: Velocity, x: Tensor, times: Tensor, *, closing: bool) -> Tensor:
    """Heun's method, of second order: two evaluations a step.

    Parameters
    ----------
    times : 0 … 1, increasing, on the device of x.
    closing : the last step is Euler's, as the velocity cannot be asked for at t = 1.
    """
    for now, after in itertools.pairwise(times):
        first = velocity(x, now)
        ahead = x + (after - now) * first
        if closing and after == 1:
            return ahead
        x = x + (after - now) * (first + velocity(ahead, after)) / 2
    return x


def multistep(velocity: Velocity, x: Tensor, times: Tensor, *, closing: bool) -> Tensor:
    """Adams and Bashforth's method of second order on steps of unequal length: one evaluation a step.

    The first step is Euler's, and with `closing` the last one too, where the velocity bends the most.
    """
    before: tuple[Tensor, Tensor] | None = None  # velocity and width of the last step
    for now, after in itertools.pairwise(times):
        here, width = velocity(x, now), after - now
        slope = here
        if before is not None and not (closing and after == 1):
            slope = here + width / (2 * before[1]) * (here - before[0])
        x, before = x + width * slope, (here, width)
    return x


def data_multistep(velocity: Velocity, x: Tensor, times: Tensor, *, closing: bool) -> Tensor:
    """DPM-Solver++(2M), Lu et al. 2022, arXiv 2211.01095, alg. 2, on the straight path: one evaluation a step.

    It extrapolates the estimate of the data over the logit of t, which is half their log signal-to-noise ratio here.
    """
    before: tuple[Tensor, Tensor] | None = None  # estimate and step in the logit; there is none from t = 0
    for now, after in itertools.pairwise(times):
        aim = data = x + (1 - now) * velocity(x, now)
        step = after.logit() - now.logit()
        if before is not None and after < 1:
            aim = data + step / (2 * before[1]) * (data - before[0])
        x = x + (after - now) / (1 - now) * (aim - x)
        before = (data, step) if now > 0 else None
    return x


SOLVERS = {"heun": heun, "ab2": multistep, "dpm2m": data_multistep}
