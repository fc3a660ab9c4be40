"""Whether the leads of an ECG fit together: Einthoven's and Goldberger's relations, and exchanged electrodes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from synth_core.beats import Beats, beats_of_each
from synth_core.errors import SpecMismatch
from synth_core.leads import FROM_I_AND_II
from synth_core.metrics.connectivity import correlation

BEFORE, AFTER = 0.25, 0.45  # s around the R peak: P wave to T wave
CHEST = ("V1", "V2", "V3", "V4", "V5", "V6")

# Logistic regressions on 275 PTB-XL patients against the same ECGs with electrodes exchanged by computation: arms,
# right arm and leg; pairs of chest leads. On 120 other patients LA/RA is told from as recorded with an AUC of 0.998.
LIMB_WEIGHTS = (-2.29, 6.45, 4.15)  # of corr(I, V6), corr(aVR, V6), constant
LIMB_WEIGHTS_WITHOUT_V6 = (-1.97, 1.86, 0.99)  # of the polarities of I and aVR, constant
CHEST_WEIGHTS = (12.02, 4.11)  # of the unevenness of V1 to V6, constant

Floats = NDArray[np.float64]


def einthoven_residual(x: ArrayLike, leads: Sequence[str]) -> Floats:
    """How far the limb leads are from following out of I and II: III = II − I, aVR = −(I + II)/2, aVL, aVF.

    Parameters
    ----------
    x : (..., leads, samples) in physical values, before any scaling of single leads.
    leads : their names; I and II and at least one that follows from them.

    Returns
    -------
    (...): the largest root mean square of a relation's residual, over that of lead II; 0 when all hold, NaN where lead
    II is flat. Blind to exchanged arm electrodes, which keep every relation: see `lead_reversal_score`.

    Raises
    ------
    SpecMismatch : when names and channels do not fit, or the leads have no relation among them.
    """
    values = _named(x, leads, ndim=2)
    names = list(leads)
    present = [lead for lead in FROM_I_AND_II if lead in names]
    if not {"I", "II"} <= set(names) or not present:
        wanted = "leads I, II and one of III, aVR, aVL, aVF"
        raise SpecMismatch(f"The limb leads' relations need {wanted}. Got {', '.join(names)} instead.")
    one, two = values[..., names.index("I"), :], values[..., names.index("II"), :]
    residuals = [
        _rms(values[..., names.index(lead), :] - a * one - b * two)
        for lead, (a, b) in FROM_I_AND_II.items()
        if lead in present
    ]
    reference = _rms(two)
    largest = np.max(residuals, axis=0)
    return np.asarray(np.divide(largest, reference, out=np.full(reference.shape, np.nan), where=reference > 0))


def lead_reversal_score(x: ArrayLike, leads: Sequence[str], *, rate: float) -> Floats:
    """How much an ECG looks as if electrodes were exchanged: arms, right arm and leg, or chest electrodes.

    Lead I and V6 see the heart from the left and agree, aVR sees it from the right and is their opposite (Kors and van
    Herpen 2001); from V1 to V6 the complexes change step by step. Exchanged electrodes break one or the other. Left arm
    with left leg is not seen: it turns the axis within what is normal.

    Parameters
    ----------
    x : (leads, samples) or (n, leads, samples).
    leads : their names: I and II at least, so that aVR is known; V1 to V6 make it sharper.
    rate : Hz.

    Returns
    -------
    () or (n,) in [0, 1], higher is more likely exchanged; NaN where no beats could be measured.

    Raises
    ------
    SpecMismatch : when names and channels do not fit, or I or II is missing.
    """
    values = _named(x, leads, ndim=2)
    records = values.reshape(-1, *values.shape[-2:])
    score = reversal_of_average(average_beats(records, rate, beats_of_each(records, rate)), leads, rate)
    return np.asarray(score.reshape(values.shape[:-2]))


def average_beats(x: ArrayLike, rate: float, found: Iterable[Beats]) -> Floats:
    """The median beat of every record, from 250 ms before to 450 ms after the R peak.

    Parameters
    ----------
    x : (n, leads, samples).
    rate : Hz.
    found : the n records' beats.

    Returns
    -------
    (n, leads, time), each lead with its own median taken off; NaN where fewer than two beats lie within the record.
    """
    records = np.asarray(x)
    before, after = round(BEFORE * rate), round(AFTER * rate)
    average = np.full((*records.shape[:2], before + after), np.nan)
    for row, (record, rhythm) in enumerate(zip(records, found, strict=True)):
        whole = rhythm.peaks[(rhythm.peaks >= before) & (rhythm.peaks < record.shape[-1] - after)]
        if len(whole) >= 2:
            average[row] = np.median(record[:, whole[:, None] + np.arange(-before, after)], axis=1)
    return average - np.median(average, axis=-1, keepdims=True)


def reversal_of_average(average: Floats, leads: Sequence[str], rate: float) -> Floats:
    """`lead_reversal_score` of median beats (n, leads, time) as `average_beats` makes them."""
    names = list(leads)
    if not {"I", "II"} <= set(names):
        raise SpecMismatch(f"Exchanged electrodes show in leads I and II. Got {', '.join(names)} instead.")
    cues = limb_cues(average, names, rate)
    weights = LIMB_WEIGHTS if "V6" in names else LIMB_WEIGHTS_WITHOUT_V6
    limbs = expit(cues @ np.array(weights[:-1]) + weights[-1])
    if not set(CHEST) <= set(names):
        return np.asarray(limbs)
    chest = expit(CHEST_WEIGHTS[0] * chest_unevenness(average, names) + CHEST_WEIGHTS[1])
    return np.asarray(1 - (1 - limbs) * (1 - chest))


def limb_cues(average: Floats, names: list[str], rate: float) -> Floats:
    """(n, 2): correlations of I and aVR with V6, or without V6 the polarities of their QRS, each in [−1, 1]."""
    one, two = average[:, names.index("I")], average[:, names.index("II")]
    pair = (one, -(one + two) / 2)
    if "V6" in names:
        return np.stack([correlation(lead, average[:, names.index("V6")]) for lead in pair], axis=1)
    centre, reach = round(BEFORE * rate), round(0.06 * rate)
    return np.stack([_polarity(lead[:, centre - reach : centre + reach + 1]) for lead in pair], axis=1)


def chest_unevenness(average: Floats, names: list[str]) -> Floats:
    """(n,) log of the mean change from chest lead to next over the mean change from lead to next but one."""
    chest = average[:, [names.index(lead) for lead in CHEST]]
    near = np.abs(chest[:, 1:] - chest[:, :-1]).mean((1, 2))
    wide = np.abs(chest[:, 2:] - chest[:, :-2]).mean((1, 2))
    return np.log(np.divide(near, wide, out=np.full(near.shape, np.nan), where=wide > 0))


def _polarity(complexes: Floats) -> Floats:
    high, low = complexes.max(-1), complexes.min(-1)
    return np.divide(high + low, high - low, out=np.full(high.shape, np.nan), where=high > low)


def _rms(values: Floats) -> Floats:
    return np.asarray(np.sqrt((values**2).mean(-1)))


def _named(x: ArrayLike, leads: Sequence[str], ndim: int) -> Floats:
    values = np.asarray(x, dtype=np.float64)
    if values.ndim < ndim or values.shape[-2] != len(leads):
        raise SpecMismatch(f"Values must have shape (..., {len(leads)} leads, samples). Got {values.shape} instead.")
    return values
