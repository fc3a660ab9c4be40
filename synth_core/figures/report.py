"""Figures of an evaluation, and the page that holds them."""

from __future__ import annotations

import plotly.graph_objects as go

from synth_core.figures.spectra import histogram_overlay, spectrum_overlay
from synth_core.metrics.report import Report

HEIGHT = 380


def report_figures(report: Report, *, dark: bool = False) -> dict[str, go.Figure]:
    """Caption → figure: spectra and distribution of values, held-out real against synthetic."""
    evidence, unit = report.evidence, report.settings["unit"].replace("uV", "µV")
    image = report.settings["modality"] == "ct"
    spectrum = spectrum_overlay(
        evidence.freqs,
        evidence.real_psd,
        evidence.synthetic_psd,
        unit=unit,
        bands=report.settings["modality"] == "eeg",
        dark=dark,
    )
    if image:
        spectrum.update_xaxes(type="log", autorange=True, title="Spatial frequency (cycles/mm)")
        spectrum.update_yaxes(title="Power density (HU²·mm²)")
    values = histogram_overlay(evidence.real_values, evidence.synthetic_values, unit=unit, dark=dark)
    return {
        "Spectra. Line: median over examples; band: 10 to 90 % of them.": spectrum,
        "Distribution of all values, thinned evenly; n counts values.": values,
    }


def report_page(report: Report) -> str:
    """One self-contained HTML page: verdicts, table, figures; the first figure brings the drawing library along."""
    drawn = {}
    for index, (caption, figure) in enumerate(report_figures(report).items()):
        drawn[caption] = figure.update_layout(height=HEIGHT).to_html(full_html=False, include_plotlyjs=index == 0)
    return report.to_html(drawn)
