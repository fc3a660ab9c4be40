"""Failures first: the synthetic examples that a reader should look at before any other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from synth_core.metrics.report import Finding
from synth_core.metrics.safety import CopyPair
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


def closest(
    pairs: Sequence[CopyPair], batches: tuple[Batch, Batch, Batch], rows: tuple[Sequence[int], Sequence[int]]
) -> tuple[Finding, ...]:
    """The synthetic examples that resemble a training example most, beside it.

    Parameters
    ----------
    pairs : the most similar first.
    batches : the training, held-out and synthetic examples that the pairs number.
    rows : positions of the training and of the synthetic ones in the sets that were given.
    """
    train, _, synthetic = batches
    return tuple(
        Finding(
            "closest copy",
            int(rows[1][pair.synthetic]),
            pair.similarity,
            synthetic.values[pair.synthetic].numpy(),
            int(rows[0][pair.train]),
            train.values[pair.train].numpy(),
        )
        for pair in pairs
    )
