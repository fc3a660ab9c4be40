"""Colours and templates: real is always blue, synthetic always vermilion (Okabe and Ito's colour-blind safe pair)."""

from __future__ import annotations

import plotly.graph_objects as go

REAL = "#0072B2"
SYNTHETIC = "#D55E00"
PALETTE = (REAL, SYNTHETIC, "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#6B7780")  # for lines that are neither
NEUTRAL = "#6B7780"
FONT = "system-ui, -apple-system, 'Segoe UI', sans-serif"
TRANSPARENT = "rgba(0, 0, 0, 0)"


def _template(text: str, grid: str) -> go.layout.Template:
    axis = {"gridcolor": grid, "linecolor": grid, "zeroline": False, "ticks": "outside", "tickcolor": grid}
    legend = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "title": {"text": ""}}
    layout = {
        "font": {"family": FONT, "size": 13, "color": text},
        "paper_bgcolor": TRANSPARENT,
        "plot_bgcolor": TRANSPARENT,
        "colorway": list(PALETTE),
        "xaxis": axis,
        "yaxis": axis,
        "legend": legend,
        "margin": {"l": 64, "r": 16, "t": 36, "b": 52},
        "hovermode": "x unified",
    }
    return go.layout.Template(layout=layout)


LIGHT = _template(text="#17252B", grid="#D5DDE0")
DARK = _template(text="#E4ECEE", grid="#3A4A50")


def blank(x: str, y: str, *, dark: bool = False) -> go.Figure:
    """An empty figure in the house style with its two axis titles, each with its unit."""
    figure = go.Figure(layout={"template": DARK if dark else LIGHT})
    return figure.update_layout(xaxis_title=x, yaxis_title=y)


def translucent(colour: str, opacity: float) -> str:
    """ "#RRGGBB" as an rgba string, for ribbons."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {opacity})"
