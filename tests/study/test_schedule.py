from collections import Counter

import pytest

from synth_core.study.schedule import REPEAT_DISTANCE, schedule

ITEMS = [f"{index:02d}" for index in range(60)]


def test_every_item_comes_once_and_some_twice() -> None:
    order = schedule(ITEMS, ["p", "q"], repeats=6, seed=1, rater=1)
    assert Counter(showing.item for showing in order if not showing.repeat) == Counter([*ITEMS, "p", "q"])
    assert sum(showing.repeat for showing in order) == 6
    assert [showing.practice for showing in order] == [True] * 2 + [False] * 66


@pytest.mark.parametrize(("n", "distance"), [(60, REPEAT_DISTANCE), (24, 12), (4, 2)])
def test_repeats_keep_their_distance(n: int, distance: int) -> None:
    for rater in range(50):
        order = [showing.item for showing in schedule(ITEMS[:n], [], repeats=n // 4, seed=0, rater=rater)]
        for item in {item for item in order if order.count(item) == 2}:
            first = order.index(item)
            assert order.index(item, first + 1) - first >= distance


def test_orders_depend_on_seed_and_rater_only() -> None:
    order = schedule(ITEMS, [], repeats=6, seed=1, rater=1)
    assert order == schedule(ITEMS[::-1], [], repeats=6, seed=1, rater=1)
    assert order != schedule(ITEMS, [], repeats=6, seed=1, rater=2)
    assert order != schedule(ITEMS, [], repeats=6, seed=2, rater=1)


def test_positions_are_uniform_over_raters() -> None:
    positions = [
        [showing.item for showing in schedule(ITEMS, [], repeats=0, seed=0, rater=rater)].index("00")
        for rater in range(400)
    ]
    assert abs(sum(positions) / len(positions) - 29.5) < 3
