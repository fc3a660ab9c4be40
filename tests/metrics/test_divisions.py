import numpy as np
import pytest

from synth_core.metrics.divisions import RATE, divisions, family_bound


def test_a_person_is_whole_and_stays_in_place_when_others_are_left_out():
    people = np.repeat([f"p{i}" for i in range(40)], 3)
    sides = divisions(people, 10)
    assert sides.shape == (100, 120)
    assert (sides.reshape(100, 40, 3).sum(2) % 3 == 0).all()
    assert (sides.sum(1) == 30).all()
    fewer = divisions(people[3:], 10)
    assert (fewer == sides[:, 3:]).mean() > 0.95


def test_three_people_cannot_be_divided_anew():
    assert len(divisions(["a", "b", "c"], 1)) == 0


@pytest.mark.parametrize("alike", [0.0, 0.9])
def test_the_worst_of_twenty_measures_exceeds_the_bound_at_the_stated_rate(alike):
    rng = np.random.default_rng(0)

    def drawn(n):
        return alike * rng.normal(size=(n, 1)) + np.sqrt(1 - alike**2) * rng.normal(size=(n, 20))

    exceeded = []
    for _ in range(40):
        honest = drawn(100)
        excess = honest - honest.mean(0)
        spread = np.sqrt(np.where(excess > 0, excess**2, 0).sum(0) / (excess > 0).sum(0))
        fresh = (drawn(100) - honest.mean(0)) / spread
        exceeded.append((fresh.max(1) > family_bound(honest)).mean())
    assert np.mean(exceeded) == pytest.approx(RATE, abs=0.01)
