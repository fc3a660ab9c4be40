"""Beats brought to common landmarks before they are compared, and back (Ramsay & Silverman 2005, ch. 7).

The sum of two QRS complexes of unlike width, or with the T wave at unlike places, is neither's. The landmarks are the
centre and width of the QRS complex and the middle of the T wave, all three by the energy of the slope in all leads.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synth_core.generators.beat_model.beat import AFTER, BEFORE, Grid

QRS_WINDOW = 0.11  # s on either side of R
T_WINDOW = (0.17, 0.50)  # s after the centre of the QRS complex
SPREADS = 2.2  # of the slope's energy, on either side of the centre, that are moved as one
STANDARD = (0.025, 0.31)  # s: spread of a QRS complex, middle of a T wave
LIMITS = ((0.010, 0.045), (0.22, 0.42))
LANDMARKS = 2

Floats = NDArray[np.float64]


def landmarks(shape: Floats, grid: Grid) -> tuple[float, Floats]:
    """Centre of the QRS complex in s from R, and (2,) s: its spread, and from the centre to the middle of T."""
    energy = (np.gradient(shape, axis=-1) ** 2).sum(0)
    time = (np.arange(len(energy)) - grid.before) / grid.fine
    centre, spread = 0.0, QRS_WINDOW
    for reach in (QRS_WINDOW, 0.9 * QRS_WINDOW):
        centre, spread = _moments(energy, time, centre - reach, centre + reach)
    middle = _moments(energy, time, centre + T_WINDOW[0], centre + T_WINDOW[1])[0] - centre
    found = [np.clip(value, *limits) for value, limits in zip((spread, middle), LIMITS, strict=True)]
    return centre, np.array(found)


def _moments(energy: Floats, time: Floats, begin: float, end: float) -> tuple[float, float]:
    inside = (time >= begin) & (time <= end)
    weight = np.where(inside, energy, 0.0)
    total = weight.sum()
    if not total > 0:
        return (begin + end) / 2, (end - begin) / 4
    mean = float((weight * time).sum() / total)
    return mean, float(np.sqrt((weight * (time - mean) ** 2).sum() / total))


def registered(shape: Floats, grid: Grid) -> tuple[Floats, Floats]:
    """The shape (leads, width) with its landmarks at the standard places, and where they were."""
    centre, found = landmarks(shape, grid)
    return _warped(shape, grid, _knots(0.0, np.array(STANDARD)), _knots(centre, found)), found


def placed(shape: Floats, found: Floats, grid: Grid) -> Floats:
    """The inverse, with the centre of the QRS complex at R."""
    return _warped(shape, grid, _knots(0.0, found), _knots(0.0, np.array(STANDARD)))


def _knots(centre: float, found: Floats) -> Floats:
    half = SPREADS * found[0]
    return np.array([-BEFORE, centre - half, centre, centre + half, centre + found[1], AFTER])


def _warped(shape: Floats, grid: Grid, at: Floats, source: Floats) -> Floats:
    time = (np.arange(shape.shape[1]) - grid.before) / grid.fine
    position = np.interp(time, at, source) * grid.fine + grid.before
    low = np.clip(position.astype(int), 0, shape.shape[1] - 2)
    share = np.clip(position - low, 0, 1)
    return shape[:, low] * (1 - share) + shape[:, low + 1] * share
