"""What honest examples do not exceed: limits for all measures of a question together, from divisions of real people."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth_core.metrics.divisions import COUNT, RATE, family_bound, spread_above
from synth_core.metrics.measure import Measure, Question

KINDS = ("honest", "mixed")  # divisions of a `Score`
CALIBRATED: tuple[Question, ...] = ("realism", "safety")

Floats = NDArray[np.float64]


def with_limits(measures: Sequence[Measure], trusted: Callable[[Measure], bool]) -> list[Measure]:
    """The measures with a limit each, so that all trusted ones of a question keep theirs but at the rate `RATE`.

    Parameters
    ----------
    measures : of all questions and parts; those of the whole whose `Score.honest` is known get a limit.
    trusted : whether a measure has a say in the answer, and so belongs to the family.
    """
    bounds = {
        (question, kind): _bound([m for m in measures if m.question == question and trusted(m)], kind)
        for question in CALIBRATED
        for kind in KINDS
    }

    def limited(one: Measure) -> Measure:
        if one.question not in CALIBRATED or one.split != "all":
            return one
        sign = 1.0 if one.better == "lower" else -1.0
        found = [sign * _limit(one, kind, bounds[one.question, kind]) for kind in KINDS]
        known = [limit for limit in found if not math.isnan(limit)]
        return replace(one, score=replace(one.score, limit=sign * max(known))) if known else one

    return [limited(one) for one in measures]


def in_words(measures: Sequence[Measure]) -> dict[str, Any]:
    """What a report says of it: the rate, and from how many divisions of how many measures it comes."""
    limited = [one for one in measures if not math.isnan(one.score.limit)]
    families = {question: sum(one.question == question for one in limited) for question in CALIBRATED}
    return {
        "rate of honest sets that one measure or more goes against": f"{100 * RATE:g} % per question",
        "divisions of the real people": max((len(one.score.honest) for one in limited), default=0),
        **{f"measures of {question}": count for question, count in families.items()},
    }


def _bound(family: Sequence[Measure], kind: str) -> float:
    columns = [_worse_upwards(one, kind) for one in family if one.split == "all"]
    complete = [column for column in columns if len(column) == COUNT]
    return family_bound(np.stack(complete, axis=1)) if complete else math.nan


def _limit(measure: Measure, kind: str, bound: float) -> float:
    values = _worse_upwards(measure, kind)
    known = values[np.isfinite(values)]
    if math.isnan(bound) or not len(known):
        return math.nan
    sign = 1.0 if measure.better == "lower" else -1.0
    return sign * (max(sign * measure.score.floor, float(known.mean())) + bound * float(spread_above(known)))


def _worse_upwards(measure: Measure, kind: str) -> Floats:
    values = np.array(getattr(measure.score, kind))
    return values if measure.better == "lower" else -values
