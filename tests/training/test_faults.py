"""What the machine lacks becomes a sentence in the status and on the command line; the last checkpoint is kept."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import torch

from synth_core.__main__ import main
from synth_core.data import Dataset
from synth_core.errors import RunError
from synth_core.generators import build
from synth_core.training import RunConfig, RunDirectory, create_run, load_generator, train, work
from synth_core.training.faults import in_words
from tests.generators.test_contract import SMALL

ROOT = Path(__file__).resolve().parents[2]


def fails(error: Exception) -> Callable[..., object]:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


def system(code: int) -> OSError:
    return OSError(code, os.strerror(code))


FAULTS: dict[str, tuple[Exception, str]] = {
    "full disk": (system(errno.ENOSPC), "The disk of run run is full"),
    "quota": (system(errno.EDQUOT), "The disk of run run is full"),
    "read-only disk": (system(errno.EROFS), "cannot be written (Read-only file system)"),
    "no right": (system(errno.EACCES), "cannot be written (Permission denied)"),
    "broken disk": (system(errno.EIO), "could not be read or written (Input/output error)"),
    "memory": (MemoryError(), "The memory of this machine ran out"),
    "memory, by the system": (system(errno.ENOMEM), "The memory of this machine ran out"),
    "memory, by torch": (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "The memory of this machine ran"),
    "memory of the GPU": (torch.OutOfMemoryError("CUDA out of memory."), "The memory of the GPU ran out"),
}
PLACES = ("synth_core.training.loop.save_checkpoint", "synth_core.training.loop.MovingAverage.update")


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", FAULTS)
def test_what_ran_out_is_said_and_the_last_checkpoint_is_gone_on_from(
    kind: str, place: str, tone_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error, sentence = FAULTS[kind]
    config = RunConfig(out=tmp_path / "run", steps=4, batch_size=4, checkpoint_seconds=0, previews=0)
    run = create_run(tone_dataset, "flow", SMALL["flow"], config)
    training = work(run)
    assert [next(training).step for _ in range(2)] == [1, 2]
    with monkeypatch.context() as patch:
        patch.setattr(place, fails(error))
        with pytest.raises(RunError) as caught:
            next(training)
    assert sentence in str(caught.value)
    status = run.status()
    assert (status.state, status.message) == ("failed", str(caught.value))
    assert [path.name for path in run.checkpoints()] == ["1", "2"]
    load_generator(run.path)
    assert [record.step for record in work(run)] == [3, 4]
    assert run.status().state == "finished"
    assert run.metrics()["step"].tolist() == [1, 2, 3, 4]


def test_a_fault_of_another_kind_is_not_dressed_up() -> None:
    assert in_words(RuntimeError("shapes do not match"), "run") is None
    assert in_words(KeyError("x"), "run") is None


def test_what_torch_says_of_memory_is_known() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(10**15)
    assert "memory of this machine ran out" in (in_words(caught.value, "run") or "")


def test_a_status_that_cannot_be_written_for_a_while_does_not_stop_the_beat(
    training_part: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RunDirectory(tmp_path / "run")
    written = RunDirectory.write_status
    tries: list[int] = []

    def sometimes(self: RunDirectory, status: object) -> None:
        tries.append(1)
        if len(tries) in (2, 3):
            raise system(errno.ENOSPC)
        written(self, status)

    monkeypatch.setattr(RunDirectory, "write_status", sometimes)
    monkeypatch.setattr("synth_core.training.heartbeat.INTERVAL", 0.001)
    generator = build("flow", training_part.spec, **SMALL["flow"])
    config = RunConfig(out=run.path, steps=10**6, batch_size=4, checkpoint_seconds=1000, previews=0)
    for _ in train(generator, training_part, config):
        if len(tries) > 5:
            run.cancel()
    assert run.status().state == "cancelled"
    assert {path.name for path in run.path.iterdir()} == {
        "CANCEL", ".lock", "checkpoints", "config.json", "metrics.jsonl", "status.json",
    }  # fmt: skip


def command_line(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr(sys, "argv", ["synth_core", *map(str, words)])
    with pytest.raises(SystemExit) as stopped:
        main()
    return int(stopped.value.code or 0)


@pytest.mark.parametrize("kind", ["full disk", "memory, by torch", "read-only disk"])
def test_the_command_line_says_it_in_one_line(
    kind: str, tone_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    error, sentence = FAULTS[kind]
    monkeypatch.setattr(PLACES[0], fails(error))
    config = RunConfig(out=tmp_path / "run", steps=4, batch_size=4, checkpoint_seconds=0, previews=0)
    run = create_run(tone_dataset, "flow", SMALL["flow"], config)
    assert command_line(monkeypatch, "train", "--out", run.path, "--resume") == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert sentence in said[-1]
    assert run.status().message == said[-1]


def test_a_generator_too_large_to_build_is_said_before_there_is_a_heartbeat(
    tone_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = create_run(tone_dataset, "flow", SMALL["flow"], RunConfig(out=tmp_path / "run", steps=4))
    monkeypatch.setattr("synth_core.training.launch.build", fails(MemoryError()))
    with pytest.raises(RunError, match="memory of this machine"):
        next(work(run))
    assert run.status().state == "failed"
    assert "memory of this machine" in run.status().message


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 16 MB; only root may have one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = (
        shutil.which("mount")
        and not subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=16m", "none", str(disk)], capture_output=True
        ).returncode
    )
    if not mounted:
        pytest.skip("no right to mount a file system")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_disk_that_is_really_full(small_disk: Path, tone_dataset: Path) -> None:
    config = RunConfig(out=small_disk / "run", steps=30, batch_size=4, checkpoint_seconds=0, previews=0)
    run = create_run(tone_dataset, "flow", SMALL["flow"], config)
    training, filler = work(run), small_disk / "filler"
    assert [next(training).step for _ in range(3)] == [1, 2, 3]
    fill(filler)
    with pytest.raises(RunError, match="The disk of run run is full"):
        list(training)
    status = run.status()
    assert status.state == "failed"
    assert "The disk of run run is full" in status.message
    assert load_generator(run.path).name == "flow"
    filler.unlink()
    assert [record.step for record in work(run)][-1] == 30


def fill(file: Path) -> None:
    """Take all that is left of a disk."""
    with file.open("wb", buffering=0) as content:
        for size in (2**16, 2**12, 1):
            with suppress(OSError):
                while True:
                    content.write(bytes(size))
