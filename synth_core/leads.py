"""The limb leads of an ECG: which are independent, and how the others follow from them (Einthoven, Goldberger)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

TWELVE_LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
FROM_I_AND_II = {"III": (-1.0, 1.0), "aVR": (-0.5, -0.5), "aVL": (1.0, -0.5), "aVF": (-0.5, 1.0)}


def independent_leads(channels: Sequence[str]) -> tuple[int, ...]:
    """Positions of the channels that cannot be computed from others: all of them where I or II is missing."""
    if not {"I", "II"} <= set(channels):
        return tuple(range(len(channels)))
    return tuple(k for k, name in enumerate(channels) if name not in FROM_I_AND_II)


def lead_matrix(channels: Sequence[str]) -> NDArray[np.float32]:
    """(channels, independent channels): what computes every channel from the independent ones."""
    independent = independent_leads(channels)
    if len(independent) == len(channels):
        return np.eye(len(channels), dtype=np.float32)
    matrix = np.zeros((len(channels), len(independent)), np.float32)
    one, two = (independent.index(list(channels).index(lead)) for lead in ("I", "II"))
    for row, name in enumerate(channels):
        if name in FROM_I_AND_II:
            matrix[row, [one, two]] = FROM_I_AND_II[name]
        else:
            matrix[row, independent.index(row)] = 1
    return matrix
