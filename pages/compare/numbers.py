"""Amplitudes of both sides as a table, with units and n."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from pages.shared import words

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from synth_core.types import Batch

PERCENTILES = (
    ("1st percentile", 1.0),
    ("5th percentile", 5.0),
    ("median", 50.0),
    ("95th percentile", 95.0),
    ("99th percentile", 99.0),
)


def show(real: Batch, synthetic: Batch) -> None:
    """Percentiles of the values, and the spread within one example."""
    unit = words.unit(real.spec.unit)
    st.subheader(f"Amplitude in {unit}", anchor=False)
    sides = {
        "real": real.values.numpy(),
        "synthetic": synthetic.values.numpy(),
    }
    measures: dict[str, Any] = {name: partial(np.percentile, q=share) for name, share in PERCENTILES} | {
        "SD within an example": _spread,
        "peak to peak": _range,
    }
    rows = [
        {unit: name} | {side: words.short(float(measure(values))) for side, values in sides.items()}
        for name, measure in measures.items()
    ]
    st.dataframe(rows, hide_index=True)
    parts = "pixels" if real.spec.is_image else "channels"
    st.caption(
        f"Of {len(real)} real and {len(synthetic)} synthetic examples, all {parts} together; SD and peak to peak are "
        "those of the median example. Evaluate says how sure these numbers are."
    )


def _spread(values: NDArray[np.float32]) -> float:
    return float(np.median(values.reshape(len(values), -1).std(axis=1)))


def _range(values: NDArray[np.float32]) -> float:
    """Within a channel, so that offsets between channels do not count."""
    return float(np.median(np.ptp(values, axis=-1)) if values.ndim == 3 else np.median(np.ptp(values, axis=(-2, -1))))
