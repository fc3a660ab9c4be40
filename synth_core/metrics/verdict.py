"""Numbers into answers: one sentence per question with its evidence, then what this evaluation cannot say.

Only measures of which it is known that they react to a planted fault enter an answer (`reactions`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from synth_core.metrics.measure import Measure, Question
from synth_core.metrics.reactions import reacts_to

Answer = Literal["yes", "partly", "no", "not known"]

TITLES: dict[Question, str] = {
    "realism": "Is it real enough?",
    "usefulness": "Is it useful?",
    "safety": "Is it safe?",
    "certainty": "How sure are we?",
}
FEW_SUBJECTS, ENOUGH_SUBJECTS = 10, 30
FEW_EXAMPLES = 500
NEAR_SHARE = 0.25  # of the measures that may be near instead of as real where the answer is still yes
NAMED = 3  # measures named in a sentence


@dataclass(frozen=True)
class Verdict:
    """The answer to one question.

    Parameters
    ----------
    question : "realism", "usefulness", "safety" or "certainty".
    answer : "yes", "partly", "no", "not known".
    sentence : the answer in words, with the number that decided it.
    evidence : names of the measures that it rests on, worst first.
    """

    question: Question
    answer: Answer
    sentence: str
    evidence: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The question as it is asked."""
        return TITLES[self.question]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        fields = {"question": self.question, "title": self.title, "answer": self.answer}
        return {**fields, "sentence": self.sentence, "evidence": list(self.evidence)}


def verdicts_for(measures: Sequence[Measure], settings: Mapping[str, Any]) -> tuple[Verdict, ...]:
    """One verdict per question.

    Parameters
    ----------
    measures : of all parts; answers rest on those of the part "all".
    settings : as in `Report.settings`.
    """
    modality = settings["modality"]
    trusted = [m for m in measures if m.split == "all" and reacts_to(modality, m.name) and m.verdict != "not known"]
    by_question = {
        question: sorted((m for m in trusted if m.question == question), key=_badness, reverse=True)
        for question in TITLES
    }
    return (
        _realism(by_question["realism"]),
        _usefulness(by_question["usefulness"]),
        _safety(by_question["safety"]),
        _certainty(settings, by_question["realism"]),
    )


def limits_of(measures: Sequence[Measure], settings: Mapping[str, Any]) -> tuple[str, ...]:
    """What this evaluation cannot say, one sentence each."""
    n, subjects, features = (
        settings[key] for key in ("examples per side in distances", "held-out subjects", "features")
    )
    limits = [_worst_class(measures)]
    if taken := settings.get("synthetic examples taken as real"):
        limits.insert(0, f"The {' and the '.join(taken)} examples are synthetic too: this says nothing about realism.")
    if subjects is None:
        limits.append("Subjects are not known, so that intervals are over examples and may be too narrow.")
    elif subjects < FEW_SUBJECTS:
        rough = "there are no intervals over subjects" if subjects == 1 else "the intervals are rough"
        limits.append(f"Only {subjects} held-out subject{'s' if subjects > 1 else ''}: {rough}.")
    if guessed := settings.get("subjects guessed"):
        limits.append(
            f"Who is who was guessed for {guessed} of the real recordings: if that is wrong, one person may be on both "
            "sides of the split."
        )
    limits += [f"Said of the real data: {sentence}" for sentence in settings.get("warnings", ())]
    if n < FEW_EXAMPLES:
        limits.append(f"Only {n} examples per side: precision, recall, density and coverage need about {FEW_EXAMPLES}.")
    if n < 10 * features:
        limits.append(f"{n} examples for {features} features bias the Fréchet distance upwards; read its ratio.")
    silent = sorted({m.name for m in measures if m.split == "all" and not reacts_to(settings["modality"], m.name)})
    if silent:
        limits.append(f"Shown, but in no answer, since no planted fault was seen to move them: {', '.join(silent)}.")
    return tuple(limit for limit in limits if limit)


def _realism(measures: Sequence[Measure]) -> Verdict:
    evidence = tuple(measure.name for measure in measures)
    if not measures:
        return Verdict("realism", "not known", "No measure of realism could be taken.")
    far, near, good = ([m for m in measures if m.verdict == kind] for kind in ("far", "near", "as real"))
    if far:
        kept = f" What holds: {_names(good)}." if good else ""
        sentence = f"{len(far)} of {len(measures)} measures are clearly unlike real, first {_number(far[0])}.{kept}"
        return Verdict("realism", "no", sentence, evidence)
    if len(near) > NEAR_SHARE * len(measures):
        sentence = f"Nothing is far from real, but {len(near)} of {len(measures)} measures differ, first "
        return Verdict("realism", "partly", f"{sentence}{_number(near[0])}.", evidence)
    sentence = f"{len(good)} of {len(measures)} measures are as close to held-out people as other real people are"
    rest = f"; the others are near, first {_number(near[0])}" if near else ""
    return Verdict("realism", "yes", f"{sentence}{rest}.", evidence)


def _usefulness(measures: Sequence[Measure]) -> Verdict:
    ratios = [measure for measure in measures if measure.name.startswith("usefulness, ")]
    if not ratios:
        return Verdict("usefulness", "not known", "Whether a classifier learns from them was not measured.")
    answers: dict[str, Answer] = {"as real": "yes", "near": "partly", "far": "no"}
    worst = answers[max((m.verdict for m in ratios), key=["as real", "near", "far"].index)]
    best = min(ratios, key=_badness)
    said = "; ".join(
        f"{m.score.value:.2f}{_interval(m, '.2f')} by {m.name.removeprefix('usefulness, ')}" for m in ratios
    )
    sentence = (
        f"A classifier trained on synthetic examples alone reaches this share of one trained on real ones: {said}."
    )
    if worst == "no" and best.verdict != "far":
        worst = "partly"
    return Verdict("usefulness", worst, sentence, tuple(measure.name for measure in measures))


def _safety(measures: Sequence[Measure]) -> Verdict:
    evidence = tuple(measure.name for measure in measures)
    if not measures:
        return Verdict("safety", "not known", "Copying could not be measured.")
    worst = measures[0]
    if worst.verdict == "as real":
        sentence = f"No sign of copying in {len(measures)} measures; the nearest to one is {_number(worst)}."
        return Verdict("safety", "yes", sentence, evidence)
    signs = [measure for measure in measures if measure.verdict == worst.verdict]
    if worst.verdict == "near":
        return Verdict("safety", "partly", f"A slight lean towards the training people: {_numbers(signs)}.", evidence)
    return Verdict(
        "safety", "no", f"Training people can be found in the synthetic examples: {_numbers(signs)}.", evidence
    )


def _certainty(settings: Mapping[str, Any], realism: Sequence[Measure]) -> Verdict:
    n, subjects = settings["examples per side in distances"], settings["held-out subjects"]
    if subjects is None:
        return Verdict("certainty", "partly", f"{n} examples a side, of subjects that are not known.")
    widths = [(m.score.high - m.score.low) / 2 / abs(m.score.value) for m in realism if m.score.value]
    known = [width for width in widths if math.isfinite(width)]
    spread = f"; half the intervals are wider than ±{100 * sorted(known)[len(known) // 2]:.0f} %" if known else ""
    sentence = f"{n} examples a side, {subjects} held-out {'people' if subjects > 1 else 'person'}{spread}."
    if subjects < FEW_SUBJECTS:
        return Verdict("certainty", "no", f"Too few to say much: {sentence}")
    answer: Answer = "yes" if subjects >= ENOUGH_SUBJECTS and n >= FEW_EXAMPLES else "partly"
    return Verdict("certainty", answer, sentence)


def _worst_class(measures: Sequence[Measure]) -> str:
    classes = [m for m in measures if m.split == "class" and not math.isnan(m.score.ratio)]
    if len({measure.part for measure in classes}) < 2:
        return ""
    worst = max(classes, key=_badness)
    return f"The class that fares worst is {worst.part}: {_number(worst)}."


def _badness(measure: Measure) -> tuple[int, float]:
    """Order of measures from good to bad: by verdict, then by how far the value is from its floor."""
    score = measure.score
    ratio = score.ratio if measure.better == "lower" else 1 / score.ratio if score.ratio > 0 else math.inf
    rank = {"not known": -1, "as real": 0, "near": 1, "far": 2}[measure.verdict]
    return rank, math.inf if math.isnan(ratio) and rank == 2 else -math.inf if math.isnan(ratio) else ratio


def _number(measure: Measure) -> str:
    score, unit = measure.score, f" {measure.unit}" if measure.unit else ""
    return f"{measure.name} ({score.value:.3g}{unit}{_interval(measure, '.3g')}, real {score.floor:.3g})"


def _numbers(measures: Sequence[Measure]) -> str:
    more = f" and {len(measures) - NAMED} more" if len(measures) > NAMED else ""
    return "; ".join(_number(measure) for measure in measures[:NAMED]) + more


def _names(measures: Sequence[Measure]) -> str:
    more = f" and {len(measures) - NAMED} more" if len(measures) > NAMED else ""
    return ", ".join(measure.name for measure in measures[:NAMED]) + more


def _interval(measure: Measure, form: str) -> str:
    """', 95 % low to high', or nothing where one subject gives no interval."""
    score = measure.score
    return "" if math.isnan(score.low) else f", 95 % {score.low:{form}} to {score.high:{form}}"
