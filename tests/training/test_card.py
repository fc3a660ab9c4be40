"""A card leads with what a clinician would see first, and a gate keeps back what is far from real."""

from typing import Any

import pytest

from synth_core.training.card import gate, times_floor, worst_clinical


def measured(name: str, value: float, floor: float, verdict: str, **more: Any) -> dict[str, Any]:
    fields = {"measure": name, "part": "all", "unit": "ms", "value": value, "low": value, "high": value}
    return {**fields, "floor": floor, "better": "lower", "verdict": verdict, "clinical": True, **more}


MEASURES = [
    measured("RR interval", 30, 20, "near"),
    measured("beat-to-beat variability", 350, 12, "far"),
    measured("told apart (AUROC)", 0.99, 0.01, "far", clinical=False),
    measured("QTc interval", 900, 1, "far", part="NORM"),
]


def test_the_worst_measure_that_a_clinician_reads_leads() -> None:
    worst = worst_clinical(MEASURES)
    assert worst is not None
    assert worst["measure"] == "beat-to-beat variability"
    assert worst_clinical([one | {"clinical": False} for one in MEASURES]) is None


def test_times_the_floor_counts_to_the_bad_side() -> None:
    assert times_floor(measured("a", 4, 2, "near")) == 2
    assert times_floor(measured("a", 0.5, 1, "far", better="higher")) == 2
    assert times_floor(measured("a", 0, 0, "as real")) == 1


@pytest.mark.parametrize(
    ("preset", "distinct", "kept_back"),
    [("modern", 60, "beat-to-beat variability is 29.2 times"), ("paper", 60, ""), ("paper", 3, "only 3 of 60")],
)
def test_the_gate(preset: str, distinct: int, kept_back: str) -> None:
    evaluation = {"worst": worst_clinical(MEASURES), "distinct": distinct, "compared": 60}
    reason = gate(evaluation, preset)
    assert reason.startswith(kept_back) if kept_back else reason == ""
