import numpy as np
import pytest

from synth_core.errors import SpecMismatch
from synth_core.metrics import c2st


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_a_shift_of_one_feature_is_found_and_named(rng):
    x, y = rng.normal(size=(2, 200, 5))
    y[:, 3] += 1.5
    found = c2st(x, y, rng=1)
    assert found.distinguishable
    assert float(found) == found.auc == pytest.approx(0.85, abs=0.05)
    assert found.low < found.auc < found.high
    assert found.importance.argmax() == 3


def test_equal_distributions_are_seldom_told_apart(rng):
    found = [c2st(*rng.normal(size=(2, 60, 3)), rng=0).distinguishable for _ in range(12)]
    assert sum(found) <= 3


def test_a_classifier_below_one_half_distinguishes_nothing(rng):
    x = rng.normal(size=(60, 3))
    found = c2st(x, x.copy(), rng=0)  # every example has its twin on the other side: the classifier learns the opposite
    assert found.auc < 0.5
    assert not found.distinguishable


def test_subjects_are_not_recognised_when_groups_are_given(rng):
    names = np.repeat(np.arange(8), 20)
    people = [np.repeat(rng.normal(size=(8, 4)), 20, axis=0) + 0.1 * rng.normal(size=(160, 4)) for _ in range(2)]
    assert c2st(*people, rng=0).auc > 0.95
    real, synthetic = [f"r{name}" for name in names], [f"s{name}" for name in names]
    found = c2st(*people, groups=(real, synthetic), rng=0)
    assert found.auc < 0.85
    assert not found.distinguishable
    assert c2st(*people, groups=real + synthetic, rng=0).auc == found.auc


def test_the_wrong_number_of_names_is_refused(rng):
    with pytest.raises(SpecMismatch, match="one name per pooled example"):
        c2st(*rng.normal(size=(2, 20, 3)), groups=list(range(30)))
