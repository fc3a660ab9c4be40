"""p-values of several tests at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import false_discovery_control

from synth_core.errors import InvalidSetting


def adjust(p: ArrayLike, method: str = "holm") -> NDArray[np.float64]:
    """Adjusted p-values, in the order given: a test holds at the chosen level where its value does not exceed it.

    Parameters
    ----------
    p : (tests,); NaN stands for a test that was not made, stays NaN and does not count.
    method : "holm" for confirmatory tests (family-wise error: Holm 1979, Scand. J. Stat. 6:65), "bh" or
        "benjamini-hochberg" for exploratory ones (false discovery rate: Benjamini and Hochberg 1995, J. R. Stat. Soc. B
        57:289), or "bonferroni".
    """
    values = np.asarray(p, dtype=np.float64)
    made = ~np.isnan(values)
    if values.ndim != 1 or not ((values[made] >= 0) & (values[made] <= 1)).all():
        raise InvalidSetting("p-values are one row of numbers between 0 and 1.")
    adjustment = METHODS.get(method.lower().replace("_", "-").replace("–", "-"))
    if adjustment is None:
        raise InvalidSetting(f"p-values are adjusted by one of {', '.join(METHODS)}. Got {method!r} instead.")
    adjusted = values.copy()
    if made.any():
        adjusted[made] = adjustment(values[made])
    return adjusted


def _holm(p: NDArray[np.float64]) -> NDArray[np.float64]:
    order = np.argsort(p)
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def _benjamini_hochberg(p: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(false_discovery_control(p), dtype=np.float64)


def _bonferroni(p: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.minimum(p * len(p), 1.0)


METHODS: dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "holm": _holm,
    "bh": _benjamini_hochberg,
    "fdr-bh": _benjamini_hochberg,
    "benjamini-hochberg": _benjamini_hochberg,
    "bonferroni": _bonferroni,
}
