"""Distance to the training examples: how near synthetic feature vectors, (n, d), come to people who were trained on."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth_core.metrics.chance import Random, generator_of
from synth_core.metrics.distances import Floats, feature_pair, nearest_distance, nearest_two, neighbour_radius

EQUAL = 1e-6  # distance, relative to the spread of the training examples, below which two examples are the same
BINS = 20  # of the histograms that the entropy of a feature is taken from


def nearest_neighbour_privacy(
    train: ArrayLike, holdout: ArrayLike, synthetic: ArrayLike, rng: Random = None
) -> dict[str, float]:
    """Distances to the nearest training example, of synthetic and of held-out people (Zhao et al. 2021, CTAB-GAN).

    These see copies that features see as copies, and no subtler leak (Yao et al. 2025, arXiv 2505.01524).

    Parameters
    ----------
    train, holdout, synthetic : (n, d) features of one scale, e.g. z-scored; at least 2 training examples.
    rng : generator or seed; None is seed 0. Chooses which examples of the larger real set are left out where train and
        holdout compete.

    Returns
    -------
    distance_5th_percentile, distance_5th_percentile_holdout : to the nearest training example, in the unit of the
        features; copies lower the first below the second.
    exact_copies : share of synthetic examples equal to a training one.
    closer_to_train : share of synthetic examples nearer to a training than to a held-out one; ½ without copying.
    nndr, nndr_holdout : median of nearest over second nearest distance to the training examples, in [0, 1]; low when
        examples sit on single training examples.
    """
    known, fresh = feature_pair(train, holdout, least=1)
    made = feature_pair(train, synthetic, least=1)[1]
    random = generator_of(rng)
    n = min(len(known), len(fresh))
    rivals = [part[np.sort(random.permutation(len(part))[:n])] for part in (known, fresh)]
    of_made, of_fresh = nearest_two(made, known), nearest_two(fresh, known)
    return {
        "distance_5th_percentile": float(np.quantile(of_made[:, 0], 0.05)),
        "distance_5th_percentile_holdout": float(np.quantile(of_fresh[:, 0], 0.05)),
        "exact_copies": float(equal_to_nearest(of_made[:, 0], known).mean()),
        "closer_to_train": closer_to_train(rivals[0], rivals[1], made),
        "nndr": float(np.median(distance_ratio(of_made))),
        "nndr_holdout": float(np.median(distance_ratio(of_fresh))),
    }


def equal_to_nearest(distance: Floats, train: Floats) -> NDArray[np.bool_]:
    """Which distances to the nearest training example are zero but for rounding."""
    return distance <= EQUAL * np.sqrt(train.var(0).sum())


def distance_ratio(nearest: Floats) -> Floats:
    """(n,) nearest over second nearest distance, of (n, 2); 0 where both are 0, since such an example is a copy."""
    return np.divide(nearest[:, 0], nearest[:, 1], out=np.zeros(len(nearest)), where=nearest[:, 1] > 0)


def closer_to_train(train: ArrayLike, holdout: ArrayLike, synthetic: ArrayLike) -> float:
    """Share of synthetic points whose nearest real neighbour is a training example rather than a held-out one.

    Parameters
    ----------
    train, holdout, synthetic : (n, d); each of the larger real set counts less, since it wins more often by chance.

    Returns
    -------
    In [0, 1]; ½ when nothing was copied, whatever the sizes: P(nearest is of n among n + m) = n / (n + m), and the
    shares are divided by n and m. Ties count half.
    """
    a, b = feature_pair(train, holdout, least=1)
    y = feature_pair(train, synthetic, least=1)[1]
    to_train, to_holdout = nearest_distance(y, a), nearest_distance(y, b)
    share = float((to_train < to_holdout).mean() + (to_train == to_holdout).mean() / 2)
    return share * len(b) / (share * len(b) + (1 - share) * len(a))


def identifiability(real: ArrayLike, synthetic: ArrayLike) -> float:
    """Share of real examples that are nearer to a synthetic than to another real one (Yoon et al. 2020, ADS-GAN).

    Distances are weighted: each feature, z-scored on the real examples, counts by 1 / entropy of its histogram of 20
    bins (nats), so that a feature in which few people stand out identifies them. Constant features do not count.

    Parameters
    ----------
    real, synthetic : (n, d), at least 2 real examples; the share grows with the number of synthetic ones, so that it
        must be compared with real ones of equal number.

    Returns
    -------
    In [0, 1]; about ½ for fresh draws of equal number, 1 when every real example was copied.
    """
    return float(identified(*feature_pair(real, synthetic, least=1)).mean())


def identified(real: Floats, synthetic: Floats) -> NDArray[np.bool_]:
    """(n_real,) which real examples `identifiability` counts."""
    weights = entropy_weights(real)
    x, y = real * weights, synthetic * weights
    return nearest_distance(x, y) < neighbour_radius(x, 1)


def entropy_weights(real: Floats) -> Floats:
    """(d,) factors that put features on the scale of `identifiability`; 0 for constant ones."""
    weights = np.zeros(real.shape[1])
    for column, spread in enumerate(real.std(0)):
        counts = np.histogram(real[:, column], BINS)[0]
        shares = counts[counts > 0] / counts.sum()
        entropy = -(shares * np.log(shares)).sum()
        if spread > 0 and entropy > 0:
            weights[column] = 1 / (entropy * spread)
    return weights
