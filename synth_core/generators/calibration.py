"""Spectra of drawn signals corrected after training. Our own addition, measured in docs/results.md.

A network that has not converged is off by a decibel or two in each band, and by the same amount in all its examples of
a class. What is drawn is compared with the training data, and a filter without phase (balance.py) takes away the
difference of the mean log spectra, per channel and class. It cannot add structure: rhythms, morphology and what differs
from one example to the next stay as the network makes them.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from synth_core.generators.balance import balance_rows
from synth_core.generators.base import Generator
from synth_core.generators.stop_band import stop_band_gains
from synth_core.types import Batch, Condition

MOST = 256  # examples per class: 0.35 dB in a band of one frequency
FEWEST = 32  # below, the correction would be as uncertain as what it corrects
BLOCK = 64
LARGEST = 4.0  # of a gain, 12 dB: a spectrum further off is another failure than this can mend


def calibrate(generator: Generator, batches: Iterable[Batch], most: int, rng: torch.Generator) -> None:
    """Fit the correction of a trained generator; classes with fewer than 32 examples get that of all together.

    Parameters
    ----------
    generator : of signals, trained.
    batches : some thousand training examples.
    most : examples drawn, in all; with fewer than 32 per class nothing is corrected.
    rng : of the examples drawn.
    """
    scaling = generator.scaling
    scaling.set_balance(None)
    examples = list(batches)
    values = torch.cat([batch.values for batch in examples])
    labels = [batch.condition.labels for batch in examples if batch.condition.labels is not None]
    rows = balance_rows(torch.cat(labels)) if labels else torch.zeros(len(values), dtype=torch.long)
    groups = [row for row in rows.unique().tolist() if row and int((rows == row).sum()) >= FEWEST]
    n = min(MOST, most // (1 + len(groups)))
    if n < FEWEST or len(values) < FEWEST:
        return
    common = _gains(generator, values, None, n, rng)
    balance = common.repeat(1 + len(generator.spec.classes), 1, 1)
    for row in groups:
        balance[row] = _gains(generator, values[rows == row], row - 1, n, rng)
    scaling.set_balance(balance.to(generator.device))


def quieten(generator: Generator, batches: Iterable[Batch], most: int, rng: torch.Generator) -> None:
    """Take away from what a trained generator draws what the source's filter had taken away; parameters as above."""
    scaling, n = generator.scaling, min(MOST, most)
    scaling.set_balance(None)
    values = torch.cat([batch.values for batch in batches])
    if n < FEWEST or len(values) < FEWEST:
        return
    drawn = torch.cat([_drawn(generator, None, min(BLOCK, n - begin), rng) for begin in range(0, n, BLOCK)])
    gains = stop_band_gains(scaling.independent(values), scaling.independent(drawn), rounds=2)
    if gains is not None:
        scaling.set_balance(gains.repeat(1 + len(generator.spec.classes), 1, 1).to(generator.device))


def _gains(generator: Generator, real: Tensor, label: int | None, n: int, rng: torch.Generator) -> Tensor:
    """(channels, bands) that lead from the spectrum of `n` drawn examples to that of real ones."""
    drawn = [_drawn(generator, label, min(BLOCK, n - begin), rng) for begin in range(0, n, BLOCK)]
    ratio = generator.scaling.band_powers(real) / generator.scaling.band_powers(torch.cat(drawn))
    gains = ratio.sqrt().clamp(1 / LARGEST, LARGEST)
    gains[:, 0] = gains[:, 1]  # the mean of an example was taken away before it was measured
    return gains


def _drawn(generator: Generator, label: int | None, n: int, rng: torch.Generator) -> Tensor:
    if label is None:
        return generator.sample(n, rng=rng).values
    labels = torch.zeros(n, len(generator.spec.classes))
    labels[:, label] = 1
    return generator.sample(Condition(labels=labels), rng=rng).values
