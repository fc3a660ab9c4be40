"""Arrays in, plotly figures out: every axis with its unit, real in blue, synthetic in vermilion."""

from synth_core.figures.report import report_figures
from synth_core.figures.spectra import histogram_overlay, radial_spectrum_overlay, spectrum_overlay
from synth_core.figures.study import IntervalRow, accuracy_intervals, roc
from synth_core.figures.theme import REAL, SYNTHETIC
from synth_core.figures.training import class_balance, loss_curves

__all__ = [
    "REAL",
    "SYNTHETIC",
    "IntervalRow",
    "accuracy_intervals",
    "class_balance",
    "histogram_overlay",
    "loss_curves",
    "radial_spectrum_overlay",
    "report_figures",
    "roc",
    "spectrum_overlay",
]
