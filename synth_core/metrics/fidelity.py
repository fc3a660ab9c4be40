"""Measures of realism: each compares held-out real examples with synthetic ones, and with real training ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth_core.metrics.bootstrap import UNBOUNDED
from synth_core.metrics.distribution import frechet_distance, kid
from synth_core.metrics.features import BLOCK, features_of
from synth_core.metrics.measure import Measure
from synth_core.metrics.neighbourhoods import precision_recall_density_coverage
from synth_core.metrics.score import Score
from synth_core.metrics.spectral import (
    log_spectral_distance,
    power_spectral_density,
    radial_spectrum,
    spectral_wasserstein,
)
from synth_core.metrics.trio import NOT_NEGATIVE, Better, Bounds, Distance, Trio, quantile_distance
from synth_core.metrics.two_sample import c2st
from synth_core.types import Batch

Floats = NDArray[np.float64]
DYNAMIC_RANGE = 60.0  # dB below the strongest frequency of the held-out spectrum; weaker ones are a filter's stop band
VALUES_PER_EXAMPLE = 512  # thinned evenly, for amplitude distributions
NEIGHBOURS = 5
SMALLEST_CLASS = 20  # examples per side, below which a class gets no spectrum of its own


@dataclass(frozen=True)
class Side:
    """One of the three sets, reduced to what the measures need.

    Parameters
    ----------
    spectra : (n, channels, frequencies) in dB re unit² / Hz.
    features : (n, d), z-scored on the real sets.
    values : (n, ≤ 512), thinned values in the unit of the data.
    labels : (n, classes) or None.
    subjects : (n,) names or None.
    """

    spectra: Floats
    features: Floats
    values: Floats
    labels: Floats | None
    subjects: NDArray[np.str_] | None

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True)
class Sides:
    """Equal numbers of real training, real held-out and synthetic examples, on the same frequencies."""

    train: Side
    holdout: Side
    synthetic: Side
    freqs: Floats

    def score(
        self,
        distance: Distance,
        attribute: str,
        rng: np.random.Generator,
        better: Better = "lower",
        bounds: Bounds = NOT_NEGATIVE,
    ) -> Score:
        """Value, interval over subjects and floor of a distance between two arrays of one kind."""
        train, holdout, synthetic = (getattr(side, attribute) for side in (self.train, self.holdout, self.synthetic))
        groups = (self.holdout.subjects, self.synthetic.subjects, self.train.subjects)
        return Trio(train, holdout, synthetic, *groups).score(distance, rng, better, bounds)

    def features(self) -> Trio:
        """The z-scored features of the three sides."""
        groups = (self.holdout.subjects, self.synthetic.subjects, self.train.subjects)
        return Trio(self.train.features, self.holdout.features, self.synthetic.features, *groups)


def compared(train: Batch, holdout: Batch, synthetic: Batch) -> Sides:
    """Reduce three Batches of one spec to comparable sides."""
    batches = (train, holdout, synthetic)
    freqs, spectra = _spectra(batches)
    features = [features_of(batch).values for batch in batches]
    real = np.concatenate(features[:2])
    centre, spread = real.mean(0), real.std(0)
    spread[spread == 0] = 1.0
    three = [
        Side(decibels, (part - centre) / spread, _thinned(batch), _labels(batch), _subjects(batch))
        for batch, decibels, part in zip(batches, spectra, features, strict=True)
    ]
    return Sides(three[0], three[1], three[2], freqs)


def spectral_measures(
    sides: Sides, classes: tuple[str, ...], image: bool, rng: np.random.Generator
) -> Iterator[Measure]:
    """Log-spectral distance over all examples and per class, and spectral Wasserstein distance."""

    def decibels(a: Floats, b: Floats) -> float:
        return log_spectral_distance(_mean_spectrum(a), _mean_spectrum(b))

    def shift(a: Floats, b: Floats) -> float:
        return spectral_wasserstein(sides.freqs, _mean_spectrum(a), _mean_spectrum(b))

    meaning = "Difference of the mean spectra; sensitive to amplitude."
    yield Measure("log-spectral distance", "dB", "all", "lower", sides.score(decibels, "spectra", rng), meaning)
    unit = "cycles/mm" if image else "Hz"
    moved = "How far power sits from where it should be along the frequency axis; blind to amplitude."
    yield Measure("spectral Wasserstein", unit, "all", "lower", sides.score(shift, "spectra", rng), moved)
    for index, name in enumerate(classes):
        part = _of_class(sides, index)
        if part is not None:
            score = part.score(decibels, "spectra", rng)
            yield Measure("log-spectral distance", "dB", name, "lower", score, meaning, split="class")


def amplitude_measures(sides: Sides, unit: str, rng: np.random.Generator) -> Iterator[Measure]:
    """Wasserstein-1 distance of the pooled values."""

    meaning = "Mean difference of the quantiles (0.5 to 99.5 %) of all values."
    yield Measure("amplitude distance", unit, "all", "lower", sides.score(quantile_distance, "values", rng), meaning)


def distribution_measures(sides: Sides, rng: np.random.Generator) -> Iterator[Measure]:
    """Fréchet, kernel and neighbourhood measures on z-scored interpretable features."""
    meaning = "Difference in mean and covariance of the features; biased upwards at small n, as its floor is."
    yield Measure("Fréchet distance", "", "all", "lower", sides.score(frechet_distance, "features", rng), meaning)
    meaning = "Cubic-kernel discrepancy of the features; unbiased, about 0 for real against real."
    yield Measure(
        "kernel distance (KID)", "", "all", "lower", sides.score(kid, "features", rng, bounds=UNBOUNDED), meaning
    )
    meanings = {
        "precision": "Share of synthetic examples among the real ones: realism.",
        "recall": "Share of real examples among the synthetic ones: diversity.",
        "density": "How deep synthetic examples lie among the real ones; 1 for equal distributions.",
        "coverage": "Share of real examples with a synthetic neighbour: diversity, robust to outliers.",
    }
    for name, meaning in meanings.items():

        def neighbourhood(a: Floats, b: Floats, name: str = name) -> float:
            return precision_recall_density_coverage(a, b, NEIGHBOURS)[name]

        bounds = NOT_NEGATIVE if name == "density" else (0.0, 1.0)
        score = sides.score(neighbourhood, "features", rng, "higher", bounds)
        yield Measure(name, "", "all", "higher", score, meaning)


@dataclass(frozen=True)
class ToldApart:
    """How well real and synthetic are told apart, and (n,) how synthetic each synthetic example looks."""

    measure: Measure
    synthetic: Floats


def told_apart(sides: Sides, rng: np.random.Generator) -> ToldApart:
    """AUROC of a classifier that must tell synthetic from held-out real; floor: training from held-out real."""
    real, made, other = sides.holdout, sides.synthetic, sides.train
    found = c2st(real.features, made.features, (real.subjects, made.subjects), rng)
    control = c2st(real.features, other.features, (real.subjects, other.subjects), rng)
    floor = max(0.5, control.auc)
    score = Score.against(floor, found.auc, (found.low, found.high), n_real=len(real), n_synthetic=len(made))
    meaning = "How well a classifier tells synthetic from real by the features: 0.5 is guessing, 1 is always."
    return ToldApart(
        Measure("told apart (AUROC)", "", "all", "lower", score, meaning, near=1.5), found.scores[len(real) :]
    )


def _mean_spectrum(decibels: Floats) -> Floats:
    return 10 ** (decibels.mean(0) / 10)  # geometric mean over examples: (channels, frequencies)


def _spectra(batches: tuple[Batch, Batch, Batch]) -> tuple[Floats, list[Floats]]:
    spec = batches[0].spec
    transform = radial_spectrum if spec.is_image else power_spectral_density
    results = [_by_blocks(transform, batch) for batch in batches]
    freqs = results[0][0]
    decibels = [10 * np.log10(np.maximum(psd, np.finfo(np.float64).tiny)) for _, psd in results]
    typical = decibels[1].mean((0, 1))
    kept = (typical >= typical[freqs > 0].max() - DYNAMIC_RANGE) & (freqs > 0)
    return freqs[kept], [part[..., kept] for part in decibels]


def _by_blocks(transform: Callable[[Floats, float], tuple[Floats, Floats]], batch: Batch) -> tuple[Floats, Floats]:
    values = batch.values.numpy()
    parts = [transform(values[i : i + BLOCK], batch.spec.rate) for i in range(0, len(values), BLOCK)]
    return parts[0][0], np.concatenate([psd for _, psd in parts])


def _of_class(sides: Sides, index: int) -> Sides | None:
    parts = [_rows_of_class(side, index) for side in (sides.train, sides.holdout, sides.synthetic)]
    n = min(len(rows) for rows in parts)
    if n < SMALLEST_CLASS:
        return None
    train, holdout, synthetic = (
        _selected(side, rows[np.linspace(0, len(rows) - 1, n).astype(np.intp)])
        for side, rows in zip((sides.train, sides.holdout, sides.synthetic), parts, strict=True)
    )
    return Sides(train, holdout, synthetic, sides.freqs)


def _rows_of_class(side: Side, index: int) -> NDArray[np.intp]:
    return np.array([], np.intp) if side.labels is None else np.flatnonzero(side.labels[:, index] == 1)


def _selected(side: Side, rows: NDArray[np.intp]) -> Side:
    labels = None if side.labels is None else side.labels[rows]
    subjects = None if side.subjects is None else side.subjects[rows]
    return Side(side.spectra[rows], side.features[rows], side.values[rows], labels, subjects)


def _thinned(batch: Batch) -> Floats:
    flat = batch.values.flatten(1).numpy()
    kept = np.linspace(0, flat.shape[1] - 1, min(flat.shape[1], VALUES_PER_EXAMPLE)).astype(np.intp)
    return flat[:, kept].astype(np.float64)


def _labels(batch: Batch) -> Floats | None:
    return None if batch.condition.labels is None else batch.condition.labels.numpy().astype(np.float64)


def _subjects(batch: Batch) -> NDArray[np.str_] | None:
    return None if batch.subjects is None else np.asarray(batch.subjects)
