"""The course of a training run, and what it was trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go

from synth_core.errors import SpecMismatch
from synth_core.figures.theme import PALETTE, REAL, blank, translucent

POINTS = 1500  # per curve; more are thinned evenly


def loss_curves(
    frame: pd.DataFrame, columns: Sequence[str] | None = None, smoothing: float = 0.02, *, dark: bool = False
) -> go.Figure:
    """Each term of the loss over the steps: as recorded, faint, and its exponential moving average.

    Parameters
    ----------
    frame : a column `step` and one per term, as `RunDirectory.metrics()` gives; a term may be missing in some steps.
    columns : the terms to draw; all by default.
    smoothing : span of the average as a share of the steps that were recorded; 0 draws the values alone.

    Raises
    ------
    SpecMismatch : when `step` or a wanted column is missing.
    """
    wanted = [name for name in frame.columns if name != "step"] if columns is None else list(columns)
    missing = [name for name in ("step", *wanted) if name not in frame.columns]
    if missing:
        raise SpecMismatch(f"The record of training has no column {', '.join(missing)}; it has {list(frame.columns)}.")
    figure = blank("Step", "Loss (no unit)", dark=dark)
    for index, name in enumerate(wanted):
        _add_curve(figure, frame[["step", name]].dropna(), name, PALETTE[index % len(PALETTE)], smoothing)
    return figure


def class_balance(counts: Mapping[str, int], *, dark: bool = False) -> go.Figure:
    """Bars of the number per class, with the number beside each.

    Parameters
    ----------
    counts : class → number; several classes may hold the same example.
    """
    figure = blank("Number", "", dark=dark)
    names = list(counts)
    figure.add_bar(
        x=list(counts.values()),
        y=names,
        orientation="h",
        marker_color=REAL,
        text=[f"{n:,}" for n in counts.values()],
        textposition="outside",
        cliponaxis=False,
        hoverinfo="skip",
    )
    return figure.update_yaxes(autorange="reversed", type="category", automargin=True).update_layout(showlegend=False)


def _add_curve(figure: go.Figure, record: pd.DataFrame, name: str, colour: str, smoothing: float) -> None:
    every = max(1, len(record) // POINTS)
    thin = record.iloc[::every]
    faint = {"color": translucent(colour, 0.3 if smoothing else 1.0), "width": 1}
    shared = {"mode": "lines", "legendgroup": name}
    figure.add_scatter(x=thin["step"], y=thin[name], line=faint, name=name, showlegend=not smoothing, **shared)
    if smoothing:
        average = record[name].ewm(span=max(2.0, smoothing * len(record))).mean().iloc[::every]
        figure.add_scatter(x=thin["step"], y=average, line={"color": colour, "width": 2}, name=name, **shared)
