"""A run goes on as it was begun: what is asked for otherwise is refused, by name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synth_core.data import Dataset
from synth_core.errors import RunError
from synth_core.training.config import RunConfig
from synth_core.training.run import RunDirectory

# how often a run says something, and where it is, do not change what it learns
OF_NO_MATTER = frozenset({"out", "checkpoint_seconds", "preview_seconds", "previews"})


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
    unknown = sorted(settings.keys() - content["config"].keys())
    if unknown:
        raise RunError(f"{content['generator']} has no setting {', '.join(unknown)}; resume {run.name} without it.")
    _refuse(run, _differences(there, asked) + _differences(content["config"], settings))
    check_unfinished(run)


def check_unfinished(run: RunDirectory) -> None:
    """RunError where a run has nothing left to do."""
    status = run.last_status()
    if status.state == "finished":
        raise RunError(f"{run.name} finished at step {status.step} of {status.steps}; there is nothing to resume.")


def check_description(run: RunDirectory, description: Mapping[str, Any]) -> None:
    """The same for all that a worker would write down of a run: generator, settings, split; RunError names each."""
    before = run.config()
    for part, of_no_matter in (("run", OF_NO_MATTER), ("config", frozenset())):
        now = {name: value for name, value in description[part].items() if name not in of_no_matter}
        _refuse(run, _differences(before[part], now))
    named = {"generator": description["generator"], "dataset hash": description["dataset"]["hash"]}
    known = {"generator": before["generator"], "dataset hash": before["dataset"]["hash"] or named["dataset hash"]}
    _refuse(run, _differences(known, named))


def check_data(run: RunDirectory, dataset: Dataset) -> None:
    """RunError where the dataset was prepared anew since the run began."""
    before, now = run.config()["dataset"]["hash"], dataset.info.get("hash", "")
    if before and before != now:
        raise RunError(
            f"{run.name} was begun on other content of the dataset {dataset.name} ({before[:8]}, now {now[:8]}); "
            "start another run."
        )


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """Name, what it was, what it would be; settings that did not exist before are no difference."""
    return [
        (name, before[name], value)
        for name, value in now.items()
        if name in before and _json(before[name]) != _json(value)
    ]


def _json(value: Any) -> Any:
    """As it reads after a way through JSON: tuples are lists there."""
    return json.loads(json.dumps(value, default=str))


def _refuse(run: RunDirectory, others: list[tuple[str, Any, Any]]) -> None:
    if not others:
        return
    before = ", ".join(f"{name} {value}" for name, value, _ in others)
    now = ", ".join(f"{name} {value}" if len(others) > 1 else str(value) for name, _, value in others)
    raise RunError(f"{run.name} was begun with {before}. Got {now} instead; resume it without, or start another run.")


def settings_of(run: RunDirectory) -> RunConfig:
    """Of the run, with its folder where it is now."""
    return RunConfig.model_validate(run.config()["run"] | {"out": run.path})
