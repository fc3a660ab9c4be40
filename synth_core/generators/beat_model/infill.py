"""The missing part of a record: its own beats, at the times at which this heart would have beaten.

What is known gives the clock and, lead by lead, the beat. In a gap of all leads the intervals about it are shared out
among as many beats as fit; a lead that shows no beat at all is inferred from those that do, by ridge regression on the
principal components of beats. Wander goes on in a straight line from edge to edge.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import signal as sps

from synth_core.beats import beats
from synth_core.generators.beat_model.anatomy import FEWEST_BEATS, levelled, steepest
from synth_core.generators.beat_model.beat import Grid, laid_out
from synth_core.generators.beat_model.code import BeatCode, Heart
from synth_core.generators.beat_model.noise import drawn_noise

MISSED = 1.6  # usual intervals; beyond, a beat between two known ones was hidden
EDGE = 0.08  # s about what is hidden, within which a peak may be of the edge
ENOUGH = 2  # beats that show a lead's shape

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Gap:
    """One record of which a part is known.

    Parameters
    ----------
    values : (leads, samples) in physical units; anything where `keep` is False.
    keep : (leads, samples) bool.
    """

    values: Floats
    keep: Mask

    @property
    def clock(self) -> tuple[Mask, Mask]:
        """(leads,) those that are known longest, and (samples,) when all of them are."""
        known = self.keep.sum(1)
        leads = known == known.max()
        return leads, self.keep[leads].all(0)


def filled(gap: Gap, heart: Heart, roots: Floats, code: BeatCode, rng: np.random.Generator) -> Floats | None:
    """(leads, samples) in rhythm with what is known; None where too few beats are known to tell.

    Parameters
    ----------
    heart : drawn for the same labels; its noise is what the new part gets.
    roots : of the sharing of noise between leads.
    """
    grid = code.grid
    samples = gap.values.shape[1]
    peaks, known = _clock(gap, grid)
    if known.sum() < FEWEST_BEATS:
        return None
    fine = _fine(np.where(gap.keep, gap.values, 0.0), grid)
    hidden = np.repeat(~gap.keep, grid.factor, axis=1)
    fine[hidden] = np.nan
    every = _with_hidden_beats(peaks[known], np.repeat(gap.clock[1], grid.factor), rng)
    shape, seen = _shapes(fine, peaks[known], grid)
    if not seen.any():
        return None
    shape = code.completed(shape, seen)
    made = laid_out(np.repeat(shape[None], len(every), 0), every, fine.shape[-1], grid)[:, :: grid.factor][:, :samples]
    noise = drawn_noise(heart.power, roots, samples, grid.rate, rng)
    return made + np.stack([_bridge(row, gap.values[k] - made[k], gap.keep[k]) for k, row in enumerate(noise)])


def _fine(values: Floats, grid: Grid) -> Floats:
    return sps.resample_poly(values, grid.factor, 1, axis=-1, padtype="line") if grid.factor > 1 else values.copy()


def _clock(gap: Gap, grid: Grid) -> tuple[Floats, Mask]:
    """(beats,) fine samples of R in the leads that are known longest, and which of them are not of an edge."""
    leads, when = gap.clock
    at = np.arange(len(when))
    if not when.any() or grid.rate < 60:
        return np.empty(0), np.empty(0, dtype=bool)
    bridged = np.stack([np.interp(at, at[when], row[when]) for row in gap.values[leads]])
    found = beats(bridged, grid.rate)
    if not len(found.peaks):
        return np.empty(0), np.empty(0, dtype=bool)
    peaks = steepest(_fine(bridged, grid), found.peaks * grid.factor, grid)
    near = np.repeat(~when, grid.factor)
    reach = grid.samples(EDGE)
    clear = [not near[max(0, int(peak) - reach) : int(peak) + reach + 1].any() for peak in peaks]
    return peaks, np.array(clear)


def _with_hidden_beats(known: Floats, when: Mask, rng: np.random.Generator) -> Floats:
    """Known beats and those that must lie hidden among, before and after them."""
    steps = np.diff(known)
    usual = float(np.median(steps))
    spread = float(np.std(steps[steps < MISSED * usual])) if (steps < MISSED * usual).any() else 0.02 * usual
    spread = min(spread, 0.15 * usual)
    every = [known[:1]]
    for begin, end in itertools.pairwise(known):
        count = round((end - begin) / usual)
        if count > 1 and not when[int(begin) : int(end)].all():
            inner = begin + (end - begin) * np.arange(1, count) / count
            every.append(inner + spread / 2 * rng.standard_normal(count - 1))
        every.append(np.array([end]))
    inside = np.concatenate(every)
    margin = int(np.ceil(len(when) / usual)) + 2
    early = inside[0] - np.cumsum(usual + spread * rng.standard_normal(margin))[::-1]
    late = inside[-1] + np.cumsum(usual + spread * rng.standard_normal(margin))
    return np.concatenate([early[early > -1.5 * usual], inside, late[late < len(when) + 1.5 * usual]])


def _shapes(fine: Floats, peaks: Floats, grid: Grid) -> tuple[Floats, Mask]:
    """(leads, width) median beat of each lead, and which leads show one."""
    cut = levelled(fine, peaks, grid)
    count = np.isfinite(cut).sum(0)  # (leads, width)
    middle = slice(grid.before - grid.samples(0.1), grid.before + grid.samples(0.2))
    seen = count[:, middle].min(1) >= ENOUGH
    shape = np.zeros(count.shape)
    for lead in np.flatnonzero(seen):
        known = np.flatnonzero(count[lead] > 0)
        median = np.nanmedian(cut[:, lead, known], axis=0)
        shape[lead] = np.interp(np.arange(count.shape[1]), known, median)
    return shape, seen


def _bridge(noise: Floats, left: Floats, keep: Mask) -> Floats:
    """What is left over where it is known; in between, noise about a straight line from edge to edge."""
    if not keep.any():
        return noise
    at = np.arange(len(keep))
    line = np.interp(at, at[keep], (left - noise)[keep])
    return np.where(keep, left, noise + line)
