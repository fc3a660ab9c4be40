"""Whether a worker lives is judged by what moves: no clock that is set back or forward changes it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from synth_core.data import Dataset
from synth_core.generators import build
from synth_core.training import RunConfig, RunDirectory, Status, Watch, train
from synth_core.training.liveness import SILENCE, STARTING, is_process
from tests.generators.test_contract import SMALL

HERE = "this-machine"


class Clock:
    """One's own, which moves when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return RunDirectory(tmp_path)


def working(**changes: object) -> Status:
    usual = Status("running", step=3, steps=7, heartbeat=1e9, started=1e9, pid=4242, host=HERE, beat=5)
    return replace(usual, **changes)


def watch(clock: Clock, *processes: int) -> Watch:
    return Watch(clock, exists=lambda pid: pid in processes, host=HERE)


def test_a_beat_that_moves_is_a_life(run: RunDirectory, clock: Clock) -> None:
    seen = watch(clock, 4242)
    for beat in range(5):
        run.write_status(working(beat=beat))
        assert seen.liveness(run) == "alive"
        clock.now += 10 * SILENCE  # whoever looks may look seldom
    assert seen.liveness(run) == "silent"
    run.write_status(working(beat=6))
    assert seen.liveness(run) == "alive"


@pytest.mark.parametrize("shift", [-1e8, -3600, 3600, 1e8])
def test_a_clock_that_is_set_does_not_stop_a_run(run: RunDirectory, clock: Clock, shift: float) -> None:
    seen = watch(clock, 4242)
    run.write_status(working())
    assert seen.liveness(run) == "alive"
    clock.now += 1
    run.write_status(working(heartbeat=1e9 + shift, beat=6))
    assert seen.liveness(run) == "alive"
    clock.now += SILENCE - 1
    assert seen.liveness(run) == "alive"
    clock.now += 1
    assert seen.liveness(run) == "silent"


def test_a_worker_whose_process_is_gone_is_silent_at_once(run: RunDirectory, clock: Clock) -> None:
    run.write_status(working())
    assert watch(clock).liveness(run) == "silent"


def test_of_the_processes_of_another_machine_nothing_is_known(run: RunDirectory, clock: Clock) -> None:
    run.write_status(working(host="elsewhere"))
    seen = watch(clock)
    assert seen.liveness(run) == "alive"
    clock.now += SILENCE
    assert seen.liveness(run) == "silent"


def test_another_process_with_its_id_keeps_no_worker_alive(run: RunDirectory, clock: Clock) -> None:
    run.write_status(working())
    seen = watch(clock, 4242)
    assert seen.liveness(run) == "alive"
    clock.now += SILENCE
    assert seen.liveness(run) == "silent"


def test_a_busy_machine_takes_its_time_to_start_a_worker(run: RunDirectory, clock: Clock) -> None:
    run.write_status(Status("starting", steps=7))
    seen = watch(clock)
    assert seen.liveness(run) == "alive"
    clock.now += STARTING - 1
    assert seen.liveness(run) == "alive"
    clock.now += 1
    assert seen.liveness(run) == "silent"


@pytest.mark.parametrize("state", ["cancelled", "finished", "failed"])
def test_what_has_ended_has_ended(run: RunDirectory, clock: Clock, state: str) -> None:
    run.write_status(working(state=state))
    assert watch(clock, 4242).liveness(run) == "ended"


def test_a_process_is_there_until_it_is_gone() -> None:
    assert is_process(os.getpid())
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert not is_process(child.pid)


@pytest.mark.parametrize("pid", [1, 0, -1, -4242])
def test_groups_of_processes_and_init_are_never_signalled(pid: int, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda *given: sent.append(given))
    with pytest.raises(ValueError, match="no id of a worker"):
        is_process(pid)
    assert sent == []


def test_a_worker_beats_and_counts_its_time_whatever_its_clock_says(
    training_part: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RunDirectory(tmp_path / "run")
    generator = build("flow", training_part.spec, **SMALL["flow"])
    beats, wall = [], 2e9
    monkeypatch.setattr(time, "time", lambda: wall)
    config = RunConfig(out=run.path, steps=4, batch_size=4, checkpoint_seconds=0, previews=0)
    seen = Watch()
    for _ in train(generator, training_part, config):
        wall -= 1e6  # set back between all steps
        assert seen.liveness(run) == "alive"
        beats.append(run.status().beat)
    status = run.status()
    assert seen.liveness(run) == "ended"
    assert status.state == "finished"
    assert beats == sorted(beats)
    assert status.beat > beats[0]
    assert status.host
    assert 0 <= status.seconds < 3600
    assert generator.provenance["seconds"] >= 0
