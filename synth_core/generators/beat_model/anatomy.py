"""A record taken apart: the beats of one heart, their rhythm, and the spectrum of what is left.

R peaks are found in all leads together (synth_core.beats) and moved to the steepest point, then to where each beat
agrees best with the median of all. A beat unlike the others is ectopic and has a shape of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy import signal as sps

from synth_core.beats import beats
from synth_core.generators.beat_model.beat import LEVEL, Grid, intervals_before, laid_out
from synth_core.generators.beat_model.noise import band_spectra

FEWEST_BEATS = 4
SEARCH = 0.06  # s about a detected peak, within which the steepest point is R
ALIGNMENT = 0.02  # s
COMPLEX = 0.08  # s on either side of R: the QRS complex
BRIDGED = 0.07  # s on either side of R that say nothing of the noise
ALIKE = 0.8  # correlation with the median complex below which a beat is ectopic
SMALL_LEAD = 0.05  # of the average energy of a complex
LARGEST_SHARE = 0.4  # of beats that can be ectopic; beyond, there is no usual beat

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Anatomy:
    """The parts of one record.

    Parameters
    ----------
    shape : (leads, width) the usual beat on the fine grid; None where no beats can be told from noise.
    rr : (beats − 1,) s, between successive beats.
    ectopic : (beats,) bool.
    gains : (beats, leads) height of each complex over the usual one.
    other : (leads, width) the usual ectopic beat, or None.
    level : (leads,) mean of the record, which a source's high-pass filter brings to 0 whatever the beats are.
    power : (leads, bands), sharing : (bands, leads, leads) of the noise; see noise.py.
    """

    shape: Floats | None
    rr: Floats
    ectopic: NDArray[np.bool_]
    gains: Floats
    other: Floats | None
    level: Floats
    power: Floats
    sharing: Floats


def anatomy_of(x: Floats, rate: float) -> Anatomy:
    """Take apart one record (leads, samples)."""
    grid = Grid(rate)
    found = beats(x, rate) if rate >= 60 else None
    if found is None or len(found.peaks) < FEWEST_BEATS:
        return _beatless(x, rate)
    fine = sps.resample_poly(x, grid.factor, 1, axis=-1, padtype="line") if grid.factor > 1 else x
    peaks = steepest(fine, found.peaks * grid.factor, grid)
    shape, ectopic = _usual(fine, peaks, grid)
    for _ in range(2):
        peaks = _aligned(fine, peaks, shape, grid)
        shape, ectopic = _usual(fine, peaks, grid)
    if len(peaks) < FEWEST_BEATS:
        return _beatless(x, rate)
    gains = _gains(fine, peaks, shape, grid)
    other = _median_shape(fine, peaks, ectopic, grid) if ectopic.any() else None
    shapes = np.repeat(shape[None], len(peaks), 0) * np.where(ectopic[:, None], 1, gains)[..., None]
    if other is not None:
        shapes[ectopic] = other
    left = fine - laid_out(shapes, peaks, fine.shape[-1], grid)
    left = _bridged(left, peaks, ectopic, grid)[:, :: grid.factor][:, : x.shape[-1]]
    power, sharing = band_spectra(left, rate)
    return Anatomy(shape, np.diff(peaks) / grid.fine, ectopic, gains, other, x.mean(-1), power, sharing)


def _beatless(x: Floats, rate: float) -> Anatomy:
    nothing = np.empty(0)
    return Anatomy(None, nothing, np.empty(0, dtype=bool), nothing, None, x.mean(-1), *band_spectra(x, rate))


def steepest(fine: Floats, peaks: NDArray, grid: Grid) -> Floats:
    """(beats,) where all leads together are steepest near each peak: fine samples, no two within 200 ms."""
    steep = ndimage.uniform_filter1d(np.abs(np.gradient(fine, axis=-1)).sum(0), grid.samples(0.015))
    reach = grid.samples(SEARCH)
    around = np.clip(peaks[:, None] + np.arange(-reach, reach + 1), 0, fine.shape[-1] - 1)
    moved = around[np.arange(len(peaks)), steep[around].argmax(1)]
    moved = np.unique(moved)
    apart = np.append(True, np.diff(moved) > grid.samples(0.2))
    return moved[apart].astype(float)


def _snippets(fine: Floats, places: Floats) -> Floats:
    """(beats, leads, width) by linear interpolation; NaN outside the record."""
    low = np.clip(np.floor(places).astype(int), 0, fine.shape[-1] - 2)
    share = places - low
    cut = fine[:, low] * (1 - share) + fine[:, low + 1] * share  # (leads, beats, width)
    cut[:, (places < 0) | (places > fine.shape[-1] - 1)] = np.nan
    return cut.transpose(1, 0, 2)


def levelled(fine: Floats, peaks: Floats, grid: Grid) -> Floats:
    """(beats, leads, width): each beat from its own beginning to that of the next, which is NaN outside, from 0."""
    places = grid.places(peaks)
    begins = grid.beginnings(peaks)
    ends = np.append(begins[1:], np.inf)
    cut = _snippets(fine, places)
    start = (places >= begins[:, None]) & (places <= begins[:, None] + grid.samples(LEVEL))
    start = start[:, None] & np.isfinite(cut)
    count = start.sum(-1, keepdims=True)
    level = np.where(start, cut, 0.0).sum(-1, keepdims=True) / np.where(count > 0, count, np.nan)
    outside = (places < begins[:, None]) | (places > ends[:, None])
    return np.where(outside[:, None], np.nan, cut - level)


def _median_shape(fine: Floats, peaks: Floats, chosen: NDArray[np.bool_], grid: Grid) -> Floats:
    """(leads, width) median of the chosen beats; what no beat reaches is continued from where they end."""
    cut = levelled(fine, peaks, grid)[chosen]
    known = np.isfinite(cut[:, 0]).sum(0)
    enough = known >= max(1, min(3, known.max() // 2))
    shape = np.nanmedian(np.where(enough, cut, 0.0), axis=0)
    inside = np.flatnonzero(enough)
    if not len(inside):
        return np.zeros_like(shape)
    shape[:, : inside[0]] = 0.0
    shape[:, inside[-1] + 1 :] = shape[:, inside[-1]][:, None]
    return shape


def _usual(fine: Floats, peaks: Floats, grid: Grid) -> tuple[Floats, NDArray[np.bool_]]:
    """The median beat of those that are alike, and which are not."""
    everyone = np.ones(len(peaks), dtype=bool)
    shape = _median_shape(fine, peaks, everyone, grid)
    inner = (grid.beginnings(peaks) >= 0) & (peaks + grid.samples(2 * COMPLEX) < fine.shape[-1])
    alike = (_likeness(fine, peaks, shape, grid) >= ALIKE) | ~inner  # what the record cuts off is not judged
    if alike.mean() < 1 - LARGEST_SHARE or alike.sum() < 3:
        return shape, ~everyone
    return _median_shape(fine, peaks, alike, grid), ~alike


def _complexes(fine: Floats, peaks: Floats, shape: Floats, grid: Grid) -> tuple[Floats, Floats]:
    reach = grid.samples(COMPLEX)
    cut = _snippets(fine, peaks[:, None] + np.arange(-reach, reach + 1)).reshape(len(peaks), len(fine), -1)
    usual = shape[:, grid.before - reach : grid.before + reach + 1]
    cut = np.nan_to_num(cut - np.nanmean(cut, -1, keepdims=True))
    return cut.reshape(len(peaks), -1), (usual - usual.mean(-1, keepdims=True)).ravel()


def _likeness(fine: Floats, peaks: Floats, shape: Floats, grid: Grid) -> Floats:
    cut, usual = _complexes(fine, peaks, shape, grid)
    return cut @ usual / np.maximum(np.linalg.norm(cut, axis=1) * np.linalg.norm(usual), 1e-12)


def _gains(fine: Floats, peaks: Floats, shape: Floats, grid: Grid) -> Floats:
    """(beats, leads); what is small in a lead is no measure of it, hence the energy of the average lead below."""
    cut, usual = (part.reshape(*part.shape[:-1], len(fine), -1) for part in _complexes(fine, peaks, shape, grid))
    energy = (usual**2).sum(-1)
    deviation = ((cut - usual) * usual).sum(-1) / (energy + SMALL_LEAD * energy.mean() + 1e-12)
    return 1 + np.clip(deviation, -0.5, 0.6)


def _aligned(fine: Floats, peaks: Floats, shape: Floats, grid: Grid) -> Floats:
    reach = grid.samples(ALIGNMENT)
    shifts = np.arange(-reach, reach + 1)
    fits = np.stack([_likeness(fine, peaks + shift, shape, grid) for shift in shifts])
    moved = peaks + shifts[fits.argmax(0)]
    return moved[np.append(True, np.diff(moved) > grid.samples(0.2))]


def _bridged(left: Floats, peaks: Floats, ectopic: NDArray[np.bool_], grid: Grid) -> Floats:
    """The residual with straight lines across QRS complexes and whole ectopic beats."""
    hidden = np.zeros(left.shape[-1], dtype=bool)
    for peak, odd, before in zip(peaks, ectopic, intervals_before(peaks), strict=True):
        early, late = (0.25, 0.5) if odd else (BRIDGED, BRIDGED)
        early = min(early, 0.3 * before / grid.fine)
        hidden[max(0, int(peak - grid.samples(early))) : int(peak + grid.samples(late)) + 1] = True
    at = np.arange(left.shape[-1])
    if hidden.mean() > 0.7:
        return left
    return np.stack([np.interp(at, at[~hidden], row[~hidden]) for row in left])
