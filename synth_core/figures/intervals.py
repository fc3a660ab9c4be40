"""Values with intervals, one under the other, beside a value that they are compared with."""

from __future__ import annotations

import math
from collections.abc import Sequence

import plotly.graph_objects as go

from synth_core.figures.theme import NEUTRAL, REAL, blank

ROW, MARGINS = 26, 110  # pixels


def interval_chart(
    points: Sequence[tuple[str, float, float, float]],
    axis: str,
    *,
    reference: float | None = None,
    reference_name: str = "",
    beside: Sequence[tuple[str, float, float, float]] = (),
    dark: bool = False,
) -> go.Figure:
    """Dots with bars of uncertainty.

    Parameters
    ----------
    points : (name, value, low, high) from top to bottom; NaN bounds where there is no interval.
    axis : the measure, with its unit.
    reference, reference_name : a value to compare with and what it is; None for none.
    beside : points of the charts that this one stands beside, on whose scale it is drawn.
    """
    figure = blank(axis, "", dark=dark)
    known = [point for point in points if not math.isnan(point[1])]
    figure.add_scatter(
        x=[value for _, value, _, _ in known],
        y=[name for name, *_ in known],
        mode="markers",
        marker={"color": REAL, "size": 9},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [0 if math.isnan(high) else high - value for _, value, _, high in known],
            "arrayminus": [0 if math.isnan(low) else value - low for _, value, low, _ in known],
            "thickness": 1.5,
        },
        hovertemplate="%{y}: %{x:.3g}<extra></extra>",
    )
    if reference is not None and not math.isnan(reference):
        line = {"color": NEUTRAL, "dash": "dash", "width": 1.5}
        figure.add_vline(x=reference, line=line, annotation_text=reference_name)
    shown = [bound for _, *bounds in beside for bound in [*bounds, reference] if bound is not None]
    finite = [bound for bound in shown if math.isfinite(bound)]
    if finite:
        margin = 0.06 * (max(finite) - min(finite)) or 1.0
        figure.update_xaxes(range=[min(finite) - margin, max(finite) + margin])
    figure.update_yaxes(range=[len(known) - 0.5, -0.5], type="category", automargin=True)
    return figure.update_layout(showlegend=False, hovermode="closest", height=MARGINS + ROW * max(3, len(known)))
