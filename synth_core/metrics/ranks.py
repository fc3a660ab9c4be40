"""Area under the receiver operating characteristic from ranks: what every comparison of scores here rests on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata


def auroc(positive: NDArray[np.bool_], score: NDArray[np.float64]) -> float:
    """Share of pairs of a positive and a negative example that are in the right order, ties counting half.

    Parameters
    ----------
    positive : (n,) with both kinds among them.
    score : (n,), larger for positive ones.

    Returns
    -------
    In [0, 1] (Mann and Whitney 1947).
    """
    n = int(positive.sum())
    return float((rankdata(score)[positive].sum() - n * (n + 1) / 2) / (n * (len(positive) - n)))
