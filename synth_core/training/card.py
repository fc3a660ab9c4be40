"""The card of a model: what it makes, from what, how, and what it must not be used for."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from synth_core.generators import Generator

HEADLINE = (
    "log-spectral distance",
    "log-spectral distance, stop band",
    "Fréchet distance, encoder",
    "told apart (AUROC)",
    "closer to training",
)
VERDICTS = ("not known", "as real", "near", "far")  # from good to bad
GATE = {"modern": 10.0, "paper": math.inf}  # times its floor that the worst clinical measure may be, by preset
DISTINCT = 0.5  # of the examples that were measured, which must not be drawn again and again
KEPT = ("measure", "part", "unit", "value", "low", "high", "floor")  # of a measure on a card
UNITS = {"uV": "µV", "mV": "mV", "HU": "HU"}


def model_card(generator: Generator, name: str) -> str:
    """Markdown; what provenance does not say is said to be unknown."""
    spec, provenance = generator.spec, generator.provenance
    data = provenance.get("dataset", {})
    source = data.get("source", {})
    run = provenance.get("run", {})
    simulated = " These data are **simulated**." if source.get("simulated") else ""
    if source.get("synthetic"):
        simulated += f" These data are **synthetic**: {source.get('origin') or 'a generator drew them'}."
    size = sum(parameter.numel() for parameter in generator.parameters())
    warning = [f"> **{generator.warning}**", ""] if generator.warning else []
    lines = [
        f"# {name}",
        "",
        *warning,
        f"{generator.title} (`{generator.name}`), {size:,} parameters. {generator.reference}.",
        "",
        f"- **Settings**: {_settings(generator)}.",
        f"- **Makes**: {spec.modality.upper()}, {_shape(generator)}, in {UNITS[spec.unit]}.",
        f"- **Classes**: {', '.join(spec.classes) or 'none'}.",
        f"- **Trained on**: {source.get('name', 'unknown')} ({data.get('examples', '?')} examples of "
        f"{data.get('subjects', '?')} subjects; split by subject).{simulated}",
        *_who(data),
        f"- **Licence of the data**: {source.get('licence', 'unknown')}.",
        f"- **Credit**: {source.get('citation') or 'none stated'}",
        f"- **Training**: {provenance.get('step', '?')} steps of {run.get('batch_size', '?')}, "
        f"seed {run.get('seed', '?')}, on {provenance.get('device', 'unknown')} in {provenance.get('seconds', '?')} s.",
        *(f"- **How**: {sentence}" for sentence in generator.remarks),
        "- **Privacy**: trained without a formal guarantee; measure before sharing what it makes.",
        "- **Not for** diagnosis, nor as a substitute for real recordings in any decision on a patient.",
    ]
    return "\n".join([*lines, *_measured(provenance.get("evaluation"))]) + "\n"


def _who(data: Mapping[str, Any]) -> list[str]:
    """What the split by subject rests on where that is in part a guess, and what readers warned of."""
    basis: Mapping[str, int] = data.get("basis", {})
    lines = []
    if basis.get("guess"):
        guessed = f"{basis['guess']} of {sum(basis.values())} recordings"
        lines.append(f"- **Who is who was guessed** for {guessed}: the split by subject rests on it.")
    return lines + [f"- **Beware**: {sentence}" for sentence in data.get("warnings", [])]


def _settings(generator: Generator) -> str:
    """The preset, and each setting in which the config differs from it."""
    config = generator.config
    usual = type(config).model_validate({"preset": config.preset})
    changed = [f"{name}={value}" for name, value in config if value != getattr(usual, name)]
    return ", ".join([f"preset {config.preset}", *changed])


def _measured(evaluation: Mapping[str, Any] | None) -> list[str]:
    if not evaluation:
        return []
    return [
        "",
        "## Measured",
        "",
        *_first(evaluation.get("worst")),
        f"{evaluation['synthetic']} synthetic examples against {evaluation['holdout']}; beside it what real examples "
        "of the training part reach against them. Intervals are 95 %, over subjects.",
        "",
        "| measure | synthetic | real |",
        "| --- | --- | --- |",
        *(_row(measure) for measure in evaluation["measures"]),
        "",
        f"SynthScope {evaluation['version']}, `{evaluation['command']}`. One example takes "
        f"{evaluation['seconds']:.2g} s of one CPU core.",
    ]


def _first(worst: Mapping[str, Any] | None) -> list[str]:
    """What a clinician would see first, in one sentence; nothing on cards of before."""
    if worst is None:
        return []
    unit = f" {worst['unit']}" if worst["unit"] else ""
    interval = "" if worst["low"] is None else f", {_number(worst['low'])} to {_number(worst['high'])}"
    said = f"{_number(worst['value'])}{unit}{interval}; other real people {_number(worst['floor'])}{unit}"
    return [f"**Of what a clinician reads, worst is {worst['measure']}: {worst['verdict']}** ({said}).", ""]


def _row(measure: Mapping[str, Any]) -> str:
    value, low, high = (_number(measure[key]) for key in ("value", "low", "high"))
    unit = f", {measure['unit']}" if measure["unit"] else ""
    part = "" if measure["part"] == "all" else f", {measure['part']}"
    return f"| {measure['measure']}{part}{unit} | {value} ({low} to {high}) | {_number(measure['floor'])} |"


def _number(value: float | None) -> str:
    return "–" if value is None or math.isnan(value) else f"{value:.3g}"


def headline(measures: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Those of an evaluation's measures that a card shows, in plain JSON types."""
    return [{key: measure[key] for key in KEPT} for measure in measures if _is_headline(measure)]


def worst_clinical(measures: Iterable[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The measure of the whole, among those that a clinician reads and that have a say, which is farthest from real.

    Parameters
    ----------
    measures : as `Measure.to_dict` writes them, without those that no planted fault was seen to move.
    """
    known = [m for m in measures if m["clinical"] and m["part"] == "all" and m["verdict"] != "not known"]
    if not known:
        return None
    worst = max(known, key=lambda m: (VERDICTS.index(m["verdict"]), times_floor(m)))
    return {key: worst[key] for key in (*KEPT, "better", "verdict")}


def times_floor(measure: Mapping[str, Any]) -> float:
    """How many times worse than its floor a measure is; infinite where the floor is 0 and the value is not."""
    value, floor = measure["value"], measure["floor"]
    above, below = (value, floor) if measure["better"] == "lower" else (floor, value)
    return above / below if below > 0 else math.inf if above > 0 else 1.0


def gate(evaluation: Mapping[str, Any], preset: str) -> str:
    """Why a model may not be shipped, in words; "" where it may.

    A model of ours must come near real people in the worst of what a clinician reads. One of a paper's settings is
    shipped for comparison, as what the recipe gives; but no model is shipped that draws one example again and again.
    """
    distinct, n = evaluation["distinct"], evaluation["compared"]
    if distinct < DISTINCT * n:
        return f"only {distinct} of {n} examples are distinct"
    worst = evaluation["worst"]
    if worst is not None and times_floor(worst) > GATE[preset]:
        return f"{worst['measure']} is {times_floor(worst):.3g} times the floor, and {GATE[preset]:g} are allowed"
    return ""


def _is_headline(measure: Mapping[str, Any]) -> bool:
    by_class = measure["measure"] == "log-spectral distance" and measure["split"] == "class"
    whole = measure["part"] == "all" and (measure["question"] == "usefulness" or measure["measure"] in HEADLINE)
    return by_class or whole


def _shape(generator: Generator) -> str:
    spec = generator.spec
    if spec.is_image:
        return f"{spec.shape[1]} × {spec.shape[2]} pixels at {1 / spec.rate:.2f} mm"
    return f"{spec.shape[0]} channels × {spec.shape[1]} samples ({spec.seconds:.2f} s at {spec.rate:g} Hz)"
