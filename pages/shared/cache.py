"""What pages read again and again, kept in memory within bounds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from synth_core.errors import SynthScopeError
from synth_core.storage import read_json
from synth_core.workspace import Workspace

LARGEST_CARD = 20_000  # characters

if TYPE_CHECKING:
    from synth_core.data import Dataset, Recording
    from synth_core.export import About
    from synth_core.generators import Generator
    from synth_core.metrics.report import Report
    from synth_core.types import Batch


def workspace() -> Workspace:
    """The workspace of this server."""
    return Workspace()


def stamp(path: Path) -> int:
    """Changes when the file does, so that it can be a part of a cache key."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def dataset_info(path: Path) -> dict[str, Any]:
    """`dataset.json` of a prepared dataset; DataError when it is damaged."""
    return _json(path / "dataset.json", stamp(path / "dataset.json"))


def model_info(path: Path) -> dict[str, Any]:
    """`config.json` of a model or a run; DataError when it is damaged."""
    return _json(path / "config.json", stamp(path / "config.json"))


def model_card(path: Path) -> str:
    """The card of a model, its title a small one; "" where there is none.

    What others wrote into it loads nothing from elsewhere: pictures become links.
    """
    card = path / "card.md"
    if not card.is_file():
        return ""
    with card.open(encoding="utf-8", errors="replace") as file:
        text = file.read(LARGEST_CARD)
    return text.replace("![", "[").replace("# ", "##### ", 1).replace("\n## ", "\n###### ")


def readable_datasets() -> list[Path]:
    """Datasets whose description can be read; a damaged one is left out of the choices."""
    return [path for path in workspace().datasets() if _is_readable(path / "dataset.json")]


def readable_models() -> list[Path]:
    """Models whose description can be read."""
    return [path for path in workspace().models() if _is_readable(path / "config.json")]


def evaluation_info(path: Path) -> dict[str, Any]:
    """`report.json` of a kept evaluation; DataError when it is damaged."""
    return _json(path / "report.json", stamp(path / "report.json"))


def readable_evaluations() -> list[Path]:
    """Evaluations whose report can be read, the newest first."""
    return [path for path in workspace().evaluations() if _is_readable(path / "report.json")]


def evaluation(path: Path) -> tuple[Report, About]:
    """The report of a kept evaluation and what it is about."""
    return _evaluation(path, stamp(path / "report.json"))


@st.cache_resource(max_entries=4, ttl=3600, show_spinner="Opening the report …")
def _evaluation(path: Path, changed: int) -> tuple[Report, About]:
    from synth_core.export import open_evaluation

    return open_evaluation(path)


def _is_readable(path: Path) -> bool:
    try:
        return isinstance(_json(path, stamp(path)), dict)
    except SynthScopeError:
        return False


@st.cache_data(max_entries=256, show_spinner=False)
def _json(path: Path, changed: int) -> Any:
    return read_json(path)


def dataset(path: Path) -> Dataset:
    """The opened dataset; its values stay on disk."""
    return _dataset(path, stamp(path / "dataset.json"))


@st.cache_resource(max_entries=8, show_spinner=False)
def _dataset(path: Path, changed: int) -> Dataset:
    from synth_core.data import Dataset

    return Dataset.open(path)


def parts(path: Path) -> dict[str, Dataset]:
    """The train, validation and test parts of a dataset, split by subject with the default seed."""
    return _parts(path, stamp(path / "dataset.json"))


@st.cache_resource(max_entries=8, show_spinner=False)
def _parts(path: Path, changed: int) -> dict[str, Dataset]:
    return _dataset(path, changed).split()


@st.cache_resource(max_entries=4, ttl=3600, show_spinner="Reading the headers …")
def recordings(path: Path, changed: int, told: dict[str, Any]) -> tuple[list[Recording], list[SynthScopeError]]:
    """The recordings in a file or folder, and what could not be read; `changed` is its `stamp`, `told` the options."""
    from synth_core.data.guarded import open_guarded

    found, skipped = open_guarded(path, told)
    return found, list(skipped)


@st.cache_resource(max_entries=3, ttl=3600, show_spinner="Loading the generator …")
def _generator(path: Path, changed: int) -> Generator:
    from synth_core.training import load_generator

    return load_generator(path)


def weights_stamp(path: Path) -> int:
    """Changes with the weights of a model, or with the newest checkpoint of a run."""
    return max(stamp(path / "weights.safetensors"), stamp(path / "checkpoints"))


def generator(path: Path) -> Generator:
    """The generator of a model or of a run's newest checkpoint."""
    return _generator(path, weights_stamp(path))


@dataclass(frozen=True)
class Draw:
    """What is asked of a generator; the same draw gives the same examples.

    Parameters
    ----------
    n : number of examples.
    seed : of the noise.
    labels : n rows of 0 and 1, one column per class; None draws classes as often as training saw them.
    steps, guidance : None is what the generator was configured with.
    """

    n: int
    seed: int = 0
    labels: tuple[tuple[float, ...], ...] | None = None
    steps: int | None = None
    guidance: float | None = None


def sample(path: Path, draw: Draw) -> Batch:
    """Synthetic examples of a model or run, kept while they are looked at."""
    return _sample(path, weights_stamp(path), draw)


@st.cache_resource(max_entries=16, ttl=3600, show_spinner="Drawing examples …")
def _sample(path: Path, changed: int, draw: Draw) -> Batch:
    import torch

    from synth_core.training import sampling

    made = _generator(path, changed)
    asked = draw.labels if "labels" in made.accepted else None
    labels = None if asked is None else torch.tensor(asked)
    return sampling.draw(made, draw.n, labels=labels, seed=draw.seed, steps=draw.steps, guidance=draw.guidance)
