"""Numbers into answers: one sentence per question with its evidence, then what this evaluation cannot say.

Only measures of which it is known that they react to a planted fault enter an answer (`reactions`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from synth_core.metrics.divisions import RATE
from synth_core.metrics.measure import Measure, Question
from synth_core.metrics.reactions import reacts_to
from synth_core.metrics.safety import COPIES, EXACT

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
SHARE = "usefulness, "  # measures of this name are shares of what real examples teach


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
    trusted = [m for m in measures if m.split == "all" and reacts_to(modality, m.name)]
    by_question = {
        question: sorted((m for m in trusted if m.question == question), key=_badness, reverse=True)
        for question in TITLES
    }
    subjects = settings["held-out subjects"]
    few = subjects is not None and subjects < FEW_SUBJECTS
    return (
        _too_few("realism", by_question, subjects) if few else _realism(by_question["realism"], settings),
        _too_few("usefulness", by_question, subjects) if few else _usefulness(by_question["usefulness"]),
        _safety(by_question["safety"], settings, few),
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


def _too_few(question: Question, measures: Mapping[Question, Sequence[Measure]], subjects: int) -> Verdict:
    people = "one person" if subjects == 1 else f"{subjects} people"
    sentence = f"{people[0].upper()}{people[1:]} held out: with fewer than {FEW_SUBJECTS} the answer would be chance."
    return Verdict(question, "not known", sentence, tuple(measure.name for measure in measures[question]))


def _realism(trusted: Sequence[Measure], settings: Mapping[str, Any]) -> Verdict:
    measures = [measure for measure in trusted if measure.verdict != "not known"]
    evidence = tuple(measure.name for measure in measures)
    if not measures:
        return Verdict("realism", "not known", "No measure of realism could be taken.")
    far, near, good = ([m for m in measures if m.verdict == kind] for kind in ("far", "near", "as real"))
    if far:
        kept = f" What holds: {_names(good)}." if good else ""
        sentence = f"{len(far)} of {len(measures)} measures are clearly unlike real, first {_number(far[0])}.{kept}"
        return Verdict("realism", "no", sentence + _rate(settings), evidence)
    if len(near) > NEAR_SHARE * len(measures):
        sentence = f"Nothing is far from real, but {len(near)} of {len(measures)} measures differ, first "
        return Verdict("realism", "partly", f"{sentence}{_number(near[0])}.", evidence)
    sentence = f"{len(good)} of {len(measures)} measures are as close to held-out people as other real people are"
    rest = f"; the others are near, first {_number(near[0])}" if near else ""
    return Verdict("realism", "yes", f"{sentence}{rest}.", evidence)


def _rate(settings: Mapping[str, Any]) -> str:
    if not settings.get("calibration", {}).get("divisions of the real people"):
        return ""
    return (
        f" Of sets of other real people, {100 * RATE:g} % would go beyond the limit of any of the measures by chance."
    )


def _usefulness(measures: Sequence[Measure]) -> Verdict:
    ratios = [measure for measure in measures if measure.name.startswith(SHARE)]
    known = [measure for measure in ratios if measure.verdict != "not known"]
    evidence = tuple(measure.name for measure in measures)
    if not ratios:
        return Verdict("usefulness", "not known", "Whether a classifier learns from them was not measured.")
    if not known:
        sentence = (
            "A classifier trained on real examples does no better than chance on the held-out ones: what synthetic "
            "ones are good for cannot be seen."
        )
        return Verdict("usefulness", "not known", sentence, evidence)
    answers: dict[str, Answer] = {"as real": "yes", "near": "partly", "far": "no"}
    worst = answers[max((m.verdict for m in known), key=["as real", "near", "far"].index)]
    best = min(known, key=_badness)
    said = "; ".join(f"{m.score.value:.2f}{_interval(m, '.2f')} by {m.name.removeprefix(SHARE)}" for m in known)
    sentence = (
        f"Above chance, a classifier trained on synthetic examples alone reaches this share of one trained on real "
        f"ones: {said}."
    )
    if worst == "no" and best.verdict != "far":
        worst = "partly"
    return Verdict("usefulness", worst, sentence, evidence)


def _safety(trusted: Sequence[Measure], settings: Mapping[str, Any], few: bool) -> Verdict:
    """People are named only with a pair; a lean without one is a lean, and what could not have shown is not known."""
    evidence = tuple(measure.name for measure in trusted)
    pairs = [m for m in trusted if m.name in (COPIES, EXACT) and m.score.value > m.score.floor]
    sure = [measure for measure in pairs if measure.verdict == "far"]
    if sure:
        sentence = f"Training people can be found in the synthetic examples: {_numbers(sure)}."
        return Verdict("safety", "no", sentence, evidence)
    if pairs:
        sentence = f"Single examples repeat a training example: {_numbers(pairs)}. See the closest copies."
        return Verdict("safety", "partly", sentence, evidence)
    distinct = settings.get("distinct synthetic examples", FEW_SUBJECTS)
    leaning = [measure for measure in trusted if measure.verdict in ("far", "near")]
    if few or distinct < FEW_SUBJECTS or not trusted:
        return Verdict("safety", "not known", _why_not_known(settings, few, distinct), evidence)
    if leaning:
        answer: Answer = "no" if any(measure.verdict == "far" for measure in leaning) else "partly"
        how = "lean" if answer == "no" else "lean slightly"
        sentence = f"The synthetic examples {how} towards the training people, though nobody is identified: "
        return Verdict("safety", answer, f"{sentence}{_numbers(leaning)}.", evidence)
    unsure = [m for m in trusted if m.verdict == "not known"]
    shown = [measure for measure in trusted if measure.verdict == "as real"]
    open_questions = [m for m in unsure if not m.is_blind]
    if open_questions or not [m for m in shown if m.name not in (COPIES, EXACT)]:
        said = _numbers(open_questions or unsure)
        return Verdict("safety", "not known", f"What the intervals do not show: {said}.", evidence)
    sentence = f"No sign of copying in {len(shown)} measures; the nearest to one is {_number(shown[0])}."
    blind = f" Too few people to tell: {_names(unsure)}." if unsure else ""
    return Verdict("safety", "yes", sentence + blind, evidence)


def _why_not_known(settings: Mapping[str, Any], few: bool, distinct: int) -> str:
    if few:
        subjects = settings["held-out subjects"]
        return f"No pair is alike, but with {subjects} held out ({FEW_SUBJECTS} are needed) a lean would not show."
    if distinct < FEW_SUBJECTS:
        n = settings["examples per side in distances"]
        return f"The {n} synthetic examples are {distinct} drawn again and again: too few to show whom they come from."
    return "Copying could not be measured."


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
