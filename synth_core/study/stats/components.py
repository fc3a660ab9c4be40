"""Variance components of crossed raters and items, whether every rater has answered every item or not.

MINQUE(0), Rao 1972, J. Am. Stat. Assoc. 67:112: quadratic forms of the answers, less the mean of each stratum, are set
equal to what they are expected to be. For complete data these are the estimates of the analysis of variance.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class ErrorParts(NamedTuple):
    """What the variance of the mean answer is made of; NaN where the design cannot tell.

    Parameters
    ----------
    rater, item : from the choice of raters and of items. Estimates, which may come out below 0.
    residual : from what is left in a single answer.
    shared : covariance of the means of two raters, which comes from the items that they share.
    raters : how many raters, of equally many answers each, would weigh as these do.
    """

    rater: float
    item: float
    residual: float
    shared: float
    raters: float

    @property
    def total(self) -> float:
        """For J raters × K items, (MSR + MSC − MSE) / (J K)."""
        return self.rater + self.item + self.residual

    @property
    def between_raters(self) -> float:
        """What the spread of the raters' means shows of the total. For J raters × K items, MSR / (J K)."""
        return self.total - self.shared


def error_parts(
    values: NDArray[np.float64], rater: NDArray[np.int_], item: NDArray[np.int_], stratum: NDArray[np.int_]
) -> ErrorParts:
    """Variance of the mean of the answers, by source.

    Where the items are of several strata (classes whose mix is fixed by design), raters may also differ by stratum: one
    who leans to "real" is better on real items and as much worse on synthetic ones, which cancels in the mean.

    Parameters
    ----------
    values : (answers,)
    rater, item, stratum : (answers,); whose and of what each is.
    """
    groups, fixed = [_codes(rater), _codes(item)], _codes(stratum)
    if fixed.max() > 0:
        groups.append(_codes(groups[0] * (fixed.max() + 1) + fixed))
    n = len(values)
    weights = np.array([*(np.sum(np.bincount(one) ** 2) / n**2 for one in groups), 1 / n])
    expected = _expected_forms(groups, fixed)
    if not _estimable(expected, weights):
        return ErrorParts(np.nan, np.nan, np.nan, np.nan, 1 / weights[0])
    variances = _scaled_inverse(expected) @ _forms(values, groups, fixed)
    parts = weights * variances
    return ErrorParts(
        rater=float(parts[0] + parts[2:-1].sum()),
        item=float(parts[1]),
        residual=float(parts[-1]),
        shared=float(variances[1] * (weights[1] - weights[-1]) / (1 - weights[0])),
        raters=float(1 / weights[0]),
    )


def _forms(values: NDArray[np.float64], groups: list[NDArray[np.int_]], fixed: NDArray[np.int_]) -> NDArray[np.float64]:
    """Of the answers less the mean of their stratum: squared sums of each grouping, and of single answers."""
    centred = values - (np.bincount(fixed, values) / np.bincount(fixed))[fixed]
    return np.array([*(np.sum(np.bincount(one, centred) ** 2) for one in groups), np.sum(centred**2)])


def _expected_forms(groups: list[NDArray[np.int_]], fixed: NDArray[np.int_]) -> NDArray[np.float64]:
    """What each form is expected to be, per unit of each variance: ‖a′ M b‖², where M takes away the stratum's mean.

    a and b are the indicators of two groupings, or the identity for single answers, which gives tr(a′ M a).
    """
    k, sizes = len(groups), np.bincount(fixed)
    shares = [_crossing(one, fixed) / np.sqrt(sizes) for one in groups]
    expected = np.full((k + 1, k + 1), float(len(fixed) - len(sizes)))
    for a in range(k):
        for b in range(a):
            product = _crossing(groups[a], groups[b]) - shares[a] @ shares[b].T
            expected[a, b] = expected[b, a] = np.sum(product**2)
        count, share = np.bincount(groups[a]), np.sum(shares[a] ** 2, axis=1)
        # a′ a is diagonal, so that items × items need not be written out
        expected[a, a] = np.sum(count**2 - 2 * count * share) + np.sum((shares[a].T @ shares[a]) ** 2)
        expected[a, k] = expected[k, a] = np.sum(count - share)
    return expected


def _codes(group: NDArray[np.int_]) -> NDArray[np.int_]:
    """0, 1, … in place of whatever numbers groups have."""
    return np.unique(group, return_inverse=True)[1]


def _crossing(a: NDArray[np.int_], b: NDArray[np.int_]) -> NDArray[np.int_]:
    """(groups of a, groups of b); how many answers are of both."""
    shape = int(a.max()) + 1, int(b.max()) + 1
    return np.bincount(a * shape[1] + b, minlength=shape[0] * shape[1]).reshape(shape)


def _scaled_inverse(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pseudo-inverse; rows are brought to one scale first, as raters and answers differ by their number."""
    scale = np.sqrt(np.where(np.diag(matrix) > 0, np.diag(matrix), 1.0))
    return np.linalg.pinv(matrix / np.outer(scale, scale), rtol=1e-9, hermitian=True) / np.outer(scale, scale)


def _estimable(matrix: NDArray[np.float64], weights: NDArray[np.float64]) -> bool:
    """Whether the weighted sum of the components follows from the forms: a single rater, for example, hides theirs."""
    return bool(np.allclose(weights @ _scaled_inverse(matrix) @ matrix, weights, rtol=1e-5, atol=1e-9))
