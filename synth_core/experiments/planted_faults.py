"""Which measure reacts to which defect: faults are planted into honest examples and the whole evaluation looks on.

The honest examples are real ones of people who are neither in training nor held out: what a perfect generator would
give. A measure reacts when its interval leaves both its floor and the interval of the honest examples, on the bad side.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import cached_property, partial

import numpy as np
from pydantic import Field

from synth_core.errors import InvalidSetting
from synth_core.experiments.base import Cell, Experiment, ExperimentConfig, Result, Say
from synth_core.experiments.faults import Fault, faults_for
from synth_core.experiments.outcome import Outcome, Table
from synth_core.metrics.classifier import ClassifierSettings
from synth_core.metrics.evaluate import SMALLEST, evaluate
from synth_core.metrics.reactions import RECORD
from synth_core.storage import read_json, write_json_atomic
from synth_core.types import Batch

CLEAN = "honest examples"
THIRDS = (0.34, 0.33, 0.33)
MARKS = {"reacts": "●", "silent": "·", "not measured": ""}

Scored = Mapping[str, float]  # a measure of a report, as `Measure.to_dict` writes it


class PlantedFaultsConfig(ExperimentConfig):
    """Settings of the planted faults."""

    n: int = Field(
        400, title="Examples a side", ge=SMALLEST, le=2000, description="More show smaller faults and take longer."
    )
    classifier_steps: int = Field(
        150, title="Classifier steps", ge=0, le=2000, description="Of each network; 0 leaves usefulness out."
    )
    faults: list[str] = Field([], title="Faults", description="Only these, by name; none named takes all.")


class PlantedFaults(Experiment):
    """See the module."""

    name = "planted-faults"
    title = "Planted faults"
    question = "Does each measure notice what it is there for?"
    Config = PlantedFaultsConfig
    config: PlantedFaultsConfig

    def check(self) -> None:
        """Three groups of people are needed, and faults that exist."""
        known = [fault.name for fault in faults_for(self.dataset.spec)]
        if unknown := [name for name in self.config.faults if name not in known]:
            raise InvalidSetting(f"`faults` must be among {', '.join(known)}. Got {', '.join(unknown)} instead.")
        if min(len(part) for part in self._sides) < SMALLEST:
            sizes = ", ".join(str(len(part)) for part in self._sides)
            raise InvalidSetting(
                f"Three groups of other people with at least {SMALLEST} examples each are needed; here are {sizes}."
            )

    @cached_property
    def _sides(self) -> tuple[Batch, Batch, Batch]:
        """Training, held-out and honest examples of three groups of people, equal in number."""
        parts = self.dataset.split(THIRDS, seed=self.config.seed)
        rng = np.random.default_rng(self.config.seed)
        n = min(self.config.n, *(len(part) for part in parts.values()))
        drawn = {name: part.batch(np.sort(rng.permutation(len(part))[:n]).tolist()) for name, part in parts.items()}
        return drawn["train"], drawn["test"], drawn["validation"]

    def cells(self) -> Iterator[Cell]:
        """The honest examples, then each fault."""
        yield Cell(CLEAN, partial(self._measured, None))
        for fault in faults_for(self.dataset.spec):
            if fault.name in self.config.faults or not self.config.faults:
                yield Cell(fault.name, partial(self._measured, fault))

    def _measured(self, fault: Fault | None, say: Say) -> Result:
        train, holdout, honest = self._sides
        rng = np.random.default_rng(self.config.seed)
        synthetic = honest if fault is None else fault.plant(honest, train, rng)
        steps = self.config.classifier_steps
        report = evaluate(
            train,
            holdout,
            synthetic,
            seed=self.config.seed,
            classifier=ClassifierSettings(steps=steps, batch_size=32) if steps else False,
            allow_synthetic=self.allow_synthetic,
            progress=lambda done, total, message: say(message),
        )
        answers = {verdict.question: verdict.answer for verdict in report.verdicts}
        return Result({"measures": [measure.to_dict() for measure in report.measures], "answers": answers})

    def conclude(self, results: Mapping[str, Result]) -> Outcome:
        """The table of measures and faults."""
        clean = _by_name(results[CLEAN])
        faults = [name for name in results if name != CLEAN]
        found = {name: reactions(_by_name(results[name]), clean) for name in faults}
        missed = [name for name in faults if not found[name]]
        silent = [name for name in clean if not any(name in reacting for reacting in found.values())]
        alarms = sorted({name for name, parts in clean.items() if any(part["verdict"] == "far" for part in parts)})
        sentences = (
            f"{len(faults) - len(missed)} of {len(faults)} faults are caught by at least one measure"
            + (f"; not caught: {', '.join(missed)}." if missed else "."),
            "Every measure reacts to something."
            if not silent
            else f"Measures that reacted to nothing, and stay out of every verdict: {', '.join(silent)}.",
            f"Real examples of other people are called clearly unlike real by {', '.join(alarms) or 'no measure'}.",
        )
        rows = tuple(
            (name, *(MARKS["reacts"] if name in found[fault] else MARKS["silent"] for fault in faults))
            for name in clean
        )
        table = Table("Which measure reacts (●) to which fault", ("measure", *faults), rows)
        numbers = Table("Values", ("measure", "part", "floor", CLEAN, *faults), tuple(_values(results, faults)))
        settings = {
            **self.config.model_dump(),
            "examples a side": len(self._sides[0]),
            "dataset": self.dataset.name,
            "modality": self.dataset.spec.modality,
            "reactions": {name: [fault for fault in faults if name in found[fault]] for name in clean},
        }
        title = f"{self.title}: {self.dataset.name}"
        return Outcome(self.name, title, sentences, (table, numbers), (), settings)


def reactions(faulty: Mapping[str, list[Scored]], clean: Mapping[str, list[Scored]]) -> frozenset[str]:
    """Names of the measures that react.

    Parameters
    ----------
    faulty, clean : measure → its parts (all, classes, channels), of a faulty and of the honest examples.
    """
    reacting = set()
    for name, parts in faulty.items():
        honest = {part["part"]: part for part in clean.get(name, [])}
        if any(part["part"] in honest and _reacts(part, honest[part["part"]]) for part in parts):
            reacting.add(name)
    return frozenset(reacting)


def _reacts(faulty: Scored, honest: Scored) -> bool:
    """Whether a part is worse than its floor and than honest examples, by the whole interval of either."""
    sign = 1 if faulty["better"] == "lower" else -1
    near, far = ("low", "high") if sign == 1 else ("high", "low")
    best = sign * _bound(faulty, near)
    return best > sign * _bound(honest, far) and best > sign * _bound(faulty, "floor")


def _bound(part: Scored, name: str) -> float:
    value = part[name] if part[name] is not None else part["value"]
    return math.nan if value is None else value


def _by_name(result: Result) -> dict[str, list[Scored]]:
    names: dict[str, list[Scored]] = {}
    for measure in result.values["measures"]:
        names.setdefault(measure["measure"], []).append(measure)
    return names


def _values(results: Mapping[str, Result], faults: list[str]) -> Iterator[tuple[object, ...]]:
    """Rows of numbers of the whole, one per measure."""
    of = {
        name: {m["measure"]: m for m in result.values["measures"] if m["split"] == "all"}
        for name, result in results.items()
    }
    for name, honest in of[CLEAN].items():
        found = (of[fault][name]["value"] if name in of[fault] else None for fault in faults)
        yield (name, honest["part"], honest["floor"], honest["value"], *found)


def keep_record(outcome: Outcome) -> None:
    """Add what reacted to the record that verdicts go by (`metrics.reactions`); a maintainer's step, on real data."""
    record = read_json(RECORD)
    measures = record.setdefault(outcome.settings["modality"], {})
    for name, faults in outcome.settings["reactions"].items():
        if faults:
            measures[name] = sorted({*measures.get(name, []), *faults})
    write_json_atomic(RECORD, record)
