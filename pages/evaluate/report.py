"""Making a report and reading one: answers in words, what to look at first, evidence, limits, files."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from pages.evaluate import evidence, findings, kept, running, sides
from pages.shared import cache, shell, words

if TYPE_CHECKING:
    from synth_core.export import About
    from synth_core.metrics.report import Report
    from synth_core.metrics.verdict import Verdict

# a shape and a word with every colour
_MARKS = {
    "yes": ("green", ":material/check_circle:"),
    "partly": ("orange", ":material/change_history:"),
    "no": ("red", ":material/cancel:"),
    "not known": ("gray", ":material/help:"),
}


def view() -> None:
    """Choose three sides and measure them; below, the reports that were kept."""
    comparison = None
    with shell.ErrorFrame():  # reports stay in sight, whatever the sides are
        comparison = sides.choose()
        if comparison is not None:
            running.controls(comparison)
    running.follow()
    path = kept.choose()
    if path is not None:
        with shell.ErrorFrame():
            show(path)
    elif comparison is not None and not running.is_running():
        st.caption("No report is kept yet. One takes a minute or two; it is kept here until you remove it.")


def show(path: Path) -> None:
    """One report from its directory."""
    report, about = cache.evaluation(path)
    _head(path, report, about)
    for verdict in report.verdicts:
        _verdict(report, verdict)
    if report.limits:
        st.caption("  \n".join(f"– {words.plain(limit)}" for limit in report.limits))  # two spaces: a new line
    findings.show(report)
    evidence.parts(report)


def _head(path: Path, report: Report, about: About) -> None:
    """What was compared, and what can be done with the report."""
    compared = f"{about.synthetic}, against {about.holdout}; floor: {about.train}."
    st.markdown(f"**{words.plain(compared)}** {words.plain(' '.join(about.notes))}")
    name, page = about.name or path.name, path / "report.html"
    with st.container(horizontal=True):
        if page.is_file():
            _file("Report (HTML)", page.read_bytes, f"{name}.html", "text/html")
        _file("Report (JSON)", (path / "report.json").read_bytes, f"{name}.json", "application/json")
        _file("Table (CSV)", partial(_csv, report), f"{name}.csv", "text/csv")
        kept.removal(path)


def _file(label: str, content: Callable[[], bytes], name: str, kind: str) -> None:
    st.download_button(label, content, name, kind, icon=":material/download:", on_click="ignore")


def _csv(report: Report) -> bytes:
    return report.table().to_csv(index=False).encode()


def _verdict(report: Report, verdict: Verdict) -> None:
    """Question, answer, sentence; the evidence unfolds."""
    with st.container(border=True, gap="small"):
        question, answer, sentence = st.columns([2, 1.5, 6.5], vertical_alignment="top")
        question.markdown(f"**{words.plain(verdict.title)}**")
        colour, icon = _MARKS[verdict.answer]
        answer.badge(words.in_badge(verdict.answer.capitalize()), icon=icon, color=colour)  # type: ignore[arg-type]
        sentence.markdown(words.plain(verdict.sentence))
        if verdict.question == "usefulness" and verdict.answer == "not known" and not verdict.evidence:
            sentence.caption("To measure it, tick *Train classifiers* under Settings and evaluate again.")
        evidence.of_question(report, verdict.question)
