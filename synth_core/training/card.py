"""The card of a model: what it makes, from what, how, and what it must not be used for."""

from __future__ import annotations

from synth_core.generators import Generator

UNITS = {"uV": "µV", "mV": "mV", "HU": "HU"}


def model_card(generator: Generator, name: str) -> str:
    """Markdown; what provenance does not say is said to be unknown."""
    spec, provenance = generator.spec, generator.provenance
    data = provenance.get("dataset", {})
    source = data.get("source", {})
    run = provenance.get("run", {})
    simulated = " These data are **simulated**." if source.get("simulated") else ""
    size = sum(parameter.numel() for parameter in generator.parameters())
    warning = [f"> **{generator.warning}**", ""] if generator.warning else []
    lines = [
        f"# {name}",
        "",
        *warning,
        f"{generator.title} (`{generator.name}`), {size:,} parameters. {generator.reference}.",
        "",
        f"- **Makes**: {spec.modality.upper()}, {_shape(generator)}, in {UNITS[spec.unit]}.",
        f"- **Classes**: {', '.join(spec.classes) or 'none'}.",
        f"- **Trained on**: {source.get('name', 'unknown')} ({data.get('examples', '?')} examples of "
        f"{data.get('subjects', '?')} subjects; split by subject).{simulated}",
        f"- **Licence of the data**: {source.get('licence', 'unknown')}.",
        f"- **Credit**: {source.get('citation') or 'none stated'}",
        f"- **Training**: {provenance.get('step', '?')} steps of {run.get('batch_size', '?')}, "
        f"seed {run.get('seed', '?')}, on {provenance.get('device', 'unknown')} in {provenance.get('seconds', '?')} s.",
        "- **Privacy**: trained without a formal guarantee; measure before sharing what it makes.",
        "- **Not for** diagnosis, nor as a substitute for real recordings in any decision on a patient.",
    ]
    return "\n".join(lines) + "\n"


def _shape(generator: Generator) -> str:
    spec = generator.spec
    if spec.is_image:
        return f"{spec.shape[1]} × {spec.shape[2]} pixels at {1 / spec.rate:.2f} mm"
    return f"{spec.shape[0]} channels × {spec.shape[1]} samples ({spec.seconds:.2f} s at {spec.rate:g} Hz)"
