"""Numbers into sentences: the verdicts first, then what this evaluation cannot say."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from synth_core.metrics.report import Measure
from synth_core.metrics.score import Score

WORDS = {
    "as real": "as close to held-out people as other real people are",
    "near": "near to real, not equal",
    "far": "clearly unlike real",
    "not known": "not known",
}
FEW_SUBJECTS = 10
FEW_EXAMPLES = 500


def sentences_for(measures: Sequence[Measure], settings: Mapping[str, Any]) -> tuple[str, ...]:
    """One sentence per question, then one per limit.

    Parameters
    ----------
    measures : of all parts; those of the part "all" are spoken about, and the class that fares worst.
    settings : as in `Report.settings`.
    """
    overall = {measure.name: measure for measure in measures if measure.part == "all"}
    spoken = [_realism(overall, name) for name in ("log-spectral distance", "amplitude distance", "Fréchet distance")]
    spoken += [_worst_class(measures), _told_apart(overall), _copying(overall), *_usefulness(overall)]
    return tuple(sentence for sentence in [*spoken, *_limits(settings, overall)] if sentence)


def _realism(overall: Mapping[str, Measure], name: str) -> str:
    measure = overall[name]
    score, unit = measure.score, f" {measure.unit}" if measure.unit else ""
    numbers = f"{score.value:.3g}{unit}{_interval(score, '.3g')}, real against real {score.floor:.3g}{unit}"
    return f"{name[0].upper()}{name[1:]}: {WORDS[measure.verdict]} ({numbers})."


def _interval(score: Score, form: str) -> str:
    """' (low to high)', or nothing where one subject gives no interval."""
    return "" if math.isnan(score.low) else f" ({score.low:{form}} to {score.high:{form}})"


def _worst_class(measures: Sequence[Measure]) -> str:
    classes = [m for m in measures if m.part != "all" and not math.isnan(m.score.ratio)]
    if len(classes) < 2:
        return ""
    worst = max(classes, key=lambda measure: measure.score.ratio)
    ratio = f"{worst.score.ratio:.1f} times its floor"
    return f"The class whose spectrum fares worst is {worst.part}: {worst.score.value:.3g} {worst.unit}, {ratio}."


def _told_apart(overall: Mapping[str, Measure]) -> str:
    score = overall["told apart (AUROC)"].score
    if score.low <= 0.5 or score.value <= max(0.5, score.floor):
        return f"A classifier does not tell synthetic from real by the features (AUROC {score.value:.2f})."
    how = "always" if score.value > 0.95 else "often" if score.value > 0.75 else "sometimes"
    return f"A classifier {how} tells synthetic from real by the features (AUROC {score.value:.2f}, guessing is 0.5)."


def _copying(overall: Mapping[str, Measure]) -> str:
    score = overall["closer to training"].score
    share = f"{100 * score.value:.0f} % of the synthetic examples are nearer to a training than to a held-out example"
    if (score.value if math.isnan(score.low) else score.low) <= 0.5:
        return f"No sign of copying: {share}; 50 % are expected."
    return f"Synthetic examples lean towards the training people: {share}; 50 % would be without copying."


def _usefulness(overall: Mapping[str, Measure]) -> list[str]:
    spoken = []
    for name, measure in overall.items():
        measured, _, method = name.rpartition(", ")
        if measured not in ("balanced accuracy", "macro AUROC"):
            continue
        score, ratio = measure.score, overall[f"usefulness, {method}"].score
        if math.isnan(score.value):
            spoken.append(f"Usefulness by {method} could not be scored: the held-out examples lack classes.")
            continue
        spoken.append(
            f"A classifier ({method}) trained on synthetic examples reaches {measured} {score.value:.2f} on held-out "
            f"real ones, {ratio.value:.2f} times{_interval(ratio, '.2f')} that of one trained on real "
            f"({score.floor:.2f})."
        )
    return spoken


def _limits(settings: Mapping[str, Any], overall: Mapping[str, Measure]) -> list[str]:
    n, subjects, features = (
        settings[key] for key in ("examples per side in distances", "held-out subjects", "features")
    )
    limits = []
    if subjects is None:
        limits.append("Subjects are not known, so that intervals are over examples and may be too narrow.")
    elif subjects < FEW_SUBJECTS:
        rough = "there are no intervals over subjects" if subjects == 1 else "the intervals are rough"
        limits.append(f"Only {subjects} held-out subject{'s' if subjects > 1 else ''}: {rough}.")
    if n < FEW_EXAMPLES:
        limits.append(f"Only {n} examples per side: precision, recall, density and coverage need about {FEW_EXAMPLES}.")
    if n < 10 * features:
        limits.append(f"{n} examples for {features} features bias the Fréchet distance upwards; read its ratio.")
    if settings["classes"] and not any(name.startswith("usefulness") for name in overall):
        limits.append("Whether a classifier learns from the synthetic examples was not measured.")
    return limits
