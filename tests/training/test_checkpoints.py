"""Checkpoints: the newest that is whole is gone on from; a damaged one is named and makes room."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from synth_core.data import Dataset
from synth_core.errors import ModelError, RunError
from synth_core.generators import build
from synth_core.training import RunConfig, RunDirectory, create_run, keep, load_generator, train, work
from synth_core.training.checkpoint import KEPT, MANIFEST
from synth_core.training.origin import origin_of
from tests.generators.test_contract import SMALL

FILES = ("weights.safetensors", "average.safetensors", "optimizer.safetensors", "state.json")


@pytest.fixture(scope="module")
def stopped(tone_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of six steps, stopped after the fourth, with a checkpoint of each step."""
    out = tmp_path_factory.mktemp("runs") / "run"
    run = create_run(
        tone_dataset, "flow", SMALL["flow"], RunConfig(out=out, steps=6, batch_size=4, checkpoint_seconds=0, previews=0)
    )
    for record in work(run):
        if record.step == 4:
            run.cancel()
    assert [path.name for path in run.checkpoints()][-1] == "5"
    return out


@pytest.fixture
def run(stopped: Path, tmp_path: Path) -> RunDirectory:
    shutil.copytree(stopped, tmp_path / "run")
    return RunDirectory(tmp_path / "run")


def cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def turn_a_bit(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-9] ^= 1
    file.write_bytes(content)


def pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def directory(file: Path) -> None:
    file.unlink()
    file.mkdir()


def huge_header(file: Path) -> None:
    """A header that claims to be of 4 EB."""
    file.write_bytes(b"\xff" * 8 + file.read_bytes()[8:])


DAMAGE: dict[str, Callable[[Path], object]] = {
    "cut": cut,
    "one bit": turn_a_bit,
    "empty": lambda file: file.write_bytes(b""),
    "gone": Path.unlink,
    "a pipe": pipe,
    "a directory": directory,
    "a header without end": huge_header,
    "zeros": lambda file: file.write_bytes(bytes(file.stat().st_size)),
    "longer": lambda file: file.write_bytes(file.read_bytes() + b"x"),
}


def test_two_are_kept_with_a_checksum_of_every_file(run: RunDirectory) -> None:
    assert [path.name for path in run.checkpoints()] == ["4", "5"]
    assert len(run.checkpoints()) == KEPT
    for path in run.checkpoints():
        assert set(json.loads((path / MANIFEST).read_text())["files"]) == set(FILES)
        assert {file.name for file in path.iterdir()} == {*FILES, MANIFEST}


@pytest.mark.parametrize(
    ("kind", "name"),
    # a checkpoint without a manifest is one of an earlier version
    [(kind, name) for kind in DAMAGE for name in (*FILES, MANIFEST) if (kind, name) != ("gone", MANIFEST)],
)
def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(kind: str, name: str, run: RunDirectory) -> None:
    DAMAGE[kind](run.checkpoints()[-1] / name)
    records = list(work(run))
    assert [record.step for record in records] == [5, 6]
    status = run.status()
    assert status.state == "finished"
    assert "Went on from step 4, because a newer checkpoint is damaged" in status.message
    assert name in status.message
    assert run.metrics()["step"].tolist() == [1, 2, 3, 4, 5, 6]
    assert [path.name for path in run.checkpoints()] == ["5", "6"]
    assert {path.name for path in (run.path / "checkpoints").iterdir()} == {"5", "6"}
    load_generator(run.path)


def test_a_run_that_fell_back_ends_as_one_that_did_not(run: RunDirectory, stopped: Path, tmp_path: Path) -> None:
    cut(run.checkpoints()[-1] / "weights.safetensors")
    list(work(run))
    shutil.copytree(stopped, tmp_path / "straight")
    list(work(RunDirectory(tmp_path / "straight")))
    fallen, straight = (load_generator(path).state_dict() for path in (run.path, tmp_path / "straight"))
    for name, value in straight.items():
        assert torch.equal(value, fallen[name]), name


def test_with_all_of_them_damaged_a_run_says_so_and_keeps_what_is_there(run: RunDirectory) -> None:
    for path, name in zip(run.checkpoints(), ("weights.safetensors", "state.json"), strict=True):
        cut(path / name)
    with pytest.raises(RunError, match=r"None of 2 checkpoints can be read.*5/state\.json.*4/weights\.safetensors"):
        list(work(run))
    assert run.status().state == "failed"
    assert "None of 2 checkpoints can be read" in run.status().message
    assert [path.name for path in run.checkpoints()] == ["4", "5"]
    for path in run.checkpoints():
        cut(path / "average.safetensors")
    with pytest.raises(ModelError, match="None of 2 checkpoints can be read"):
        load_generator(run.path)


def test_what_is_drawn_kept_and_said_of_a_run_is_of_the_same_good_checkpoint(run: RunDirectory, tmp_path: Path) -> None:
    good, bad = run.checkpoints()
    turn_a_bit(bad / "average.safetensors")
    generator = load_generator(run.path)
    model = keep(run, tmp_path / "model")
    assert json.loads((model / "provenance.json").read_text())["step"] == int(good.name)
    kept = load_generator(model).state_dict()
    assert all(torch.equal(value, kept[name]) for name, value in generator.state_dict().items())
    known = json.loads((good / MANIFEST).read_text())["files"]["average.safetensors"]["sha256"]
    assert origin_of(generator, run.path, 0)["weights"] == known


def test_a_checkpoint_of_before_there_were_checksums_is_gone_on_from(run: RunDirectory) -> None:
    for path in run.checkpoints():
        (path / MANIFEST).unlink()
    assert [record.step for record in work(run)] == [6]
    assert run.status().message == ""


def test_the_step_of_a_checkpoint_is_that_of_its_folder(run: RunDirectory) -> None:
    newest = run.checkpoints()[-1]
    (newest / MANIFEST).unlink()
    newest.rename(newest.with_name("6"))
    assert [record.step for record in work(run)] == [5, 6]


def test_weights_that_shrink_while_they_are_used_end_nothing(run: RunDirectory) -> None:
    """Of a file that is mapped, the pages that are gone kill the process at the next look."""
    newest = run.checkpoints()[-1] / "average.safetensors"
    generator = load_generator(run.path)
    os.truncate(newest, 0)
    assert all(bool(torch.isfinite(value).all()) for value in generator.state_dict().values())
    assert load_generator(run.path).name == "flow"  # of the checkpoint before


def test_a_model_with_a_file_far_too_large_is_refused_before_it_is_read(run: RunDirectory, tmp_path: Path) -> None:
    model = keep(run, tmp_path / "model")
    os.truncate(model / "weights.safetensors", 50 * 10**9)  # none of it is on the disk
    with pytest.raises(ModelError, match="a file of its kind at most"):
        load_generator(model)


def test_a_run_is_not_gone_on_with_as_another(run: RunDirectory, training_part: Dataset) -> None:
    begun = RunConfig(out=run.path, steps=6, batch_size=4, previews=0)
    generator = build("flow", training_part.spec, **SMALL["flow"])
    with pytest.raises(RunError, match=r"begun with steps 6, batch_size 4\. Got steps 9, batch_size 2 instead"):
        next(train(generator, training_part, begun.model_copy(update={"steps": 9, "batch_size": 2}), resume=True))
    wider = build("flow", training_part.spec, **(SMALL["flow"] | {"dim": 64}))
    with pytest.raises(RunError, match=r"begun with dim 32\. Got 64"):
        next(train(wider, training_part, begun, resume=True))
    assert run.config()["run"]["steps"] == 6
    assert [record.step for record in train(generator, training_part, begun, resume=True)] == [6]


def test_data_that_were_prepared_anew_are_no_data_of_the_run(run: RunDirectory) -> None:
    content = json.loads((run.path / "config.json").read_text())
    content["dataset"]["hash"] = "0" * 64
    (run.path / "config.json").write_text(json.dumps(content))
    with pytest.raises(RunError, match="other content of the dataset tones"):
        list(work(run))
    assert run.status().state == "failed"
