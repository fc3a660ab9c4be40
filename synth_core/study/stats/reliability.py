"""Intraclass correlations of ratings on a scale: Shrout and Fleiss 1979, Psychol. Bull. 86:420."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import ArrayLike

from synth_core.errors import InvalidSetting
from synth_core.study.stats.ratings import check_ratings


def icc(ratings: ArrayLike, kind: str = "ICC(2,1)") -> float:
    """Share of the variance of ratings that comes from the items.

    Parameters
    ----------
    ratings : (raters, items); items that not all raters have rated (NaN) are left out.
    kind : "ICC(1,1)" other raters for each item; "ICC(2,1)" the same raters, who stand for others; "ICC(3,1)" the same
        raters, who stand for themselves. "ICC(1,k)", "ICC(2,k)", "ICC(3,k)": of the mean of the raters. Also written
        "2,1", "ICC2" or "ICC2k".

    Returns
    -------
    NaN with fewer than two raters or items, and where all ratings are the same: 0 / 0. A value below 0 means that items
    differ less than by chance.
    """
    table = check_ratings(ratings)
    table = table[:, ~np.isnan(table).any(axis=0)].T  # (items, raters) as in the paper
    n, k = table.shape
    model, mean = _kind(kind, k)
    if n < 2 or k < 2:
        return float("nan")
    items, raters = table.mean(axis=1), table.mean(axis=0)
    between = k * np.sum((items - table.mean()) ** 2) / (n - 1)  # BMS
    within = np.sum((table - items[:, None]) ** 2) / (n * (k - 1))  # WMS
    judges = n * np.sum((raters - table.mean()) ** 2) / (k - 1)  # JMS
    error = (within * n * (k - 1) - judges * (k - 1)) / ((n - 1) * (k - 1))  # EMS
    noise = within if model == 1 else error
    bias = k * (judges - error) / n if model == 2 else 0.0
    total = between + (bias / k if mean else (k - 1) * noise + bias)
    return (
        float((between - noise) / total) if abs(total) > 1e-12 * max(np.square(table).max(), 1e-300) else float("nan")
    )


def _kind(kind: str, raters: int) -> tuple[int, bool]:
    """1, 2 or 3, and whether it is of the mean of the raters."""
    found = re.fullmatch(r"(?:icc)?\(?([123])(?:,?(1|k|\d+))?\)?", re.sub(r"\s|_", "", str(kind).lower()))
    if found is None or found[2] not in (None, "1", "k", str(raters)):
        raise InvalidSetting(f"The kind is ICC(1,1), ICC(2,1), ICC(3,1) or one of these with k. Got {kind!r} instead.")
    return int(found[1]), found[2] not in (None, "1")
