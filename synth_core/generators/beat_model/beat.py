"""One beat in its place: which part of a record belongs to it, and how beats are laid end to end.

A beat owns the time from shortly before its P wave to the same point of the next one. Where the next comes late, the
T–P segment stretches along a straight line; where it comes early, the beat is cut. Whole windows added up would double
P and T waves above 67 beats a minute. All positions are samples of a grid that is fine enough (400 Hz and more) to
place a QRS complex without interpolation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FINEST = 400.0  # Hz; 2.5 ms place a QRS complex as well as 100 Hz can tell
BEFORE, AFTER = 0.30, 0.60  # s about R that a template spans
BEFORE_SHARE = 0.42  # of the interval before: a fast heart's P wave lies closer to R
FADE = 0.06  # s over which one beat hands over to the next
LEVEL = 0.06  # s at the beginning of a beat that are its zero
QRS_END = 0.06  # s after R; what comes later moves with the rate
QT_EXPONENT = 0.2  # of the beat before over the usual one; less than Bazett's, as QT follows within a minute

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Grid:
    """The fine grid of a sampling rate.

    Parameters
    ----------
    rate : Hz, of the records.
    """

    rate: float

    @property
    def factor(self) -> int:
        """Fine samples to a sample of a record."""
        return max(1, int(np.ceil(FINEST / self.rate)))

    @property
    def fine(self) -> float:
        """Hz."""
        return self.rate * self.factor

    def samples(self, seconds: float) -> int:
        """So many seconds in fine samples."""
        return round(seconds * self.fine)

    @property
    def before(self) -> int:
        """Fine samples of a template before R."""
        return self.samples(BEFORE)

    @property
    def width(self) -> int:
        """Fine samples of a template."""
        return self.samples(BEFORE) + self.samples(AFTER)

    def beginnings(self, peaks: Floats) -> Floats:
        """(beats,) where each beat begins; the interval before the first is taken to be the usual one."""
        before = intervals_before(peaks)
        return peaks - np.minimum(self.before, BEFORE_SHARE * before)

    def places(self, peaks: Floats, warped: bool = True) -> Floats:
        """(beats, width) positions in the record of the template's samples, T waves moved with the rate."""
        offset = np.arange(self.width) - self.before
        if not warped:
            return peaks[:, None] + offset
        end = self.samples(QRS_END)
        stretch = warps(peaks)[:, None]
        return peaks[:, None] + np.where(offset > end, end + (offset - end) * stretch, offset)


def intervals_before(peaks: Floats) -> Floats:
    """(beats,) from the beat before to each, in the unit of the peaks."""
    steps = np.diff(peaks)
    return np.concatenate([[np.median(steps)], steps])


def warps(peaks: Floats) -> Floats:
    """(beats,) how much longer or shorter than usual the beat is after its QRS complex."""
    before = intervals_before(peaks)
    return np.clip(before / np.median(before), 0.6, 1.5) ** QT_EXPONENT


def laid_out(shapes: Floats, peaks: Floats, samples: int, grid: Grid) -> Floats:
    """Beats end to end.

    Parameters
    ----------
    shapes : (beats, leads, width) on the fine grid, beginning at 0.
    peaks : (beats,) fine samples of R; beats before 0 and beyond the end fill the margins.
    samples : fine samples to make.

    Returns
    -------
    (leads, samples) of the unit of the shapes.
    """
    beats, leads, width = shapes.shape
    total, weights = np.zeros((leads, samples)), np.zeros(samples)
    begins, stretch = grid.beginnings(peaks), warps(peaks)
    ends = np.append(begins[1:], peaks[-1] + grid.samples(AFTER))
    fade, end = grid.samples(FADE) / 2, grid.samples(QRS_END)
    last = width - 1 - grid.before
    for beat in range(beats):
        first = max(0, int(np.ceil(begins[beat] - fade)))
        stop = min(samples, int(np.floor(ends[beat] + fade)) + 1)
        if first >= stop:
            continue
        at = np.arange(first, stop)
        offset = at - peaks[beat]
        offset = np.where(offset > end, end + (offset - end) / stretch[beat], offset)
        within = np.clip(offset + grid.before, 0, width - 1)
        low = np.minimum(within.astype(int), width - 2)
        share = within - low
        value = shapes[beat][:, low] * (1 - share) + shapes[beat][:, low + 1] * share
        over = np.clip(offset - last, 0, None)
        gap = max(1.0, (ends[beat] - peaks[beat] - end) / stretch[beat] + end - last)
        value = value * np.clip(1 - over / gap, 0, 1)
        weight = np.clip(np.minimum(at - (begins[beat] - fade), ends[beat] + fade - at) / (2 * fade), 0, 1)
        total[:, first:stop] += weight * value
        weights[first:stop] += weight
    return total / np.maximum(weights, 1e-9)
