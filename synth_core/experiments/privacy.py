"""Was anybody copied? The measures of the report, and canaries: does a generator give away what it saw k times?

Canaries are real examples of validation people. Some are added to the training part once, four and sixteen times,
others never; a generator is trained on both together, and an attacker who holds its examples looks for the nearest one
to each canary. A model or a file that exists already cannot be given canaries: only the measures are taken then.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property, partial
from itertools import chain

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from synth_core.data import Dataset
from synth_core.errors import InvalidSetting
from synth_core.experiments.base import Cell, Experiment, ExperimentConfig, Result, Say
from synth_core.experiments.canaries import Canaries
from synth_core.experiments.comparison import Estimate, estimate_text
from synth_core.experiments.outcome import Chart, Outcome, Point, Table
from synth_core.experiments.sources import Source, drawn
from synth_core.generators import REGISTRY, build
from synth_core.metrics.bootstrap import bootstrap
from synth_core.metrics.copies import find_copies
from synth_core.metrics.distances import nearest_distance
from synth_core.metrics.evaluate import SMALLEST
from synth_core.metrics.features import features_of
from synth_core.metrics.safety import safety_measures
from synth_core.metrics.trio import Trio
from synth_core.metrics.two_sample import auc
from synth_core.settings import checked
from synth_core.training import RunConfig
from synth_core.training.launch import SPLIT
from synth_core.training.loop import train
from synth_core.types import Batch

LARGEST = 2000  # examples per side of the measures; a random choice when there are more
LARGEST_SEARCHED = 10_000  # training examples in which copies are sought
ATTACKS = ("alignment", "features")

Floats = NDArray[np.float64]


class PrivacyConfig(ExperimentConfig):
    """Settings of the audit."""

    sources: tuple[str, ...] = Field(
        ("flow",),
        title="Sources",
        min_length=1,
        max_length=12,
        description="Generators by name are trained here, with canaries; of models and .npz files the measures alone "
        "are taken.",
    )
    generator_steps: int = Field(
        2000, title="Generator steps", ge=1, le=10**6, description="Longer training memorises more."
    )
    n: int = Field(
        1000,
        title="Synthetic examples",
        ge=SMALLEST,
        le=20_000,
        description="What the attacker holds; more betray more.",
    )
    repetitions: tuple[int, ...] = Field(
        (1, 4, 16),
        title="Repetitions",
        max_length=5,
        description="How often canaries are added; once is what happens to a patient. None: the measures alone.",
    )
    canaries: int = Field(
        32, title="Canaries per group", ge=4, le=1000, description="For each number of repetitions, and never added."
    )
    draws: int = Field(300, title="Bootstrap draws", ge=50, le=5000, description="Of people, for intervals.")


class Privacy(Experiment):
    """See the module."""

    name = "privacy"
    title = "Privacy"
    question = "Was anybody copied, and is what was seen given away?"
    Config = PrivacyConfig
    config: PrivacyConfig

    def check(self) -> None:
        """Test people for the measures, and validation people for canaries, are needed."""
        if min(len(self._parts[name]) for name in ("train", "test")) < SMALLEST:
            sizes = ", ".join(str(len(self._parts[name])) for name in ("train", "test"))
            raise InvalidSetting(f"{SMALLEST} training and test examples each are needed; here are {sizes}.")
        if len(set(self.config.repetitions)) < len(self.config.repetitions) or min((1, *self.config.repetitions)) < 1:
            raise InvalidSetting(f"Repetitions must be different numbers from 1. Got {self.config.repetitions}.")
        if any(self._audited(source) for source in self._sources.values()):
            _ = self._canaries

    @cached_property
    def _parts(self) -> dict[str, Dataset]:
        return self.dataset.split(**SPLIT)

    @cached_property
    def _sources(self) -> dict[str, Source]:
        return Source.read_all(self.config.sources, self.dataset.spec)

    @cached_property
    def _canaries(self) -> Canaries:
        rng = np.random.default_rng(self.config.seed)
        return Canaries.choose(self._parts["validation"], self.config.canaries, self.config.repetitions, rng)

    @cached_property
    def _train(self) -> Batch:
        return _some(self._parts["train"], LARGEST_SEARCHED, self.config.seed)

    @cached_property
    def _holdout(self) -> Batch:
        return _some(self._parts["test"], LARGEST, self.config.seed)

    def _audited(self, source: Source) -> bool:
        return source.name in REGISTRY and bool(self.config.repetitions)

    def cells(self) -> Iterator[Cell]:
        """For each source: its examples, the canaries among them, the measures."""
        for source in self._sources.values():
            yield Cell(f"examples of {source.title}", partial(self._examples, source))
            if self._audited(source):
                yield Cell(f"canaries of {source.title}", partial(self._sought, source))
            yield Cell(f"measures of {source.title}", partial(self._measured, source))

    def _examples(self, source: Source, say: Say) -> Result:
        folder = self.out / "generators" / source.folder
        seed, steps, n = self.config.seed, self.config.generator_steps, self.config.n
        if not self._audited(source):
            batch = source.examples(self.dataset, n, folder, steps=steps, seed=seed, say=say)
            return Result({}, {"values": batch.values.numpy()})
        joined = self._canaries.joined(self.dataset, self._parts["train"], self._parts["validation"])
        generator = build(source.name, joined.spec, seed=seed, **source.settings)
        given = {"out": folder, "steps": steps, "seed": seed, "previews": 0, "allow_synthetic": self.allow_synthetic}
        run = checked(RunConfig, given, "the run")
        for record in train(generator, joined, run, resume=True):
            say(f"training step {record.step} of {steps}")
        # conditions of the training part alone: a canary's lesion mask would ask for the canary
        batch = drawn(generator, self._parts["train"], n, source.asked, seed, say)
        return Result({}, {"values": batch.values.numpy()})

    def _synthetic(self, source: Source) -> Batch:
        return Batch(torch.from_numpy(self.kept(f"examples of {source.title}").arrays["values"]), self.dataset.spec)

    def _sought(self, source: Source, say: Say) -> Result:
        """How near the nearest synthetic example comes to each canary, by both attacks; higher is nearer."""
        made, groups = self._synthetic(source), self._groups
        canaries = self._parts["validation"].batch(np.concatenate(list(groups.values())))
        say("aligning canaries with synthetic examples")
        outside = len(groups[0])
        first, others = canaries.values[:outside].numpy(), canaries.values[outside:].numpy()
        found = find_copies(made.values.numpy(), others, first, image=self.dataset.spec.is_image)
        alignment = np.concatenate([found.held_out, found.similarity]).astype(np.float64)
        _, of_canaries, of_made = standardised(self._train, canaries, made)
        return Result({}, {"alignment": alignment, "features": -nearest_distance(of_canaries, of_made)})

    @property
    def _groups(self) -> dict[int, NDArray[np.intp]]:
        """Repetitions → canaries; 0 are those outside."""
        return {0: self._canaries.outside, **self._canaries.inside}

    def _measured(self, source: Source, say: Say) -> Result:
        say("searching for copies and members")
        rng = np.random.default_rng(self.config.seed)
        made, searched, holdout = self._synthetic(source), self._train, self._holdout
        copies = find_copies(
            searched.values.numpy(), made.values.numpy(), holdout.values.numpy(), image=made.spec.is_image
        )
        n = min(len(made), len(searched), len(holdout))
        rows = rng.permutation(len(searched))[:n]
        batches = (
            searched.select(np.sort(rows).tolist()),
            holdout.select(list(range(n))),
            made.select(list(range(n))),
        )
        train, held_out, drawn = standardised(*batches)
        features = Trio(train, held_out, drawn, batches[1].subjects, None, batches[0].subjects)
        measures = [measure.to_dict() for measure in safety_measures(batches, features, rng, copies)]
        return Result({"measures": measures, "n": n, "threshold": copies.threshold})

    def conclude(self, results: Mapping[str, Result]) -> Outcome:
        """One sentence per source for canaries and one for the measures, then the tables behind them."""
        rng = np.random.default_rng(self.config.seed)
        canaries = {
            title: self._recognised(results[f"canaries of {title}"], rng)
            for title, source in self._sources.items()
            if self._audited(source)
        }
        measures = {title: results[f"measures of {title}"].values["measures"] for title in self._sources}
        sentences = tuple(
            chain.from_iterable(
                (*_canary_sentences(title, canaries.get(title)), _measure_sentence(title, measures[title]))
                for title in self._sources
            )
        )
        charts = tuple(
            Chart(f"Canaries of {title}", "AUROC of the attack by alignment", _points(found), 0.5, "guessing")
            for title, found in canaries.items()
        )
        settings = {
            **self.config.model_dump(mode="json"),
            "dataset": self.dataset.name,
            "test people": len(set(self._holdout.subjects or ())),
            "answers": {title: _answer(canaries.get(title), measures[title]) for title in self._sources},
        }
        tables = (*(_canary_table(title, found) for title, found in canaries.items()), _measure_table(measures))
        return Outcome(self.name, f"{self.title}: {self.dataset.name}", sentences, tables, charts, settings)

    def _recognised(self, result: Result, rng: np.random.Generator) -> dict[int, dict[str, Estimate]]:
        """Repetitions → attack → AUROC of canaries inside against those outside; intervals over people."""
        names = self._parts["validation"].table["subject"].to_numpy(str)
        groups = self._groups
        ends = np.cumsum([len(rows) for rows in groups.values()])[:-1]
        found: dict[int, dict[str, Estimate]] = {times: {} for times in self._canaries.inside}
        for attack in ATTACKS:
            parts = dict(zip(groups, np.split(result.arrays[attack], ends), strict=True))
            for times, rows in self._canaries.inside.items():
                low, high = bootstrap(
                    auc,
                    parts[0],
                    parts[times],
                    groups=(names[groups[0]], names[rows]),
                    resamples=self.config.draws,
                    level=1 - 0.05 / len(ATTACKS),  # the attacker takes the better one
                    rng=rng,
                )
                found[times][attack] = (auc(parts[0], parts[times]), low, high)
        return found


def _some(part: Dataset, most: int, seed: int) -> Batch:
    rows = np.random.default_rng(seed).permutation(len(part))[:most]
    return part.batch(np.sort(rows))


def standardised(*batches: Batch) -> list[Floats]:
    """Features of each, in standard deviations of the first: real training examples."""
    features = [features_of(batch).values for batch in batches]
    spread = features[0].std(0)
    spread[spread == 0] = 1.0
    return [(part - features[0].mean(0)) / spread for part in features]


def _leaking(found: Mapping[int, Mapping[str, Estimate]]) -> list[int]:
    return [times for times, attacks in found.items() if any(estimate[1] > 0.5 for estimate in attacks.values())]


def _answer(found: Mapping[int, Mapping[str, Estimate]] | None, measures: list[dict[str, object]]) -> str:
    return "leaks" if (found and _leaking(found)) or _far(measures) else "no leak found"


def _canary_sentences(title: str, found: Mapping[int, Mapping[str, Estimate]] | None) -> Iterator[str]:
    if found is None:
        yield f"{title}: exists already or no repetitions were asked for, so that there are no canaries in it."
        return
    leaking = _leaking(found)
    if leaking:
        times = ", ".join(_times(k) for k in leaking)
        best = max((estimate for k in leaking for estimate in found[k].values()), key=lambda estimate: estimate[0])
        yield f"{title}: canaries that it saw {times} are recognised (AUROC up to {estimate_text(best, '.2f')})."
    hidden = [_times(k) for k in found if k not in leaking]
    if hidden:
        yield f"{title}: canaries that it saw {', '.join(hidden)} are not told from canaries that it never saw."


def _measure_sentence(title: str, measures: list[dict[str, object]]) -> str:
    far = _far(measures)
    if far:
        return f"{title}: clearly beyond what held-out people give: {', '.join(far)}."
    return f"{title}: none of {len(measures)} measures is clearly beyond what held-out people give."


def _far(measures: list[dict[str, object]]) -> list[str]:
    return [str(measure["measure"]) for measure in measures if measure["verdict"] == "far"]


def _times(k: int) -> str:
    return "once" if k == 1 else f"{k} times"


def _points(found: Mapping[int, Mapping[str, Estimate]]) -> tuple[Point, ...]:
    return tuple(Point(f"seen {_times(k)}", *attacks["alignment"]) for k, attacks in found.items())


def _canary_table(title: str, found: Mapping[int, Mapping[str, Estimate]]) -> Table:
    rows = tuple(
        (_times(k), *(estimate_text(attacks[name], ".2f") for name in ATTACKS)) for k, attacks in found.items()
    )
    return Table(
        f"Canaries of {title}: AUROC of seen against never seen, intervals of 97.5 %", ("seen", *ATTACKS), rows
    )


def _measure_table(measures: Mapping[str, list[dict[str, object]]]) -> Table:
    rows = tuple(
        (title, *(one[name] for name in ("measure", "value", "low", "high", "floor", "verdict")))
        for title, found in measures.items()
        for one in found
    )
    return Table("Measures of safety", ("source", "measure", "value", "low", "high", "floor", "verdict"), rows)
