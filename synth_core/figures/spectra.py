"""Real and synthetic over one another: spectra with their spread, and distributions of values."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from synth_core.errors import SpecMismatch
from synth_core.figures.theme import NEUTRAL, REAL, SYNTHETIC, blank, translucent
from synth_core.metrics.spectral import BANDS, radial_spectrum

SPREAD = (0.1, 0.9)  # quantiles over examples that the ribbon spans
BINS = 160
HU_SHOWN = (-1050.0, 2000.0)  # beyond lie padding and metal

Floats = NDArray[np.float64]


def spectrum_overlay(
    freqs: ArrayLike,
    real_psd: ArrayLike,
    synthetic_psd: ArrayLike,
    *,
    unit: str,
    bands: bool = True,
    dark: bool = False,
) -> go.Figure:
    """Median power spectra with ribbons from 10 to 90 % of the examples, on a logarithmic axis.

    Parameters
    ----------
    freqs : (frequencies,) in Hz; 0 is left out, since the mean was removed.
    real_psd, synthetic_psd : (n, frequencies) in unit² / Hz; the numbers of examples may differ.
    unit : of the signal, "µV" for example.
    bands : shade and name the EEG bands.

    Raises
    ------
    SpecMismatch : when a spectrum does not have one value per frequency.
    """
    x = np.asarray(freqs, dtype=np.float64)
    figure = blank("Frequency (Hz)", f"Power density ({unit}²/Hz)", dark=dark)
    _add_both(figure, x, real_psd, synthetic_psd)
    if bands:
        _shade_bands(figure, float(x[-1]))
    figure.update_xaxes(range=[0, float(x[-1])])
    return figure


def radial_spectrum_overlay(
    real: ArrayLike, synthetic: ArrayLike, *, pixels_per_mm: float, unit: str = "HU", dark: bool = False
) -> go.Figure:
    """Radial power spectra of slices: the texture, from coarse to fine, on two logarithmic axes.

    Parameters
    ----------
    real, synthetic : (n, height, width), in `unit`.
    pixels_per_mm : sampling of both axes.
    """
    freqs, real_power = radial_spectrum(real, pixels_per_mm)
    _, synthetic_power = radial_spectrum(synthetic, pixels_per_mm)
    figure = blank("Spatial frequency (cycles/mm)", f"Power density ({unit}²·mm²)", dark=dark)
    _add_both(figure, freqs, real_power, synthetic_power)
    return figure.update_xaxes(type="log")


def histogram_overlay(real: ArrayLike, synthetic: ArrayLike, *, unit: str, dark: bool = False) -> go.Figure:
    """Distributions of all values over common bins, as shares, on a logarithmic axis.

    Parameters
    ----------
    real, synthetic : arrays whose first axis is examples, in `unit`. HU are shown from −1050 to 2000; other units
        from the 0.1 to the 99.9 % quantile of both together. Values beyond count at the edges.
    """
    a, b = np.asarray(real), np.asarray(synthetic)
    low, high = HU_SHOWN if unit == "HU" else np.quantile(np.concatenate([a.ravel(), b.ravel()]), (0.001, 0.999))
    edges = np.linspace(low, high, BINS + 1) if high > low else np.linspace(low - 1, low + 1, BINS + 1)
    figure = blank(f"Value ({unit})", "Share of values", dark=dark)
    for name, values, colour in (("Real", a, REAL), ("Synthetic", b, SYNTHETIC)):
        counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), edges)
        share = np.where(counts > 0, counts / counts.sum(), np.nan)
        line = {"color": colour, "width": 1.6, "shape": "hvh"}
        label = f"{name}, n = {len(values):,}"
        figure.add_scatter(x=(edges[:-1] + edges[1:]) / 2, y=share, name=label, line=line, mode="lines")
    return figure.update_yaxes(type="log", exponentformat="power", dtick=1)


def _add_both(figure: go.Figure, x: Floats, real: ArrayLike, synthetic: ArrayLike) -> None:
    for name, spectra, colour in (("Real", real, REAL), ("Synthetic", synthetic, SYNTHETIC)):
        values = np.atleast_2d(np.asarray(spectra, dtype=np.float64))
        if values.ndim != 2 or values.shape[1] != len(x):
            raise SpecMismatch(f"Spectra must have shape (n, {len(x)}), one value per frequency. Got {values.shape}.")
        _add_ribbon(figure, x[x > 0], values[:, x > 0], f"{name}, n = {len(values):,}", colour)
    figure.update_yaxes(type="log", exponentformat="power", dtick=1)


def _add_ribbon(figure: go.Figure, x: Floats, values: Floats, name: str, colour: str) -> None:
    low, middle, high = np.quantile(np.where(values > 0, values, np.nan), (SPREAD[0], 0.5, SPREAD[1]), axis=0)
    edge = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False, "legendgroup": name}
    figure.add_scatter(x=x, y=high, **edge)
    figure.add_scatter(x=x, y=low, fill="tonexty", fillcolor=translucent(colour, 0.18), **edge)
    line = {"color": colour, "width": 2}
    figure.add_scatter(x=x, y=middle, name=name, mode="lines", line=line, legendgroup=name)


def _shade_bands(figure: go.Figure, highest: float) -> None:
    for index, (name, (low, high)) in enumerate(BANDS["eeg"].items()):
        if low < highest:
            figure.add_vrect(
                x0=low,
                x1=min(high, highest),
                fillcolor=translucent(NEUTRAL, 0.10 if index % 2 == 0 else 0.04),
                line_width=0,
                layer="below",
                annotation={"text": name, "font": {"size": 11, "color": NEUTRAL}},
                annotation_position="inside bottom left",
            )
