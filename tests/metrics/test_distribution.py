import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm
from sklearn.metrics.pairwise import polynomial_kernel, rbf_kernel
from torchmetrics.image.fid import _compute_fid
from torchmetrics.image.kid import poly_mmd

from synth_core.errors import SpecMismatch
from synth_core.metrics import (
    distances,
    distribution,
    frechet_distance,
    kid,
    mmd,
    mmd_test,
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


def test_wrong_shapes_and_missing_values_are_refused(rng):
    with pytest.raises(SpecMismatch, match=r"\(10, 8\) and \(10, 7\)"):
        frechet_distance(gaussian(rng, 10), gaussian(rng, 10, 7))
    with pytest.raises(SpecMismatch, match="finite"):
        kid(gaussian(rng, 5), np.full((5, 8), np.nan))


def test_frechet_of_covariances_that_do_not_commute_is_not_that_of_their_symmetrised_product(rng):
    x, y = gaussian(rng, 400, 4) @ np.diag([5, 1, 1, 1]), gaussian(rng, 400, 4) @ rng.normal(size=(4, 4))
    a, b = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    shift = ((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(a + b)
    assert frechet_distance(x, y) == pytest.approx(shift - 2 * np.trace(sqrtm(a @ b)).real)
    symmetrised = shift - 2 * np.trace(sqrtm((a @ b + b @ a) / 2)).real  # what ecgen-eval takes
    assert abs(frechet_distance(x, y) - symmetrised) > 0.1


def test_kernel_distance_agrees_with_torchmetrics_only_where_sizes_are_equal(rng):
    x, y = gaussian(rng, 40), gaussian(rng, 40, mean=0.5)

    def theirs(a, b):
        return poly_mmd(torch.from_numpy(a), torch.from_numpy(b)).item()

    assert kid(x, y) == pytest.approx(theirs(x, y), rel=1e-6)
    same = gaussian(rng, 80)
    assert abs(kid(x, same)) < 0.5 < abs(theirs(x, same))  # from one distribution, of unequal sizes


def test_mmd_of_gaussians_has_its_closed_form(rng):
    d, width, gap = 3, 2.0, 1.5
    x, y = gaussian(rng, 2000, d), gaussian(rng, 2000, d) + np.array([gap, 0, 0])
    within = (width**2 / (width**2 + 2)) ** (d / 2)
    expected = 2 * within * (1 - np.exp(-(gap**2) / (2 * (width**2 + 2))))
    assert mmd(x, y, bandwidth=width) == pytest.approx(expected, rel=0.08)


def test_bandwidth_follows_the_unit_of_the_features(rng):
    x, y = gaussian(rng, 100), gaussian(rng, 100, mean=0.7)
    assert mmd(1000 * x, 1000 * y) == pytest.approx(mmd(x, y))  # a fixed bandwidth sees nothing here
    assert mmd(1000 * x, 1000 * y, bandwidth=1.0) < 0.01 < mmd(x, y)


def test_the_permutation_test_gives_the_discrepancy_and_sees_a_shift(rng):
    x, y = gaussian(rng, 60), gaussian(rng, 80, mean=0.6)
    value, p = mmd_test(x, y, rng=0)
    assert value == pytest.approx(mmd(x, y))
    assert p == 1 / 500
    assert mmd_test(x, y, rng=0) == mmd_test(x, y, rng=np.random.default_rng(0))
    assert mmd_test(x, x.copy(), permutations=99)[1] > 0.9


def test_permuting_whole_subjects_keeps_the_level_that_permuting_windows_loses(rng):
    names = np.repeat(np.arange(10), 12)
    clustered = lambda: np.repeat(rng.normal(size=(10, 3)), 12, axis=0) + 0.3 * rng.normal(size=(120, 3))  # noqa: E731
    pairs = [(clustered(), clustered()) for _ in range(40)]
    grouped = [mmd_test(*pair, groups=(names, names), permutations=79)[1] for pair in pairs]
    alone = [mmd_test(*pair, permutations=79)[1] for pair in pairs]
    assert np.mean(np.array(grouped) < 0.05) < 0.17
    assert np.mean(np.array(alone) < 0.05) > 0.6
    assert mmd_test(*pairs[0], groups=np.r_[names, names], permutations=79)[1] == grouped[0]


def test_ten_times_the_rows_cost_at_most_twelve_times_the_distances(rng, monkeypatch):
    counted = []
    measure = distances.cdist
    for module in (distribution, distances):
        monkeypatch.setattr(
            module, "cdist", lambda a, b, *rest: counted.append(len(a) * len(b)) or measure(a, b, *rest)
        )
    costs = []
    for n in (1000, 10_000):
        counted.clear()
        mmd(gaussian(rng, n, 2), gaussian(rng, n, 2), bandwidth=1.0)
        costs.append(sum(counted))
    assert costs[1] <= 12 * costs[0]
