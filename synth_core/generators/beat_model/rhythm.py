"""When beats come: an autoregression about a mean interval, and ectopic beats that come early and are followed late."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SHORTEST, LONGEST = 0.26, 3.0  # s between beats
IRREGULAR = 0.10  # rmssd over mean above which a rhythm is irregular in itself: atrial fibrillation, mostly
REFRACTORY = 0.5  # of the mean interval: how early an irregular beat can come

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Rhythm:
    """Of one record.

    Parameters
    ----------
    mean : s, of the intervals between usual beats.
    variation : root mean square of successive differences, over the mean.
    memory : lag-1 correlation of the intervals, −0.9 to 0.95.
    ectopic : share of ectopic beats.
    coupling, pause : intervals before and after an ectopic beat, over the mean.
    """

    mean: float
    variation: float
    memory: float
    ectopic: float = 0.0
    coupling: float = 0.7
    pause: float = 1.2


def rhythm_of(rr: Floats, ectopic: NDArray[np.bool_]) -> Rhythm:
    """What the intervals (beats − 1,) of a record say; those about ectopic beats are left to themselves."""
    usual = ~(ectopic[:-1] | ectopic[1:])
    own = rr[usual] if usual.sum() >= 3 else rr
    mean = float(np.median(own)) if usual.sum() < 3 else float(own.mean())
    pairs = usual[:-1] & usual[1:]
    steps = np.diff(rr)[pairs] if pairs.sum() >= 2 else np.diff(rr)
    variation = float(np.sqrt(np.mean(steps**2)) / mean) if len(steps) else 0.02
    spread = float(own.var())
    # E[(x' − x)²] = 2 σ² (1 − ρ)
    memory = 1 - float(np.mean(steps**2)) / (2 * spread) if spread > 0 and len(steps) else 0.0
    coupled, paused = rr[ectopic[1:]], rr[ectopic[:-1]]
    return Rhythm(
        mean,
        max(variation, 1e-3),
        float(np.clip(memory, -0.9, 0.95)),
        float(ectopic.mean()) if len(ectopic) else 0.0,
        float(np.median(coupled) / mean) if len(coupled) else 0.7,
        float(np.median(paused) / mean) if len(paused) else 1.2,
    )


def drawn_beats(rhythm: Rhythm, seconds: float, rng: np.random.Generator) -> tuple[Floats, NDArray[np.bool_]]:
    """(beats,) times of R in s, from before 0 to beyond the end, and which beats are ectopic."""
    count = int(seconds / (rhythm.mean * (1 - min(0.4, rhythm.ectopic)))) + 8
    memory = np.clip(rhythm.memory, -0.9, 0.95)
    spread = rhythm.variation / np.sqrt(2 * (1 - memory))
    noise = _innovations(rhythm, count, rng)
    deviation = np.empty(count)
    deviation[0] = noise[0]
    for beat in range(1, count):
        deviation[beat] = memory * deviation[beat - 1] + np.sqrt(1 - memory**2) * noise[beat]
    rr = rhythm.mean * np.maximum(1 + spread * deviation, REFRACTORY)
    odd = rng.random(count) < rhythm.ectopic
    odd[:2] = False
    early, late = np.flatnonzero(odd), np.flatnonzero(odd[:-1]) + 1
    rr[late] = rhythm.mean * rhythm.pause * np.exp(0.05 * rng.standard_normal(len(late)))
    rr[early] = rhythm.mean * rhythm.coupling * np.exp(0.05 * rng.standard_normal(len(early)))
    rr = np.clip(rr, SHORTEST, LONGEST)
    return np.cumsum(rr) - rr[0] - rr[1] * (1 + rng.random()), odd


def _innovations(rhythm: Rhythm, count: int, rng: np.random.Generator) -> Floats:
    """Standard ones: normal in sinus rhythm; skewed to long intervals where the rhythm is irregular in itself."""
    if rhythm.variation < IRREGULAR:
        return rng.standard_normal(count)
    shape = 5.0
    return (rng.gamma(shape, size=count) - shape) / np.sqrt(shape)
