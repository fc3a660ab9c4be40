import numpy as np
import pytest
from prdc import compute_prdc

from synth_core.errors import InvalidSetting, SpecMismatch
from synth_core.metrics import alpha_precision_beta_recall_authenticity, precision_recall_density_coverage


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_neighbourhoods_agree_with_prdc(rng):
    x, y = rng.normal(size=(150, 6)), 1.2 * rng.normal(size=(130, 6))
    theirs = compute_prdc(x, y, nearest_k=5)
    assert precision_recall_density_coverage(x, y) == pytest.approx({name: float(v) for name, v in theirs.items()})


def test_neighbourhoods_expect_the_known_values_for_equal_distributions(rng):
    found = precision_recall_density_coverage(*rng.normal(size=(2, 800, 4)), k=5)
    assert found["density"] == pytest.approx(1, abs=0.08)
    assert found["coverage"] == pytest.approx(1 - 2**-5, abs=0.02)
    assert found["precision"] == pytest.approx(found["recall"], abs=0.05)


def test_collapse_lowers_recall_and_coverage_and_noise_lowers_precision(rng):
    real, other = rng.normal(size=(2, 400, 4))
    collapsed = precision_recall_density_coverage(real, 0.1 * other)
    assert collapsed["precision"] > 0.95
    assert collapsed["recall"] < 0.2
    assert collapsed["coverage"] < 0.3
    assert precision_recall_density_coverage(real, 4 * other)["precision"] < 0.4


def test_copies_are_perfect_neighbours_and_not_authentic(rng):
    real = rng.normal(size=(300, 5))
    assert precision_recall_density_coverage(real, real)["coverage"] == 1
    assert alpha_precision_beta_recall_authenticity(real, real + 1e-9)["authenticity"] == 0


def test_fresh_draws_have_the_expected_supports_and_authenticity(rng):
    found = alpha_precision_beta_recall_authenticity(*rng.normal(size=(2, 1500, 6)))
    assert found["alpha_precision"] > 0.95
    assert found["beta_recall"] > 0.6
    assert found["authenticity"] == pytest.approx(0.57, abs=0.04)


def test_authenticity_asks_the_nearest_real_point_and_not_the_row_of_the_same_number():
    real = np.array([[0.0], [0.1], [10.0], [20.0]])
    synthetic = np.array(
        [[13.0], [0.25]]
    )  # 3 from a point that is 9.9 from its own; 0.15 from one that is 0.1 from its
    assert alpha_precision_beta_recall_authenticity(real, synthetic, k=1)["authenticity"] == 0.5


def test_crowding_at_the_centre_and_leaving_the_support_lower_alpha_precision(rng):
    real, other = rng.normal(size=(2, 500, 5))
    score = lambda y: alpha_precision_beta_recall_authenticity(real, y)  # noqa: E731
    assert score(0.2 * other)["alpha_precision"] < 0.2
    assert score(other + 8)["alpha_precision"] < 0.2
    assert score(0.2 * other)["beta_recall"] < 0.5


def test_too_few_examples_and_a_wrong_number_of_neighbours_are_refused(rng):
    with pytest.raises(SpecMismatch, match="At least 6"):
        precision_recall_density_coverage(rng.normal(size=(5, 2)), rng.normal(size=(10, 2)))
    with pytest.raises(InvalidSetting, match="`k`"):
        alpha_precision_beta_recall_authenticity(rng.normal(size=(9, 2)), rng.normal(size=(9, 2)), k=0)
