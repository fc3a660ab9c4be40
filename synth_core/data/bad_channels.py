"""Channels that are bad in a whole recording: too loud or too quiet, or unlike all others.

Bigdely-Shamlo et al. 2015, The PREP pipeline, Frontiers in Neuroinformatics 9:16. Judged on excerpts spread over the
recording, so that memory does not grow with it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from synth_core.data.preparation import Preparation
from synth_core.data.recording import Recording

EXCERPTS, EXCERPT_SECONDS = 30, 4.0
FEWEST = 4  # channels: among fewer, no majority says what is usual
MAD = 1.4826  # median absolute deviation → standard deviation of a normal distribution


def bad_channels(recording: Recording, preparation: Preparation) -> set[int]:
    """Rows of the bad channels; none where no limit is set or there are fewer than four channels."""
    limit_z, limit_correlation = preparation.bad_channel_z, preparation.bad_channel_correlation
    if (limit_z is None and limit_correlation is None) or recording.spec.shape[0] < FEWEST:
        return set()
    deviations, correlations = _statistics(recording)
    bad = np.zeros(len(deviations), bool)
    if limit_z is not None:
        bad |= np.abs(deviations) > limit_z
    if limit_correlation is not None:
        bad |= correlations < limit_correlation
    return {int(row) for row in np.flatnonzero(bad)}


def _statistics(recording: Recording) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Per channel: robust z of the log variance, and the largest absolute correlation with another channel."""
    variances, correlations = [], []
    for excerpt in _excerpts(recording):
        centred = excerpt - excerpt.mean(axis=1, keepdims=True)
        power = (centred**2).mean(axis=1)
        variances.append(power)
        scale = np.sqrt(np.outer(power, power))
        products = np.abs(centred @ centred.T / centred.shape[1])
        alike = np.divide(products, scale, out=np.zeros_like(products), where=scale > 0)
        np.fill_diagonal(alike, 0.0)
        correlations.append(alike.max(axis=1))
    if not variances:
        nothing = np.zeros(recording.spec.shape[0])
        return nothing, nothing + 1
    logarithms = np.log(np.median(variances, axis=0) + np.finfo(float).tiny)
    distance = logarithms - np.median(logarithms)
    spread = MAD * np.median(np.abs(distance))
    return distance / max(spread, 1e-6), np.median(correlations, axis=0)


def _excerpts(recording: Recording) -> Iterator[NDArray[np.float64]]:
    """(channels, samples), without missing values."""
    samples = recording.spec.shape[1]
    length = min(samples, max(2, round(EXCERPT_SECONDS * recording.spec.rate)))
    for start in np.unique(np.linspace(0, samples - length, EXCERPTS).astype(int)):
        excerpt = recording.read(int(start), int(start) + length).astype(np.float64)
        if np.isfinite(excerpt).all():
            yield excerpt
