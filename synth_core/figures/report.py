"""Figures of an evaluation: spectra of every class and channel, and the distribution of values."""

from __future__ import annotations

from html import escape

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from synth_core.errors import InvalidSetting
from synth_core.figures.spectra import histogram_overlay, spectrum_overlay
from synth_core.metrics.report import Evidence

FEWEST = 5  # examples a side, below which a class gets no spectrum
MOST_PARTS = 80  # entries of the list in a spectrum of all parts

Floats = NDArray[np.float64]


def part_spectrum(
    evidence: Evidence, *, class_name: str | None = None, channel: str | None = None, dark: bool = False
) -> go.Figure:
    """Spectra of held-out real and synthetic examples: median and 10 to 90 % of the examples.

    Parameters
    ----------
    class_name : only examples of this class; all when None.
    channel : only this channel; the geometric mean of all when None.

    Raises
    ------
    InvalidSetting : when a side has fewer than 5 examples of the class, or there is no such class or channel.
    """
    spec = evidence.spec
    sides = []
    for name, psd, labels in (
        ("held-out", evidence.real_psd, evidence.real_labels),
        ("synthetic", evidence.synthetic_psd, evidence.synthetic_labels),
    ):
        rows = _rows(len(psd), labels, class_name, evidence)
        if len(rows) < FEWEST:
            message = f"Only {len(rows)} {name} examples of class {class_name} were kept: too few for a spectrum."
            raise InvalidSetting(message)
        sides.append(_of_channel(psd[rows], channel, evidence))
    unit = spec.unit.replace("uV", "µV")
    figure = spectrum_overlay(evidence.freqs, *sides, unit=unit, bands=spec.modality == "eeg", dark=dark)
    if spec.is_image:
        figure.update_xaxes(type="log", autorange=True, title="Spatial frequency (cycles/mm)")
        figure.update_yaxes(title="Power density (HU²·mm²)")
    return figure


def spectra_by_part(evidence: Evidence, *, dark: bool = False) -> go.Figure:
    """The spectrum of all examples, with a list from which a class or a channel can be chosen instead."""
    spec = evidence.spec
    parts: list[tuple[str, dict[str, str]]] = [("all examples, all channels", {})]
    parts += [(f"class: {name}", {"class_name": name}) for name in drawable_classes(evidence)]
    if len(spec.channels) > 1:
        parts += [(f"channel: {name}", {"channel": name}) for name in spec.channels]
    figures = [
        part_spectrum(evidence, class_name=chosen.get("class_name"), channel=chosen.get("channel"), dark=dark)
        for _, chosen in parts[:MOST_PARTS]
    ]
    whole = figures[0]
    owners = np.repeat(np.arange(len(figures)), [len(figure.data) for figure in figures])
    for figure in figures[1:]:
        whole.add_traces([trace.update(visible=False) for trace in figure.data])
    buttons = [
        {"label": escape(title, quote=False), "method": "update", "args": [{"visible": (owners == k).tolist()}]}
        for k, (title, _) in enumerate(parts[:MOST_PARTS])
    ]
    menu = {"buttons": buttons, "x": 1, "xanchor": "right", "y": 1.02, "yanchor": "bottom", "showactive": True}
    return whole.update_layout(updatemenus=[menu] if len(buttons) > 1 else [], margin={"t": 56})


def value_distribution(evidence: Evidence, *, dark: bool = False) -> go.Figure:
    """All values of both sides, thinned evenly, as shares over common bins."""
    unit = evidence.spec.unit.replace("uV", "µV")
    return histogram_overlay(evidence.real_values, evidence.synthetic_values, unit=unit, dark=dark)


def drawable_classes(evidence: Evidence) -> tuple[str, ...]:
    """Classes of which both sides have enough examples for a spectrum."""
    sides = (evidence.real_labels, evidence.synthetic_labels)
    if any(labels is None for labels in sides):
        return ()
    counts = np.min([(labels == 1).sum(0) for labels in sides if labels is not None], axis=0)
    return tuple(name for name, n in zip(evidence.spec.classes, counts, strict=True) if n >= FEWEST)


def _rows(n: int, labels: Floats | None, class_name: str | None, evidence: Evidence) -> NDArray[np.intp]:
    if class_name is None:
        return np.arange(n)
    if labels is None or class_name not in evidence.spec.classes:
        raise InvalidSetting(f"There is no class {class_name} in this evaluation.")
    return np.flatnonzero(labels[:, evidence.spec.classes.index(class_name)] == 1)


def _of_channel(psd: Floats, channel: str | None, evidence: Evidence) -> Floats:
    """(n, channels, frequencies) → (n, frequencies)."""
    if channel is None:
        return np.exp(np.log(psd).mean(1))
    if channel not in evidence.spec.channels:
        raise InvalidSetting(f"There is no channel {channel} in this evaluation.")
    return psd[:, evidence.spec.channels.index(channel)]
