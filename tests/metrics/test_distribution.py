import numpy as np
import pytest
import torch
from sklearn.metrics.pairwise import polynomial_kernel, rbf_kernel
from torchmetrics.image.fid import _compute_fid

from synth_core.errors import SpecMismatch
from synth_core.metrics import (
    closer_to_train,
    distribution,
    frechet_distance,
    kid,
    mmd,
    precision_recall_density_coverage,
)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def gaussian(rng, n, d=8, mean=0.0, scale=1.0):
    return mean + scale * rng.normal(size=(n, d))


def torchmetrics_fid(x, y):
    moments = [torch.from_numpy(np.asarray(m)) for part in (x, y) for m in (part.mean(0), np.cov(part, rowvar=False))]
    return _compute_fid(*moments).item()


@pytest.mark.parametrize("n", [500, 6])
def test_frechet_agrees_with_torchmetrics_also_with_fewer_examples_than_features(rng, n):
    mixing = rng.normal(size=(20, 20))
    x, y = gaussian(rng, n, 20) @ mixing, gaussian(rng, n + 3, 20, 0.3, 1.4)
    assert frechet_distance(x, y) == pytest.approx(torchmetrics_fid(x, y), rel=1e-4)


def test_frechet_of_known_gaussians(rng):
    x, y = gaussian(rng, 50_000, 3), gaussian(rng, 50_000, 3, mean=2.0, scale=1.5)
    assert frechet_distance(x, y) == pytest.approx(3 * (2**2 + 0.5**2), rel=0.02)


def test_frechet_is_zero_for_the_same_set_and_blind_to_rotation(rng):
    x, y = gaussian(rng, 60), gaussian(rng, 70, scale=1.3)
    rotation = np.linalg.qr(rng.normal(size=(8, 8)))[0]
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(x @ rotation, y @ rotation) == pytest.approx(frechet_distance(x, y))


@pytest.mark.parametrize("block", [7, 4096])
def test_kernel_distances_agree_with_scikit_learn_at_unequal_sizes(rng, block, monkeypatch):
    monkeypatch.setattr(distribution, "BLOCK", block)
    x, y = gaussian(rng, 30), gaussian(rng, 41, mean=0.5)

    def reference(kernel):
        within = [(k.sum() - np.trace(k)) / (len(k) * (len(k) - 1)) for k in (kernel(x, x), kernel(y, y))]
        return sum(within) - 2 * kernel(x, y).mean()

    assert kid(x, y) == pytest.approx(reference(lambda a, b: polynomial_kernel(a, b, 3, 1 / 8, 1)))
    assert mmd(x, y, bandwidth=2.0) == pytest.approx(reference(lambda a, b: rbf_kernel(a, b, 1 / 8)))


def test_unbiased_discrepancies_are_zero_on_average_and_the_biased_one_is_not(rng):
    pairs = [(gaussian(rng, 25), gaussian(rng, 35)) for _ in range(200)]
    for distance in (kid, mmd):
        values = np.array([distance(x, y) for x, y in pairs])
        assert abs(values.mean()) < 3 * values.std() / np.sqrt(len(values))
    assert min(mmd(x, y, unbiased=False) for x, y in pairs) > 0


def test_mmd_sees_a_scale_that_a_linear_kernel_cannot(rng):
    assert mmd(gaussian(rng, 300), gaussian(rng, 300, scale=1.5)) > 0.01


def test_neighbourhoods_expect_the_known_values_for_equal_distributions(rng):
    found = precision_recall_density_coverage(gaussian(rng, 800, 4), gaussian(rng, 800, 4), k=5)
    assert found["density"] == pytest.approx(1, abs=0.08)
    assert found["coverage"] == pytest.approx(1 - 2**-5, abs=0.02)
    assert found["precision"] == pytest.approx(found["recall"], abs=0.05)


def test_collapse_lowers_recall_and_coverage_and_noise_lowers_precision(rng):
    real = gaussian(rng, 400, 4)
    collapsed = precision_recall_density_coverage(real, gaussian(rng, 400, 4, scale=0.1))
    assert collapsed["precision"] > 0.95
    assert collapsed["recall"] < 0.2
    assert collapsed["coverage"] < 0.3
    assert precision_recall_density_coverage(real, gaussian(rng, 400, 4, scale=4))["precision"] < 0.4


def test_copies_are_closer_to_training_and_fresh_draws_are_not(rng):
    train, holdout = gaussian(rng, 500), gaussian(rng, 500)
    assert closer_to_train(train, holdout, train + 0.01 * gaussian(rng, 500)) == 1.0
    assert closer_to_train(train, holdout, gaussian(rng, 2000)) == pytest.approx(0.5, abs=0.06)
    assert closer_to_train(train, train, holdout) == 0.5


def test_wrong_shapes_and_missing_values_are_refused(rng):
    with pytest.raises(SpecMismatch, match=r"\(10, 8\) and \(10, 7\)"):
        frechet_distance(gaussian(rng, 10), gaussian(rng, 10, 7))
    with pytest.raises(SpecMismatch, match="At least 6"):
        precision_recall_density_coverage(gaussian(rng, 5), gaussian(rng, 10))
    with pytest.raises(SpecMismatch, match="finite"):
        kid(gaussian(rng, 5), np.full((5, 8), np.nan))
