"""The evaluation: is it real enough, is it useful, is it a copy, each against what real data give at the same size."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from hashlib import sha256
from importlib.metadata import version
from typing import Any, Protocol

import numpy as np

from synth_core.errors import InvalidSetting, SpecMismatch
from synth_core.metrics import fidelity
from synth_core.metrics.calibration import in_words, with_limits
from synth_core.metrics.classifier import METHODS, ClassifierSettings, class_recovery
from synth_core.metrics.ct import ct_measures
from synth_core.metrics.ecg import ecg_measures
from synth_core.metrics.eeg import eeg_measures
from synth_core.metrics.encoder import encoder_measures
from synth_core.metrics.findings import SHOWN, closest, least_realistic
from synth_core.metrics.measure import Measure
from synth_core.metrics.reactions import reacts_to
from synth_core.metrics.repeats import repeated_examples
from synth_core.metrics.report import Evidence, Finding, Report
from synth_core.metrics.safety import closest_copies, copies_in, kin, safety_measures
from synth_core.metrics.sides import comparable_rows, refuse_real_as_synthetic, unnamed_are_people
from synth_core.metrics.usefulness import usefulness_measures
from synth_core.metrics.verdict import limits_of, verdicts_for
from synth_core.types import Batch, DataSpec

Progress = Callable[[int, int, str], None]
Three = tuple[Batch, Batch, Batch]

STAGES = 7
CLINICAL: dict[str, Callable[[Three, np.random.Generator], Iterator[Measure]]] = {
    "eeg": eeg_measures,
    "ecg": ecg_measures,
    "ct": ct_measures,
}
PACKAGES = ("torch", "numpy", "scipy", "scikit-learn")

SMALLEST = 20  # examples per side; below, floors are as large as any effect
LARGEST = 2000  # examples per side in distances between sets; a random choice when there are more
LARGEST_FOR_CLASSIFIER = 10_000
DRAWN = 500  # spectra kept for figures


class Examples(Protocol):
    """A prepared dataset, or anything that gives Batches by index."""

    @property
    def spec(self) -> DataSpec:
        """What one example is."""

    def __len__(self) -> int: ...

    def batch(self, indices: Sequence[int]) -> Batch:
        """The examples at these positions."""


def evaluate(
    train: Batch | Examples,
    holdout: Batch | Examples,
    synthetic: Batch | Examples,
    *,
    seed: int = 0,
    classifier: bool | ClassifierSettings = True,
    allow_synthetic: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Judge synthetic examples against real ones of other subjects.

    Parameters
    ----------
    train : the real examples that the generator was trained on.
    holdout : real examples of subjects that it never saw.
    synthetic : its examples, with labels when the data have classes.
    seed : of every random choice; the same seed gives the same report.
    classifier : also train classifiers on real and on synthetic examples (the slow part); settings say how.
    allow_synthetic : take synthetic examples as training or held-out ones; the report says so.
    progress : called as progress(done, total, message); may raise to stop.

    Returns
    -------
    Report: every measure with interval over subjects, floor and ratio. Distances compare equal numbers on all sides:
    the smallest set, at most 2,000.

    Raises
    ------
    SpecMismatch : when the three are not of the same kind, or values are not finite.
    InvalidSetting : when there are fewer than 20 examples on a side, synthetic ones on a real side, or real ones on the
        synthetic side.
    """
    _check(train, holdout, synthetic)
    taken_as_real = _synthetic_sides(train, holdout, allow_synthetic)
    say = progress or (lambda done, total, message: None)
    rng = np.random.default_rng(seed)
    n = min(len(train), len(holdout), len(synthetic), LARGEST)
    say(0, STAGES, "reading examples")
    rows = [_chosen_rows(source, n, rng) for source in (holdout, synthetic)]
    held_out, made = _at(holdout, rows[0]), _at(synthetic, rows[1])
    rows = [comparable_rows(train, held_out, n, rng), *rows]
    parts = (_at(train, rows[0]), held_out, made)
    _check_finite(parts)
    refuse_real_as_synthetic(parts)
    subjects = None if held_out.subjects is None else len(set(held_out.subjects))
    parts = (unnamed_are_people(parts[0], "training"), unnamed_are_people(held_out, "held-out"), made)
    spec = train.spec
    labelled = bool(classifier) and _has_classes(parts)
    settings = classifier if isinstance(classifier, ClassifierSettings) else None
    say(1, STAGES, "spectra and features")
    sides = fidelity.compared(*parts)
    measures = list(fidelity.spectral_measures(sides, spec.classes, spec.is_image, rng))
    measures += fidelity.amplitude_measures(sides, spec.unit, rng)
    say(2, STAGES, "distributions of features")
    measures += fidelity.distribution_measures(sides, rng)
    measures.append(repeated_examples(sides.features(), rng))
    told = fidelity.told_apart(sides, rng)
    measures.append(told.measure)
    say(3, STAGES, "what a clinician would measure")
    measures += (replace(measure, clinical=True) for measure in CLINICAL[spec.modality](parts, rng))
    say(4, STAGES, "copies of training examples")
    searched = _chosen_rows(train, LARGEST, rng)  # a copy of an example that is left out would go unseen
    looked_at = (_at(train, searched), parts[1], parts[2])
    copies = copies_in(looked_at)
    measures += safety_measures(parts, sides.features(), rng, copies)
    if labelled:
        say(5, STAGES, "distance in the space of a network")
        told_steps = partial(_say_step, say, 5, "distance in the space of a network")
        measures += encoder_measures(parts, settings, seed, rng, told_steps)
        measures += _usefulness(train, holdout, synthetic, settings, seed, rng, say)
    measures = with_limits(measures, lambda one: bool(reacts_to(spec.modality, one.name)))
    facts = _settings((train, holdout, synthetic), parts, seed, sides, subjects)
    facts["calibration"] = in_words(measures)
    if taken_as_real:
        facts["synthetic examples taken as real"] = taken_as_real
    findings = (
        *least_realistic(told.synthetic, parts[2], rows[2]),
        *closest(closest_copies(looked_at, SHOWN, copies), looked_at, (searched, rows[2])),
    )
    say(STAGES, STAGES, "done")
    return Report(
        verdicts_for(measures, facts),
        tuple(measures),
        limits_of(measures, facts),
        facts,
        _evidence(sides, spec, findings),
    )


def _check(train: Batch | Examples, holdout: Batch | Examples, synthetic: Batch | Examples) -> None:
    for name, other in (("held-out", holdout), ("synthetic", synthetic)):
        for field in ("modality", "shape", "unit", "classes"):
            expected, got = getattr(train.spec, field), getattr(other.spec, field)
            if expected != got:
                message = f"The {name} examples have {field} {got}, the training examples {expected}."
                raise SpecMismatch(f"{message} Prepare both in the same way.")
    for name, part in (("training", train), ("held-out", holdout), ("synthetic", synthetic)):
        if len(part) < SMALLEST:
            message = (
                f"An evaluation needs at least {SMALLEST} examples on each side; there are {len(part)} {name} ones."
            )
            raise InvalidSetting(f"{message} Fewer say nothing that chance would not.")


def _synthetic_sides(train: Batch | Examples, holdout: Batch | Examples, allowed: bool) -> list[str]:
    """Which real sides hold examples that a generator drew; InvalidSetting unless that is allowed."""
    sides = {"training": train, "held-out": holdout}
    found = [name for name, part in sides.items() if getattr(part, "synthetic", False)]
    if found and not allowed:
        problem = (
            f"The {' and the '.join(found)} examples are synthetic: against them, nothing can be said of realism. "
        )
        raise InvalidSetting(f"{problem}Take recordings, or allow it (--allow-synthetic, or the box in the settings).")
    return found


def _check_finite(parts: Three) -> None:
    for name, part in zip(("training", "held-out", "synthetic"), parts, strict=True):
        bad = int((~np.isfinite(part.values.flatten(1).numpy()).all(1)).sum())
        if bad:
            raise SpecMismatch(f"{bad} of {len(part)} {name} examples hold values that are not finite. Leave them out.")


def _chosen_rows(source: Batch | Examples, n: int, rng: np.random.Generator) -> list[int]:
    return np.sort(rng.permutation(len(source))[:n]).tolist()


def _at(source: Batch | Examples, rows: list[int]) -> Batch:
    if isinstance(source, Batch) and len(rows) == len(source):
        return source  # rows ascend: all of them, without a copy
    return source.select(rows) if isinstance(source, Batch) else source.batch(rows)


def _has_classes(parts: Three) -> bool:
    return bool(parts[0].spec.classes) and all(part.condition.labels is not None for part in parts)


def _usefulness(
    train: Batch | Examples,
    holdout: Batch | Examples,
    synthetic: Batch | Examples,
    settings: ClassifierSettings | None,
    seed: int,
    rng: np.random.Generator,
    say: Progress,
) -> list[Measure]:
    real, test, made = (
        _at(source, _chosen_rows(source, LARGEST_FOR_CLASSIFIER, rng)) for source in (train, holdout, synthetic)
    )
    measures: list[Measure] = []
    for method in METHODS:
        found = []
        for name, examples in (("real", real), ("synthetic", made)):
            message = f"classifier of {name} examples, by {method}"
            say(6, STAGES, message)
            told = partial(_say_step, say, 6, message)
            found.append(class_recovery(examples, test, method=method, settings=settings, seed=seed, progress=told))
        from_real, from_synthetic = found
        measures += usefulness_measures(method, from_real, from_synthetic, test, len(made), rng)
    return measures


def _say_step(say: Progress, stage: int, message: str, step: int, steps: int, _: str) -> None:
    say(stage, STAGES, f"{message}, step {step} of {steps}")


def _settings(
    sources: tuple[Batch | Examples, ...], parts: Three, seed: int, sides: fidelity.Sides, subjects: int | None
) -> dict[str, Any]:
    spec = parts[0].spec
    return {
        "modality": spec.modality,
        "unit": spec.unit,
        "shape": list(spec.shape),
        "classes": list(spec.classes),
        "seed": seed,
        "training examples": len(sources[0]),
        "held-out examples": len(sources[1]),
        "held-out subjects": subjects,
        "synthetic examples": len(sources[2]),
        "distinct synthetic examples": len(set(kin(parts[2], sides.features()).tolist())),
        "examples per side in distances": len(parts[0]),
        "features": sides.holdout.features.shape[1],
        "frequencies compared": sides.said[0],
        "stop band": sides.said[1],
        **_said_of_the_data(sources[:2]),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
        "SHA-256 of the examples compared": {
            name: sha256(part.values.numpy().tobytes()).hexdigest()[:16]
            for name, part in zip(("training", "held-out", "synthetic"), parts, strict=True)
        },
    }


def _said_of_the_data(real: tuple[Batch | Examples, ...]) -> dict[str, Any]:
    """Of how many real recordings the person was guessed, "" for none, and what readers warned of."""
    infos = [info for source in real if (info := getattr(source, "info", None))]
    bases = {info.get("hash", ""): info.get("counts", {}).get("basis", {}) for info in infos}
    guessed = sum(basis.get("guess", 0) for basis in bases.values())
    total = sum(sum(basis.values()) for basis in bases.values())
    warnings = dict.fromkeys(sentence for info in infos for sentence in info.get("warnings", []))
    return {"subjects guessed": f"{guessed} of {total}" if guessed else "", "warnings": list(warnings)}


def _evidence(sides: fidelity.Sides, spec: DataSpec, findings: tuple[Finding, ...]) -> Evidence:
    both = (sides.holdout, sides.synthetic)
    spectra = [10 ** (side.spectra[:DRAWN] / 10) for side in both]
    labels = [None if side.labels is None else side.labels[:DRAWN] for side in both]
    pooled = [side.values.ravel() for side in both]
    values = [part[:: max(1, len(part) // 50_000)] for part in pooled]
    return Evidence(spec, sides.freqs, spectra[0], spectra[1], labels[0], labels[1], values[0], values[1], findings)
