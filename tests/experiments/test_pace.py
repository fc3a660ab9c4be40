from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from synth_core.experiments import pace
from synth_core.experiments.pace import step_seconds, steps_within
from synth_core.generators import Phase
from synth_core.training.loop import StepRecord, active_phases


def measured(monkeypatch: pytest.MonkeyPatch, phases: tuple[Phase, ...], cost: dict[str, float]) -> float:
    """Seconds of a step by a clock that runs while phases run; the first of each costs a hundred more."""
    clock, met = [0.0], set()

    def train(generator: Any, dataset: Any, config: Any) -> Iterator[StepRecord]:
        for step in range(1, config.steps + 1):
            for phase in active_phases(phases, step, config.steps):
                clock[0] += cost[phase.name] + 100 * (phase.name not in met)
                met.add(phase.name)
            yield StepRecord(step, {}, 0.0)

    monkeypatch.setattr(pace, "train", train)
    monkeypatch.setattr(pace, "time", SimpleNamespace(process_time=lambda: clock[0]))
    generator: Any = SimpleNamespace(phases=phases)
    dataset: Any = None
    return step_seconds(generator, dataset, 0, lambda message: None)


def test_phases_that_follow_one_another_count_by_their_share(monkeypatch: pytest.MonkeyPatch) -> None:
    phases = (Phase("tokeniser", share=0.25), Phase("prior", share=0.75))
    assert measured(monkeypatch, phases, {"tokeniser": 4.0, "prior": 1.0}) == pytest.approx(1.75)


def test_phases_in_turn_count_by_how_often_they_run(monkeypatch: pytest.MonkeyPatch) -> None:
    phases = (Phase("critic"), Phase("generator", every=5))
    assert measured(monkeypatch, phases, {"critic": 1.0, "generator": 2.0}) == pytest.approx(1.4)


def test_a_budget_holds_whole_steps_and_one_at_least() -> None:
    assert [steps_within(*pair) for pair in ((10, 3), (1, 5), (60, 0.5))] == [3, 1, 120]
