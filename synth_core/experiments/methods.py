"""Which method makes the best examples of these data, each having had the same CPU time of training?

Every registered generator that can make the modality, in the settings of its source and in ours, is trained on the
same people and judged on the same others. Steps follow from the budget: the CPU time of a step is measured first, so
that schedules and phases end with the budget. The controls, which an evaluation must see through, make one pass.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from synth_core.data import Dataset
from synth_core.errors import InvalidSetting, RunError, SpecMismatch
from synth_core.experiments.base import Cell, Experiment, ExperimentConfig, Result, Say
from synth_core.experiments.comparison import Comparison, patient_weights
from synth_core.experiments.outcome import Outcome
from synth_core.experiments.pace import step_seconds, steps_within
from synth_core.experiments.privacy import LARGEST_SEARCHED, standardised
from synth_core.experiments.sources import Source, drawn_like
from synth_core.experiments.standings import REAL, Standing, charts_of, sentences_of, tables_of
from synth_core.generators import CONTROLS, REGISTRY, build
from synth_core.metrics import fidelity
from synth_core.metrics.classifier import ClassifierSettings, labels_of, train_network
from synth_core.metrics.encoder import Encoder
from synth_core.metrics.evaluate import LARGEST, SMALLEST
from synth_core.metrics.measure import Measure
from synth_core.metrics.safety import closer_to_training
from synth_core.metrics.trio import Trio
from synth_core.settings import checked
from synth_core.training import RunConfig, RunDirectory, load_generator
from synth_core.training.launch import SPLIT
from synth_core.types import Batch, Condition

BATCH = checked(RunConfig, {}, "the run").batch_size

Preset = Literal["paper", "modern"]
HeldOut = Literal["test", "test and validation"]


class MethodsConfig(ExperimentConfig):
    """Settings of the comparison."""

    generators: tuple[str, ...] = Field(
        (),
        title="Generators",
        max_length=40,
        description="By name, with settings as `flow dim=64`; empty: all that can make these data, and the controls.",
    )
    presets: tuple[Preset, ...] = Field(
        ("paper", "modern"),
        title="Presets",
        min_length=1,
        max_length=2,
        description="Settings of the source, and ours. Where both are the same, a method runs once.",
    )
    budget_seconds: float = Field(
        300.0,
        title="Training budget",
        gt=0,
        le=36_000,
        description="CPU time of training for each; of the whole process, so that other work in it takes some away.",
        json_schema_extra={"unit": "s"},
    )
    examples: int = Field(
        200,
        title="Examples per class",
        ge=SMALLEST,
        le=5000,
        description="Drawn from each method, on average over the classes, which are as frequent as in training.",
    )
    classifier_steps: int = Field(
        300, title="Classifier steps", ge=10, le=20_000, description="The same for every method and for real examples."
    )
    seeds: int = Field(3, title="Seeds", ge=1, le=50, description="Classifiers for each method, averaged.")
    draws: int = Field(200, title="Bootstrap draws", ge=20, le=5000, description="Of held-out patients, for intervals.")
    held_out: HeldOut = Field(
        "test",
        title="Held out",
        description="Whom all is judged on. Nothing is chosen by the validation people, so that in a small collection "
        "they may be tested on too.",
    )


@dataclass(frozen=True)
class Contender:
    """One row of the comparison.

    Parameters
    ----------
    source : the generator with its settings and preset.
    method, preset : as tables call it; the preset is "either" where both are the same.
    """

    source: Source
    method: str
    preset: str

    @property
    def name(self) -> str:
        """Unlike that of every other."""
        return f"{self.method}, {self.preset}"

    @property
    def is_control(self) -> bool:
        """Whether it only shows what an evaluation must see through."""
        return REGISTRY[self.source.name] in CONTROLS


class Methods(Experiment):
    """See the module."""

    name = "methods"
    title = "Methods"
    question = "Which method makes the best examples of these data at the same training budget?"
    Config = MethodsConfig
    config: MethodsConfig

    def check(self) -> None:
        """Classes, enough training and held-out examples, and generators of these names are needed."""
        if not self.dataset.spec.classes:
            raise InvalidSetting("Methods are compared by classes; prepare the dataset with labels.")
        sizes = [len(self._training), len(self._held_out)]
        if min(sizes) < SMALLEST:
            raise InvalidSetting(f"{SMALLEST} training and held-out examples each are needed; here are {sizes}.")
        assert self._contenders

    @cached_property
    def _parts(self) -> dict[str, Dataset]:
        return self.dataset.split(**SPLIT)

    @property
    def _training(self) -> Dataset:
        return self._parts["train"]

    @cached_property
    def _held_out(self) -> Dataset:
        if self.config.held_out == "test":
            return self._parts["test"]
        return self.dataset.without(self._training)

    @cached_property
    def _contenders(self) -> tuple[Contender, ...]:
        modality = self.dataset.spec.modality
        able = tuple(name for name, kind in REGISTRY.items() if modality in kind.modalities)
        texts = self.config.generators or able
        return tuple(one for text in dict.fromkeys(texts) for one in contenders(text, self.config.presets))

    @cached_property
    def _rows(self) -> NDArray[np.intp]:
        """Rows of the training part whose conditions are asked for, and which classifiers learn from beside."""
        n = self.config.examples * len(self.dataset.spec.classes)
        return np.sort(np.random.default_rng(self.config.seed).permutation(len(self._training))[:n])

    @cached_property
    def _compared(self) -> NDArray[np.intp]:
        """Positions in `_rows`, and so in what is drawn, of as many examples as distances compare on each side."""
        n = min(len(self._rows), len(self._test), LARGEST)
        return np.sort(np.random.default_rng(self.config.seed).permutation(len(self._rows))[:n])

    @cached_property
    def _test(self) -> Batch:
        return self._held_out.batch(range(len(self._held_out)))

    @cached_property
    def _sides(self) -> tuple[Batch, Batch]:
        """Equal numbers of training and held-out examples."""
        rng = np.random.default_rng(self.config.seed)
        held_out = np.sort(rng.permutation(len(self._test))[: len(self._compared)])
        return self._training.batch(self._rows[self._compared].tolist()), self._test.select(held_out.tolist())

    @cached_property
    def _known(self) -> Batch:
        """All training examples, as far as can be searched: a copy of one that is left out would go unseen."""
        rng = np.random.default_rng(self.config.seed)
        rows = np.sort(rng.permutation(len(self._training))[:LARGEST_SEARCHED])
        return self._training.batch(rows.tolist())

    @cached_property
    def _settings(self) -> ClassifierSettings:
        return ClassifierSettings(steps=self.config.classifier_steps)

    @cached_property
    def _encoder(self) -> Encoder | None:
        seed = self.config.seed
        return Encoder.learned(self._sides[0], self._settings, seed, np.random.default_rng(seed))

    def cells(self) -> Iterator[Cell]:
        """Real people as the reference; for each method its pace, its training, its measures."""
        yield Cell(REAL, self._reference)
        for one in self._contenders:
            yield Cell(f"pace of {one.name}", partial(self._pace, one))
            yield Cell(f"training of {one.name}", partial(self._trained, one))
            yield Cell(f"measures of {one.name}", partial(self._measured, one))

    def _reference(self, say: Say) -> Result:
        return Result({}, {"predicted": self._predicted(self._training.batch(self._rows.tolist()), say)})

    def _pace(self, one: Contender, say: Say) -> Result:
        training, seed = self._training, self.config.seed
        try:
            one.source.check(training.spec)
            generator = build(one.source.name, training.spec, seed=seed, **one.source.settings)
            seconds = step_seconds(generator, training, seed, say)
        except (InvalidSetting, SpecMismatch, RunError) as error:
            return Result({"refused": str(error)})
        steps = steps_within(self.config.budget_seconds, seconds)
        if one.is_control:  # a bank is full after one pass, and all that is learned
            steps = min(steps, math.ceil(len(training) / BATCH))
        return Result({"steps": steps, "seconds": seconds})

    def _trained(self, one: Contender, say: Say) -> Result:
        pace = self.kept(f"pace of {one.name}").values
        if "refused" in pace:
            return Result(pace)
        folder, done = self._folder_of(one), 0

        def counted(message: str) -> None:
            nonlocal done
            done += 1
            say(message)

        began = time.process_time()
        try:
            one.source.generator(self.dataset, folder, steps=pace["steps"], seed=self.config.seed, say=counted)
        except RunError as error:
            if RunDirectory(folder / "run").status().state != "failed":
                raise  # another process has it: that is no property of the method
            return Result({"refused": str(error)})
        # a run that was stopped and gone on with has spent more than this process saw
        each = (time.process_time() - began) / done if done else pace["seconds"]
        return Result({**pace, "training": each * pace["steps"]})

    def _folder_of(self, one: Contender) -> Path:
        return self.out / "generators" / one.source.folder

    def _measured(self, one: Contender, say: Say) -> Result:
        trained = self.kept(f"training of {one.name}").values
        if "refused" in trained:
            return Result(trained)
        generator = load_generator(self._folder_of(one) / "model")
        began = time.process_time()
        made = drawn_like(generator, self._training, self._rows, one.source.asked, self.config.seed, say)
        drawing = (time.process_time() - began) / len(made)
        broken = int((~made.values.flatten(1).isfinite().all(1)).sum())
        if broken:
            return Result({"refused": f"{broken} of {len(made)} examples hold values that are not finite."})
        if made.condition.labels is None:
            return Result({"refused": "It makes examples without classes."})
        say("spectra, features and copies")
        measures = [measure.to_dict() for measure in self._measures(made)]
        return Result({**trained, "drawing": drawing, "measures": measures}, {"predicted": self._predicted(made, say)})

    def _measures(self, made: Batch) -> Iterator[Measure]:
        rng = np.random.default_rng(self.config.seed)
        train, holdout = self._sides
        some = made.select(self._compared.tolist())
        sides = fidelity.compared(train, holdout, some)
        spec = self.dataset.spec
        yield from fidelity.spectral_measures(sides, spec.classes, spec.is_image, rng)
        yield fidelity.told_apart(sides, rng).measure
        if self._encoder is not None:
            yield self._encoder.distance(holdout, some, rng)
        batches = (self._known, self._test, made)
        known, fresh, drawn = standardised(*batches)
        yield closer_to_training(batches, Trio(known, fresh, drawn), rng)

    def _predicted(self, train: Batch, say: Say) -> NDArray[np.float32]:
        """(seeds, held-out examples, classes) probabilities of classifiers that learned from these examples."""
        labelled = replace(train, condition=Condition(labels=train.condition.labels))
        runs = []
        for seed in range(self.config.seeds):
            told = partial(_say_step, say, seed + 1)
            network = train_network(labelled, self._settings, seed=seed, progress=told)
            runs.append(network.probabilities(self._test.values))
        return np.stack(runs).astype(np.float32)

    def conclude(self, results: Mapping[str, Result]) -> Outcome:
        """Who is first on each measure, and the table of all by class recovery."""
        found = {one.name: results[f"measures of {one.name}"] for one in self._contenders}
        predicted = {REAL: results[REAL].arrays["predicted"].astype(np.float64)}
        predicted |= {
            name: result.arrays["predicted"].astype(np.float64)
            for name, result in found.items()
            if "refused" not in result.values
        }
        compared = self._comparison(predicted)
        standings = [
            Standing.of(one.method, one.preset, one.is_control, found[one.name].values, _recovery(compared, one.name))
            for one in self._contenders
        ]
        real, measure = compared.value(REAL, compared.headline), compared.headline
        settings = {
            **self.config.model_dump(mode="json"),
            "dataset": self.dataset.name,
            "training examples": len(self._training),
            "examples drawn, and real ones beside": len(self._rows),
            "examples a side in distances": len(self._compared),
            "held-out people": len(set(self._test.subjects or ())),
            "models": {one.name: str(self._folder_of(one) / "model") for one in self._contenders},
        }
        return Outcome(
            self.name,
            f"{self.title}: {self.dataset.name}",
            sentences_of(standings, measure, real, self.config.budget_seconds),
            tables_of(standings, measure, real, self.dataset.spec.classes),
            charts_of(standings, measure, real),
            settings,
        )

    def _comparison(self, predicted: Mapping[str, NDArray[np.float64]]) -> Comparison:
        truth = labels_of(self._test)
        exclusive = bool((truth.sum(1) == 1).all())
        rng = np.random.default_rng(self.config.seed)
        return Comparison(
            truth, predicted, patient_weights(self._test.subjects, len(truth), self.config.draws, rng), exclusive
        )


def contenders(text: str, presets: tuple[Preset, ...]) -> Iterator[Contender]:
    """One for each preset of a generator, given as `name setting=value`, that differs from those before.

    Raises
    ------
    InvalidSetting : for a name that is not registered, or settings that the generator refuses.
    """
    given = Source.read(text)
    if given.name not in REGISTRY:
        raise InvalidSetting(f"Methods are trained here, with one budget; {given.name!r} is no registered generator.")
    kind = REGISTRY[given.name]
    different: dict[str, str] = {}
    for preset in (given.settings["preset"],) if "preset" in given.settings else presets:
        config = checked(kind.Config, {**given.settings, "preset": preset}, f"generator {given.name}")
        different.setdefault(config.model_dump_json(exclude={"preset"}), preset)
    alike = len(different) < len(set(presets)) and "preset" not in given.settings
    words = [word for word in text.split() if not word.startswith("preset=")]
    for preset in different.values():
        source = Source.read(" ".join([*words, f"preset={preset}"]))
        yield Contender(source, " ".join(words), "either" if alike else preset)


def _say_step(say: Say, classifier: int, step: int, steps: int, message: str) -> None:
    say(f"classifier {classifier}, step {step} of {steps}")


def _recovery(compared: Comparison, name: str) -> tuple[float, float, float] | None:
    return compared.value(name, compared.headline) if name in compared.predicted else None
