"""Answers from numbers, at their edges; the names are of measures that planted faults were seen to move in ECG."""

import math
from typing import Any

import pytest

from synth_core.metrics.measure import Measure
from synth_core.metrics.score import Score
from synth_core.metrics.verdict import verdicts_for

SETTINGS: dict[str, Any] = {
    "modality": "ecg",
    "held-out subjects": 40,
    "distinct synthetic examples": 60,
    "examples per side in distances": 60,
}


def measure(name, value, low, high, floor, limit=math.nan, question="safety", near=1.2, leaked=math.nan, **more):
    score = Score(value, low, high, floor, value / floor if floor > 0 else math.nan, 60, 60, limit)
    return Measure(name, "", "all", more.get("better", "lower"), score, "", near, question, leaked=leaked)


def closer(value, low, high, limit):
    return measure("closer to training", value, low, high, 0.5, limit, leaked=1.0)


def copies(value, low, high):
    return measure("copies found", value, low, high, 0.0)


def attack(value=0.55, low=0.45, high=0.65):
    return measure("membership inference (AUROC)", value, low, high, 0.5, 0.7, leaked=1.0)


def answer(question, *measures, **settings):
    return next(v for v in verdicts_for(measures, SETTINGS | settings) if v.question == question)


def test_people_are_named_only_with_a_pair():
    lean = answer("safety", closer(0.9, 0.8, 1, 0.7), copies(0, 0, 0), attack())
    assert lean.answer == "no"
    assert "can be found" not in lean.sentence
    assert "nobody is identified" in lean.sentence
    pair = answer("safety", closer(0.55, 0.4, 0.7, 0.7), copies(0.3, 0.2, 0.4), attack())
    assert pair.answer == "no"
    assert "can be found" in pair.sentence


def test_a_single_pair_is_said():
    assert answer("safety", copies(1 / 60, 0, 0.05), attack()).answer == "partly"


def test_what_the_interval_does_not_show_is_not_known():
    assert answer("safety", closer(1.0, 0.2, 1.0, 0.8), copies(0, 0, 0), attack()).answer == "not known"


def test_a_measure_that_copies_would_not_move_either_does_not_decide():
    blind = closer(1.0, 0.2, 1.0, 1.05)
    assert blind.verdict == "not known"
    assert answer("safety", blind, copies(0, 0, 0), attack()).answer == "yes"
    assert answer("safety", blind, copies(0, 0, 0)).answer == "not known"


def test_one_example_again_and_again_says_nothing_of_safety():
    found = answer("safety", attack(), copies(0, 0, 0), **{"distinct synthetic examples": 1})
    assert found.answer == "not known"
    assert "1 drawn again and again" in found.sentence


@pytest.mark.parametrize("question", ["realism", "usefulness", "safety"])
def test_fewer_than_ten_people_answer_nothing(question):
    good = (
        measure("RR interval", 1, 0.5, 1.5, 1, 2, "realism"),
        measure("usefulness, network", 1, 0.9, 1.1, 1, question="usefulness", better="higher"),
        attack(),
    )
    assert answer(question, *good).answer == "yes"
    assert answer(question, *good, **{"held-out subjects": 9}).answer == "not known"


def test_a_pair_is_a_pair_whoever_few_were_held_out():
    assert answer("safety", copies(1, 1, 1), **{"held-out subjects": 3}).answer == "no"


def test_realism_goes_by_the_limit_of_honest_examples():
    beyond_floor = measure("RR interval", 2.5, 1.5, 3.5, 1, 3, "realism")
    assert answer("realism", beyond_floor).answer == "yes"
    assert answer("realism", measure("RR interval", 3.5, 2.5, 4.5, 1, 3, "realism")).answer == "no"


def test_usefulness_that_cannot_be_seen_is_not_known():
    unknown = measure("usefulness, network", math.nan, math.nan, math.nan, 1, question="usefulness", better="higher")
    assert answer("usefulness", unknown).answer == "not known"
