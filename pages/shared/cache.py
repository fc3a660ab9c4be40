"""What pages read again and again, kept in memory within bounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import streamlit as st
from pydantic import AfterValidator, BaseModel

from pages.shared import words
from synth_core.errors import DataError, SynthScopeError
from synth_core.storage import read_json
from synth_core.workspace import Workspace


def _spec(given: dict[str, Any]) -> dict[str, Any]:
    from synth_core.types import DataSpec

    if not all(isinstance(name, str) for field in ("channels", "classes") for name in given[field]):
        raise ValueError("names are text")
    return DataSpec.from_dict(given).to_dict()


Spec = Annotated[dict[str, Any], AfterValidator(_spec)]


class _Origin(BaseModel):
    simulated: bool


class _Counts(BaseModel):
    examples: int
    subjects: int
    left_out: dict[str, int] = {}


class _DatasetInfo(BaseModel):
    spec: Spec
    counts: _Counts
    source: _Origin
    hash: str
    name: str = ""
    preparation: dict[str, Any] = {}


class _GeneratorInfo(BaseModel):
    """Of a model and of a run."""

    spec: Spec
    generator: str
    config: dict[str, Any] = {}
    dataset: dict[str, Any] | None = None


class _Answer(BaseModel):
    question: str
    answer: str


class _EvaluationInfo(BaseModel):
    about: dict[str, Any]
    verdicts: list[_Answer]


class _ExperimentInfo(BaseModel):
    experiment: str
    config: dict[str, Any]
    dataset: dict[str, Any]


_DESCRIPTIONS: dict[str, type[BaseModel]] = {
    "dataset.json": _DatasetInfo,
    "config.json": _GeneratorInfo,
    "report.json": _EvaluationInfo,
    "experiment.json": _ExperimentInfo,
}
LARGEST_CARD = 20_000  # characters

if TYPE_CHECKING:
    from synth_core.data import Dataset, Recording
    from synth_core.data.marks import MarkText
    from synth_core.export import About
    from synth_core.generators import Generator
    from synth_core.metrics.report import Report
    from synth_core.training import Listed, Watch
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
    return _described(path / "dataset.json", stamp(path / "dataset.json"))


def model_info(path: Path) -> dict[str, Any]:
    """`config.json` of a model or a run; DataError when it is damaged."""
    return _described(path / "config.json", stamp(path / "config.json"))


def listed_run(path: Path) -> Listed:
    """A run of the list, damaged or not."""
    return _listed_run(path, _state(path / "config.json"), _state(path / "status.json"))


def _state(path: Path) -> tuple[int, int]:
    """Changes with the rights too, and with what stands in its place."""
    try:
        found = path.lstat()
    except OSError:
        return 0, 0
    return found.st_ctime_ns, found.st_ino


@st.cache_data(max_entries=512, show_spinner=False)
def _listed_run(path: Path, config: tuple[int, int], status: tuple[int, int]) -> Listed:
    from synth_core.training import listed

    return listed(path)


@st.cache_resource(show_spinner=False)
def watch() -> Watch:
    """What this server saw of the beats of its runs."""
    from synth_core.training import Watch

    return Watch()


def model_card(path: Path) -> str:
    """The card of a model; "" where there is none. What others wrote into it loads nothing from elsewhere."""
    card = path / "card.md"
    if not card.is_file():
        return ""
    with card.open(encoding="utf-8", errors="replace") as file:
        text = file.read(LARGEST_CARD)
    return words.card(text)


def readable_datasets() -> list[Path]:
    """Datasets whose description can be read; a damaged one is left out of the choices."""
    return [path for path in workspace().datasets() if is_prepared(path)]


def is_prepared(path: Path) -> bool:
    """Whether the description of a dataset can be read."""
    return _is_readable(path / "dataset.json")


def readable_models() -> list[Path]:
    """Models whose description can be read."""
    return [path for path in workspace().models() if is_described(path)]


def is_described(path: Path) -> bool:
    """Whether the description of a model or a run can be read."""
    return _is_readable(path / "config.json")


def evaluation_info(path: Path) -> dict[str, Any]:
    """`report.json` of a kept evaluation; DataError when it is damaged."""
    return _described(path / "report.json", stamp(path / "report.json"))


def experiment_info(path: Path) -> dict[str, Any]:
    """`experiment.json` of an experiment; DataError when it is damaged."""
    return _described(path / "experiment.json", stamp(path / "experiment.json"))


def readable_experiments() -> list[Path]:
    """Experiments whose description can be read, the newest first."""
    return [path for path in workspace().experiments() if _is_readable(path / "experiment.json")]


def damaged() -> str:
    """One sentence that names what the lists leave out since its description cannot be read; "" for nothing."""
    place = workspace()
    lists = (
        (place.datasets(), "dataset.json"),
        (place.models(), "config.json"),
        (place.evaluations(), "report.json"),
        (place.experiments(), "experiment.json"),
    )
    bad = [path / marker for paths, marker in lists for path in paths if not _is_readable(path / marker)]
    if not bad:
        return ""
    names = ", ".join("/".join(path.parts[-3:]) for path in bad)
    return f"Left out, because the description is damaged: {names}. Make it again, or remove its folder."


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
        return bool(_described(path, stamp(path)))
    except SynthScopeError:
        return False


@st.cache_data(max_entries=256, show_spinner=False)
def _described(path: Path, changed: int) -> dict[str, Any]:
    """A description with the fields that pages rely on; the others stay as they are."""
    found = read_json(path)
    try:
        _DESCRIPTIONS[path.name].model_validate(found)
    except (SynthScopeError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise DataError(path, "does not hold what a description of its kind does; it may be damaged.") from error
    return found


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

    uploads = workspace().folder("uploads").resolve()
    if uploads in path.resolve().parents:  # an upload is looked at by itself
        told = {**told, "within": uploads / path.resolve().relative_to(uploads).parts[0]}
    found, skipped = open_guarded(path, told)
    return found, list(skipped)


def marks(path: Path, changed: int, recordings: Sequence[Recording]) -> list[MarkText]:
    """The texts of the annotations of recordings from `path`, which `stamp` says has `changed`."""
    return _marks(path, changed, tuple(recording.record for recording in recordings), recordings)


@st.cache_resource(max_entries=8, ttl=3600, show_spinner=False)
def _marks(path: Path, changed: int, names: tuple[str, ...], _recordings: Sequence[Recording]) -> list[MarkText]:
    from synth_core.data.marks import listed

    return listed(_recordings)


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
