"""Measures of realism: each compares held-out real examples with synthetic ones, and with real training ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth_core.metrics.bootstrap import UNBOUNDED
from synth_core.metrics.distribution import frechet_distance, kid
from synth_core.metrics.divisions import COUNT
from synth_core.metrics.features import BLOCK, features_of
from synth_core.metrics.measure import Measure
from synth_core.metrics.neighbourhoods import precision_recall_density_coverage
from synth_core.metrics.score import Score
from synth_core.metrics.signal_band import (
    DYNAMIC_RANGE,
    DYNAMIC_RANGE_OF_SLICES,
    Bands,
    bands_of,
    clipped,
    in_words,
    rounding_noise,
)
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
PAIRED = 400  # examples a side in a division, for measures that are made of all pairs
VALUES_PER_EXAMPLE = 512  # thinned evenly, for amplitude distributions
NEIGHBOURS = 5
FOLDING = 1.25  # by which out-of-fold scores spread more than ranks of independent people
SMALLEST_CLASS = 20  # examples per side, below which a class gets no spectrum of its own


@dataclass(frozen=True)
class Side:
    """One of the three sets, reduced to what the measures need.

    Parameters
    ----------
    spectra : (n, channels, frequencies) in dB re unit² / Hz, of the signal band.
    stop : the same of the stop band; it may have no frequency.
    features : (n, d), z-scored on the real sets.
    values : (n, ≤ 512), thinned values in the unit of the data.
    labels : (n, classes) or None.
    subjects : (n,) names or None.
    """

    spectra: Floats
    stop: Floats
    features: Floats
    values: Floats
    labels: Floats | None
    subjects: NDArray[np.str_] | None

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True)
class Sides:
    """Equal numbers of real training, real held-out and synthetic examples, on the same frequencies.

    Parameters
    ----------
    freqs : of the signal band.
    said : the signal band and the stop band in words.
    """

    train: Side
    holdout: Side
    synthetic: Side
    freqs: Floats
    said: tuple[str, str] = ("", "")

    def score(
        self,
        distance: Distance,
        attribute: str,
        rng: np.random.Generator,
        better: Better = "lower",
        bounds: Bounds = NOT_NEGATIVE,
    ) -> Score:
        """Value, interval over subjects and floor of a distance between two arrays of one kind."""
        return self.trio(attribute).score(distance, rng, better, bounds)

    def trio(self, attribute: str) -> Trio:
        """One kind of array of the three sides."""
        train, holdout, synthetic = (getattr(side, attribute) for side in (self.train, self.holdout, self.synthetic))
        return Trio(train, holdout, synthetic, self.holdout.subjects, self.synthetic.subjects, self.train.subjects)

    def features(self) -> Trio:
        """The z-scored features of the three sides."""
        return self.trio("features")


def compared(train: Batch, holdout: Batch, synthetic: Batch) -> Sides:
    """Reduce three Batches of one spec to comparable sides."""
    batches = (train, holdout, synthetic)
    freqs, bands, spectra = _spectra(batches)
    features = [features_of(batch).values for batch in batches]
    real = np.concatenate(features[:2])
    centre, spread = real.mean(0), real.std(0)
    spread[spread == 0] = 1.0
    three = [
        Side(
            decibels[..., bands.signal],
            decibels[..., bands.stop],
            (part - centre) / spread,
            _thinned(batch),
            _labels(batch),
            _subjects(batch),
        )
        for batch, decibels, part in zip(batches, spectra, features, strict=True)
    ]
    unit = "cycles/mm" if holdout.spec.is_image else "Hz"
    said = (in_words(freqs, bands.signal, unit), in_words(freqs, bands.stop, unit))
    return Sides(three[0], three[1], three[2], freqs[bands.signal], said)


def spectral_measures(
    sides: Sides, classes: tuple[str, ...], image: bool, rng: np.random.Generator
) -> Iterator[Measure]:
    """Log-spectral distance of signal band (also per class) and stop band, and spectral Wasserstein distance."""

    def decibels(a: Floats, b: Floats) -> float:
        return log_spectral_distance(_mean_spectrum(a), _mean_spectrum(b))

    def shift(a: Floats, b: Floats) -> float:
        return spectral_wasserstein(sides.freqs, _mean_spectrum(a), _mean_spectrum(b))

    meaning = f"Difference of the mean spectra where held-out people hold signal, {sides.said[0]}; sees amplitude."
    yield Measure("log-spectral distance", "dB", "all", "lower", sides.score(decibels, "spectra", rng), meaning)
    if sides.holdout.stop.shape[-1]:
        beyond = (
            f"The same in the stop band, {sides.said[1]}: nothing that a clinician reads, but a classifier sees it."
        )
        score = sides.score(decibels, "stop", rng)
        yield Measure("log-spectral distance, stop band", "dB", "all", "lower", score, beyond)
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
    score = sides.features().scores(lambda a, b: np.array([kid(a, b)]), rng, ["lower"], [UNBOUNDED], most=PAIRED)[0]
    yield Measure("kernel distance (KID)", "", "all", "lower", score, meaning)
    meanings = {
        "precision": "Share of synthetic examples among the real ones: realism.",
        "recall": "Share of real examples among the synthetic ones: diversity.",
        "density": "How deep synthetic examples lie among the real ones; 1 for equal distributions.",
        "coverage": "Share of real examples with a synthetic neighbour: diversity, robust to outliers.",
    }

    def neighbourhoods(a: Floats, b: Floats) -> Floats:
        found = precision_recall_density_coverage(a, b, NEIGHBOURS)
        return np.array([found[name] for name in meanings])

    bounds = [NOT_NEGATIVE if name == "density" else (0.0, 1.0) for name in meanings]
    higher: list[Better] = ["higher"] * len(meanings)
    scores = sides.features().scores(neighbourhoods, rng, higher, bounds, most=PAIRED)
    for (name, meaning), score in zip(meanings.items(), scores, strict=True):
        yield Measure(name, "", "all", "higher", score, meaning)


@dataclass(frozen=True)
class ToldApart:
    """How well real and synthetic are told apart, and (n,) how synthetic each synthetic example looks."""

    measure: Measure
    synthetic: Floats


def told_apart(sides: Sides, rng: np.random.Generator) -> ToldApart:
    """AUROC of a classifier that must tell synthetic from held-out real; floor: training from held-out real."""
    real, made, other = sides.holdout, sides.synthetic, sides.train
    found = c2st(real.features, made.features, (real.subjects, made.subjects), rng, importance=False)
    control = c2st(real.features, other.features, (real.subjects, other.subjects), rng, importance=False)
    floor = max(0.5, control.auc)
    honest = 0.5 + chance_spread(real.subjects, other.subjects, len(real)) * rng.standard_normal(COUNT)
    sizes = {"n_real": len(real), "n_synthetic": len(made)}
    score = Score.against(floor, found.auc, (found.low, found.high), **sizes).divided(honest.tolist())
    meaning = "How well a classifier tells synthetic from real by the features: 0.5 is guessing, 1 is always."
    return ToldApart(
        Measure("told apart (AUROC)", "", "all", "lower", score, meaning, near=1.5), found.scores[len(real) :]
    )


def chance_spread(people: NDArray[np.str_] | None, others: NDArray[np.str_] | None, n: int) -> float:
    """Standard deviation of the AUROC of a classifier that has nothing to find, out of fold.

    As of ranks (Mann and Whitney 1947), over people and not windows, and a quarter wider for the folds: measured on
    PTB-XL, real people against others, 0.098 with 20 a side and 0.063 with 59, where ranks have 0.092 and 0.053.
    A hundred cross-validations in its place would be dearer than all other measures together.
    """
    a, b = (n if names is None else len(set(names.tolist())) for names in (people, others))
    return FOLDING * float(np.sqrt((a + b + 1) / (12 * a * b)))


def _mean_spectrum(decibels: Floats) -> Floats:
    return 10 ** (decibels.mean(0) / 10)  # geometric mean over examples: (channels, frequencies)


def _spectra(batches: tuple[Batch, Batch, Batch]) -> tuple[Floats, Bands, list[Floats]]:
    spec, held_out = batches[1].spec, batches[1].values.numpy()
    transform = radial_spectrum if spec.is_image else power_spectral_density
    results = [_by_blocks(transform, batch) for batch in batches]
    freqs = results[0][0]
    decibels = [10 * np.log10(np.maximum(psd, np.finfo(np.float64).tiny)) for _, psd in results]
    typical = decibels[1].mean((0, 1))
    span = DYNAMIC_RANGE_OF_SLICES if spec.is_image else DYNAMIC_RANGE
    bands = bands_of(freqs, typical, rounding_noise(held_out, spec.rate, spec.is_image), span)
    return freqs, bands, [clipped(part, typical[freqs > 0].max()) for part in decibels]


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
    return Sides(train, holdout, synthetic, sides.freqs, sides.said)


def _rows_of_class(side: Side, index: int) -> NDArray[np.intp]:
    return np.array([], np.intp) if side.labels is None else np.flatnonzero(side.labels[:, index] == 1)


def _selected(side: Side, rows: NDArray[np.intp]) -> Side:
    labels = None if side.labels is None else side.labels[rows]
    subjects = None if side.subjects is None else side.subjects[rows]
    return Side(side.spectra[rows], side.stop[rows], side.features[rows], side.values[rows], labels, subjects)


def _thinned(batch: Batch) -> Floats:
    flat = batch.values.flatten(1).numpy()
    kept = np.linspace(0, flat.shape[1] - 1, min(flat.shape[1], VALUES_PER_EXAMPLE)).astype(np.intp)
    return flat[:, kept].astype(np.float64)


def _labels(batch: Batch) -> Floats | None:
    return None if batch.condition.labels is None else batch.condition.labels.numpy().astype(np.float64)


def _subjects(batch: Batch) -> NDArray[np.str_] | None:
    return None if batch.subjects is None else np.asarray(batch.subjects)
