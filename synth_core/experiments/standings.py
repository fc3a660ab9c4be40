"""The table of methods: which is first on each measure, and whose intervals overlap with its own."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from synth_core.experiments.comparison import Estimate, estimate_text
from synth_core.experiments.outcome import Chart, Point, Table

REAL = "real people"
CONTROL = "control"
RECOVERY = "class recovery"
DISTANCES = {
    "log-spectral distance": " dB",
    "Fréchet distance, encoder": "",
    "told apart (AUROC)": "",
    "closer to training": "",
}
DECIDED = tuple(DISTANCES)[:3]  # that a method can be first on; the last is a warning
CHARTED = tuple(DISTANCES)[:2]

Scored = Mapping[str, Any]  # a measure, as `Measure.to_dict` writes it


@dataclass(frozen=True)
class Standing:
    """One method in one preset.

    Parameters
    ----------
    method, preset, is_control : which; see `methods.Contender`.
    refused : why it has no numbers; "" when it has.
    recovery : class recovery with its interval; None without numbers.
    measures : name → the measure of all examples.
    by_class : class → log-spectral distance.
    steps, training, drawing : steps, CPU seconds that they took, CPU seconds for one example.
    """

    method: str
    preset: str
    is_control: bool
    refused: str
    recovery: Estimate | None
    measures: Mapping[str, Scored]
    by_class: Mapping[str, Scored]
    steps: int | None
    training: float | None
    drawing: float | None

    @classmethod
    def of(
        cls, method: str, preset: str, is_control: bool, values: Mapping[str, Any], recovery: Estimate | None
    ) -> Standing:
        """From what the measuring cell kept."""
        measures: Sequence[Scored] = values.get("measures", ())
        return cls(
            method,
            preset,
            is_control,
            values.get("refused", ""),
            recovery,
            {one["measure"]: one for one in measures if one["split"] == "all"},
            {one["part"]: one for one in measures if one["split"] == "class"},
            values.get("steps"),
            values.get("training"),
            values.get("drawing"),
        )

    @property
    def name(self) -> str:
        """Method and preset."""
        return f"{self.method}, {self.preset}"

    def estimate(self, measure: str) -> Estimate | None:
        """Class recovery or another measure, with its interval; None where it was not measured."""
        if measure == RECOVERY:
            return self.recovery
        found = self.measures.get(measure)
        return None if found is None or found["value"] is None else _estimate(found)


def ordered(standings: Sequence[Standing]) -> list[Standing]:
    """By class recovery, the best first; those without numbers last."""
    return sorted(standings, key=lambda one: -math.inf if one.recovery is None else one.recovery[0], reverse=True)


def first_and_overlapping(
    standings: Sequence[Standing], measure: str, better: Literal["lower", "higher"]
) -> tuple[Standing, list[Standing]] | None:
    """Who is first on a measure, and the others whose interval overlaps with its interval; None where nobody has it.

    The controls do not take part: to hold real recordings is no method.
    """
    sign = 1 if better == "lower" else -1
    ranked = _ranked(standings, measure)
    if not ranked:
        return None
    first, (_, low, high) = min(ranked, key=lambda pair: sign * pair[1][0])
    near = [one for one, (_, below, above) in ranked if one is not first and below <= high and low <= above]
    return first, near


def _ranked(standings: Sequence[Standing], measure: str) -> list[tuple[Standing, Estimate]]:
    known = ((one, one.estimate(measure)) for one in standings if not one.is_control)
    return [(one, estimate) for one, estimate in known if estimate is not None]


def sentences_of(standings: Sequence[Standing], measure: str, real: Estimate, budget: float) -> tuple[str, ...]:
    """Who is first on each measure, then what qualifies it.

    Parameters
    ----------
    measure : of the class recovery, "balanced accuracy" or "AUROC".
    real : class recovery of a classifier that learned from as many real examples.
    budget : CPU seconds of training that each method had.
    """
    return (
        *_first_sentences(standings, measure, real),
        *_qualifications(standings),
        f"Each method had {budget:g} CPU seconds of training: its steps are the budget over the CPU time of a step, "
        "which is measured before and not counted; learning-rate schedules and phases end with them. Controls make "
        "one pass over the training part, and are not ranked.",
    )


def _first_sentences(standings: Sequence[Standing], measure: str, real: Estimate) -> Iterator[str]:
    found = _first_and_sentence(standings, RECOVERY, "higher")
    if found is None:
        yield "No method has numbers; the table says why."
        return
    first, overlap = found
    assert first.recovery is not None
    value = f"{measure} {estimate_text(first.recovery)}; as many real examples give {estimate_text(real)}."
    yield f"Trained on synthetic, tested on real people: first is {first.name}, {value} {overlap}"
    for name in DECIDED:
        found = _first_and_sentence(standings, name, "lower")
        if found is not None:
            first, overlap = found
            yield f"{_capital(name)}: first is {first.name}, {_scored(first, name)}. {overlap}"


def _first_and_sentence(
    standings: Sequence[Standing], measure: str, better: Literal["lower", "higher"]
) -> tuple[Standing, str] | None:
    """Who is first on a measure, and what to say of the others' intervals."""
    found = first_and_overlapping(standings, measure, better)
    if found is None:
        return None
    first, near = found
    if not near:
        return first, "No other interval overlaps with its own."
    if len(near) == len(_ranked(standings, measure)) - 1:
        return first, "All other intervals overlap with its own: nothing is clearly ahead."
    return first, f"Overlapping intervals: {'; '.join(one.name for one in near)}."


def _qualifications(standings: Sequence[Standing]) -> Iterator[str]:
    near = [one.name for one in standings if (_low(one, "closer to training") or 0) > 0.5]
    if near:
        yield f"Closer to training than to held-out people, by the whole interval: {'; '.join(near)}."
    else:
        yield "No method's examples are closer to training than to held-out people, by the whole interval."
    refused = [one.name for one in standings if one.refused]
    if refused:
        yield f"Without numbers, for the reason in the table: {'; '.join(refused)}."


def tables_of(standings: Sequence[Standing], measure: str, real: Estimate, classes: Sequence[str]) -> tuple[Table, ...]:
    """All methods by class recovery, below real people with the floors; then the spectra of large enough classes."""
    placed = ordered(standings)
    columns = (
        "method",
        "preset",
        f"{RECOVERY} ({measure})",
        *(f"{name},{unit}" if unit else name for name, unit in DISTANCES.items()),
        "worst class (spectra)",
        "steps",
        "training, CPU s",
        "drawing 100, CPU s",
        "remark",
    )
    main = Table("Methods by class recovery", columns, (_real_row(placed, real), *map(_row, placed)))
    texts = [[_class_text(one, name) for name in classes] for one in placed]
    if not any(any(row) for row in texts):  # too few examples of each class
        return (main,)
    rows = tuple((one.method, one.preset, *row) for one, row in zip(placed, texts, strict=True))
    spectra = Table("Log-spectral distance by class, dB and × floor", ("method", "preset", *classes), rows)
    return main, spectra


def charts_of(standings: Sequence[Standing], measure: str, real: Estimate) -> tuple[Chart, ...]:
    """Class recovery with real examples beside, and the distances with their floors."""
    placed = ordered(standings)
    recovery = tuple(Point(one.name, *one.recovery) for one in placed if one.recovery is not None)
    charts = [Chart(_capital(RECOVERY), measure, recovery, real[0], "as many real examples")] if recovery else []
    for name in CHARTED:
        points = tuple(Point(one.name, *found) for one in placed if (found := one.estimate(name)) is not None)
        if points:
            axis = f"{name}{',' if DISTANCES[name] else ''}{DISTANCES[name]}"
            charts.append(Chart(_capital(name), axis, points, _floor(placed, name), "real people"))
    return tuple(charts)


def _real_row(placed: Sequence[Standing], real: Estimate) -> tuple[Any, ...]:
    floors = [_floor(placed, name) for name in DISTANCES]
    shown = (f"{floor:.3g}" if floor is not None else "" for floor in floors)
    return (REAL, "", estimate_text(real), *shown, "", None, None, None, "floor: training against held-out people")


def _row(one: Standing) -> tuple[Any, ...]:
    worst = max(one.by_class, key=lambda name: _ratio(one.by_class[name]), default=None)
    return (
        one.method,
        one.preset,
        "" if one.recovery is None else estimate_text(one.recovery),
        *(_scored(one, name) for name in DISTANCES),
        "" if worst is None else f"{worst}: {_class_text(one, worst)}",
        one.steps,
        _rounded(one.training, 0),
        None if one.drawing is None else _rounded(100 * one.drawing, 2),
        one.refused or (CONTROL if one.is_control else ""),
    )


def _scored(one: Standing, name: str) -> str:
    """'7.13 (6.8 to 7.4), 2.7× floor'; a measure that begins at one half has no ratio."""
    estimate = one.estimate(name)
    if estimate is None:
        return ""
    if name not in CHARTED:
        return estimate_text(estimate, ".2f")
    ratio = _ratio(one.measures[name])
    return estimate_text(estimate, ".3g") + ("" if math.isnan(ratio) else f", {ratio:.1f}× floor")


def _class_text(one: Standing, name: str) -> str:
    found = one.by_class.get(name)
    return "" if found is None or found["value"] is None else f"{found['value']:.3g}, {_ratio(found):.1f}×"


def _floor(placed: Sequence[Standing], name: str) -> float | None:
    """The same for all: it compares real people."""
    return next((one.measures[name]["floor"] for one in placed if name in one.measures), None)


def _ratio(measure: Scored) -> float:
    return math.nan if measure["ratio"] is None else float(measure["ratio"])


def _low(one: Standing, name: str) -> float | None:
    estimate = one.estimate(name)
    return None if estimate is None or math.isnan(estimate[1]) else estimate[1]


def _estimate(measure: Scored) -> Estimate:
    value, low, high = (math.nan if measure[key] is None else float(measure[key]) for key in ("value", "low", "high"))
    return value, low, high


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
