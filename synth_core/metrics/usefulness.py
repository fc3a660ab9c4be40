"""Is it useful: what a classifier learns from synthetic examples, as a share of what it learns from real ones."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from synth_core.metrics.bootstrap import bootstrap
from synth_core.metrics.classifier import Recovery, recovery_score
from synth_core.metrics.measure import Measure
from synth_core.metrics.score import Score
from synth_core.types import Batch

Floats = NDArray[np.float64]

UNKNOWN = (math.nan, math.nan)


def chance_level(truth: Floats, measure: str) -> float:
    """What a classifier reaches that knows nothing: ½ of an AUROC, 1 / classes of a balanced accuracy.

    Parameters
    ----------
    truth : (n, classes) of 0 and 1; only classes that occur count, since naming one of them is right so often.
    measure : "balanced accuracy" or "macro AUROC".
    """
    return 0.5 if measure == "macro AUROC" else 1 / max(1, int(truth.any(0).sum()))


def usefulness_measures(
    title: str, from_real: Recovery, from_synthetic: Recovery, test: Batch, n_synthetic: int, rng: np.random.Generator
) -> Iterator[Measure]:
    """What is recovered, and the share (synthetic − chance) / (real − chance).

    Parameters
    ----------
    title : of the method, "network" or "features".
    from_real, from_synthetic : of the same held-out examples `test`.
    n_synthetic : examples that were learned from.

    Yields
    ------
    Two measures. The share is not known where the interval of the classifier that learned from real examples holds
    chance, or has none, as with one person: what cannot be learned from real examples shows nothing of synthetic ones.
    """
    truth, measure = from_real.truth, from_real.measure
    chance = chance_level(truth, measure)

    def of(found: Recovery, rows: NDArray[np.intp]) -> float:
        return recovery_score(truth[rows], found.predicted[rows], measure)

    def share(rows: NDArray[np.intp]) -> float:
        learned = of(from_real, rows) - chance
        return (of(from_synthetic, rows) - chance) / learned if learned > 0 else math.nan

    everyone = np.arange(len(test))
    real, made, ratio = (
        bootstrap(metric, everyone, groups=[test.subjects], rng=rng)
        for metric in (lambda rows: of(from_real, rows), lambda rows: of(from_synthetic, rows), share)
    )
    sizes = {"n_real": len(test), "n_synthetic": n_synthetic}
    score = Score.against(from_real.score, from_synthetic.score, made, **sizes)
    meaning = (
        f"Trained on synthetic, tested on held-out real; the floor is the same classifier trained on real. Chance is "
        f"{chance:.3g}."
    )
    yield Measure(f"{measure}, {title}", "", "all", "higher", score, meaning, question="usefulness")
    said = "Trained on synthetic over trained on real, both above chance, on the same held-out real examples."
    if real[0] > chance:
        relative = Score.against(1.0, share(everyone), ratio, **sizes)
    else:
        relative = Score.against(1.0, math.nan, UNKNOWN, **sizes)
        reason = "of one person nothing follows" if math.isnan(real[0]) else _not_above(from_real.score, real, chance)
        said = f"{said} Not known: {reason}."
    yield Measure(f"usefulness, {title}", "", "all", "higher", relative, said, question="usefulness")


def _not_above(score: float, interval: tuple[float, float], chance: float) -> str:
    return (
        f"real examples teach no more than chance ({score:.2f}, {interval[0]:.2f} to {interval[1]:.2f}; {chance:.2f})"
    )
