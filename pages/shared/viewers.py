"""The canvas viewers: waveforms on paper or montage, CT slices with window and scroll.

The scripts are in `assets/`; they get one message (`viewer_message`) and need no further word from the server. A
message carries a colour, never what the colour stands for, so that the rating page can use the same viewers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from pages.shared import viewer_message as message
from synth_core.data.recording import Annotation
from synth_core.errors import InvalidSetting, SpecMismatch
from synth_core.figures.theme import REAL, SYNTHETIC

Tint = Literal["real", "synthetic", "neutral"]

ASSETS = Path(__file__).resolve().parents[2] / "assets"
COLOURS: dict[Tint, str | None] = {"real": REAL, "synthetic": SYNTHETIC, "neutral": None}
SMALLEST_SIDE = 48  # pixels; a slice is not shrunk below this to make a message fit


@dataclass(frozen=True)
class Trace:
    """One pane of stacked channels.

    Parameters
    ----------
    values : (channels, samples) in `unit`; NaN leaves a gap.
    rate : sampling rate in Hz.
    unit : "uV" or "mV".
    channels : one name per channel.
    title : shown above the pane.
    tint : colour of title and trace; "neutral" leaves no hint of what is shown.
    annotations : events in seconds from the first sample.
    """

    values: NDArray[np.float32]
    rate: float
    unit: str
    channels: tuple[str, ...]
    title: str = ""
    tint: Tint = "neutral"
    annotations: tuple[Annotation, ...] = ()

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or self.values.size == 0:
            raise SpecMismatch(f"A trace must have shape (channels, samples). Got {self.values.shape} instead.")
        if len(self.channels) != len(self.values):
            raise SpecMismatch(f"{len(self.channels)} channel names were given for {len(self.values)} channels.")
        if not self.rate > 0:
            raise SpecMismatch(f"The rate of a trace must be positive. Got {self.rate} instead.")


@dataclass(frozen=True)
class Stack:
    """One CT viewport.

    Parameters
    ----------
    volume : (slices, height, width) in HU; NaN is painted black.
    pixels_per_mm : in the plane of the slice.
    title : shown above the viewport.
    tint : colour of the title; "neutral" leaves no hint of what is shown.
    captions : one per slice, or none.
    """

    volume: NDArray[np.float32]
    pixels_per_mm: float
    title: str = ""
    tint: Tint = "neutral"
    captions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.volume.ndim != 3 or self.volume.size == 0:
            raise SpecMismatch(f"A stack must have shape (slices, height, width). Got {self.volume.shape} instead.")
        if self.captions and len(self.captions) != len(self.volume):
            raise SpecMismatch(f"{len(self.captions)} captions were given for {len(self.volume)} slices.")
        if not self.pixels_per_mm > 0:
            raise SpecMismatch(f"The pixels per mm of a stack must be positive. Got {self.pixels_per_mm} instead.")


def waveforms(
    traces: Sequence[Trace],
    *,
    modality: str,
    key: str,
    height: int = 520,
    linked: bool = True,
    blind: bool = False,
    showing: str = "",
) -> None:
    """Show traces side by side: ECG on millimetre paper, EEG as a montage with negative up.

    Parameters
    ----------
    traces : one per pane.
    modality : "ecg" or "eeg".
    key : name of the element; it becomes a class in the page, so it must not say what is shown.
    height : of the whole viewer, CSS pixels.
    linked : one time axis and one gain for all panes.
    blind : for raters: messages of equal shape have equal size, and number keys are left to the page.
    showing : a token, of equal length for all items, under which the script says when the first frame was drawn.

    Raises
    ------
    InvalidSetting : when there is no trace or the modality is not a signal.
    """
    packed = waveform_message(traces, modality=modality, height=height, linked=linked, blind=blind, showing=showing)
    _waveform_viewer(data=packed, key=key, height=height)


def slices(
    stacks: Sequence[Stack],
    *,
    key: str,
    height: int = 520,
    linked: bool = True,
    blind: bool = False,
    showing: str = "",
) -> None:
    """Show CT stacks side by side, with window presets, scrolling and HU under the cursor.

    Parameters
    ----------
    stacks : one per viewport.
    key : name of the element; it becomes a class in the page, so it must not say what is shown.
    height : of the whole viewer, CSS pixels.
    linked : one window and one scroll position for all viewports.
    blind : for raters: messages of equal shape have equal size, and number keys are left to the page.
    showing : a token, of equal length for all items, under which the script says when the first frame was drawn.

    Raises
    ------
    InvalidSetting : when there is no stack, or more slices than one message holds.
    """
    packed = slice_message(stacks, height=height, linked=linked, blind=blind, showing=showing)
    _slice_viewer(data=packed, key=key, height=height)


def waveform_message(
    traces: Sequence[Trace],
    *,
    modality: str,
    height: int = 520,
    linked: bool = True,
    blind: bool = False,
    showing: str = "",
) -> bytes:
    """Pack traces for the viewer; above 2 MB they are reduced to minimum and maximum pairs, and the pane says so."""
    if not traces:
        raise InvalidSetting("The waveform viewer needs at least one trace.")
    if modality not in ("ecg", "eeg"):
        raise InvalidSetting(f"The waveform viewer shows ecg or eeg. Got {modality!r} instead.")
    header = {"modality": modality, "height": height, "linked": linked, "showing": showing}
    bucket = _first_bucket(sum(trace.values.size for trace in traces))
    while True:
        described = [_describe_trace(trace, bucket) for trace in traces]
        samples = np.concatenate([codes.ravel() for _, codes in described])
        packed = message.pack({**header, "panes": [pane for pane, _ in described]}, samples, even=blind)
        if len(packed) <= message.MESSAGE_LIMIT:
            return packed
        bucket = max(4, 2 * bucket)


def slice_message(
    stacks: Sequence[Stack], *, height: int = 520, linked: bool = True, blind: bool = False, showing: str = ""
) -> bytes:
    """Pack stacks for the viewer; above 2 MB pixels are averaged in the plane, and the viewport says so."""
    if not stacks:
        raise InvalidSetting("The slice viewer needs at least one stack.")
    header = {"height": height, "linked": linked, "numberKeys": not blind, "showing": showing}
    factor = 1
    while factor == 1 or min(min(stack.volume.shape[1:]) for stack in stacks) // factor >= SMALLEST_SIDE:
        described = [_describe_stack(stack, factor) for stack in stacks]
        samples = np.concatenate([codes.ravel() for _, codes in described])
        packed = message.pack({**header, "panes": [pane for pane, _ in described]}, samples, even=blind)
        if len(packed) <= message.MESSAGE_LIMIT:
            return packed
        factor += 1
    count = sum(len(stack.volume) for stack in stacks)
    raise InvalidSetting(f"{count} slices are too many to show at once: choose fewer.")


def _first_bucket(samples: int) -> int:
    """Samples per minimum–maximum pair to start from: 1 (none), or what leaves at most four messages uncompressed."""
    bucket = 1
    while samples * 2 * (1 if bucket == 1 else 2 / bucket) > 4 * message.MESSAGE_LIMIT:
        bucket = max(4, 2 * bucket)
    return bucket


def _describe_trace(trace: Trace, bucket: int) -> tuple[dict[str, Any], NDArray[np.int16]]:
    values = np.asarray(trace.values, np.float32)
    shown = values if bucket == 1 else message.extremes(values, bucket)
    codes, scale, offset = message.quantise(shown)
    centre, span = _centre_and_span(values)
    pane = {
        "title": trace.title,
        "colour": COLOURS[trace.tint],
        "unit": trace.unit.replace("uV", "µV"),
        "rate": trace.rate if bucket == 1 else trace.rate * 2 / bucket,
        "seconds": values.shape[1] / trace.rate,
        "samples": shown.shape[1],
        "channels": [
            {"name": name, "scale": s, "offset": o, "centre": c}
            for name, s, o, c in zip(trace.channels, scale.tolist(), offset.tolist(), centre.tolist(), strict=True)
        ],
        "span": span,
        "annotations": [[mark.onset, mark.duration, mark.text] for mark in trace.annotations],
        "note": "" if bucket == 1 else f"minimum and maximum of every {bucket} samples",
    }
    return pane, codes


def _centre_and_span(values: NDArray[np.float32]) -> tuple[NDArray[np.float64], float]:
    """Median of each channel, where its baseline is drawn, and the range of the middle 99 % of a typical channel."""
    step = max(1, values.shape[1] // 4000)
    finite = np.where(np.isfinite(values), values, np.nan)[:, ::step]
    finite[np.isnan(finite).all(axis=1)] = 0.0
    low, middle, high = np.nanpercentile(finite, (0.5, 50, 99.5), axis=1)
    return middle, float(np.median(high - low))


def _describe_stack(stack: Stack, factor: int) -> tuple[dict[str, Any], NDArray[np.int16]]:
    volume = np.asarray(stack.volume, np.float32)
    shown = volume if factor == 1 else message.shrink(volume, factor)
    pane = {
        "title": stack.title,
        "colour": COLOURS[stack.tint],
        "shape": shown.shape,
        "pixelsPerMm": stack.pixels_per_mm / factor,
        "captions": stack.captions,
        "note": "" if factor == 1 else f"mean of {factor} × {factor} pixels",
    }
    return pane, message.hounsfield_codes(shown)


def _viewer(name: str, *scripts: str) -> Callable[..., Any]:
    """Register a viewer; its scripts are joined, since a component takes one module and cannot import."""
    module = "\n".join((ASSETS / script).read_text(encoding="utf-8") for script in scripts)
    style = (ASSETS / "viewers.css").read_text(encoding="utf-8")
    return st.components.v2.component(name, html="<div class='viewer'></div>", css=style, js=module)


_waveform_viewer = _viewer("waveform_viewer", "element.js", "viewer_shared.js", "waveform_drawing.js", "waveform.js")
_slice_viewer = _viewer("slice_viewer", "element.js", "viewer_shared.js", "slice.js")
