"""What the EEG and the ECG measures of a report have in common: quantities by blocks, and measures made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth_core.metrics.features import compressed_asymmetry, pairwise_coherency
from synth_core.metrics.measure import Measure
from synth_core.metrics.score import Score
from synth_core.metrics.signal_band import bands_of, rounding_noise
from synth_core.metrics.spectral import log_spectral_distance, power_spectral_density
from synth_core.metrics.trio import Distance, Trio, quantile_distance
from synth_core.types import Batch

Batches = tuple[Batch, Batch, Batch]
Floats = NDArray[np.float64]
Split = Literal["all", "class", "channel"]

BLOCK = 128  # examples at once
FEWEST = 20  # examples per side with a value, below which floors are as large as any effect
MOST_CHANNELS = 32  # of which pairs are formed; of more, as many spread evenly


@dataclass(frozen=True)
class Named:
    """What a Measure says about itself before there is a number."""

    name: str
    unit: str
    meaning: str
    part: str = "all"
    split: Split = "all"
    better: Literal["lower", "higher"] = "lower"

    def measure(self, trio: Trio, distance: Distance, rng: np.random.Generator) -> Iterator[Measure]:
        """The Measure by a distance between sides, of the examples whose value is known.

        Nothing when real examples have too few values to make a floor. When only the synthetic ones have too few, the
        floor stands alone and the verdict is "not known": what cannot be measured is never as real.
        """
        known = trio.known()
        if min(len(known.train), len(known.holdout)) < FEWEST:
            return
        if len(known.synthetic) >= FEWEST:
            score = known.score(distance, rng, self.better)
        else:
            sizes = {"n_real": len(known.holdout), "n_synthetic": len(known.synthetic)}
            floor = known.floor(distance, self.better)
            score = Score.against(floor, float("nan"), (float("nan"), float("nan")), **sizes)
        yield Measure(
            self.name, self.unit, self.part, self.better, score, self.meaning, question="realism", split=self.split
        )

    def per_class(self, batches: Batches, trio: Trio, rng: np.random.Generator) -> Iterator[Measure]:
        """The distribution of a quantity within each class that has enough examples on every side."""
        labels = [batch.condition.labels for batch in batches]
        classes = batches[1].spec.classes
        if len(classes) < 2 or any(part is None for part in labels):
            return
        for index, name in enumerate(classes):
            rows = [part[:, index].numpy() == 1 for part in labels if part is not None]
            if min(int(row.sum()) for row in rows) >= FEWEST:
                named = replace(self, part=name, split="class")
                yield from named.measure(trio.rows(rows[0], rows[1], rows[2]), quantile_distance, rng)


def by_blocks(quantity: Callable[[Floats], ArrayLike]) -> Callable[[Batch], Floats]:
    """What a function of (n, channels, samples) gives for a Batch, some examples at a time in float64."""

    def of_batch(batch: Batch) -> Floats:
        values = batch.values.numpy()
        parts = [
            np.asarray(quantity(values[i : i + BLOCK].astype(np.float64)), dtype=np.float64)
            for i in range(0, len(values), BLOCK)
        ]
        return np.concatenate(parts)

    return of_batch


def worst_channel_gap(a: Floats, b: Floats) -> float:
    """Gap of the mean matrices of pairs, root mean squared over the pairs of that channel whose pairs fare worst.

    Over all pairs, one wrong channel among many would be diluted.

    Parameters
    ----------
    a, b : (n, kinds, pairs), the pairs in the order of `numpy.triu_indices`.
    """
    squares = ((a.mean(0) - b.mean(0)) ** 2).mean(0)
    channels = round((1 + np.sqrt(1 + 8 * len(squares))) / 2)
    first, second = np.triu_indices(channels, 1)
    sums = np.bincount(first, squares, channels) + np.bincount(second, squares, channels)
    return float(np.sqrt(sums.max() / (channels - 1)))


def mean_gap(a: Floats, b: Floats) -> float:
    """Root mean squared difference of the means over examples: for curves."""
    return float(np.sqrt(((a.mean(0) - b.mean(0)) ** 2).mean()))


def of_second(a: Floats, b: Floats) -> float:
    """The mean of the second side: for a share or an error that real data have too, in place of a distance."""
    return float(b.mean())


def channel_spectra(batches: Batches, rng: np.random.Generator) -> Iterator[Measure]:
    """Log-spectral distance of every channel; nothing for a single one, where it equals that of the whole.

    A channel's floor is its own or the median channel's, whichever is higher: with few subjects some of many channels
    have floors that are low by luck.
    """
    spec = batches[1].spec
    if spec.shape[0] < 2:
        return
    freqs = power_spectral_density(np.zeros(spec.shape), spec.rate)[0]

    def decibels(x: Floats) -> Floats:
        return 10 * np.log10(np.maximum(power_spectral_density(x, spec.rate)[1], 1e-30))

    def distance(a: Floats, b: Floats) -> float:
        return log_spectral_distance(10 ** (a.mean(0) / 10), 10 ** (b.mean(0) / 10))

    meaning = "Difference of this channel's mean spectrum in its signal band; sees amplitude and exchanged channels."
    trio = Trio.of(batches, by_blocks(decibels))
    rounding = rounding_noise(batches[1].values.numpy(), spec.rate, image=False)
    measures: list[Measure] = []
    for channel in range(spec.shape[0]):
        kept = bands_of(freqs, trio.holdout[:, channel].mean(0), rounding).signal
        part = spec.channels[channel] if spec.channels else f"channel {channel + 1}"
        one = each_side(trio, lambda side, k=channel, rows=kept: side[:, k, rows])  # type: ignore[misc]
        measures += Named("log-spectral distance", "dB", meaning, part, "channel").measure(one, distance, rng)
    yield from _with_common_floor(measures)


def _with_common_floor(measures: list[Measure]) -> Iterator[Measure]:
    lowest = float(np.median([measure.score.floor for measure in measures])) if measures else 0.0
    for measure in measures:
        score, interval = measure.score, (measure.score.low, measure.score.high)
        sizes = {"n_real": score.n_real, "n_synthetic": score.n_synthetic}
        yield replace(measure, score=Score.against(max(score.floor, lowest), score.value, interval, **sizes))


def time_asymmetry_measure(batches: Batches, rng: np.random.Generator) -> Iterator[Measure]:
    """Distribution of the third-order asymmetry: what changes its sign when signals are played backwards.

    Also within each class: seizures rise and fall unlike each other, background activity does not.
    """
    meaning = "Steep rises against slow falls within 30 ms; signals played backwards have the opposite sign."
    rate = batches[1].spec.rate
    trio = Trio.of(batches, by_blocks(lambda x: compressed_asymmetry(x, rate).mean(1)))
    named = Named("time asymmetry", "", meaning)
    yield from named.measure(trio, quantile_distance, rng)
    yield from named.per_class(batches, trio, rng)


def correlation_measure(batches: Batches, of_what: str, rng: np.random.Generator) -> Iterator[Measure]:
    """Gap of the mean correlation matrices of channels or leads; nothing for a single channel."""
    if batches[1].spec.shape[0] < 2:
        return
    meaning = f"Gap of the mean correlations with the other {of_what}s, of the {of_what} that fares worst."
    trio = Trio.of(batches, by_blocks(lambda x: pairwise_correlation(x[:, paired_channels(x.shape[1])])[:, None]))
    yield from Named(f"{of_what} correlation", "", meaning).measure(trio, worst_channel_gap, rng)


def pairwise_correlation(x: Floats) -> Floats:
    """(n, pairs) Pearson correlations between the channels of (n, channels, samples), 0 with a flat channel."""
    centred = x - x.mean(-1, keepdims=True)
    norms = np.linalg.norm(centred, axis=-1, keepdims=True)
    unit = np.divide(centred, norms, out=np.zeros_like(centred), where=norms > 0)
    first, second = np.triu_indices(x.shape[1], 1)
    return np.asarray((unit @ unit.swapaxes(-1, -2))[:, first, second])


def pairwise_imaginary_coherence(x: Floats, rate: float, band: tuple[float, float]) -> Floats:
    """(n, pairs) sizes of the imaginary part of the band's coherency (see connectivity), 0 with a flat channel."""
    first, second = np.triu_indices(x.shape[1], 1)
    return np.asarray(np.abs(pairwise_coherency(x, rate, band).imag[:, first, second]))


def each_side(trio: Trio, change: Callable[[Floats], Floats]) -> Trio:
    """The same Trio with every side's values changed, for example to one of their columns."""
    train, holdout, synthetic = (change(side) for side in (trio.train, trio.holdout, trio.synthetic))
    return replace(trio, train=train, holdout=holdout, synthetic=synthetic)


def paired_channels(channels: int) -> NDArray[np.intp]:
    """Positions of the channels between which pairs are formed: all up to 32, of more 32 spread evenly."""
    return np.linspace(0, channels - 1, min(channels, MOST_CHANNELS)).astype(np.intp)
