"""The EEG measures of a report: rhythms, background, memory, direction of time, coupling, sensorimotor biomarkers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from synth_core.errors import InvalidSetting, SpecMismatch
from synth_core.metrics.aperiodic import aperiodic_exponent
from synth_core.metrics.biomarkers import als_panel, sensorimotor_channels
from synth_core.metrics.connectivity import envelope
from synth_core.metrics.features import hjorth
from synth_core.metrics.measure import Measure
from synth_core.metrics.signal_measures import (
    Batches,
    Named,
    by_blocks,
    channel_spectra,
    correlation_measure,
    each_side,
    mean_gap,
    paired_channels,
    pairwise_correlation,
    pairwise_imaginary_coherence,
    time_asymmetry_measure,
    worst_channel_gap,
)
from synth_core.metrics.spectral import BANDS, band_powers
from synth_core.metrics.temporal import autocorrelation
from synth_core.metrics.trio import Trio, quantile_distance
from synth_core.types import Batch, DataSpec

SMALLEST_SHARE = 1e-12  # under the logarithm: a flat line has no rhythm, and is far from all that have
MEMORY = 0.5  # s of autocorrelation
FIT = (2.0, 40.0)  # Hz, of the aperiodic exponent

Floats = NDArray[np.float64]


def eeg_measures(batches: Batches, rng: np.random.Generator) -> Iterator[Measure]:
    """Measures of EEG, each with interval and floor.

    Parameters
    ----------
    batches : training, held-out and synthetic examples of one spec, in equal numbers.
    rng : of the intervals.

    Yields
    ------
    Measures of the whole, per class (aperiodic exponent) and per channel (log-spectral distance). Those that the spec
    does not allow are left out: bands that the duration does not resolve, coupling with one channel, the sensorimotor
    panel without C3 and C4, its slope without severities.
    """
    spec = batches[1].spec
    yield from _rhythms(batches, rng)
    yield from _background(batches, rng)
    yield from _memory(batches, rng)
    yield from time_asymmetry_measure(batches, rng)
    if spec.shape[0] > 1:
        yield from correlation_measure(batches, "channel", rng)
        yield from _coupling(batches, rng)
    yield from _sensorimotor(batches, rng)
    yield from channel_spectra(batches, rng)


def resolved_bands(spec: DataSpec) -> dict[str, tuple[float, float]]:
    """The EEG bands that examples of a spec can show, by name.

    A Hann window of T seconds blurs by 2 / T Hz: a band must begin there or above, be 3 / T wide and end below half the
    rate. Segments of two seconds show all; one second, as in Bonn's cut windows, does not show delta.
    """
    step = 1 / min(2.0, spec.seconds)
    bands = BANDS["eeg"].items()
    return {n: b for n, b in bands if b[0] >= 2 * step and b[1] - b[0] >= 3 * step and b[1] <= spec.rate / 2}


def _rhythms(batches: Batches, rng: np.random.Generator) -> Iterator[Measure]:
    spec = batches[1].spec
    bands = resolved_bands(spec)
    if len(bands) < 2:
        return

    def shares(x: Floats) -> Floats:
        powers = band_powers(x, spec.rate, relative=True, bands=bands)
        known = np.nan_to_num(np.stack(list(powers.values()), axis=-1), nan=0.0)  # (n, channels, bands)
        return np.asarray(np.log10(np.maximum(known, SMALLEST_SHARE)).mean(1))

    trio = Trio.of(batches, by_blocks(shares))
    for column, (name, (low, high)) in enumerate(bands.items()):
        meaning = f"Share of the power that lies in {name}, {low:g} to {high:g} Hz, example by example; 0.3 is twofold."
        share = each_side(trio, lambda side, k=column: side[:, k])  # type: ignore[misc]
        yield from Named(f"{name} share", "log10", meaning).measure(share, quantile_distance, rng)


def _background(batches: Batches, rng: np.random.Generator) -> Iterator[Measure]:
    rate = batches[1].spec.rate
    meaning = "Steepness of the spectrum under its rhythms: exponent of 1/f, peaks taken out."
    named = Named("aperiodic exponent", "", meaning)
    band = (FIT[0], min(FIT[1], 0.9 * rate / 2))
    try:
        trio = Trio.of(batches, by_blocks(lambda x: aperiodic_exponent(x, rate, band).mean(1)))
    except InvalidSetting:  # too short or too slowly sampled for a fit
        return
    yield from named.measure(trio, quantile_distance, rng)
    yield from named.per_class(batches, trio, rng)


def _memory(batches: Batches, rng: np.random.Generator) -> Iterator[Measure]:
    spec = batches[1].spec
    lags = np.arange(1, max(2, min(round(MEMORY * spec.rate), spec.shape[-1] // 2)))
    meaning = "Gap of the mean autocorrelation up to half a second: how a signal goes on from where it is."
    trio = Trio.of(batches, by_blocks(lambda x: autocorrelation(x, lags).mean(1)))
    yield from Named("autocorrelation", "", meaning).measure(trio, mean_gap, rng)
    meaning = "Hjorth mobility as a frequency: the root mean squared frequency of the power."
    trio = Trio.of(batches, by_blocks(lambda x: hjorth(x)[1].mean(1) * spec.rate / (2 * np.pi)))
    yield from Named("mobility", "Hz", meaning).measure(trio, quantile_distance, rng)


def _coupling(batches: Batches, rng: np.random.Generator) -> Iterator[Measure]:
    rate = batches[1].spec.rate
    bands = resolved_bands(batches[1].spec)
    chosen = [bands[name] for name in ("alpha", "beta") if name in bands]
    if not chosen:
        return

    def delayed(x: Floats) -> Floats:
        x = x[:, paired_channels(x.shape[1])]
        return np.stack([pairwise_imaginary_coherence(x, rate, band) for band in chosen], axis=1)

    def together(x: Floats) -> Floats:
        return pairwise_correlation(envelope(x[:, paired_channels(x.shape[1])], rate, chosen[0]))[:, None]

    meaning = "Gap of the delayed coupling (imaginary coherence, alpha and beta), of the channel that fares worst."
    yield from Named("imaginary coherence", "", meaning).measure(
        Trio.of(batches, by_blocks(delayed)), worst_channel_gap, rng
    )
    meaning = "Gap of the mean correlations of alpha envelopes: rhythms that wax and wane together."
    # Over all pairs: one channel's envelopes differ so much between people that the worst channel would be chance.
    trio = Trio.of(batches, by_blocks(together))
    yield from Named("envelope correlation", "", meaning).measure(trio, mean_gap, rng)


def _sensorimotor(batches: Batches, rng: np.random.Generator) -> Iterator[Measure]:
    spec = batches[1].spec
    try:
        sites = list(sensorimotor_channels(spec.channels))
    except SpecMismatch:
        return
    if not {"theta", "beta", "gamma"} <= set(resolved_bands(spec)):
        return
    names = [spec.channels[site] for site in sites]

    def panel(x: Floats) -> Floats:
        return np.stack(list(als_panel(x[:, sites], spec.rate, names).values()), axis=1)

    trio = Trio.of(batches, by_blocks(panel))
    columns = {
        "sensorimotor beta": ("log10 uV2", "Beta power over the motor cortex, which falls in amyotrophic sclerosis."),
        "theta-gamma coupling": ("", "Correlation of theta and gamma amplitudes over the motor cortex."),
        "sensorimotor coherence": ("", "Beta imaginary coherence between the hemispheres' motor areas."),
    }
    for column, (name, (unit, meaning)) in enumerate(columns.items()):
        marker = each_side(trio, lambda side, k=column: side[:, k])  # type: ignore[misc]
        yield from Named(name, unit, meaning).measure(marker, quantile_distance, rng)
    yield from _severity(batches, trio, rng)


def _severity(batches: Batches, trio: Trio, rng: np.random.Generator) -> Iterator[Measure]:
    severities = [_severity_of(batch) for batch in batches]
    if not all(map(_varies, severities)):
        return
    train, holdout, synthetic = (np.stack([side[:, 0], d], axis=1) for side, d in _zipped(trio, severities))

    def gap(a: Floats, b: Floats) -> float:
        first, second = (stats.spearmanr(*side[np.isfinite(side[:, 1])].T).statistic for side in (a, b))
        return float(abs(first - second))

    meaning = (
        "Gap of the rank correlations of sensorimotor beta with severity: does the biomarker follow what was asked?"
    )
    joined = replace(trio, train=train, holdout=holdout, synthetic=synthetic)
    yield from Named("beta against severity", "", meaning).measure(joined, gap, rng)


def _severity_of(batch: Batch) -> Floats | None:
    severity = batch.condition.severity
    return None if severity is None else severity.numpy().astype(np.float64)


def _varies(severity: Floats | None) -> bool:
    return severity is not None and np.unique(severity[np.isfinite(severity)]).size > 1


def _zipped(trio: Trio, severities: list[Floats | None]) -> Iterator[tuple[Floats, Floats]]:
    for side, severity in zip((trio.train, trio.holdout, trio.synthetic), severities, strict=True):
        if severity is not None:
            yield side, severity
