"""How the viewers are handed an item of a study: the same for the rater, a dry run and the audit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pages.shared import viewers
from synth_core.study.payload import Rendering


def picture(rendering: Rendering, values: NDArray[np.float32]) -> viewers.Stack | viewers.Trace:
    """What a viewer shows of one item, without a word of what it is."""
    if rendering.modality == "ct":
        return viewers.Stack(values, rendering.rate)
    names = rendering.channels or tuple(str(number + 1) for number in range(len(values)))
    return viewers.Trace(values, rendering.rate, rendering.unit, names)


def message(rendering: Rendering, values: NDArray[np.float32]) -> bytes:
    """What the browser is sent of one item."""
    shown = picture(rendering, values)
    if isinstance(shown, viewers.Stack):
        return viewers.slice_message([shown], blind=True)
    return viewers.waveform_message([shown], modality=rendering.modality, blind=True)
