"""The card of a model: what it makes, from what, how, and what it must not be used for."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from synth_core.generators import Generator

HEADLINE = ("log-spectral distance", "Fréchet distance, encoder", "told apart (AUROC)", "closer to training")
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


def _row(measure: Mapping[str, Any]) -> str:
    value, low, high = (_number(measure[key]) for key in ("value", "low", "high"))
    unit = f", {measure['unit']}" if measure["unit"] else ""
    part = "" if measure["part"] == "all" else f", {measure['part']}"
    return f"| {measure['measure']}{part}{unit} | {value} ({low} to {high}) | {_number(measure['floor'])} |"


def _number(value: float | None) -> str:
    return "–" if value is None or math.isnan(value) else f"{value:.3g}"


def headline(measures: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Those of an evaluation's measures that a card shows, in plain JSON types."""
    kept = ("measure", "part", "unit", "value", "low", "high", "floor")
    return [{key: measure[key] for key in kept} for measure in measures if _is_headline(measure)]


def _is_headline(measure: Mapping[str, Any]) -> bool:
    by_class = measure["measure"] == "log-spectral distance" and measure["split"] == "class"
    whole = measure["part"] == "all" and (measure["question"] == "usefulness" or measure["measure"] in HEADLINE)
    return by_class or whole


def _shape(generator: Generator) -> str:
    spec = generator.spec
    if spec.is_image:
        return f"{spec.shape[1]} × {spec.shape[2]} pixels at {1 / spec.rate:.2f} mm"
    return f"{spec.shape[0]} channels × {spec.shape[1]} samples ({spec.seconds:.2f} s at {spec.rate:g} Hz)"
