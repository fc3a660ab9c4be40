"""A prepared directory, read from the disk as examples are asked for, and views of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike, NDArray

from synth_core.data.shards import Shards
from synth_core.data.split import assign_subjects
from synth_core.errors import DamagedFile, DataError, InvalidSetting, SpecMismatch
from synth_core.storage import read_json
from synth_core.types import Batch, Condition, DataSpec

FORMAT = 1
COLUMNS = ("record", "subject", "start", "labels", "severity", "quality")
ALLOWED = "--allow-synthetic, or the box in the settings"
PARTS = ("train", "validation", "test")


class Dataset:
    """Examples of one spec with a table about them; a whole directory, or a view of some of its examples.

    Made by `Dataset.open`. Values stay on the disk until `batch` copies some. A dataset can be pickled and used by
    many processes at once.

    Attributes
    ----------
    path : the directory.
    info : what `dataset.json` says.
    spec : what one example is.
    table : one row per example: record, subject, start (seconds or slice), labels (names of the classes that are 1),
        severity (NaN where not known), quality.
    part : None for the whole; {"part", "fractions", "by", "seed"} for a part of a split; for another subset
        {"part": "subset", "of", "examples"}.
    """

    def __init__(
        self,
        path: Path,
        info: dict[str, Any],
        spec: DataSpec,
        table: pd.DataFrame,
        values: Shards,
        masks: Shards | None,
    ) -> None:
        self.path, self.info, self.spec, self.table = path, info, spec, table
        self.part: dict[str, Any] | None = None
        self._values, self._masks = values, masks
        self._rows = np.arange(len(table))
        self._labels = _label_matrix(table, spec.classes)
        self._severity = table["severity"].to_numpy(np.float32)
        self._subjects = table["subject"].to_numpy(object)

    @classmethod
    def open(cls, path: Path | str) -> Self:
        """Open a directory that `prepare` wrote.

        Raises
        ------
        DataError : when it is not a dataset directory, or its files are damaged or contradict one another.
        """
        path = Path(path)
        if not (path / "dataset.json").is_file():
            raise DataError(path, "is not a prepared dataset (it has no dataset.json); choose one or prepare it first.")
        info = read_json(path / "dataset.json")
        _check_source(path, info)
        spec = _spec(path, info)
        table = _table(path, spec.classes)
        values = Shards(path, "values", spec.shape, np.float32, len(table))
        masks = None
        if next(path.glob("mask-*.npy"), None) is not None:
            masks = Shards(path, "mask", (1, *spec.shape[1:]), np.float16, len(table))
        return cls(path, info, spec, table, values, masks)

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def name(self) -> str:
        """As given when it was prepared."""
        return str(self.info.get("name", self.path.name))

    @property
    def simulated(self) -> bool:
        """Whether the examples come from a simulation."""
        return bool(self.info.get("source", {}).get("simulated", False))

    @property
    def synthetic(self) -> bool:
        """Whether any example was drawn from a generator."""
        return bool(self.info.get("source", {}).get("synthetic", False))

    @property
    def subjects(self) -> tuple[str, ...]:
        """Each subject once, in order of appearance."""
        return tuple(self.table["subject"].drop_duplicates())

    def batch(self, indices: Sequence[int] | ArrayLike) -> Batch:
        """Examples by position in this view, in the order asked for; negative positions count from the end.

        Raises
        ------
        InvalidSetting : for a position beyond the end.
        DamagedFile : when the files have changed since the dataset was opened: shorter, gone, or no files any more.
        """
        positions = np.asarray(indices, dtype=np.int64).reshape(-1)
        if len(positions) and not -len(self) <= positions.min() <= positions.max() < len(self):
            raise InvalidSetting(f"Positions must be below {len(self)}, the number of examples. Got {positions.max()}.")
        positions = np.where(positions < 0, positions + len(self), positions)
        rows = self._rows[positions]
        values = torch.from_numpy(self._values.take(rows).astype(np.float32, copy=False))
        subjects = tuple(self._subjects[positions])
        origin = {"synthetic": True, "origin": self.info["source"].get("origin", "")} if self.synthetic else None
        return Batch(values, self.spec, self._condition(positions, rows), subjects, origin)

    def batches(self, size: int) -> Iterator[Batch]:
        """All examples in order, `size` at a time; the last batch may be smaller."""
        if size < 1:
            raise InvalidSetting(f"The size of a batch must be at least 1. Got {size} instead.")
        for start in range(0, len(self), size):
            yield self.batch(range(start, min(start + size, len(self))))

    def subset(self, mask_or_indices: ArrayLike) -> Self:
        """A view of some examples: a boolean per example, or positions in the order wanted."""
        chosen = np.asarray(mask_or_indices)
        if chosen.dtype == bool:
            if chosen.shape != (len(self),):
                raise InvalidSetting(
                    f"A mask must have one value for each of {len(self)} examples. Got {chosen.shape}."
                )
            chosen = np.flatnonzero(chosen)
        view = self._view(chosen.astype(np.int64).reshape(-1))
        view.part = {"part": "subset", "of": self.part, "examples": len(view)}
        return view

    def without(self, part: Dataset) -> Self:
        """The examples of those subjects of whom `part` has none."""
        return self.subset(~self.table["subject"].isin(part.subjects))

    def split(
        self, fractions: Sequence[float] = (0.7, 0.15, 0.15), *, by: str = "subject", seed: int = 0
    ) -> dict[str, Self]:
        """Views "train", "validation" and "test"; no subject is in two of them.

        Deterministic for a seed, and stratified by class as well as whole subjects allow (see `assign_subjects`).

        Raises
        ------
        InvalidSetting : unless `fractions` are three positive numbers that sum to 1 and `by` is "subject", or when
            there is only one subject.

        Notes
        -----
        Two subjects make a training and a test part; the validation part is then empty.
        """
        if by != "subject":
            raise InvalidSetting(
                f"A dataset is split by subject, so that nobody is in two parts. Got by={by!r} instead."
            )
        if len(fractions) != 3 or min(fractions) <= 0 or abs(sum(fractions) - 1) > 1e-6:
            raise InvalidSetting(f"`fractions` must be three positive numbers that sum to 1. Got {tuple(fractions)}.")
        subjects, owner = np.unique(self.table["subject"].to_numpy(str), return_inverse=True)
        if len(subjects) < 2:
            message = f"{self.name} has {len(subjects)} subject; parts without a common subject need at least 2."
            raise InvalidSetting(message)
        counts = np.zeros((len(subjects), len(self.spec.classes) + 1))
        np.add.at(counts, owner, np.pad(self._labels, ((0, 0), (0, 1)), constant_values=1))
        if len(subjects) == 2:
            parts = np.array([0, 2])[assign_subjects(counts, (fractions[0], fractions[2]), seed)]
        else:
            parts = assign_subjects(counts, fractions, seed)
        views = {}
        whole = {} if self.part is None else {"of": self.part}
        for number, name in enumerate(PARTS):
            views[name] = self._view(np.flatnonzero(parts[owner] == number))
            views[name].part = {"part": name, "fractions": list(fractions), "by": by, "seed": seed, **whole}
        return views

    @cached_property
    def _severity_known(self) -> bool:
        return bool(np.isfinite(self._severity).any())

    def _view(self, positions: NDArray[np.int64]) -> Self:
        view = copy(self)
        view.__dict__.pop("_severity_known", None)
        view.table = self.table.iloc[positions].reset_index(drop=True)
        for name in ("_rows", "_labels", "_severity", "_subjects"):
            setattr(view, name, getattr(self, name)[positions])
        return view

    def _condition(self, positions: NDArray[np.int64], rows: NDArray[np.int64]) -> Condition:
        labels = torch.from_numpy(self._labels[positions]) if self.spec.classes else None
        severity = None
        if self._severity_known:
            severity = torch.from_numpy(self._severity[positions])
        mask = None
        if self._masks is not None:
            mask = torch.from_numpy(self._masks.take(rows).astype(np.float32))
        return Condition(labels=labels, severity=severity, mask=mask)


def check_real(dataset: Dataset, allowed: bool) -> None:
    """InvalidSetting for a dataset of synthetic examples, unless that is allowed: none is taken for real unasked."""
    if dataset.synthetic and not allowed:
        origin = dataset.info["source"].get("origin")
        made = f" ({origin})" if origin else ""
        problem = f"{dataset.name} holds synthetic examples{made}: what learns from them repeats the faults of another "
        raise InvalidSetting(f"{problem}generator. Take recordings, or allow it ({ALLOWED}).")


def _check_source(path: Path, info: Any) -> None:
    """DamagedFile where it is not said whether the examples are synthetic: that must not be taken for real."""
    source = info.get("source", {}) if isinstance(info, dict) else {}
    kinds = [source.get(name, False) for name in ("simulated", "synthetic")] if isinstance(source, dict) else [None]
    if not all(isinstance(kind, bool) for kind in kinds):
        raise DamagedFile(path / "dataset.json", "has a damaged `source`; prepare the dataset again.")


def _spec(path: Path, info: Any) -> DataSpec:
    file = path / "dataset.json"
    if not isinstance(info, dict) or info.get("format") != FORMAT:
        raise DamagedFile(file, f"is not of dataset format {FORMAT}; prepare the dataset again.")
    try:
        return DataSpec.from_dict(info["spec"])
    except (KeyError, TypeError, ValueError, SpecMismatch) as error:
        raise DamagedFile(file, f"has no valid spec ({error}); prepare the dataset again.") from error


def _table(path: Path, classes: tuple[str, ...]) -> pd.DataFrame:
    file = path / "examples.parquet"
    try:
        if not file.is_file():
            raise FileNotFoundError
        table = pd.read_parquet(file)
    except (OSError, ValueError) as error:
        raise DamagedFile(file, "is missing or damaged; prepare the dataset again.") from error
    missing = [column for column in COLUMNS if column not in table.columns]
    if missing:
        raise DamagedFile(file, f"has no column {missing[0]!r}; prepare the dataset again.")
    unknown = {name for names in table["labels"] for name in names} - set(classes)
    if unknown:
        raise DamagedFile(file, f"has the label {min(unknown)!r}, which dataset.json does not list; prepare it again.")
    return table


def _label_matrix(table: pd.DataFrame, classes: tuple[str, ...]) -> NDArray[np.float32]:
    """(examples, classes) of 0 and 1."""
    column = {name: number for number, name in enumerate(classes)}
    matrix = np.zeros((len(table), len(classes)), np.float32)
    for row, names in enumerate(table["labels"]):
        for name in names:
            matrix[row, column[name]] = 1.0
    return matrix
