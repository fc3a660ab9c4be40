"""Where synthetic examples come from: a registered generator that is trained here, a model, or a file of examples."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from synth_core.data import Dataset
from synth_core.errors import InvalidSetting, SpecMismatch
from synth_core.export import read_npz
from synth_core.generators import REGISTRY, Generator
from synth_core.settings import checked, parsed
from synth_core.training import RunConfig, load_generator
from synth_core.training.launch import SPLIT, create_run, keep, work
from synth_core.types import Batch, Condition, DataSpec

DRAWN_AT_ONCE = 64

Say = Callable[[str], None]
Asked = Literal["labels", "everything"]


@dataclass(frozen=True)
class Source:
    """One source of synthetic examples.

    Parameters
    ----------
    name : of the REGISTRY, or the path of a model directory or an .npz file.
    settings : of the generator.
    asked : "labels" leaves severity and lesion masks out of what is asked for.
    title : what tables call it.
    """

    name: str
    settings: dict[str, Any]
    asked: Asked
    title: str

    @classmethod
    def read(cls, text: str) -> Source:
        """A source from its text: a name or path, then settings `name=value` and `ask=labels`.

        A path with spaces stands in quotation marks, or alone.

        Raises
        ------
        InvalidSetting : when it is none of the three kinds.
        """
        name, *settings = [text] if text and Path(text).exists() else _words(text)
        if name not in REGISTRY and not (name and Path(name).exists()):
            known = ", ".join(sorted(REGISTRY))
            raise InvalidSetting(
                f"{name or 'An empty text'!r} is neither a generator ({known}) nor a model or .npz file."
            )
        title = " ".join([Path(name).stem if name not in REGISTRY else name, *settings])
        given = parsed([setting for setting in settings if not setting.startswith("ask=")])
        return cls(name, given, "labels" if "ask=labels" in settings else "everything", title)

    @classmethod
    def read_all(cls, texts: Sequence[str], spec: DataSpec) -> dict[str, Source]:
        """Title → source; refuses what `check` refuses, and two that would be called the same in tables."""
        sources: dict[str, Source] = {}
        for source in map(cls.read, texts):
            source.check(spec)
            if source.title in sources:
                raise InvalidSetting(f"Two sources are called {source.title}; name each once, rename one of the files.")
            sources[source.title] = source
        return sources

    def check(self, spec: DataSpec) -> None:
        """Refuse, before anything is trained, settings that a generator refuses and data that it cannot make.

        Raises
        ------
        InvalidSetting, SpecMismatch : see above.
        """
        if self.name not in REGISTRY:
            return
        kind = REGISTRY[self.name]
        checked(kind.Config, self.settings, f"generator {self.name}")
        if spec.modality not in kind.modalities:
            able = ", ".join(sorted(kind.modalities))
            raise SpecMismatch(f"Generator {self.name} makes {able}. Got a dataset of {spec.modality} instead.")

    @property
    def folder(self) -> str:
        """A name for what is kept of it."""
        return "".join(letter if letter.isalnum() else "-" for letter in self.title)

    @property
    def is_file(self) -> bool:
        """Whether it is a file of examples, of which nothing can be asked."""
        return Path(self.name).suffix == ".npz"

    def examples(self, dataset: Dataset, n: int, out: Path, *, steps: int, seed: int, say: Say) -> Batch:
        """n synthetic examples, asked for as often as the training part has each condition.

        Parameters
        ----------
        dataset : the whole dataset; its training part (`launch.SPLIT`) is what a generator is trained on.
        out : where a generator that is trained here keeps its run; one that was stopped goes on.
        steps : of that training.
        seed : of training and drawing.

        Raises
        ------
        SpecMismatch : when the examples are not of the dataset's kind.
        InvalidSetting : when a model saw other people than the training part, or a file has too few examples.
        """
        if self.is_file:
            return _some(read_npz(self.name), dataset, n, self.title)
        generator = self.generator(dataset, out, steps=steps, seed=seed, say=say)
        training = dataset.split(**SPLIT)["train"]
        return drawn(generator, training, n, self.asked, seed, say)

    def generator(self, dataset: Dataset, out: Path, *, steps: int, seed: int, say: Say) -> Generator:
        """The model, or the generator trained on the training part; see `examples`. A file has none."""
        if self.name not in REGISTRY:
            return _model_of(dataset, Path(self.name))
        model = out / "model"
        if not model.is_dir():
            keep(_trained(self, dataset, out / "run", steps, seed, say), model)
        return load_generator(model)


def _words(text: str) -> list[str]:
    try:
        name, *settings = shlex.split(text, posix=False) or [""]  # quotation marks within settings are JSON's
    except ValueError as error:  # a quotation that does not end
        raise InvalidSetting(f"The source {text!r} cannot be read: {error}.") from None
    return [name.strip("\"'"), *settings]


def _trained(source: Source, dataset: Dataset, folder: Path, steps: int, seed: int, say: Say) -> Any:
    from synth_core.training.run import RunDirectory

    run = RunDirectory(folder)
    if not (folder / "config.json").is_file():
        warmup = min(
            checked(RunConfig, {}, "the run").warmup, steps // 10
        )  # a short run would never reach its learning rate
        run_settings = {"out": folder, "steps": steps, "seed": seed, "previews": 0, "warmup": warmup}
        config = checked(RunConfig, run_settings, "the run")
        run = create_run(dataset.path, source.name, source.settings, config)
    for record in work(run):
        say(f"training step {record.step} of {steps}")
    return run


def _model_of(dataset: Dataset, path: Path) -> Generator:
    generator = load_generator(path)
    known = generator.provenance.get("dataset") or {}
    part = (known.get("part") or {}) | {"fractions": tuple((known.get("part") or {}).get("fractions", ()))}
    if known.get("hash") == dataset.info["hash"] and part != {"part": "train", **SPLIT}:
        raise InvalidSetting(f"The model {path.name} was trained on people that are tested here; train it again.")
    return generator


def drawn(generator: Generator, training: Dataset, n: int, asked: Asked, seed: int, say: Say) -> Batch:
    """n examples of a generator, asked for as often as `training` has each condition."""
    rows = np.random.default_rng(seed).integers(len(training), size=n)
    return drawn_like(generator, training, rows, asked, seed, say)


def drawn_like(
    generator: Generator, training: Dataset, rows: NDArray[np.integer], asked: Asked, seed: int, say: Say
) -> Batch:
    """An example for each of these rows of `training`, asked for with the conditions of that row."""
    names = generator.accepted if asked == "everything" else generator.accepted & {"labels"}
    rng = torch.Generator().manual_seed(seed)
    parts = []
    for begin in range(0, len(rows), DRAWN_AT_ONCE):
        say(f"{begin} of {len(rows)} examples drawn")
        real = training.batch(rows[begin : begin + DRAWN_AT_ONCE].tolist()).condition
        condition = Condition(**{name: getattr(real, name) for name in names & real.given})
        parts.append(generator.sample(condition if condition.given else len(real), rng=rng))
    _check_kind(parts[0], training, "The model")
    given = {name: torch.cat([getattr(part.condition, name) for part in parts]) for name in parts[0].condition.given}
    return Batch(torch.cat([part.values for part in parts]), parts[0].spec, Condition(**given))


def _some(batch: Batch, dataset: Dataset, n: int, title: str) -> Batch:
    _check_kind(batch, dataset, title)
    if len(batch) < n:
        raise InvalidSetting(f"{title} holds {len(batch)} examples and {n} are needed; draw more or lower the ratios.")
    return batch.select(list(range(n)))


def _check_kind(batch: Batch, dataset: Dataset, title: str) -> None:
    for name in ("modality", "shape", "unit", "classes"):
        got, expected = getattr(batch.spec, name), getattr(dataset.spec, name)
        if got != expected:
            raise SpecMismatch(f"{title} makes examples of {name} {got}, the dataset has {expected}.")
