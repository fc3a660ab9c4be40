import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import entropy

from synth_core.metrics import closer_to_train, identifiability, membership_inference, nearest_neighbour_privacy
from synth_core.metrics.privacy import entropy_weights


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_copies_are_closer_to_training_and_fresh_draws_are_not(rng):
    train, holdout, fresh = rng.normal(size=(3, 500, 8))
    assert closer_to_train(train, holdout, train + 0.01 * fresh) == 1.0
    assert closer_to_train(train, holdout, rng.normal(size=(2000, 8))) == pytest.approx(0.5, abs=0.06)
    assert closer_to_train(train, train, holdout) == 0.5


def test_the_larger_of_the_real_sets_is_not_nearer_by_its_size() -> None:
    rng = np.random.default_rng(0)
    train, holdout, fresh = (rng.normal(size=(n, 4)) for n in (3000, 300, 3000))
    assert closer_to_train(train, holdout, fresh) == pytest.approx(0.5, abs=0.05)
    assert closer_to_train(holdout, train, fresh) == pytest.approx(0.5, abs=0.05)
    assert closer_to_train(train, holdout, train[:500]) == 1.0


def test_distances_of_fresh_draws_are_those_of_held_out_people_also_at_unequal_sizes(rng):
    train, holdout, made = rng.normal(size=(1500, 6)), rng.normal(size=(300, 6)), rng.normal(size=(800, 6))
    found = nearest_neighbour_privacy(train, holdout, made)
    assert found["closer_to_train"] == pytest.approx(0.5, abs=0.07)
    assert found["distance_5th_percentile"] == pytest.approx(found["distance_5th_percentile_holdout"], rel=0.15)
    assert found["nndr"] == pytest.approx(found["nndr_holdout"], abs=0.04)
    assert found["exact_copies"] == 0


def test_copies_move_every_distance(rng):
    train, holdout, made = rng.normal(size=(3, 300, 6))
    made[:90] = train[:90]
    found = nearest_neighbour_privacy(train, holdout, made)
    assert found["exact_copies"] == 0.3
    assert found["distance_5th_percentile"] == 0
    assert nearest_neighbour_privacy(train, holdout, train + 1e-3 * made)["nndr"] < 0.05


def test_identifiability_is_one_for_copies_one_half_for_fresh_draws_and_zero_far_away(rng):
    real, made = rng.normal(size=(2, 1000, 5))
    assert identifiability(real, real + 1e-9) == 1
    assert identifiability(real, made) == pytest.approx(0.5, abs=0.05)
    assert identifiability(real, made + 50) == 0


def test_identifiability_uses_its_entropy_weights_and_is_blind_to_units(rng):
    normal, skewed = rng.normal(size=(2, 300)), rng.lognormal(sigma=2, size=(2, 300))
    real, made = np.stack([normal[0], skewed[0]], 1), np.stack([normal[1], skewed[1]], 1)
    expected = 1 / np.array([entropy(np.histogram(column, 20)[0]) for column in real.T])
    assert expected[1] > 2 * expected[0]
    np.testing.assert_allclose(entropy_weights(real) * real.std(0), expected)

    def share(weights):
        x, y = real / real.std(0) * weights, made / real.std(0) * weights
        return (cdist(x, y).min(1) < np.sort(cdist(x, x), axis=1)[:, 1]).mean()

    assert identifiability(real, made) == pytest.approx(share(expected))
    assert share(expected) != share(np.ones(2))  # synthcity computes the weights, then sets them to one
    assert identifiability(real * [1, 1000], made * [1, 1000]) == identifiability(real, made)


def test_an_attacker_finds_the_members_of_copies_and_guesses_at_fresh_draws(rng):
    train, holdout, fresh = rng.normal(size=(3, 300, 5))
    leaked = membership_inference(train, holdout, train + 0.01 * fresh)
    assert leaked.auc > 0.99
    assert leaked.low > 0.95
    assert leaked.tpr_at_1_percent_fpr > 0.95
    safe = membership_inference(train, holdout, fresh)
    assert set(safe.attacks) == {"nearest distance", "density ratio"}
    assert safe.low < 0.5 < safe.high
    assert safe.tpr_at_1_percent_fpr < 0.1


def test_a_density_ratio_finds_overfitting_that_a_distance_confuses_with_typical_people(rng):
    def people(n):
        return np.concatenate([0.1 * rng.normal(size=(n, 2)), rng.normal(size=(n, 2)) * 4])

    train, holdout, reference = people(60), people(60), people(400)
    made = np.repeat(train, 6, axis=0) + 0.3 * rng.normal(size=(720, 2))
    found = membership_inference(train, holdout, made, reference)
    assert found.attack == max(found.attacks, key=found.attacks.get)
    assert found.attacks["density ratio"] > 0.6
