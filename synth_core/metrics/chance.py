"""Where public measures take their randomness from."""

from __future__ import annotations

import numpy as np

Random = np.random.Generator | int | None


def generator_of(rng: Random) -> np.random.Generator:
    """A generator as it is, one from a seed, or the fixed one of seed 0 for None: the same call gives the same."""
    return rng if isinstance(rng, np.random.Generator) else np.random.default_rng(0 if rng is None else rng)
