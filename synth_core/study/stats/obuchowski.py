"""AUC of several readers of the same cases, for readers and cases like these.

Obuchowski and Rockette 1995, Commun. Stat. Simul. 24:285, with the degrees of freedom of Hillis 2007, Stat. Med.
26:596.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t

from synth_core.errors import InvalidSetting
from synth_core.study.stats.interval import Interval, check_level
from synth_core.study.stats.proportion import proportion_interval
from synth_core.study.stats.roc import check_truth, placements

Covariance = Literal["delong", "jackknife"]


class ErrorTerms(NamedTuple):
    """Mean squares of the readers' areas, and the (co)variances that come from the cases.

    Parameters
    ----------
    reader, modality, interaction : mean squares. One modality has that of readers alone, the others are NaN.
    variance : of one area, mean over readers (and modalities).
    cov1, cov2, cov3 : of two areas: same reader, other modality; other reader, same modality; both others. One modality
        has `cov2` alone.
    """

    reader: float
    modality: float
    interaction: float
    variance: float
    cov1: float
    cov2: float
    cov3: float


class ReaderStudy(NamedTuple):
    """Mean AUC of the readers of one modality, tested against ½; of two, the first minus the second, tested against 0.

    Parameters
    ----------
    df : of the t distribution of the estimate; with two modalities also of the F test, whose F is (estimate / error)².
    areas : (readers,) or (2, readers).
    """

    estimate: float
    error: float
    interval: Interval
    df: float
    p: float
    areas: NDArray[np.float64]
    terms: ErrorTerms


def obuchowski_rockette(
    scores: ArrayLike, truth: ArrayLike, covariance: Covariance = "delong", level: float = 0.95
) -> ReaderStudy:
    """AUC of one modality, or the difference between two, with readers and cases random.

    One modality: variance (MSR + J · cov2) / J, df (MSR + J · cov2)² (J − 1) / MSR². Two: variance
    2 (MSTR + J · (cov2 − cov3)) / J, df likewise. Covariances below 0 count as 0.

    Parameters
    ----------
    scores : (readers, cases) or (2, readers, cases); high where a reader believes a case to be synthetic; NaN where a
        reader has not seen it. Covariances then come from the cases that two readers share.
    truth : (cases,); 1 for synthetic, 0 for real.
    covariance : "delong" or "jackknife" (over cases).

    Returns
    -------
    With a single reader, or a single case on a side, nothing can be said of others: error, df and p are NaN and the
    interval is all that is possible. When all readers are perfect the error is 0 and p NaN; the limits are then those
    of as many right answers as there are readers or cases on a side, whichever are fewest (Clopper–Pearson).

    Raises
    ------
    InvalidSetting (a ValueError) : for other shapes, and where a reader has not rated both kinds.
    """
    check_level(level)
    table, labels = _check(scores, truth, covariance)
    modalities, readers, _ = table.shape
    areas, deviations = _deviations(table, labels, covariance)
    terms = _terms(areas, (deviations @ deviations.T).reshape(modalities, readers, modalities, readers))
    two = modalities == 2
    estimate = float(areas[0].mean() - areas[1].mean()) if two else float(areas.mean())
    lowest, chance = (-1.0, 0.0) if two else (0.0, 0.5)
    kept = areas if two else areas[0]
    fewest = min(readers, int(labels.sum()), int((~labels).sum()))
    if fewest < 2:
        nan = float("nan")
        return ReaderStudy(estimate, nan, Interval(lowest, 1.0), nan, nan, kept, terms)

    spread = terms.interaction if two else terms.reader
    cases = terms.cov2 - terms.cov3 if two else terms.cov2
    total = spread + readers * max(cases, 0.0)
    error = float(np.sqrt(modalities * total / readers))
    if error < 1e-12:  # what rounding leaves of 0
        interval = Interval(estimate, estimate)
        if not two and estimate in (0.0, 1.0):
            interval = proportion_interval(int(estimate) * fewest, fewest, "clopper-pearson", level)
        return ReaderStudy(estimate, 0.0, interval, float("nan"), float("nan"), kept, terms)
    with np.errstate(divide="ignore"):
        df = float(np.square(total) * (readers - 1) / np.square(spread))
    half = float(t.isf((1 - level) / 2, df)) * error
    interval = Interval(max(lowest, estimate - half), min(1.0, estimate + half))
    return ReaderStudy(estimate, error, interval, df, float(2 * t.sf(abs(estimate - chance) / error, df)), kept, terms)


def _check(
    scores: ArrayLike, truth: ArrayLike, covariance: Covariance
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    table, labels = np.asarray(scores, dtype=np.float64), check_truth(truth)
    if table.ndim == 2:
        table = table[None]
    if table.ndim != 3 or table.shape[0] not in (1, 2) or table.shape[2] != len(labels) or not table.shape[1]:
        raise InvalidSetting(
            f"Scores are (readers, {len(labels)} cases), or two such tables, one a modality. "
            f"Got an array of shape {np.shape(scores)} instead."
        )
    if covariance not in ("delong", "jackknife"):
        raise InvalidSetting(f'Covariances are by "delong" or "jackknife". Got {covariance!r} instead.')
    seen = ~np.isnan(table)
    if not (seen[..., labels].any(axis=-1) & seen[..., ~labels].any(axis=-1)).all():
        raise InvalidSetting("Each reader needs scores of both real and synthetic cases, in each modality.")
    return table, labels


def _deviations(
    table: NDArray[np.float64], labels: NDArray[np.bool_], covariance: Covariance
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Areas (modalities, readers), and rows per area whose products, summed over the cases, are the covariances."""
    areas = np.empty(table.shape[:2])
    rows = np.zeros((areas.size, table.shape[2]))
    for row, (modality, reader) in zip(rows, np.ndindex(*areas.shape), strict=True):
        scores = table[modality, reader]
        seen = ~np.isnan(scores)
        found = placements(scores[seen], labels[seen])
        areas[modality, reader] = found.area
        for side, of_side in ((found.signal, seen & labels), (found.noise, seen & ~labels)):
            n = max(len(side), 2)  # a single case says nothing: its deviation is 0
            # DeLong: Σ (V − θ)(V′ − θ) / (n (n − 1)). A jackknifed area is (n θ − V) / (n − 1).
            row[of_side] = (found.area - side) / (np.sqrt(n * (n - 1)) if covariance == "delong" else n - 1)
        if covariance == "jackknife":
            n = int(seen.sum())
            row[seen] = (row[seen] - row[seen].mean()) * np.sqrt((n - 1) / n)
    return areas, rows


def _terms(areas: NDArray[np.float64], covariances: NDArray[np.float64]) -> ErrorTerms:
    """Mean squares of areas (modalities, readers), and means of covariances (modalities, readers, the same again)."""
    modalities, readers = areas.shape
    nan = float("nan")
    same_modality = np.eye(modalities, dtype=bool)[:, None, :, None]
    same_reader = np.eye(readers, dtype=bool)[None, :, None, :]

    def mean(chosen: NDArray[np.bool_]) -> float:
        which = np.broadcast_to(chosen, covariances.shape)
        return float(covariances[which].mean()) if which.any() else nan

    by_reader = areas.mean(axis=0)
    interaction = areas - areas.mean(axis=1, keepdims=True) - by_reader + areas.mean()
    free = readers - 1 or nan
    return ErrorTerms(
        reader=float(modalities * np.sum((by_reader - areas.mean()) ** 2) / free),
        modality=float(readers * np.sum((areas.mean(axis=1) - areas.mean()) ** 2)) if modalities == 2 else nan,
        interaction=float(np.sum(interaction**2) / free) if modalities == 2 else nan,
        variance=mean(same_modality & same_reader),
        cov1=mean(~same_modality & same_reader),
        cov2=mean(same_modality & ~same_reader),
        cov3=mean(~same_modality & ~same_reader),
    )
