import numpy as np
import pytest

from synth_core.errors import SpecMismatch
from synth_core.metrics import bootstrap, frechet_distance, half_samples


@pytest.mark.parametrize("interval", [bootstrap, half_samples])
def test_the_interval_of_a_mean_has_the_width_of_the_normal_one(interval):
    x = np.random.default_rng(0).normal(size=400)
    low, high = interval(np.mean, x, resamples=800, rng=np.random.default_rng(1))
    assert low < x.mean() < high
    assert high - low == pytest.approx(2 * 1.96 * x.std() / np.sqrt(400), rel=0.12)


@pytest.mark.parametrize("interval", [bootstrap, half_samples])
def test_repeating_each_subject_does_not_narrow_the_interval(interval):
    people = np.random.default_rng(0).normal(size=60)
    subjects = [np.repeat(np.arange(60), 20)]
    alone = interval(np.mean, people, resamples=600, rng=np.random.default_rng(1))
    grouped = interval(np.mean, np.repeat(people, 20), groups=subjects, resamples=600, rng=np.random.default_rng(1))
    assert np.ptp(grouped) == pytest.approx(np.ptp(alone), rel=0.15)


def test_halves_put_the_interval_around_a_biased_distance():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(80, 10)), rng.normal(size=(80, 10))
    low, high = half_samples(frechet_distance, x, y, rng=rng)
    assert low < frechet_distance(x, y) < high


def test_an_interval_ends_where_no_true_value_can_lie():
    rng = np.random.default_rng(0)
    shares = np.array([0, 0, 0.1, 1, 0, 0])
    assert half_samples(np.mean, shares, rng=rng)[0] < 0
    low, high = half_samples(np.mean, shares, bounds=(0, 1), rng=rng)
    assert low == 0 < high < 1
    assert np.isnan(half_samples(np.mean, shares, groups=[[1] * 6], bounds=(0, 1), rng=rng)).all()


def test_pairs_stay_together_when_indices_are_resampled():
    truth = np.random.default_rng(0).integers(0, 2, 100)
    accuracy = bootstrap(lambda rows: (truth[rows] == truth[rows]).mean(), np.arange(100), rng=np.random.default_rng(1))
    assert accuracy == (1.0, 1.0)


def test_groups_must_fit():
    with pytest.raises(SpecMismatch, match="3 group names"):
        bootstrap(np.mean, np.arange(4), groups=[["a", "b", "c"]], rng=np.random.default_rng(0))
