"""Examples of a Batch in the viewers: one or two sides, one scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from pages.shared import viewers

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from synth_core.types import Batch, DataSpec

ROWS = 10  # examples of one channel that are stacked in one pane


@dataclass(frozen=True)
class Side:
    """What one pane shows: some examples, a title, and the colour of real or synthetic."""

    batch: Batch
    title: str
    tint: viewers.Tint


def show(sides: Sequence[Side], *, key: str, height: int = 520, beside: DeltaGenerator | None = None) -> None:
    """Draw the sides next to one another: slices as stacks to scroll, signals one example (or ten rows) at a time.

    Parameters
    ----------
    sides : of one specification.
    key : unique on the page.
    height : of the viewer, CSS pixels.
    beside : the row of controls in which the number of the example is asked for; above the viewer when None.
    """
    spec = sides[0].batch.spec
    if spec.is_image:
        stacks = [
            viewers.Stack(side.batch.values[:, 0].numpy(), spec.rate, side.title, side.tint, captions(side.batch))
            for side in sides
        ]
        viewers.slices(stacks, key=key, height=height)
        return
    with beside or st.container():
        first = _page(min(len(side.batch) for side in sides), _per_page(spec), key)
    viewers.waveforms([_trace(side, first) for side in sides], modality=spec.modality, key=key, height=height)


def captions(batch: Batch) -> tuple[str, ...]:
    """The classes of each example, in words; empty without classes."""
    labels = batch.condition.labels
    if labels is None or not batch.spec.classes:
        return ()
    return tuple(
        ", ".join(name for name, value in zip(batch.spec.classes, row, strict=True) if value > 0.5) or "no class"
        for row in labels.tolist()
    )


def _per_page(spec: DataSpec) -> int:
    return ROWS if spec.shape[0] == 1 else 1


def _page(n: int, size: int, key: str) -> int:
    """The first example to show, chosen by the user where there are several pages."""
    pages = -(-n // size)
    if pages < 2:
        return 0
    what = "Example" if size == 1 else f"{size:d} examples, page"
    chosen = st.number_input(f"{what} (1 to {pages})", 1, pages, key=f"{key}-page", width=170)
    return (int(chosen) - 1) * size


def _trace(side: Side, first: int) -> viewers.Trace:
    spec, words = side.batch.spec, captions(side.batch)
    if _per_page(spec) == 1:
        title = f"{side.title} · {words[first]}" if words else side.title
        names = spec.channels or tuple(str(k + 1) for k in range(spec.shape[0]))
        return viewers.Trace(side.batch.values[first].numpy(), spec.rate, spec.unit, names, title, side.tint)
    rows = side.batch.values[first : first + ROWS, 0].numpy()
    names = tuple(words[first + k] if words else str(first + k + 1) for k in range(len(rows)))
    return viewers.Trace(rows, spec.rate, spec.unit, names, side.title, side.tint)
