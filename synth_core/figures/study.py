"""How well people, or classifiers, tell real from synthetic."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import plotly.graph_objects as go
from numpy.typing import ArrayLike
from sklearn.metrics import roc_auc_score, roc_curve

from synth_core.figures.theme import NEUTRAL, PALETTE, blank

RATER = PALETTE[2]  # neither real nor synthetic


class IntervalRow(NamedTuple):
    """One line of a forest plot: a share in [0, 1] with its interval and the number of answers behind it."""

    name: str
    value: float
    low: float
    high: float
    n: int


def accuracy_intervals(rows: Sequence[IntervalRow], *, chance: float = 0.5, dark: bool = False) -> go.Figure:
    """Forest plot: accuracy of each rater with its interval, and a line where guessing lies.

    Parameters
    ----------
    rows : from top to bottom; shares in [0, 1].
    chance : accuracy of guessing.
    """
    figure = blank("Correct answers (%)", "", dark=dark)
    labels = [f"{row.name}, n = {row.n:,}" for row in rows]
    figure.add_scatter(
        x=[100 * row.value for row in rows],
        y=labels,
        mode="markers",
        marker={"color": RATER, "size": 9, "symbol": "square"},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [100 * (row.high - row.value) for row in rows],
            "arrayminus": [100 * (row.value - row.low) for row in rows],
            "color": RATER,
            "thickness": 1.5,
        },
        hovertemplate="%{x:.1f} %<extra></extra>",
    )
    figure.add_vline(x=100 * chance, line={"color": NEUTRAL, "dash": "dash", "width": 1}, annotation_text="chance")
    figure.update_yaxes(range=[len(rows) - 0.5, -0.5], type="category", automargin=True)
    return figure.update_xaxes(range=[0, 100]).update_layout(showlegend=False, hovermode="closest")


def roc(curves: Mapping[str, tuple[ArrayLike, ArrayLike]], *, dark: bool = False) -> go.Figure:
    """Receiver operating characteristics with the diagonal of guessing; the area stands in the legend.

    Parameters
    ----------
    curves : name → (truth of 0 and 1, score that grows with 1), both (n,); both classes must occur.
    """
    figure = blank("False positive rate (%)", "True positive rate (%)", dark=dark)
    for (name, (truth, score)), colour in zip(curves.items(), itertools.cycle(PALETTE[2:])):
        false_positive, true_positive, _ = roc_curve(truth, score)
        label = f"{name}, AUROC {roc_auc_score(truth, score):.2f}"
        figure.add_scatter(x=100 * false_positive, y=100 * true_positive, mode="lines", name=label, line_color=colour)
    dashed = {"color": NEUTRAL, "dash": "dash", "width": 1}
    figure.add_scatter(x=[0, 100], y=[0, 100], mode="lines", line=dashed, showlegend=False, hoverinfo="skip")
    figure.update_yaxes(range=[0, 100], scaleanchor="x", constrain="domain")
    return figure.update_xaxes(range=[0, 100], constrain="domain")
