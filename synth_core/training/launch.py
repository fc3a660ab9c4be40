"""Starting a run: in this process, or as a detached one that outlives the dashboard."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from synth_core.data import Dataset
from synth_core.data.dataset import check_real
from synth_core.errors import RunError, SynthScopeError
from synth_core.generators import build
from synth_core.regular_file import append_to
from synth_core.training.config import RunConfig
from synth_core.training.faults import told
from synth_core.training.loop import StepRecord, run_description, train
from synth_core.training.model import load_from_run, save_generator
from synth_core.training.provenance import provenance_of
from synth_core.training.run import RunDirectory
from synth_core.training.same import check_data, check_unfinished, settings_of
from synth_core.training.status import Status

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
    with told(run.name):
        run.write_config(run_description(made, training, run_config) | made.describe() | {"scaling": None})
        run.write_status(Status("starting", steps=run_config.steps, started=now, heartbeat=now))
    return run


def work(run: RunDirectory) -> Iterator[StepRecord]:
    """Train a created run, or resume it from its last checkpoint, in this process."""
    with _failing(run), told(run.name):
        content = run.config()
        training = _training_part(run)
        settings = settings_of(run)
        generator = build(content["generator"], training.spec, seed=settings.seed, **content["config"])
    yield from train(generator, training, settings, resume=True)


@contextmanager
def _failing(run: RunDirectory) -> Iterator[None]:
    """What goes wrong before a worker has a heartbeat stands in the status too, unless another worker has the run."""
    try:
        yield
    except SynthScopeError as error:
        with suppress(OSError, RunError), run.held():
            run.write_status(replace(run.last_status(), state="failed", message=str(error)))
        raise


def keep(run: RunDirectory, path: Path | str) -> Path:
    """The averaged weights of a run's newest good checkpoint, with where they come from, as a model directory.

    Raises
    ------
    ModelError : the run has no checkpoint yet, or `path` exists.
    """
    generator, step = load_from_run(run.path)
    generator.provenance = provenance_of(_training_part(run), settings_of(run), run.last_status(), step)
    return save_generator(generator, path)


def _training_part(run: RunDirectory) -> Dataset:
    where = run.config()["dataset"]
    if not Path(where["path"]).is_dir():
        raise RunError(f"The dataset {where['name']} of run {run.name} is not there any more; prepare it again.")
    split = where["part"] or SPLIT
    dataset = Dataset.open(where["path"])
    check_data(run, dataset)
    return dataset.split(tuple(split["fractions"]), by=split["by"], seed=split["seed"])["train"]


def start(dataset_path: Path | str, generator: str, config: dict[str, Any], run_config: RunConfig) -> RunDirectory:
    """Create a run and train it in a detached process."""
    run = create_run(dataset_path, generator, config, run_config)
    _spawn(run)
    return run


def resume(run_path: Path | str) -> RunDirectory:
    """Go on from the last checkpoint in a detached process; RunError while the run is being trained, or finished."""
    run = RunDirectory(run_path)
    steps = run.config()["run"]["steps"]
    with told(run.name), run.held():
        check_unfinished(run)
        run.clear_cancel()
        before = replace(run.last_status(), state="starting", steps=steps, message="", pid=None, host="")
        run.write_status(replace(before, heartbeat=time.time()))
    _spawn(run)
    return run


def _spawn(run: RunDirectory) -> None:
    # one process per run, in a session of its own: it survives the server, and the server never waits for it
    command = [sys.executable, "-m", "synth_core", "train", "--out", str(run.path.resolve()), "--resume"]
    root = Path(__file__).resolve().parents[2]
    with told(run.name), append_to(run.path / "log.txt") as log:
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd=root)
