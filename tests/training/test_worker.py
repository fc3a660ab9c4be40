"""Detached workers: killed at any moment, they resume; their server may die, they go on.

Nothing here depends on how fast the machine is: a run has more steps than it will ever take, what is waited for is a
condition, and a run is ended by asking it to.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from synth_core.errors import InvalidSetting, RunError
from synth_core.training import RunConfig, RunDirectory, create_run, resume, start

MANY = 200_000  # steps: more than a run here will ever take
SMALL = {"dim": 32, "depth": 1, "width": 8, "steps": 2, "patch": 16}


@pytest.fixture
def out(tmp_path: Path) -> Iterator[Path]:
    """The folder of a run; whatever becomes of the test, its worker is asked to stop."""
    yield tmp_path / "run"
    if (tmp_path / "run").is_dir():
        RunDirectory(tmp_path / "run").cancel()


def until(condition: Callable[[], bool], run: RunDirectory) -> None:
    """Wait for a condition; the time limit of the test itself ends what never comes. A run that failed ends it too."""
    while not condition():
        status = run.status()
        assert status.state != "failed", f"{status.message} {run.log(20)}"
        time.sleep(0.05)


def kill(pid: int | None) -> None:
    """SIGKILL to one worker: 0 and below are groups of processes, the test runner's own among them, and 1 is init."""
    assert pid is not None
    assert pid > 1
    os.kill(pid, signal.SIGKILL)


def settings(out: Path, steps: int = MANY) -> RunConfig:
    return RunConfig(out=out, steps=steps, batch_size=4, checkpoint_seconds=0.2, preview_seconds=1, previews=2)


def reached(run: RunDirectory, step: int) -> None:
    until(lambda: run.status().pid is not None and run.status().step >= step, run)


def ended(run: RunDirectory) -> None:
    """Stop it by asking, and wait for its last word."""
    run.cancel()
    until(lambda: run.status().state == "cancelled" and _unheld(run), run)


def test_killed_at_any_moment_a_run_resumes_without_a_gap_or_a_repetition(tone_dataset: Path, out: Path) -> None:
    run = start(tone_dataset, "flow", SMALL, settings(out))
    step = 3
    for _ in range(2):
        reached(run, step)
        kill(run.status().pid)
        until(lambda: _unheld(run), run)
        step = run.status().step + 20
        resume(run.path)
    reached(run, step)
    ended(run)
    steps = run.metrics()["step"].tolist()
    assert steps == list(range(1, run.status().step + 1))
    assert len(steps) >= step


def _unheld(run: RunDirectory) -> bool:
    try:
        with run.held():
            return True
    except RunError:
        return False


def test_a_worker_outlives_the_process_that_started_it(tone_dataset: Path, out: Path) -> None:
    script = (
        "from synth_core.training import RunConfig, start; import sys\n"
        f"start({str(tone_dataset)!r}, 'flow', {SMALL!r}, "
        f"RunConfig(out={str(out)!r}, steps={MANY}, batch_size=4, checkpoint_seconds=1, previews=0))\n"
        "sys.stdin.read()"
    )
    server = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE)
    run = RunDirectory(out)
    reached(run, 2)
    assert server.poll() is None
    server.kill()
    server.wait()
    reached(run, run.status().step + 5)
    ended(run)
    assert len(run.metrics()) == run.status().step


def test_a_finished_run_is_not_resumed(tone_dataset: Path, out: Path) -> None:
    run = start(tone_dataset, "flow", SMALL, settings(out, 2))
    until(lambda: run.status().state == "finished" and _unheld(run), run)
    with pytest.raises(RunError, match="finished at step 2 of 2; there is nothing to resume"):
        resume(run.path)
    assert run.status().state == "finished"


def test_a_run_that_cannot_work_is_refused_before_it_is_created(tone_dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting, match="no generator"):
        create_run(tone_dataset, "nonesuch", {}, settings(tmp_path / "run", 5))
    with pytest.raises(InvalidSetting, match="`dim`"):
        create_run(tone_dataset, "flow", {"dim": 7}, settings(tmp_path / "run", 5))
    assert not (tmp_path / "run").exists()
