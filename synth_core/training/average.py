"""Exponential moving average of weights: Polyak averaging as every diffusion codebase uses it."""

from __future__ import annotations

import copy

import torch

from synth_core.generators import Generator


class MovingAverage:
    """A second generator whose weights follow the first; samples are drawn from it.

    The decay grows as (1 + step) / (10 + step) up to `decay`, so that a short run is not held back by its start.
    Critics, buffers and what the generator declares as copied are copied, not averaged.
    """

    def __init__(self, generator: Generator, decay: float) -> None:
        self.generator = copy.deepcopy(generator).requires_grad_(False)
        self.decay = decay
        critics = tuple(f"{name}." for name in (*generator.critics, *generator.copied))
        names = dict(generator.named_parameters())
        self._averaged = [name for name in names if not name.startswith(critics)] if critics else list(names)

    @torch.no_grad()
    def update(self, generator: Generator, step: int) -> None:
        """Move towards `generator` after step `step`."""
        weight = 1 - min(self.decay, (1 + step) / (10 + step))
        mine, theirs = dict(self.generator.named_parameters()), dict(generator.named_parameters())
        torch._foreach_lerp_([mine[name] for name in self._averaged], [theirs[name] for name in self._averaged], weight)
        for name in mine.keys() - set(self._averaged):
            mine[name].copy_(theirs[name])
        for own, other in zip(self.generator.buffers(), generator.buffers(), strict=True):
            own.copy_(other)
