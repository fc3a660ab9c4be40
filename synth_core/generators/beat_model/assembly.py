"""A record put together: beats of one heart laid out in its rhythm, breathing, ectopic beats, and noise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from synth_core.generators.beat_model.beat import Grid, laid_out
from synth_core.generators.beat_model.code import Heart
from synth_core.generators.beat_model.common import Common
from synth_core.generators.beat_model.noise import drawn_noise
from synth_core.generators.beat_model.rhythm import drawn_beats

BREATHS = (0.15, 0.35)  # Hz
BREATHING = 0.5  # of the variance of a complex's height that is breathing; the rest is from beat to beat

Floats = NDArray[np.float64]


def record(heart: Heart, common: Common, samples: int, grid: Grid, ectopic: bool, rng: np.random.Generator) -> Floats:
    """One record (leads, samples) in physical units at `grid.rate`."""
    roots = common.sharing[int(heart.shape is None)].cpu().numpy().astype(np.float64)
    noise = drawn_noise(heart.power, roots, samples, grid.rate, rng)
    if heart.shape is None:
        return common.levelled(noise, rng)
    rhythm = heart.rhythm
    if ectopic:
        other, share, coupling, pause = common.ectopic_beat(rng)
        rhythm = replace(rhythm, ectopic=share, coupling=coupling, pause=pause)
    peaks, odd = drawn_beats(rhythm, samples / grid.rate, rng)
    shapes = heart.shape * gains_of(heart, common, peaks, rng)[..., None]
    if ectopic:
        shapes[odd] = other * float(np.sqrt((heart.shape**2).mean()))
    fine = laid_out(shapes, np.round(peaks * grid.fine), samples * grid.factor, grid)
    return common.levelled(fine[:, :: grid.factor] + noise, rng)


def gains_of(heart: Heart, common: Common, peaks: Floats, rng: np.random.Generator) -> Floats:
    """(beats, leads) height of each complex over the usual one: a sine of breathing, and chance."""
    root = common.sway.cpu().numpy().astype(np.float64)
    wave = np.sqrt(2) * np.sin(2 * np.pi * (rng.uniform(*BREATHS) * peaks + rng.random()))
    leads = len(root)
    breathing = np.outer(wave, root @ rng.standard_normal(leads))
    chance = rng.standard_normal((len(peaks), leads)) @ root.T
    mixed = np.sqrt(BREATHING) * breathing + np.sqrt(1 - BREATHING) * chance
    return 1 + np.clip(heart.sway * mixed, -0.5, 0.6)
