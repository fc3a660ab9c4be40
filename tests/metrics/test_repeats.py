import numpy as np
import pytest

from synth_core.metrics.repeats import families, nearest_other, repeated_examples, twin_distance
from synth_core.metrics.trio import Trio


@pytest.fixture
def sides():
    rng = np.random.default_rng(0)
    return [rng.normal(size=(60, 8)) for _ in range(3)]


def test_the_nearest_other_row_is_another_row(sides):
    distance = np.linalg.norm(sides[0][:, None] - sides[0], axis=-1)
    np.fill_diagonal(distance, np.inf)
    assert nearest_other(sides[0]) == pytest.approx(distance.min(1))


def test_one_example_drawn_again_and_again_is_one_family(sides):
    x = sides[0]
    repeated = np.repeat(x[:3], 20, axis=0) + 1e-3 * np.random.default_rng(1).normal(size=(60, 8))
    reach = twin_distance(sides[1])
    assert len(set(families(repeated, reach, repeated))) == 3
    assert len(set(families(x, reach, x))) >= 58


def test_examples_with_equal_features_but_other_values_are_no_repetition(sides):
    noise = np.random.default_rng(2).normal(size=(60, 500))
    assert len(set(families(np.zeros((60, 8)), 1.0, noise))) == 60


def test_repetition_shows_and_fresh_examples_do_not(sides):
    train, holdout, fresh = sides
    rng = np.random.default_rng(0)
    assert repeated_examples(Trio(train, holdout, fresh), rng).score.value < 0.1
    again = repeated_examples(Trio(train, holdout, np.repeat(fresh[:1], 60, axis=0)), rng)
    assert again.score.value == 1
    assert again.verdict == "far"
