"""How long one training step of a generator takes, so that a budget of time becomes a number of steps."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import fmean, median

from synth_core.data import Dataset
from synth_core.generators import Generator
from synth_core.settings import checked
from synth_core.training import RunConfig
from synth_core.training.loop import active_phases, train

MEASURED = 20  # steps, or as many as fill
MEASURED_SECONDS = 2.0  # where they are quick
MOST = 400


def step_seconds(generator: Generator, training: Dataset, seed: int, say: Callable[[str], None]) -> float:
    """CPU seconds of a step, averaged over the phases as a whole run has them; the generator is trained by the way.

    The steps of a kind, those of one phase or those on which two fall together, count by their median: the first of
    each also allocates memory.
    """
    steps = max(MEASURED, *(2 * phase.every for phase in generator.phases))
    seconds = _typical(generator, training, steps, seed, say)
    more = min(MOST, steps_within(MEASURED_SECONDS, seconds))
    return seconds if more < 2 * steps else _typical(generator, training, more, seed, say)


def _typical(generator: Generator, training: Dataset, steps: int, seed: int, say: Callable[[str], None]) -> float:
    kinds: list[tuple[str, ...]] = []
    spent: dict[tuple[str, ...], list[float]] = {}
    given = {"steps": steps, "seed": seed, "allow_synthetic": True}  # the experiment has refused what it must
    records = train(generator, training, checked(RunConfig, given, "the run"))
    began = time.process_time()
    for record in records:
        kinds.append(tuple(phase.name for phase in active_phases(generator.phases, record.step, steps)))
        now = time.process_time()
        spent.setdefault(kinds[-1], []).append(now - began)
        say(f"measuring the pace, step {record.step} of {steps}")
        began = time.process_time()
    typical = {kind: median(seconds) for kind, seconds in spent.items()}
    return fmean(typical[kind] for kind in kinds)


def steps_within(budget: float, seconds: float) -> int:
    """Whole steps of so many seconds in a budget; one at least."""
    return max(1, int(budget / seconds)) if seconds > 0 else 1
