"""Classifier two-sample test: can real and synthetic be told apart by their features (Lopez-Paz and Oquab 2017)?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import mannwhitneyu
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from synth_core.metrics.bootstrap import bootstrap
from synth_core.metrics.chance import Random, generator_of
from synth_core.metrics.distances import Floats, feature_pair
from synth_core.metrics.pooling import PooledGroups, shared_subjects
from synth_core.metrics.ranks import auroc

FOLDS = 5
SIGNIFICANT = 0.05

Model = tuple[Any, ...]


@dataclass(frozen=True)
class TwoSampleTest:
    """How well a classifier tells synthetic from real examples; `float()` gives the AUROC.

    Parameters
    ----------
    auc : probability that a synthetic example scores above a real one, by the mean of both classifiers.
    low, high : 95 % interval over subjects, for the classifiers as they were trained.
    p : one-sided Mann-Whitney test of the mean scores of subjects.
    distinguishable : p < 0.05 and AUROC above ½. An AUROC below ½ is a classifier that learned nothing.
    logistic, trees : AUROC of either classifier alone.
    importance : (d,) loss of AUROC when a feature is shuffled among the tested examples.
    scores : (n_real + n_synthetic,) out-of-fold probability of being synthetic, real examples first.
    """

    auc: float
    low: float
    high: float
    p: float
    distinguishable: bool
    logistic: float
    trees: float
    importance: NDArray[np.float64]
    scores: NDArray[np.float64]

    def __float__(self) -> float:
        return self.auc


def c2st(
    real: ArrayLike,
    synthetic: ArrayLike,
    groups: PooledGroups = None,
    rng: Random = None,
    *,
    importance: bool = True,
) -> TwoSampleTest:
    """Cross-validated classifier two-sample test: the mean of a logistic regression and boosted trees.

    Neither classifier is chosen by its result. Blind to copies: a memorised example is a perfect one.

    Parameters
    ----------
    real, synthetic : (n, d) features, at least 5 examples each.
    groups : subjects, one name per pooled example (real first), or a pair of sequences of which either may be None;
        no subject is in training and test at once. None: every example stands for itself.
    rng : generator or seed; None is seed 0.
    importance : also shuffle each feature, which takes longer than all else; without, every importance is 0.

    Returns
    -------
    TwoSampleTest. Examples of folds in which a side cannot be trained on score ½.
    """
    x, y = feature_pair(real, synthetic, least=FOLDS)
    random = generator_of(rng)
    features, truth = np.concatenate([x, y]), np.repeat([0, 1], [len(x), len(y)])
    subjects = shared_subjects(groups, len(x), len(y))
    scores, losses = _out_of_fold(features, truth, subjects, random, importance)
    mean = scores.mean(0)
    found = auc(mean[truth == 0], mean[truth == 1])
    sides = [(mean[truth == side], subjects[truth == side]) for side in (0, 1)]
    interval = bootstrap(auc, *(part for part, _ in sides), groups=[names for _, names in sides], rng=random)
    p = float(mannwhitneyu(_subject_means(*sides[1]), _subject_means(*sides[0]), alternative="greater").pvalue)
    logistic, trees = (auc(row[truth == 0], row[truth == 1]) for row in scores)
    apart = found > 0.5 and p < SIGNIFICANT
    return TwoSampleTest(found, *interval, p, apart, logistic, trees, losses, mean)


def auc(real_scores: Floats, synthetic_scores: Floats) -> float:
    """Probability that a synthetic example scores above a real one; at or below ½ they are not told apart."""
    truth = np.repeat([0, 1], [len(real_scores), len(synthetic_scores)])
    return auroc(truth == 1, np.concatenate([real_scores, synthetic_scores]))


def _out_of_fold(
    features: Floats,
    truth: NDArray[np.int_],
    subjects: NDArray[np.str_],
    rng: np.random.Generator,
    importance: bool,
) -> tuple[Floats, Floats]:
    """(2, n) probabilities of being synthetic by either classifier, and (d,) losses of AUROC, over the folds."""
    seed = int(rng.integers(2**31))
    scores, losses = np.full((2, len(truth)), 0.5), []
    for train, test in _folds(truth, subjects, seed):
        if len(np.unique(truth[train])) < 2:
            continue
        models = (
            make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)).fit(features[train], truth[train]),
            HistGradientBoostingClassifier(max_iter=60, random_state=seed).fit(features[train], truth[train]),
        )
        scores[:, test] = _probabilities(models, features[test])
        if importance and len(np.unique(truth[test])) == 2:
            losses.append(_losses(models, features[test], truth[test], rng))
    return scores, np.mean(losses, axis=0) if losses else np.zeros(features.shape[1])


def _folds(
    truth: NDArray[np.int_], subjects: NDArray[np.str_], seed: int
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    distinct = len(np.unique(subjects))
    if distinct == len(subjects):
        yield from StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(truth, truth)
    elif distinct > 1:
        folds = StratifiedGroupKFold(min(FOLDS, distinct), shuffle=True, random_state=seed)
        yield from folds.split(truth, truth, subjects)


def _probabilities(models: Model, features: Floats) -> Floats:
    return np.stack([model.predict_proba(features)[:, 1] for model in models])


def _losses(models: Model, features: Floats, truth: NDArray[np.int_], rng: np.random.Generator) -> Floats:
    whole = auroc(truth == 1, _probabilities(models, features).mean(0))
    losses = np.empty(features.shape[1])
    for column in range(features.shape[1]):
        shuffled = features.copy()
        shuffled[:, column] = rng.permutation(shuffled[:, column])
        losses[column] = whole - auroc(truth == 1, _probabilities(models, shuffled).mean(0))
    return losses


def _subject_means(scores: Floats, subjects: NDArray[np.str_]) -> Floats:
    _, which = np.unique(subjects, return_inverse=True)
    return np.bincount(which, scores) / np.bincount(which)
