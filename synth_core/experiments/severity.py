"""Does a biomarker follow the severity that is asked for, as it follows severity in people who were held out?

The generator is asked for severity alone (or for one class, the same at every level), from the same noise at every
level: whatever changes, severity changed it. Real values are averaged within a person, and intervals are over people.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from synth_core.errors import InvalidSetting
from synth_core.experiments.base import Cell, Experiment, ExperimentConfig, Result, Say
from synth_core.experiments.biomarkers import Biomarker, Name, biomarker_of
from synth_core.experiments.comparison import Estimate, estimate_text
from synth_core.experiments.outcome import Chart, Outcome, Point, Table
from synth_core.experiments.sources import DRAWN_AT_ONCE, Source
from synth_core.experiments.trend import (
    CANNOT_SAY,
    FEWEST_PEOPLE,
    Answer,
    Trend,
    answered,
    by_person,
    drawn_trend,
    mean_with_interval,
    real_trend,
)
from synth_core.generators import REGISTRY, Generator
from synth_core.training.launch import SPLIT
from synth_core.types import Batch, Condition

FEWEST_IN_BIN = 3  # people near a level, for an interval there
MEASURABLE = 0.5  # share of examples on which the biomarker must be measurable
REAL = "real, held out"

Floats = NDArray[np.float64]


class SeverityConfig(ExperimentConfig):
    """Settings of the severity experiment."""

    source: str = Field(
        "flow",
        title="Source",
        min_length=1,
        description="A generator by name (trained here, with settings as `flow dim=64`) or a model that accepts "
        "severity.",
    )
    generator_steps: int = Field(
        2000, title="Generator steps", ge=1, le=10**6, description="If the generator is trained here."
    )
    biomarker: Name | None = Field(
        None,
        title="Biomarker",
        description="Empty: line length for EEG, heart rate for ECG, calcified area for CT.",
    )
    class_name: str = Field(
        "",
        title="Class",
        description="Asked for at every level, and the only one among real examples; empty: severity alone is asked "
        "for, so that a class cannot stand in for it.",
    )
    levels: tuple[float, ...] = Field(
        (0.0, 0.25, 0.5, 0.75, 1.0), title="Severities", min_length=2, max_length=21, description="What is asked for."
    )
    n: int = Field(64, title="Examples per level", ge=8, le=5000, description="More give narrower intervals.")
    draws: int = Field(500, title="Bootstrap draws", ge=50, le=5000, description="Of people and of noise.")


@dataclass(frozen=True)
class Level:
    """What was found at one severity.

    Parameters
    ----------
    synthetic : mean of the examples asked for with it.
    real : mean of the people who are nearer to it than to another level; None where they are too few.
    matched : mean of synthetic examples at the severities of those people, by interpolation between levels.
    """

    synthetic: Estimate
    real: Estimate | None
    matched: float

    @property
    def inside(self) -> bool:
        """Whether the synthetic mean at their severities lies within the interval of real people."""
        return self.real is not None and self.real[1] <= self.matched <= self.real[2]


class Severity(Experiment):
    """See the module."""

    name = "severity"
    title = "Severity"
    question = "Does the biomarker follow the severity that is asked for?"
    Config = SeverityConfig
    config: SeverityConfig

    def check(self) -> None:
        """Severities, a generator that takes it, and people to compare with are needed."""
        if "severity" not in self.dataset.batch([0]).condition.given:
            raise InvalidSetting(f"{self.dataset.name} does not give the severity of any example; prepare it with one.")
        if not all(0 <= level <= 1 for level in self.config.levels) or len(set(self.config.levels)) < 2:
            raise InvalidSetting(f"Severities must be two or more different numbers from 0 to 1. {self.config.levels}")
        if self.config.class_name and self.config.class_name not in self.dataset.spec.classes:
            known = ", ".join(self.dataset.spec.classes) or "none"
            raise InvalidSetting(f"There is no class {self.config.class_name!r}. Known are {known}.")
        self._check_source()
        _ = self._biomarker
        people = len(set(self._real.subjects or ())) if len(self._real) else 0
        if people < FEWEST_PEOPLE or float(np.ptp(_severity(self._real))) == 0:
            raise InvalidSetting(
                f"{FEWEST_PEOPLE} held-out people or more whose severity differs are needed; here are {people}."
            )

    def _check_source(self) -> None:
        source = self._source
        source.check(self.dataset.spec)
        if source.is_file:
            raise InvalidSetting("A file cannot be asked for a severity; name a generator or a model.")
        if source.name in REGISTRY and "severity" not in REGISTRY[source.name].conditions:
            able = ", ".join(sorted(name for name, kind in REGISTRY.items() if "severity" in kind.conditions))
            raise InvalidSetting(f"The generator {source.name} does not accept severity; these do: {able}.")

    @cached_property
    def _source(self) -> Source:
        return Source.read(self.config.source)

    @cached_property
    def _biomarker(self) -> Biomarker:
        return biomarker_of(self.dataset.spec.modality, self.config.biomarker)

    @cached_property
    def _real(self) -> Batch:
        """Everybody who was not trained on and whose severity is known, of the class where one is set."""
        held_out = self.dataset.without(self.dataset.split(**SPLIT)["train"])
        known = np.isfinite(held_out.table["severity"].to_numpy(float))
        name = self.config.class_name
        if name:
            known &= held_out.table["labels"].map(lambda names: name in names).to_numpy(bool)
        return held_out.batch(np.flatnonzero(known))

    def cells(self) -> Iterator[Cell]:
        """The biomarker of real examples, then of each level."""
        yield Cell(REAL, self._measured_real)
        for level in self._levels:
            yield Cell(_cell(level), partial(self._measured, level))

    @property
    def _levels(self) -> tuple[float, ...]:
        return tuple(sorted(set(self.config.levels)))

    def _measured_real(self, say: Say) -> Result:
        return Result({}, {"biomarker": self._biomarker.measure(self._real)})

    def _measured(self, level: float, say: Say) -> Result:
        generator = self._source.generator(
            self.dataset, self.out / "generator", steps=self.config.generator_steps, seed=self.config.seed, say=say
        )
        if "severity" not in generator.accepted:
            raise InvalidSetting(f"The model {self._source.title} does not accept severity; choose one that does.")
        return Result({}, {"biomarker": self._biomarker.measure(self._drawn(generator, level, say))})

    def _drawn(self, generator: Generator, level: float, say: Say) -> Batch:
        rng = torch.Generator().manual_seed(self.config.seed)  # the same noise at every level
        parts = []
        for begin in range(0, self.config.n, DRAWN_AT_ONCE):
            say(f"{begin} of {self.config.n} examples drawn")
            size = min(DRAWN_AT_ONCE, self.config.n - begin)
            parts.append(generator.sample(self._asked(level, size), rng=rng).values)
        return Batch(torch.cat(parts), generator.spec)

    def _asked(self, level: float, size: int) -> Condition:
        severity = torch.full((size,), level)
        if not self.config.class_name:
            return Condition(severity=severity)
        labels = torch.zeros(size, len(self.dataset.spec.classes))
        labels[:, self.dataset.spec.classes.index(self.config.class_name)] = 1
        return Condition(labels=labels, severity=severity)

    def conclude(self, results: Mapping[str, Result]) -> Outcome:
        """The answer, both trends, and the two values at each level."""
        rng = np.random.default_rng(self.config.seed)
        people = by_person(results[REAL].arrays["biomarker"], _severity(self._real), self._real.subjects)
        made = np.stack([results[_cell(level)].arrays["biomarker"] for level in self._levels])  # (levels, n)
        levels = np.array(self._levels)
        real, synthetic = real_trend(*people, self.config.draws, rng), drawn_trend(made, levels, self.config.draws, rng)
        measurable = float(np.isfinite(made).mean())
        answer = answered(real, synthetic) if measurable >= MEASURABLE else Answer(CANNOT_SAY, _rarely(measurable))
        rows = [self._row(k, levels, made, people, rng) for k in range(len(levels))]
        unit = f" ({self._biomarker.unit})" if self._biomarker.unit else ""
        name = f"{self._biomarker.name}{unit}"
        points = [point for level, row in zip(levels, rows, strict=True) for point in _points(float(level), row)]
        trends = Table(
            f"{name} over severity 0 to 1",
            ("", "slope", "Spearman", "people, or examples per level"),
            ((REAL, *_trend_row(real)), (self._source.title, *_trend_row(synthetic))),
        )
        settings = {
            **self.config.model_dump(mode="json"),
            "dataset": self.dataset.name,
            "biomarker": self._biomarker.name,
            "held-out people": len(people[0]),
            "measurable": measurable,
            "answer": answer.word,
        }
        return Outcome(
            self.name,
            f"{self.title}: {self.dataset.name}",
            self._sentences(answer, rows),
            (trends, self._table(name, levels, rows)),
            (Chart("Requested severity", name, tuple(points)),),
            settings,
        )

    def _row(
        self, k: int, levels: Floats, made: Floats, people: tuple[Floats, Floats], rng: np.random.Generator
    ) -> Level:
        values, severity = people
        near = np.abs(severity[:, None] - levels).argmin(1) == k
        synthetic = mean_with_interval(made[k][np.isfinite(made[k])], self.config.draws, rng)
        if near.sum() < FEWEST_IN_BIN:
            return Level(synthetic, None, np.nan)
        means = np.array([row[np.isfinite(row)].mean() if np.isfinite(row).any() else np.nan for row in made])
        matched = float(np.interp(severity[near], levels, means).mean())
        return Level(synthetic, mean_with_interval(values[near], self.config.draws, rng), matched)

    def _sentences(self, answer: Answer, rows: list[Level]) -> tuple[str, ...]:
        compared = [row for row in rows if row.real is not None]
        inside = sum(row.inside for row in compared)
        few = len(rows) - len(compared)
        what = f"{self._biomarker.name} of {self._source.title}"
        asked = f"severity with the class {self.config.class_name}" if self.config.class_name else "severity alone"
        verdict = (
            f"Whether {what} follows the requested severity cannot be said"
            if answer.word == CANNOT_SAY
            else f"{what[0].upper()}{what[1:]} {answer.word} the requested severity"
        )
        within = f"At {inside} of {len(compared)} levels the synthetic mean lies within the interval of real people"
        sparse = f"{few} levels have fewer than {FEWEST_IN_BIN} people near them."
        sentences = [f"{verdict}: {answer.reason}", f"{within}." if compared else "", sparse if few else ""]
        sentences.append(f"The generator was asked for {asked}, from the same noise at every level.")
        return tuple(sentence for sentence in sentences if sentence)

    def _table(self, name: str, levels: Floats, rows: list[Level]) -> Table:
        cells = tuple(
            (
                float(level),
                estimate_text(row.synthetic, ".4g"),
                "too few people" if row.real is None else estimate_text(row.real, ".4g"),
                "" if row.real is None else f"{row.matched:.4g}",
                "" if row.real is None else "yes" if row.inside else "no",
            )
            for level, row in zip(levels, rows, strict=True)
        )
        columns = (
            "severity",
            f"synthetic {name}",
            "real people near it",
            "synthetic at their severities",
            "within their interval",
        )
        return Table("At each level", columns, cells)


def _severity(batch: Batch) -> Floats:
    assert batch.condition.severity is not None
    return batch.condition.severity.numpy().astype(np.float64)


def _cell(level: float) -> str:
    return f"severity {level:g}"


def _points(level: float, row: Level) -> Iterator[Point]:
    yield Point(f"{level:g}, synthetic", *row.synthetic)
    if row.real is not None:
        yield Point(f"near {level:g}, real", *row.real)


def _rarely(share: float) -> str:
    return f"it could be measured on {share:.0%} of the synthetic examples only."


def _trend_row(trend: Trend) -> tuple[str, str, int]:
    return estimate_text(trend.slope, ".3g"), estimate_text(trend.spearman, ".2f"), trend.n
