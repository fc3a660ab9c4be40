"""The evaluation: is it real enough, is it useful, is it a copy, each against what real data give at the same size."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from synth_core.errors import InvalidSetting, SpecMismatch
from synth_core.metrics import fidelity
from synth_core.metrics.bootstrap import bootstrap
from synth_core.metrics.classifier import METHODS, ClassifierSettings, Recovery, class_recovery, recovery_score
from synth_core.metrics.report import Evidence, Measure, Report
from synth_core.metrics.safety import copies_in, safety_measures
from synth_core.metrics.score import Score
from synth_core.metrics.verdict import sentences_for
from synth_core.types import Batch, DataSpec

Progress = Callable[[int, int, str], None]

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
    progress : called as progress(done, total, message); may raise to stop.

    Returns
    -------
    Report: every measure with interval over subjects, floor and ratio. Distances compare equal numbers on all sides:
    the smallest set, at most 2,000.

    Raises
    ------
    SpecMismatch : when the three are not of the same kind, or values are not finite.
    InvalidSetting : when there are fewer than 20 examples on a side.
    """
    _check(train, holdout, synthetic)
    report_progress = progress or (lambda done, total, message: None)
    rng = np.random.default_rng(seed)
    n = min(len(train), len(holdout), len(synthetic), LARGEST)
    report_progress(0, 4, "reading examples")
    parts = [_chosen(source, n, rng) for source in (train, holdout, synthetic)]
    _check_finite(parts)
    report_progress(1, 4, "measuring spectra and features")
    sides = fidelity.compared(*parts)
    report_progress(2, 4, "comparing distributions")
    measures = list(_fidelity_measures(sides, parts[1].spec, rng))
    three = (parts[0], parts[1], parts[2])
    searched = (_chosen(train, LARGEST, rng), parts[1], parts[2])  # a copy of an example left out would go unseen
    measures += safety_measures(three, sides.features(), rng, copies_in(searched))
    if classifier and _has_classes(parts):
        report_progress(3, 4, "training classifiers on real and on synthetic examples")
        measures += _usefulness(train, holdout, synthetic, None if classifier is True else classifier, seed, rng)
    settings = _settings(train, holdout, synthetic, parts, seed, sides)
    report_progress(4, 4, "done")
    return Report(tuple(measures), sentences_for(measures, settings), settings, _evidence(sides))


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


def _check_finite(parts: list[Batch]) -> None:
    for name, part in zip(("training", "held-out", "synthetic"), parts, strict=True):
        bad = int((~part.values.flatten(1).isfinite().all(1)).sum())
        if bad:
            raise SpecMismatch(f"{bad} of {len(part)} {name} examples hold values that are not finite. Leave them out.")


def _chosen(source: Batch | Examples, n: int, rng: np.random.Generator) -> Batch:
    rows = np.sort(rng.permutation(len(source))[:n]).tolist()
    return source.select(rows) if isinstance(source, Batch) else source.batch(rows)


def _fidelity_measures(sides: fidelity.Sides, spec: DataSpec, rng: np.random.Generator) -> Iterator[Measure]:
    yield from fidelity.spectral_measures(sides, spec.classes, spec.is_image, rng)
    yield from fidelity.amplitude_measures(sides, spec.unit, rng)
    yield from fidelity.distribution_measures(sides, rng)
    yield fidelity.told_apart(sides, rng)


def _has_classes(parts: list[Batch]) -> bool:
    return len(parts[0].spec.classes) > 1 and all(part.condition.labels is not None for part in parts)


def _usefulness(
    train: Batch | Examples,
    holdout: Batch | Examples,
    synthetic: Batch | Examples,
    settings: ClassifierSettings | None,
    seed: int,
    rng: np.random.Generator,
) -> list[Measure]:
    real, test, made = (_chosen(source, LARGEST_FOR_CLASSIFIER, rng) for source in (train, holdout, synthetic))
    measures: list[Measure] = []
    for method in METHODS:
        from_real = class_recovery(real, test, method=method, settings=settings, seed=seed)
        from_synthetic = class_recovery(made, test, method=method, settings=settings, seed=seed)
        measures += _recovery_measures(method, from_real, from_synthetic, test, len(made), rng)
    return measures


def _recovery_measures(
    title: str, from_real: Recovery, from_synthetic: Recovery, test: Batch, n_synthetic: int, rng: np.random.Generator
) -> list[Measure]:
    truth, measure = from_real.truth, from_real.measure
    subjects = [test.subjects]

    def value(rows: NDArray[np.intp]) -> float:
        return recovery_score(truth[rows], from_synthetic.predicted[rows], measure)

    def ratio(rows: NDArray[np.intp]) -> float:
        return value(rows) / recovery_score(truth[rows], from_real.predicted[rows], measure)

    everyone = np.arange(len(test))
    sizes = {"n_real": len(test), "n_synthetic": n_synthetic}
    intervals = [bootstrap(metric, everyone, groups=subjects, rng=rng) for metric in (value, ratio)]
    score = Score.against(from_real.score, from_synthetic.score, intervals[0], **sizes)
    relative = Score.against(1.0, from_synthetic.score / from_real.score, intervals[1], **sizes)
    meaning = "Trained on synthetic, tested on held-out real; the floor is the same classifier trained on real."
    share = "Trained on synthetic over trained on real, both tested on the same held-out real examples."
    return [
        Measure(f"{measure}, {title}", "", "all", "higher", score, meaning, question="usefulness"),
        Measure(f"usefulness, {title}", "", "all", "higher", relative, share, question="usefulness"),
    ]


def _settings(
    train: Batch | Examples,
    holdout: Batch | Examples,
    synthetic: Batch | Examples,
    parts: list[Batch],
    seed: int,
    sides: fidelity.Sides,
) -> dict[str, Any]:
    subjects = None if parts[1].subjects is None else len(set(parts[1].subjects))
    return {
        "modality": train.spec.modality,
        "unit": train.spec.unit,
        "shape": list(train.spec.shape),
        "classes": list(train.spec.classes),
        "seed": seed,
        "training examples": len(train),
        "held-out examples": len(holdout),
        "held-out subjects": subjects,
        "synthetic examples": len(synthetic),
        "examples per side in distances": len(parts[0]),
        "features": sides.holdout.features.shape[1],
        "frequencies compared": f"{sides.freqs[0]:.3g} to {sides.freqs[-1]:.3g} "
        + ("cycles/mm" if train.spec.is_image else "Hz"),
    }


def _evidence(sides: fidelity.Sides) -> Evidence:
    real, synthetic = (10 ** (side.spectra[:DRAWN].mean(1) / 10) for side in (sides.holdout, sides.synthetic))
    values = [side.values.ravel() for side in (sides.holdout, sides.synthetic)]
    thinned = [part[:: max(1, len(part) // 50_000)] for part in values]
    return Evidence(sides.freqs, real, synthetic, *thinned)
