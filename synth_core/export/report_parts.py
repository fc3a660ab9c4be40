"""The parts of a report page that are HTML of their own: verdicts, tables, drawings, facts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from synth_core.figures.drawings import drawing, span_of
from synth_core.figures.ratios import MARKS
from synth_core.figures.theme import REAL, SYNTHETIC
from synth_core.metrics.measure import Measure
from synth_core.metrics.report import Evidence, Finding, Report
from synth_core.metrics.verdict import Verdict

# a shape for each answer, so that its colour says nothing that the shape does not
_SHAPES = {
    "yes": '<circle cx="8" cy="8" r="7" fill="#009E73"/><path d="M4.5 8.2l2.4 2.5 4.6-5" class="s"/>',
    "partly": '<path d="M8 .6L15.4 8 8 15.4.6 8z" fill="#E69F00"/><path d="M8 4.5v4.2M8 11v.6" class="s"/>',
    "no": '<rect x="1" y="1" width="14" height="14" rx="2" fill="#CC3D33"/><path d="M5 5l6 6M11 5l-6 6" class="s"/>',
    "not known": '<circle cx="8" cy="8" r="6.3" fill="none" stroke="#6B7780" stroke-width="1.5" '
    'stroke-dasharray="2.5 2"/>',
}
_COLUMNS = ("Measure", "Part", "Value", "95 % interval", "Floor", "Unit", "Ratio", "n real / synth.", "Verdict")
_NUMBERS = {"Value", "95 % interval", "Floor", "Ratio", "n real / synth."}


def mark(answer: str) -> str:
    """A small SVG: circle with tick, diamond, square with cross, or a dashed circle."""
    shape = _SHAPES[answer].replace('class="s"', 'fill="none" stroke="#FFFFFF" stroke-width="1.8"')
    return f'<svg viewBox="0 0 16 16" aria-hidden="true">{shape}</svg>'


def verdict_row(verdict: Verdict) -> str:
    """Question, answer with its mark, reason."""
    answer = f'<span class="answer">{mark(verdict.answer)}{escape(verdict.answer.capitalize())}</span>'
    return f'<div class="verdict"><b>{escape(verdict.title)}</b>{answer}<p>{escape(verdict.sentence)}</p></div>'


def table(measures: Sequence[Measure]) -> str:
    """One row per measure; the meaning is its title. Parts have a column where there are any."""
    parted = any(measure.split != "all" for measure in measures)
    shown = [name for name in _COLUMNS if parted or name != "Part"]
    head = "".join(f'<th class="{"n" if name in _NUMBERS else ""}">{name}</th>' for name in shown)
    rows = "".join(_row(measure, parted) for measure in measures)
    note = "Ratio: value over floor. The floor is what real training examples reach in place of the synthetic ones."
    return f"<table><caption>{note}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def examples(evidence: Evidence) -> str:
    """Drawings of the least realistic examples, then each closest copy beside what it resembles."""
    least = [finding for finding in evidence.findings if finding.kind == "least realistic"]
    copies = [finding for finding in evidence.findings if finding.kind == "closest copy"]
    span, size = shared_span(evidence), evidence.spec.modality
    parts = []
    if least:
        drawn = "".join(_synthetic(finding, evidence, span) for finding in least)
        parts.append(f'<h3>Least realistic synthetic examples</h3><div class="panels {size}">{drawn}</div>')
    if copies:
        drawn = "".join(_pair(finding, evidence, span) for finding in copies)
        parts.append("<h3>Closest copies, each beside the training example that it resembles</h3>")
        parts.append(f'<div class="pairs {size}">{drawn}</div>')
    return "".join(parts)


def caption(finding: Finding) -> str:
    """Which example it is, and its score."""
    if finding.kind == "least realistic":
        return f"Synthetic no. {finding.index}, told apart with probability {finding.value:.2f}"
    return f"Synthetic no. {finding.index}, similarity {finding.value:.2f}"


def shared_span(evidence: Evidence) -> float | None:
    """One gain for all drawings of an EEG."""
    drawn = [values for one in evidence.findings for values in (one.values, one.original_values) if values is not None]
    return span_of(drawn) if drawn and evidence.spec.modality == "eeg" else None


def facts(report: Report) -> str:
    """All settings, nested ones as a line each."""
    pairs = [(str(key), value) for key, value in report.settings.items()]
    return f"<dl>{''.join(f'<dt>{escape(key)}</dt><dd>{escape(_said(value))}</dd>' for key, value in pairs)}</dl>"


def _pair(finding: Finding, evidence: Evidence, span: float | None) -> str:
    original = ""
    if finding.original_values is not None:
        original = _panel(finding.original_values, f"Training no. {finding.original}", REAL, evidence, span)
    return f'<div class="pair">{_synthetic(finding, evidence, span)}{original}</div>'


def _synthetic(finding: Finding, evidence: Evidence, span: float | None) -> str:
    return _panel(finding.values, caption(finding), SYNTHETIC, evidence, span)


def _panel(values: Any, words: str, colour: str, evidence: Evidence, span: float | None) -> str:
    drawn = drawing(values, evidence.spec, span=span)
    return f'<figure style="border-color:{colour}">{drawn}<figcaption>{escape(words)}</figcaption></figure>'


def _row(measure: Measure, parted: bool) -> str:
    score = measure.score
    interval = "" if math.isnan(score.low) else f"{_number(score.low)} to {_number(score.high)}"
    numbers = (_number(score.value), interval, _number(score.floor))
    cells = [
        f'<td class="measure" title="{escape(measure.meaning)}">{escape(measure.name)}</td>',
        f'<td class="part">{escape(measure.part)}</td>' if parted else "",
        *(f'<td class="n">{text}</td>' for text in numbers),
        f"<td>{escape(measure.unit.replace('uV', 'µV'))}</td>",
        f'<td class="n">{_number(score.ratio)}</td>',
        f'<td class="n">{score.n_real} / {score.n_synthetic}</td>',
        f'<td style="white-space:nowrap">{_dot(measure.verdict)} {measure.verdict}</td>',
    ]
    return f"<tr>{''.join(cells)}</tr>"


def _dot(verdict: str) -> str:
    symbols = {"as real": "●", "near": "◆", "far": "✕"}
    return f'<span style="color:{MARKS[verdict][0]}">{symbols[verdict]}</span>' if verdict in MARKS else ""


def _said(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {inner}" for key, inner in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(str, value)) or "none"
    return "not known" if value is None else str(value)


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.3g}".replace("-", "\u2212")
