"""What an experiment is: settings, cells of work that are kept as they finish, and a conclusion drawn from them."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from synth_core.data import Dataset
from synth_core.data.dataset import check_real
from synth_core.errors import InvalidSetting
from synth_core.experiments.outcome import Outcome
from synth_core.settings import checked
from synth_core.storage import publish_directory, read_json, write_json_atomic

Progress = Callable[[int, int, str], None]
Say = Callable[[str], None]  # what a cell tells about its progress; it may raise to cancel

TAKEN_AS_REAL = "The dataset is synthetic and was taken as real: this says nothing about real recordings."
DESCRIPTION, OUTCOME = "experiment.json", "outcome.json"


class ExperimentConfig(BaseModel):
    """Settings of an experiment: bounds, default and a reason for each, so that a form can be drawn from it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = Field(0, title="Seed", ge=0, description="Of every random choice; the same seed repeats it.")


@dataclass(frozen=True)
class Result:
    """What one cell found: plain JSON types, and arrays where needed."""

    values: Mapping[str, Any]
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Cell:
    """A piece of work whose result is kept, so that an experiment that is stopped goes on where it was.

    Parameters
    ----------
    name : unlike that of every other cell; letters, digits and spaces.
    work : called as work(say) → Result.
    """

    name: str
    work: Callable[[Say], Result]


class Experiment(ABC):
    """One protocol on one dataset.

    Parameters
    ----------
    dataset : the whole prepared dataset; an experiment splits it by subject itself.
    out : a directory for what it makes; one that holds the same experiment is gone on with.
    config : values for `Config`.
    allow_synthetic : take a dataset of synthetic examples as the real one; the outcome says so.

    Raises
    ------
    InvalidSetting : for a setting that does not fit, for synthetic examples, or when `out` holds something else.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    question: ClassVar[str]
    Config: ClassVar[type[ExperimentConfig]]

    def __init__(
        self,
        dataset: Dataset,
        out: Path | str,
        config: ExperimentConfig | dict[str, Any] | None = None,
        *,
        allow_synthetic: bool = False,
    ):
        check_real(dataset, allow_synthetic)
        self.allow_synthetic = allow_synthetic and dataset.synthetic
        given = dict(config or {}) if not isinstance(config, ExperimentConfig) else config.model_dump()
        self.config: Any = checked(self.Config, given, f"experiment {self.name}")
        self.dataset, self.out = dataset, Path(out)
        self.check()

    @abstractmethod
    def check(self) -> None:
        """Refuse, with the reason, data that the question cannot be put to."""

    @abstractmethod
    def cells(self) -> Iterator[Cell]:
        """The work, in order; a later cell may read what an earlier one kept."""

    @abstractmethod
    def conclude(self, results: Mapping[str, Result]) -> Outcome:
        """What the results of all cells say."""

    def run(self, progress: Progress | None = None) -> Outcome:
        """Do the cells that are not done, keep each, and conclude.

        Parameters
        ----------
        progress : called as progress(cells done, cells, message); what it raises cancels, and nothing done is lost.
        """
        say = progress or (lambda done, total, message: None)
        self._open()
        cells = list(self.cells())
        for number, cell in enumerate(cells):
            folder = self._folder(cell.name)
            if not folder.is_dir():
                told = self._told(say, number, len(cells), cell.name)
                told("")
                _keep(cell.work(told), folder)
        say(len(cells), len(cells), "concluding")
        outcome = self.conclude(_Results(self.kept, [cell.name for cell in cells]))
        if self.allow_synthetic:
            outcome = replace(outcome, sentences=(TAKEN_AS_REAL, *outcome.sentences))
        write_json_atomic(self.out / OUTCOME, outcome.to_dict())
        return outcome

    def kept(self, name: str) -> Result:
        """The result of a cell that is done."""
        return _kept(self._folder(name))

    @staticmethod
    def _told(say: Progress, number: int, total: int, name: str) -> Say:
        return lambda message: say(number, total, f"{name}: {message}" if message else name)

    def _open(self) -> None:
        description = {
            "experiment": self.name,
            "config": self.config.model_dump(mode="json"),
            "dataset": {"name": self.dataset.name, "hash": self.dataset.info["hash"]},
            **({"allow_synthetic": True} if self.allow_synthetic else {}),
        }
        path = self.out / DESCRIPTION
        if path.is_file():
            if read_json(path) != description:
                raise InvalidSetting(
                    f"{self.out.name} holds another experiment or other settings; choose another folder."
                )
        elif self.out.exists() and any(self.out.iterdir()):
            raise InvalidSetting(f"{self.out.name} is not empty and holds no experiment; choose another folder.")
        else:
            self.out.mkdir(parents=True, exist_ok=True)
            write_json_atomic(path, description)

    def _folder(self, name: str) -> Path:
        return self.out / "cells" / "".join(letter if letter.isalnum() or letter in ".+" else "-" for letter in name)


class _Results(Mapping[str, Result]):
    """Results by the names of their cells, read when asked for: arrays of all of them can exceed the memory."""

    def __init__(self, read: Callable[[str], Result], names: Sequence[str]) -> None:
        self._read, self._names = read, tuple(names)

    def __getitem__(self, name: str) -> Result:
        if name not in self._names:
            raise KeyError(name)
        return self._read(name)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _keep(result: Result, folder: Path) -> None:
    with publish_directory(folder) as temporary:
        (temporary / "values.json").write_text(json.dumps(result.values), encoding="utf-8")
        for name, array in result.arrays.items():
            np.save(temporary / f"{name}.npy", array, allow_pickle=False)


def _kept(folder: Path) -> Result:
    arrays = {path.stem: np.load(path, allow_pickle=False) for path in sorted(folder.glob("*.npy"))}
    return Result(read_json(folder / "values.json"), arrays)
