"""Tables of what raters answered, as arrays of raters × items with NaN where nothing was."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth_core.errors import InvalidSetting


def check_ratings(ratings: ArrayLike, *, named: bool = False) -> NDArray[np.float64]:
    """(raters, items) of numbers, NaN where there is no rating.

    Parameters
    ----------
    named : whether names will do as well, of categories without an order; they become 0, 1, … in alphabetical order,
        and None, NaN, "nan" and "" are no rating.
    """
    table = np.asarray(ratings)
    if table.ndim != 2 or not table.size:
        raise InvalidSetting(f"Ratings are a table of raters × items. Got an array of shape {table.shape} instead.")
    try:
        numbers = np.asarray(ratings, dtype=np.float64)
    except (TypeError, ValueError):
        if not named:
            raise InvalidSetting("These ratings must be numbers, as their distance counts.") from None
        numbers = _coded(np.asarray(ratings, dtype=object))
    if np.isinf(numbers).any():
        raise InvalidSetting("Ratings are finite numbers, or NaN where there is none.")
    return numbers


def counts_of(numbers: NDArray[np.float64]) -> NDArray[np.int_]:
    """(items, categories): how many raters gave each item each of the values that occur at all."""
    values = np.unique(numbers[~np.isnan(numbers)])
    return (numbers[:, :, None] == values).sum(axis=0)


def _coded(table: NDArray[np.object_]) -> NDArray[np.float64]:
    missing = np.array([cell is None or cell in ("", "nan") or cell != cell for cell in table.ravel()], dtype=bool)
    codes = np.full(table.size, np.nan)
    codes[~missing] = np.unique(table.ravel()[~missing].astype(str), return_inverse=True)[1]
    return codes.reshape(table.shape)
