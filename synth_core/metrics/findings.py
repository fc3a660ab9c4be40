"""Failures first: the synthetic examples that a reader should look at before any other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from synth_core.metrics.report import Finding
from synth_core.types import Batch

SHOWN = 6


def least_realistic(
    scores: NDArray[np.float64], synthetic: Batch, rows: Sequence[int], shown: int = SHOWN
) -> tuple[Finding, ...]:
    """The examples that a classifier is surest about.

    Parameters
    ----------
    scores : (n,) out-of-fold probability of being synthetic.
    synthetic : the n examples.
    rows : their positions in the set that was given.
    """
    worst = np.argsort(-scores, kind="stable")[:shown]
    return tuple(
        Finding("least realistic", int(rows[i]), float(scores[i]), synthetic.values[int(i)].numpy()) for i in worst
    )
