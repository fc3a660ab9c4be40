"""Arrays in, plotly figures out: every axis with its unit, real in blue, synthetic in vermilion."""

from synth_core.figures.drawings import drawing
from synth_core.figures.ratios import ratio_chart, ratio_map
from synth_core.figures.report import part_spectrum, spectra_by_part, value_distribution
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
    "drawing",
    "histogram_overlay",
    "loss_curves",
    "part_spectrum",
    "radial_spectrum_overlay",
    "ratio_chart",
    "ratio_map",
    "roc",
    "spectra_by_part",
    "spectrum_overlay",
    "value_distribution",
]
