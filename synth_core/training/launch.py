"""Starting a run: in this process, or as a detached one that outlives the dashboard."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from synth_core.data import Dataset
from synth_core.data.dataset import check_real
from synth_core.errors import RunError
from synth_core.generators import build
from synth_core.training.config import RunConfig
from synth_core.training.loop import StepRecord, run_description, train
from synth_core.training.model import load_generator, save_generator
from synth_core.training.provenance import provenance_of
from synth_core.training.run import RunDirectory, Status

SPLIT: dict[str, Any] = {"fractions": (0.7, 0.15, 0.15), "by": "subject", "seed": 0}


def create_run(dataset_path: Path | str, generator: str, config: dict[str, Any], run_config: RunConfig) -> RunDirectory:
    """Check everything and write the run's config.json; nothing is trained yet.

    Raises
    ------
    InvalidSetting, SpecMismatch : the generator refuses the settings or the data, or the data are synthetic.
    RunError : `run_config.out` is missing or in use.
    """
    if run_config.out is None:
        raise RunError("A run needs a folder: set `out`.")
    run = RunDirectory(run_config.out)
    if run.path.exists() and any(run.path.iterdir()):
        raise RunError(f"{run.name} is not empty; resume it or choose another folder.")
    dataset = Dataset.open(dataset_path)
    check_real(dataset, run_config.allow_synthetic)
    training = dataset.split(**SPLIT)["train"]
    made = build(generator, training.spec, seed=run_config.seed, **config)
    now = time.time()
    run.write_config(run_description(made, training, run_config) | made.describe() | {"scaling": None})
    run.write_status(Status("starting", steps=run_config.steps, started=now, heartbeat=now))
    return run


def check_same(run: RunDirectory, asked: dict[str, Any], settings: dict[str, Any]) -> None:
    """RunError where a resumed run is asked for anything else than it was begun with, or has nothing left to do.

    Parameters
    ----------
    asked : "dataset" (a path), "generator", and settings of the run, as far as they are given.
    settings : of the generator.
    """
    content = run.config()
    there = content["run"] | {"generator": content["generator"], "dataset": content["dataset"]["path"]}
    if "dataset" in asked:
        asked = asked | {"dataset": str(Path(asked["dataset"]).resolve())}
    others = [(name, there[name], value) for name, value in asked.items() if there[name] != value]
    known = content["config"]
    others += [(name, known.get(name), value) for name, value in settings.items() if known.get(name) != value]
    if others:
        name, before, now = others[0]
        raise RunError(
            f"{run.name} was begun with {name} {before}. Got {now} instead; resume it without, or start another run."
        )
    status = run.status()
    if status.state == "finished":
        raise RunError(f"{run.name} finished at step {status.step} of {status.steps}; there is nothing to resume.")


def work(run: RunDirectory) -> Iterator[StepRecord]:
    """Train a created run, or resume it from its last checkpoint, in this process."""
    content = run.config()
    training = _training_part(run)
    settings = _settings(run)
    generator = build(content["generator"], training.spec, seed=settings.seed, **content["config"])
    yield from train(generator, training, settings, resume=True)


def keep(run: RunDirectory, path: Path | str) -> Path:
    """The averaged weights of a run's newest checkpoint, with where they come from, as a model directory.

    Raises
    ------
    ModelError : the run has no checkpoint yet, or `path` exists.
    """
    generator = load_generator(run.path, device="cpu")
    status = run.status()
    generator.provenance = provenance_of(_training_part(run), _settings(run), status, status.heartbeat)
    return save_generator(generator, path)


def _settings(run: RunDirectory) -> RunConfig:
    return RunConfig.model_validate(run.config()["run"] | {"out": run.path})


def _training_part(run: RunDirectory) -> Dataset:
    where = run.config()["dataset"]
    if not Path(where["path"]).is_dir():
        raise RunError(f"The dataset {where['name']} of run {run.name} is not there any more; prepare it again.")
    split = where["part"] or SPLIT
    return Dataset.open(where["path"]).split(tuple(split["fractions"]), by=split["by"], seed=split["seed"])["train"]


def start(dataset_path: Path | str, generator: str, config: dict[str, Any], run_config: RunConfig) -> RunDirectory:
    """Create a run and train it in a detached process."""
    run = create_run(dataset_path, generator, config, run_config)
    _spawn(run)
    return run


def resume(run_path: Path | str) -> RunDirectory:
    """Go on from the last checkpoint in a detached process; RunError while the run is being trained."""
    run = RunDirectory(run_path)
    run.config()
    with run.held():
        run.clear_cancel()
        run.write_status(replace(run.status(), state="starting", heartbeat=time.time(), message="", pid=None))
    _spawn(run)
    return run


def _spawn(run: RunDirectory) -> None:
    # one process per run, in a session of its own: it survives the server, and the server never waits for it
    command = [sys.executable, "-m", "synth_core", "train", "--out", str(run.path.resolve()), "--resume"]
    root = Path(__file__).resolve().parents[2]
    with (run.path / "log.txt").open("ab") as log:
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd=root)
