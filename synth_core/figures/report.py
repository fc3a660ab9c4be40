"""Figures of an evaluation."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from synth_core.figures.spectra import histogram_overlay, spectrum_overlay
from synth_core.metrics.report import Report


def report_figures(report: Report, *, dark: bool = False) -> dict[str, go.Figure]:
    """Caption → figure: spectra and distribution of values, held-out real against synthetic."""
    evidence, unit = report.evidence, report.settings["unit"].replace("uV", "µV")
    image = evidence.spec.is_image
    spectrum = spectrum_overlay(
        evidence.freqs,
        np.exp(np.log(evidence.real_psd).mean(1)),
        np.exp(np.log(evidence.synthetic_psd).mean(1)),
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
