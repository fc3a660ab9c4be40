"""Does a classifier gain from synthetic examples? Trained on real, synthetic and both, tested on the same real people.

Protocols of Esteban et al. 2017 (arXiv 1706.02633; train on synthetic, test on real, and the reverse) and of arXiv
2411.18456 (added in several ratios; pre-training, then a growing share of real; single and merged collections). Every
arm takes the same number of optimiser steps and several seeds; intervals and differences are paired by patient.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property, partial
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from synth_core.errors import InvalidSetting
from synth_core.experiments.arms import (
    REAL,
    Arm,
    baseline_arms,
    collection_arms,
    fraction_arms,
    source_arms,
)
from synth_core.experiments.base import Cell, Experiment, ExperimentConfig, Result, Say
from synth_core.experiments.comparison import Comparison, estimate_text, patient_weights
from synth_core.experiments.outcome import Chart, Outcome, Point, Table
from synth_core.experiments.sources import Source
from synth_core.metrics.classification import MEASURES
from synth_core.metrics.classifier import ClassifierSettings, feature_probabilities, labels_of, train_network
from synth_core.training.launch import SPLIT
from synth_core.types import Batch, Condition

Method = Literal["network", "features"]

LARGEST = 10_000  # real training examples; a random choice when there are more
FEWEST_TESTED = 10


class AugmentationConfig(ExperimentConfig):
    """Settings of the augmentation experiment."""

    sources: tuple[str, ...] = Field(
        ("flow",),
        title="Sources",
        min_length=1,
        max_length=12,
        description="Generators by name (trained here, with settings as `flow dim=64`), models or .npz files.",
    )
    generator_steps: int = Field(
        2000, title="Generator steps", ge=1, le=10**6, description="For each generator that is trained here."
    )
    methods: tuple[Method, ...] = Field(
        ("network", "features"),
        title="Classifiers",
        min_length=1,
        description="A residual network on the values, and boosted trees on interpretable features.",
    )
    seeds: int = Field(5, title="Seeds", ge=1, le=50, description="Repetitions of each arm; five show the spread.")
    classifier_steps: int = Field(
        300, title="Classifier steps", ge=10, le=20_000, description="The same for every arm, whatever it trains on."
    )
    ratios: tuple[float, ...] = Field(
        (0.25, 0.5, 1.0, 2.0, 4.0), title="Ratios", description="Synthetic examples added, per real one."
    )
    fractions: tuple[float, ...] = Field(
        (0.1, 0.2, 0.4, 0.6, 0.8, 1.0),
        title="Shares of real people",
        description="For fine-tuning after training on synthetic, and alone for comparison.",
    )
    draws: int = Field(200, title="Bootstrap draws", ge=20, le=5000, description="Of test patients, for intervals.")


class Augmentation(Experiment):
    """See the module."""

    name = "augmentation"
    title = "Augmentation"
    question = "Does a classifier gain from the synthetic examples?"
    Config = AugmentationConfig
    config: AugmentationConfig

    def check(self) -> None:
        """Classes, sources and test people are needed."""
        if not self.dataset.spec.classes:
            raise InvalidSetting("A classifier needs labelled examples; prepare the dataset with labels.")
        for ratio in (*self.config.ratios, *self.config.fractions):
            if not 0 <= ratio <= 100:
                raise InvalidSetting(f"Ratios and shares must be between 0 and 100. Got {ratio:g}.")
        if len(self._parts["test"]) < FEWEST_TESTED:
            few = len(self._parts["test"])
            raise InvalidSetting(f"{few} test examples are too few to compare classifiers; {FEWEST_TESTED} at least.")
        assert self._sources

    @cached_property
    def _parts(self) -> dict[str, Any]:
        return self.dataset.split(**SPLIT)

    @cached_property
    def _sources(self) -> dict[str, Source]:
        return Source.read_all(self.config.sources, self.dataset.spec)

    @cached_property
    def _rows(self) -> NDArray[np.intp]:
        training = self._parts["train"]
        return np.sort(np.random.default_rng(self.config.seed).permutation(len(training))[:LARGEST])

    @cached_property
    def _real(self) -> Batch:
        return self._parts["train"].batch(self._rows.tolist())

    @cached_property
    def _test(self) -> Batch:
        return self._parts["test"].batch(range(len(self._parts["test"])))

    @cached_property
    def _collections(self) -> tuple[str, ...]:
        table = self.dataset.table
        return tuple(table["source"].unique()) if "source" in table else ()

    @cached_property
    def _arms(self) -> dict[str, Arm]:
        arms = [*baseline_arms(), *fraction_arms(self.config.fractions)]
        if len(self._collections) > 1:
            of_training = self._parts["train"].table["source"].to_numpy()[self._rows].astype(str)
            arms += collection_arms(self._collections, lambda real: of_training)
        for title in self._sources:
            arms += source_arms(title, self.config.ratios, self.config.fractions)
        return {arm.name: arm for arm in arms}

    def cells(self) -> Iterator[Cell]:
        """Synthetic examples of each source, then every arm with every classifier and seed."""
        for source in self._sources.values():
            yield Cell(f"examples of {source.title}", partial(self._examples, source))
        for seed in range(self.config.seeds):
            for method in self.config.methods:
                for arm in self._arms.values():
                    if method == "network" or arm.first is None:
                        yield Cell(_name(arm, method, seed), partial(self._predictions, arm, method, seed))

    def _examples(self, source: Source, say: Say) -> Result:
        n = round(max(1.0, *self.config.ratios) * len(self._real)) if self.config.ratios else len(self._real)
        folder = self.out / "generators" / source.folder
        batch = source.examples(
            self.dataset, n, folder, steps=self.config.generator_steps, seed=self.config.seed, say=say
        )
        return Result({"examples": n}, {"values": batch.values.numpy(), "labels": labels_of(batch)})

    def _synthetic(self, arm: Arm) -> Batch:
        if not arm.source:
            return self._real
        arrays = self.kept(f"examples of {arm.source}").arrays
        labels = torch.from_numpy(arrays["labels"]).float()
        return Batch(torch.from_numpy(arrays["values"]), self.dataset.spec, Condition(labels=labels))

    def _predictions(self, arm: Arm, method: Method, seed: int, say: Say) -> Result:
        synthetic = self._synthetic(arm)
        rng = np.random.default_rng((self.config.seed, seed))
        tested = (
            self._test if arm.test == "real" else synthetic.select(list(range(min(len(synthetic), len(self._test)))))
        )
        train = _labelled(arm.examples(self._real, synthetic, rng))
        if method == "features":
            augmented = train if arm.augment is None else _augmented(train, arm, seed)
            return Result({}, {"predicted": feature_probabilities(augmented, tested, seed).astype(np.float32)})
        settings = ClassifierSettings(steps=self.config.classifier_steps, batch_size=32)
        start = None
        if arm.first is not None:
            settings = replace(settings, steps=self.config.classifier_steps // 2)
            start = train_network(_labelled(arm.first(self._real, synthetic, rng)), settings, seed=seed)
        network = train_network(
            train,
            settings,
            seed=seed,
            start=start,
            augment=arm.augment,
            progress=lambda step, steps, message: say(f"step {step} of {steps}"),
        )
        return Result({}, {"predicted": network.probabilities(tested.values).astype(np.float32)})

    def conclude(self, results: Mapping[str, Result]) -> Outcome:
        """Tables and charts per classifier, and one sentence per source and classifier on whether there is a gain."""
        sentences: list[str] = []
        tables: list[Table] = []
        charts: list[Chart] = []
        for method in self.config.methods:
            compared = self._comparison(method, results)
            arms = list(compared.predicted)
            sentences += self._sentences(compared, method)
            tables.append(Table(f"All classes, {method}", ("trained on", *MEASURES), compared.rows(arms)))
            tables.append(self._differences(compared, method))
            tables += self._per_class(compared, method)
            tables += self._per_collection(results, method)
            tables += self._reverse(results, method)
            points = tuple(Point(arm, *compared.value(arm, compared.headline)) for arm in arms)
            charts.append(Chart(f"Classifier: {method}", compared.headline, points, points[0].value, "real alone"))
        settings = {
            **self.config.model_dump(mode="json"),
            "dataset": self.dataset.name,
            "training examples": len(self._real),
            "test examples": len(self._test),
            "test people": len(set(self._test.subjects or ())),
        }
        return Outcome(
            self.name, f"{self.title}: {self.dataset.name}", tuple(sentences), tuple(tables), tuple(charts), settings
        )

    def _comparison(
        self, method: Method, results: Mapping[str, Result], rows: NDArray[np.intp] | None = None
    ) -> Comparison:
        kept = np.arange(len(self._test)) if rows is None else rows
        truth = labels_of(self._test)[kept]
        predicted = {
            arm.name: np.stack([run[kept] for run in self._runs(arm, method, results)])
            for arm in self._arms.values()
            if arm.test == "real" and _name(arm, method, 0) in results
        }
        names = None if self._test.subjects is None else [self._test.subjects[i] for i in kept]
        rng = np.random.default_rng(self.config.seed)
        weights = patient_weights(names, len(kept), self.config.draws, rng)
        return Comparison(truth, predicted, weights, self._exclusive)

    @cached_property
    def _exclusive(self) -> bool:
        return bool((labels_of(self._real).sum(1) == 1).all() and (labels_of(self._test).sum(1) == 1).all())

    def _runs(self, arm: Arm, method: Method, results: Mapping[str, Result]) -> list[NDArray[np.float64]]:
        return [
            results[_name(arm, method, seed)].arrays["predicted"].astype(np.float64)
            for seed in range(self.config.seeds)
        ]

    def _sentences(self, compared: Comparison, method: Method) -> Iterator[str]:
        measure = compared.headline
        real = estimate_text(compared.value(REAL, measure))
        for title in self._sources:
            alone = estimate_text(compared.value(title, measure))
            yield f"{method}, {title}: {measure} {alone} on synthetic examples alone, {real} on real ones."
            for arm in (f"real + {ratio:g}× {title}" for ratio in self.config.ratios):
                yield f"{method}, {arm}: {verdict(compared.difference(arm, REAL, measure), measure)}"

    def _differences(self, compared: Comparison, method: Method) -> Table:
        others = [arm for arm in compared.predicted if arm != REAL]
        rows = tuple(
            (
                arm,
                *(estimate_text(compared.difference(arm, REAL, name), "+.3f") for name in MEASURES),
                verdict(compared.difference(arm, REAL, compared.headline), compared.headline).split(":")[0],
            )
            for arm in others
        )
        return Table(
            f"Difference to real alone, paired by patient, {method}", ("trained on", *MEASURES, "answer"), rows
        )

    def _per_class(self, compared: Comparison, method: Method) -> Iterator[Table]:
        main = [REAL, *(name for title in self._sources for name in (title, f"real + 1× {title}"))]
        shown = [arm for arm in main if arm in compared.predicted]
        for k, name in enumerate(self.dataset.spec.classes):
            yield Table(f"Class {name}, {method}", ("trained on", *MEASURES), compared.rows(shown, 1 + k))

    def _per_collection(self, results: Mapping[str, Result], method: Method) -> Iterator[Table]:
        if len(self._collections) < 2:
            return
        tested = self._parts["test"].table["source"].to_numpy().astype(str)
        for name in self._collections:
            rows = np.flatnonzero(tested == name)
            if len(rows) >= FEWEST_TESTED:
                compared = self._comparison(method, results, rows)
                title = f"Tested on {name} only ({len(rows)} examples), {method}"
                yield Table(title, ("trained on", *MEASURES), compared.rows(list(compared.predicted)))

    def _reverse(self, results: Mapping[str, Result], method: Method) -> Iterator[Table]:
        rows: list[tuple[Any, ...]] = []
        for arm in (arm for arm in self._arms.values() if arm.test == "synthetic"):
            runs = np.stack(self._runs(arm, method, results))
            truth = labels_of(self._synthetic(arm))[: runs.shape[1]]
            weights = patient_weights(None, len(truth), self.config.draws, np.random.default_rng(self.config.seed))
            rows += Comparison(truth, {arm.name: runs}, weights, self._exclusive).rows([arm.name])
        yield Table(f"Trained on real, tested on synthetic, {method}", ("arm", *MEASURES), tuple(rows))


def verdict(difference: tuple[float, float, float], measure: str) -> str:
    """'Gain', 'no gain' or 'loss' by whether the interval of a paired difference leaves zero, and the numbers."""
    value, low, high = difference
    if np.isnan(value) or np.isnan(low):
        return "not known: too few test people."
    numbers = f"{measure} {value:+.3f} (95 % {low:+.3f} to {high:+.3f})."
    return f"{'gain' if low > 0 else 'loss' if high < 0 else 'no gain'}: {numbers}"


def _name(arm: Arm, method: Method, seed: int) -> str:
    return f"{arm.name} by {method} seed {seed}"


def _labelled(batch: Batch) -> Batch:
    """Without severity and masks, which a classifier does not see."""
    return replace(batch, condition=Condition(labels=batch.condition.labels))


def _augmented(batch: Batch, arm: Arm, seed: int) -> Batch:
    """Examples and a changed copy of each: features are computed once, so that there is no new change at every step."""
    assert arm.augment is not None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        values = torch.cat([batch.values, arm.augment(batch.values)])
    labels = torch.from_numpy(labels_of(batch)).float()
    return Batch(values, batch.spec, Condition(labels=labels.repeat(2, 1)))
