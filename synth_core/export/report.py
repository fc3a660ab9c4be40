"""An evaluation as one self-contained HTML page that also prints: answers first, then everything they rest on."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from pathlib import Path

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from synth_core.export.about import About
from synth_core.export.methods import methods, references
from synth_core.export.report_parts import examples, facts, table, verdict_row
from synth_core.figures.ratios import ratio_chart, ratio_map
from synth_core.figures.report import spectra_by_part, value_distribution
from synth_core.metrics.report import Report
from synth_core.metrics.verdict import TITLES

TITLE = {"eeg": "synthetic EEG", "ecg": "synthetic ECG", "ct": "synthetic CT"}
DISCLAIMER = "Not a medical device; for research and teaching."
CHARTED = {
    "realism": "Every measure of realism against its floor.",
    "usefulness": "What a classifier learns from synthetic examples, against what it learns from real ones.",
    "safety": "Signs of copying, against what chance gives.",
    "certainty": "",
}
_FOLDER = Path(__file__).parent


def report_page(report: Report, about: About | None = None) -> str:
    """The page. It loads nothing: style, figures and the library that draws them are inside.

    Parameters
    ----------
    about : what was compared; every name in it, and every class and channel, is escaped.
    """
    known = about or About()
    sections = (
        _head(report, known),
        "".join(verdict_row(verdict) for verdict in report.verdicts),
        _section("What this evaluation cannot say", _limits(report)),
        _section("Look at these first", examples(report.evidence)),
        *(_section(TITLES[question], _question(report, question)) for question in TITLES),
        _section("Spectra and values", _distributions(report)),
        *(_section(*part) for part in _parts(report)),
        _section("How it was done", _methods(report)),
        _section("To make it again", _again(known)),
        _section("Settings and versions", facts(report)),
        f"<footer>{DISCLAIMER} {escape(' '.join(known.sources))}</footer>",
    )
    style, script = (_FOLDER / "report.css").read_text("utf-8"), (_FOLDER / "report.js").read_text("utf-8")
    name = escape(f"Evaluation of {TITLE[report.settings['modality']]} {known.name}".strip())
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{name}</title>'
    scripts = f"<script>{get_plotlyjs()}</script><script>{script}</script>"
    body = "\n".join(section for section in sections if section)
    return (
        f'<!doctype html>\n<html lang="en"><head>{head}<style>{style}</style>{scripts}</head><body>{body}</body></html>'
    )


def _head(report: Report, about: About) -> str:
    compared = f"{about.synthetic}, against {about.holdout}; floor: {about.train}."
    lines = [compared] if about.synthetic else []
    lines.append(" · ".join(part for part in (about.made[:16].replace("T", " "), DISCLAIMER) if part))
    notes = f'<p class="notes">{escape(" ".join(about.notes))}</p>' if about.notes else ""
    said = "".join(f"<p>{escape(line)}</p>" for line in lines)
    return f"<header><h1>Evaluation of {TITLE[report.settings['modality']]}</h1>{said}{notes}</header>"


def _question(report: Report, question: str) -> str:
    """Chart, then every number; parts have sections of their own."""
    own = [measure for measure in report.measures if measure.question == question and measure.split == "all"]
    return _figure(ratio_chart(own, report.settings["modality"]), CHARTED[question]) + table(own) if own else ""


def _distributions(report: Report) -> str:
    spectra = "Line: median over examples; band: 10 to 90 % of them. The list shows one class or channel instead."
    values = "All values, thinned evenly; n counts values."
    figures = (_sized(spectra_by_part(report.evidence), 420), _sized(value_distribution(report.evidence), 320))
    return _figure(figures[0], spectra) + _figure(figures[1], values)


def _parts(report: Report) -> Iterable[tuple[str, str]]:
    """A map of classes and one of channels, where there are several."""
    caption = "How many times worse than its floor each measure is; 1× is as real as other real people."
    for split, title in (("class", "By class"), ("channel", "By channel")):
        own = [measure for measure in report.measures if measure.split == split]
        if len({measure.part for measure in own}) > 1:
            chart = _figure(ratio_map(own, report.settings["modality"]), caption)
            yield title, f"{chart}<details><summary>All numbers</summary>{table(own)}</details>"


def _limits(report: Report) -> str:
    return _list("ul", report.limits, "limits") if report.limits else ""


def _methods(report: Report) -> str:
    paragraphs = "".join(f"<p>{escape(text)}</p>" for text in methods(report))
    return paragraphs + "<h3>References</h3>" + _list("ol", references(report))


def _again(about: About) -> str:
    return f"<pre>{escape(chr(10).join(about.commands))}</pre>" if about.commands else ""


def _figure(figure: go.Figure, caption: str) -> str:
    drawn = figure.to_html(full_html=False, include_plotlyjs=False, config={"displaylogo": False, "responsive": True})
    return f"<figure>{drawn}<figcaption>{escape(caption)}</figcaption></figure>"


def _sized(figure: go.Figure, height: int) -> go.Figure:
    return figure.update_layout(height=height)


def _section(title: str, content: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{content}</section>" if content else ""


def _list(tag: str, items: Iterable[str], css: str = "") -> str:
    return f'<{tag} class="{css}">{"".join(f"<li>{escape(item)}</li>" for item in items)}</{tag}>'
