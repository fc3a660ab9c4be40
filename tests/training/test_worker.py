"""Detached workers: killed at any moment, they resume; their server may die, they go on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from synth_core.errors import InvalidSetting, RunError
from synth_core.training import RunConfig, RunDirectory, create_run, resume, start

SMALL = {"dim": 32, "depth": 1, "width": 8, "steps": 2, "patch": 16}
PATIENCE = 300.0  # seconds; these machines can be several times slower for a while


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "the worker did not get there in time"
        time.sleep(0.05)


def kill(pid: int | None) -> None:
    """SIGKILL to one worker: 0 and below are groups of processes, the test runner's own among them, and 1 is init."""
    assert pid is not None
    assert pid > 1
    os.kill(pid, signal.SIGKILL)


def settings(out: Path, steps: int) -> RunConfig:
    return RunConfig(out=out, steps=steps, batch_size=4, checkpoint_seconds=0.2, preview_seconds=1, previews=2)


def test_killed_at_any_moment_a_run_resumes_without_a_gap_or_a_repetition(tone_dataset: Path, tmp_path: Path) -> None:
    run = start(tone_dataset, "flow", SMALL, settings(tmp_path / "run", 600))
    for progress in (3, 150):
        until(lambda least=progress: run.status().pid is not None and run.status().step >= least)  # type: ignore[misc]
        kill(run.status().pid)
        until(lambda: _unheld(run))
        resume(run.path)
    until(lambda: run.status().state == "finished")
    assert run.metrics()["step"].tolist() == list(range(1, 601))


def _unheld(run: RunDirectory) -> bool:
    try:
        with run.held():
            return True
    except RunError:
        return False


def test_a_worker_outlives_the_process_that_started_it(tone_dataset: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    script = (
        "from synth_core.training import RunConfig, start; import time\n"
        f"start({str(tone_dataset)!r}, 'flow', {SMALL!r}, "
        f"RunConfig(out={str(out)!r}, steps=400, batch_size=4, checkpoint_seconds=1, previews=0))\n"
        "time.sleep(1000)"
    )
    server = subprocess.Popen([sys.executable, "-c", script])
    run = RunDirectory(out)
    until(lambda: run.status().step >= 2)
    server.kill()
    server.wait()
    until(lambda: run.status().state == "finished")
    assert run.liveness(time.time()) == "ended"
    assert len(run.metrics()) == 400


def test_a_silent_worker_is_known_by_its_heartbeat(tone_dataset: Path, tmp_path: Path) -> None:
    run = create_run(tone_dataset, "flow", SMALL, settings(tmp_path / "run", 5))
    now = time.time()
    assert run.liveness(now) == "alive"
    assert run.liveness(now + 60) == "alive"  # a busy machine takes its time to start a worker
    assert run.liveness(now + 300) == "silent"
    run.write_status(replace(run.status(), pid=1))
    assert run.liveness(now + 60) == "silent"


def test_a_run_that_cannot_work_is_refused_before_it_is_created(tone_dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting, match="no generator"):
        create_run(tone_dataset, "nonesuch", {}, settings(tmp_path / "run", 5))
    with pytest.raises(InvalidSetting, match="`dim`"):
        create_run(tone_dataset, "flow", {"dim": 7}, settings(tmp_path / "run", 5))
    assert not (tmp_path / "run").exists()
