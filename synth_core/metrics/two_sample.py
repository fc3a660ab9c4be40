"""Classifier two-sample test: can real and synthetic be told apart by their features (Lopez-Paz and Oquab 2017)?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold

FOLDS = 5

Floats = NDArray[np.float64]


def c2st_predictions(
    real: ArrayLike,
    synthetic: ArrayLike,
    real_groups: Sequence[Any] | NDArray[Any] | None = None,
    synthetic_groups: Sequence[Any] | NDArray[Any] | None = None,
    *,
    seed: int = 0,
) -> tuple[Floats, Floats]:
    """Out-of-fold probability of being synthetic, from gradient boosting; no group is in training and test at once.

    Parameters
    ----------
    real, synthetic : (n, d) features.
    real_groups, synthetic_groups : one subject per example, or None when every example stands for itself.

    Returns
    -------
    Probabilities of the real and of the synthetic examples, (n_real,) and (n_synthetic,).
    """
    sets = [np.asarray(part, dtype=np.float64) for part in (real, synthetic)]
    features, truth = np.concatenate(sets), np.repeat([0, 1], [len(part) for part in sets])
    groups = np.concatenate([_named(names, sets[i], i) for i, names in enumerate((real_groups, synthetic_groups))])
    scores = np.full(len(truth), 0.5)
    folds = StratifiedGroupKFold(min(FOLDS, len(np.unique(groups))), shuffle=True, random_state=seed)
    for train, test in folds.split(features, truth, groups):
        if len(np.unique(truth[train])) == 2:
            model = HistGradientBoostingClassifier(max_iter=60, random_state=seed)
            scores[test] = model.fit(features[train], truth[train]).predict_proba(features[test])[:, 1]
    return scores[: len(sets[0])], scores[len(sets[0]) :]


def auc(real_scores: Floats, synthetic_scores: Floats) -> float:
    """Probability that a synthetic example scores above a real one; at or below ½ they are not told apart."""
    truth = np.repeat([0, 1], [len(real_scores), len(synthetic_scores)])
    return float(roc_auc_score(truth, np.concatenate([real_scores, synthetic_scores])))


def _named(groups: Sequence[Any] | NDArray[Any] | None, values: Floats, which: int) -> NDArray[np.str_]:
    names = range(len(values)) if groups is None else groups
    return np.array([f"{which}:{name}" for name in names])
