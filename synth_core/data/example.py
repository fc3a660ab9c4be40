"""One example on its way into a dataset."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# why a window, a slice or a recording is left out, as counted in dataset.json
MISSING, FLAT, CLIPPED, OUT_OF_RANGE = "missing values", "flat", "clipped", "out of range"
STEP, LINE_NOISE, BAD_CHANNEL, NEAR_END = "jump", "line noise", "bad channel", "event too near an end"
OVERLAPS, BOUNDARY, NO_SPAN = "overlaps an event of another class", "across the boundary of a span", "in no span"
LITTLE_HEAD, LESION_CUT = "too little head", "lesion outside the square"
SHORT, OTHER_MODALITY, OTHER_CHANNELS = (
    "recordings: too short",
    "recordings: other modality",
    "recordings: other channels",
)
OTHER_LENGTH, DAMAGED = "recordings: other length", "recordings: damaged"
IMPOSSIBLE = "recordings: impossible amplitude"
NO_LABEL = "recordings: class not known"


@dataclass(frozen=True)
class Example:
    """One window or slice, or the reason why it is none.

    Parameters
    ----------
    start : seconds from the start of the recording; for CT the number of the slice.
    values : as the spec says, float32 in physical units; None when left out.
    mask : (1, height, width) in [0, 1] for CT whose lesions are known.
    quality : in [0, 1]. Signals: 1 − the share of samples on plateaus, in the worst channel. CT: the share of the
        head that lies inside the square.
    severity : in [0, 1] where it follows from this series' lesions; None leaves what the recording says.
    reason : why it is left out, or "".
    labels : its own classes where they are not those of the recording.
    """

    start: float
    values: NDArray[np.float32] | None
    mask: NDArray[np.float16] | None = None
    quality: float = 1.0
    severity: float | None = None
    reason: str = ""
    labels: tuple[str, ...] | None = None
