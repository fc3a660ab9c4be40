"""Measures against their floors: how many times worse than other real people, with intervals; parts as a map."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import numpy as np
import plotly.graph_objects as go

from synth_core.figures.theme import NEUTRAL, blank
from synth_core.metrics.measure import Measure
from synth_core.metrics.reactions import reacts_to

# colour and shape, so that neither stands alone; readable on white and on near black
MARKS = {"as real": ("#009E73", "circle"), "near": ("#E69F00", "diamond"), "far": ("#CC3D33", "x")}
SHOWN = (0.2, 50.0)  # times the floor; what lies beyond is drawn at the edge
WRAP = 62  # characters of a line under the pointer
MAP = ((0.0, "#D9E6E3"), (0.25, "#F3E3BF"), (0.55, "#E8A65C"), (1.0, "#B3362C"))
HIGHEST = 8.0  # times the floor at which the map is darkest


def times_worse(measure: Measure, value: float | None = None) -> float:
    """How many times worse than its floor a value of a measure is; 1 is as good as other real people.

    Parameters
    ----------
    value : the value of the measure when None; an end of its interval otherwise.

    Returns
    -------
    value / floor where lower is better, floor / value where higher is; infinite for a value of 0 of the latter; NaN
    where the floor is not positive, as that of an unbiased distance can be.
    """
    given, floor = measure.score.value if value is None else value, measure.score.floor
    if not floor > 0 or math.isnan(given):
        return math.nan
    if measure.better == "lower":
        return given / floor
    return floor / given if given > 0 else math.inf


def ratio_chart(measures: Iterable[Measure], modality: str, *, dark: bool = False) -> go.Figure:
    """Dot and interval of each measure on a logarithmic axis, worst first; the floor is the line at 1.

    Parameters
    ----------
    measures : of one part; those without a positive floor are left out.
    modality : "eeg", "ecg" or "ct": what a measure reacts to is known for each.
    """
    shown = sorted((m for m in measures if not math.isnan(times_worse(m))), key=times_worse, reverse=True)
    figure = blank("Times the floor (1× is as real as other real people)", "", dark=dark)
    nothing: list[Any] = [None]  # one point that is not drawn: the legend names every verdict
    for verdict, (colour, symbol) in MARKS.items():
        rows = [m for m in shown if m.verdict == verdict]
        for measure in rows:
            low, high = sorted(_clipped(times_worse(measure, end)) for end in _ends(measure))
            line = {"color": colour, "width": 3}
            figure.add_scatter(
                x=[low, high], y=[_label(measure)] * 2, mode="lines", line=line, opacity=0.45, showlegend=False,
                hoverinfo="skip",
            )  # fmt: skip
        figure.add_scatter(
            x=[_clipped(times_worse(m)) for m in rows] or nothing,
            y=[_label(m) for m in rows] or nothing,
            name=verdict,
            mode="markers",
            marker={"color": colour, "symbol": symbol, "size": 11},
            hovertext=[hover(m, modality) for m in rows],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    figure.add_vline(x=1, line={"color": NEUTRAL, "dash": "dash", "width": 1.5})
    order = [_label(measure) for measure in shown]
    figure.update_yaxes(categoryorder="array", categoryarray=order[::-1], type="category", automargin=True)
    ticks = [0.25, 0.5, 1, 2, 4, 8, 16, 32]
    figure.update_xaxes(type="log", range=_range(shown), tickvals=ticks, ticktext=[f"{tick:g}×" for tick in ticks])
    return figure.update_layout(hovermode="closest", height=124 + 30 * max(len(shown), 1), margin={"b": 64})


def ratio_map(measures: Sequence[Measure], modality: str, *, dark: bool = False) -> go.Figure:
    """Parts by measures: colour and number say how many times worse than its floor each is.

    Parameters
    ----------
    measures : of the parts of one split, the classes or the channels.
    """
    parts = list(dict.fromkeys(m.part for m in measures))
    names = list(dict.fromkeys(m.name for m in measures))
    found = {(m.part, m.name): m for m in measures}
    cells = [[found.get((part, name)) for name in names] for part in parts]
    worse = np.array([[math.nan if m is None else times_worse(m) for m in row] for row in cells])
    width = min(18, max(9, 100 // max(len(names), 1)))  # characters of a line of a heading
    figure = blank("", "", dark=dark)
    figure.add_heatmap(
        x=[_wrapped(name, width) for name in names],
        y=[escape(part, quote=False) for part in parts],
        z=np.log2(np.clip(worse, 1, HIGHEST)),
        zmin=0,
        zmax=math.log2(HIGHEST),
        colorscale=MAP,
        xgap=2,
        ygap=2,
        text=[["" if math.isnan(value) else _times(value) for value in row] for row in worse],
        texttemplate="%{text}",
        textfont={"color": "#17252B"},
        hovertext=[["" if m is None else hover(m, modality) for m in row] for row in cells],
        hovertemplate="%{hovertext}<extra></extra>",
        colorbar={"tickvals": [0, 1, 2, 3], "ticktext": ["≤ 1×", "2×", "4×", "≥ 8×"], "thickness": 12, "len": 1},
    )
    figure.update_yaxes(autorange="reversed", type="category", automargin=True, ticks="", showgrid=False)
    figure.update_xaxes(side="top", type="category", automargin=True, ticks="", tickangle=0, showgrid=False)
    return figure.update_layout(hovermode="closest", height=84 + 30 * len(parts), margin={"b": 12, "t": 64})


def hover(measure: Measure, modality: str) -> str:
    """What stands under the pointer: numbers, meaning, and the planted faults that the measure reacts to."""
    score, unit = measure.score, f" {measure.unit.replace('uV', 'µV')}" if measure.unit else ""
    known = not math.isnan(score.low)
    interval = f", 95 % {score.low:.3g} to {score.high:.3g}" if known else ""
    part = "" if measure.split == "all" else f" · {measure.part}"
    faults = reacts_to(modality, measure.name)
    reacts = f"Reacts to: {', '.join(faults)}." if faults else "No planted fault was seen to move it: in no answer."
    lines = [
        f"{measure.name}{part}: {measure.verdict}",
        f"{score.value:.3g}{unit}{interval}; floor {score.floor:.3g}; n = {score.n_real} and {score.n_synthetic}",
        f"{measure.meaning} {measure.better.capitalize()} is better.",
        reacts,
    ]
    return "<br>".join(_wrapped(line, WRAP) for line in lines)


def _label(measure: Measure) -> str:
    part = "" if measure.split == "all" else f" · {measure.part}"
    return escape(f"{measure.name}{part}", quote=False)


def _ends(measure: Measure) -> tuple[float, float]:
    """The interval, or the value twice where there is none."""
    score = measure.score
    return (score.value, score.value) if math.isnan(score.low) else (score.low, score.high)


def _clipped(ratio: float) -> float:
    return float(np.clip(ratio, *SHOWN))


def _range(measures: Sequence[Measure]) -> list[float]:
    """Decades shown: from half the floor to twice it at least, and as far as intervals go."""
    ends = [_clipped(times_worse(m, end)) for m in measures for end in (*_ends(m), m.score.value)]
    return [math.log10(min([0.5, *ends]) / 1.15), math.log10(max([2.0, *ends]) * 1.25)]


def _times(ratio: float) -> str:
    return "> 50×" if ratio > SHOWN[1] else f"{ratio:.2g}×" if ratio < 10 else f"{ratio:.0f}×"


def _wrapped(text: str, width: int) -> str:
    return "<br>".join(escape(line, quote=False) for line in textwrap.wrap(text, width))
