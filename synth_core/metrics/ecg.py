"""The ECG measures of a report: whether beats can be seen, their rhythm, their intervals, and the leads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth_core.beats import QRS_BAND, Beats, beats_of_each
from synth_core.leads import FROM_I_AND_II, independent_leads
from synth_core.metrics.delineation import Intervals, intervals
from synth_core.metrics.lead_checks import average_beats, einthoven_residual, reversal_of_average
from synth_core.metrics.measure import Measure
from synth_core.metrics.rhythm import heart_rate_variability, qt_corrected
from synth_core.metrics.signal_measures import (
    BLOCK,
    Batches,
    Named,
    by_blocks,
    channel_spectra,
    correlation_measure,
    of_second,
    time_asymmetry_measure,
)
from synth_core.metrics.trio import Trio, quantile_distance
from synth_core.types import Batch

DELINEATED = 80  # examples per side whose PR, QRS and QT are measured, at about 0.1 s of computing each
ROUNDING = 0.01  # of lead II: files in steps of 5 uV hold the relations of the limb leads no better
REVERSED = 0.5  # lead reversal score above which an ECG is flagged

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Rhythms:
    """What the beats of one side say, one row per example; NaN where beats are not measurable.

    Parameters
    ----------
    measurable : (n,) of 0 and 1.
    rr_ms, rmssd_ms : (n,) median RR interval, and root mean square of its successive differences.
    reversed : (n,) 1 where the leads look exchanged.
    found : the beats themselves.
    """

    measurable: Floats
    rr_ms: Floats
    rmssd_ms: Floats
    reversed: Floats
    found: tuple[Beats, ...]


def ecg_measures(batches: Batches, rng: np.random.Generator) -> Iterator[Measure]:
    """Measures of ECG, each with interval and floor.

    Parameters
    ----------
    batches : training, held-out and synthetic examples of one spec, in equal numbers.
    rng : of the intervals, and of the choice of the 80 examples per side that are delineated.

    Yields
    ------
    Measures of the whole, per class (RR interval) and per lead (log-spectral distance). Those that the spec does not
    allow are left out: limb lead relations without I, II and a lead that follows, beats below 60 Hz.
    """
    if batches[1].spec.rate >= 3 * QRS_BAND[1]:
        sides = {id(batch): rhythms_of(batch) for batch in batches}
        yield from _rhythm(batches, sides, rng)
        yield from _durations(batches, sides, rng)
        yield from _reversal(batches, sides, rng)
    yield from _limb_leads(batches, rng)
    yield from correlation_measure(batches, "lead", rng)
    yield from time_asymmetry_measure(batches, rng)
    yield from channel_spectra(batches, rng)


def rhythms_of(batch: Batch) -> Rhythms:
    """Beats, rhythm and lead order of every example of a Batch."""
    spec, values = batch.spec, batch.values.numpy()
    leads = list(independent_leads(spec.channels)) or [0]
    named = {"I", "II"} <= set(spec.channels)
    found: list[Beats] = []
    flags = []
    for start in range(0, len(values), BLOCK):
        block = values[start : start + BLOCK].astype(np.float64)
        rhythms = list(beats_of_each(block[:, leads], spec.rate))
        found += rhythms
        average = average_beats(block, spec.rate, rhythms)
        score = reversal_of_average(average, spec.channels, spec.rate) if named else np.full(len(block), np.nan)
        flags.append(np.where(np.isfinite(score), score > REVERSED, np.nan))
    return Rhythms(
        np.array([rhythm.measurable for rhythm in found], dtype=np.float64),
        np.array([np.median(rhythm.rr_ms) if rhythm.measurable else np.nan for rhythm in found]),
        np.array([heart_rate_variability(rhythm.rr_ms)["rmssd"] for rhythm in found]),
        np.concatenate(flags),
        tuple(found),
    )


def _rhythm(batches: Batches, sides: dict[int, Rhythms], rng: np.random.Generator) -> Iterator[Measure]:
    meaning = "Share of the examples in which beats can be told from noise; the other beat measures leave the rest out."
    trio = Trio.of(batches, lambda batch: sides[id(batch)].measurable)
    yield from Named("measurable beats", "", meaning, better="higher").measure(trio, of_second, rng)
    meaning = "Median time between heartbeats of each example."
    named = Named("RR interval", "ms", meaning)
    trio = Trio.of(batches, lambda batch: sides[id(batch)].rr_ms)
    yield from named.measure(trio, quantile_distance, rng)
    yield from named.per_class(batches, trio, rng)
    meaning = "Heart rate variability from beat to beat (RMSSD) of each example."
    trio = Trio.of(batches, lambda batch: sides[id(batch)].rmssd_ms)
    yield from Named("beat-to-beat variability", "ms", meaning).measure(trio, quantile_distance, rng)


def _durations(batches: Batches, sides: dict[int, Rhythms], rng: np.random.Generator) -> Iterator[Measure]:
    channels = batches[1].spec.channels
    lead = channels.index("II") if "II" in channels else 0
    chosen = np.sort(rng.permutation(len(batches[1]))[:DELINEATED])
    measured = {id(batch): _delineated(batch, lead, sides[id(batch)], chosen) for batch in batches}
    few = tuple(batch.select(chosen.tolist()) for batch in batches)
    source = {id(small): measured[id(batch)] for small, batch in zip(few, batches, strict=True)}
    of_which = f"of {len(chosen)} examples per side, by one delineator."
    quantities = {
        "PR interval": (lambda found: found.pr_ms, f"From the beginning of P to that of QRS, {of_which}"),
        "QRS duration": (lambda found: found.qrs_ms, f"Width of the QRS complex, {of_which}"),
        "QTc interval": (_fridericia, f"QT corrected for heart rate by Fridericia, {of_which}"),
    }
    for name, (quantity, meaning) in quantities.items():
        trio = Trio.of((few[0], few[1], few[2]), lambda batch, take=quantity: take(source[id(batch)]))  # type: ignore[misc]
        yield from Named(name, "ms", meaning).measure(trio, quantile_distance, rng)


def _delineated(batch: Batch, lead: int, rhythms: Rhythms, chosen: NDArray[np.intp]) -> Intervals:
    records = batch.values[chosen, lead].numpy().astype(np.float64)
    return intervals(records, batch.spec.rate, [rhythms.found[row] for row in chosen])


def _fridericia(found: Intervals) -> Floats:
    return qt_corrected(found.qt_ms, found.rr_ms / 1000, "fridericia")


def _reversal(batches: Batches, sides: dict[int, Rhythms], rng: np.random.Generator) -> Iterator[Measure]:
    meaning = "Share of the examples that look as if electrodes were exchanged; real ECGs of sick hearts do at times."
    trio = Trio.of(batches, lambda batch: sides[id(batch)].reversed)
    yield from Named("lead reversal", "", meaning).measure(trio, of_second, rng)


def _limb_leads(batches: Batches, rng: np.random.Generator) -> Iterator[Measure]:
    channels = batches[1].spec.channels
    if not {"I", "II"} <= set(channels) or not set(FROM_I_AND_II) & set(channels):
        return

    def residual(x: Floats) -> Floats:
        found = einthoven_residual(x, channels)
        return np.where(found < ROUNDING, 0.0, found)

    meaning = "How far the limb leads are from following out of I and II, over lead II; 0 within 1 %, as in nature."
    yield from Named("Einthoven residual", "", meaning).measure(Trio.of(batches, by_blocks(residual)), of_second, rng)
