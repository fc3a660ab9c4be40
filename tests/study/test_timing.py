"""Times and choices of an answer, whatever a browser sends."""

import pytest
from sqlalchemy import select

from synth_core.study.store import Store
from synth_core.study.tables import Answer
from synth_core.study.timing import LONGEST, MOST_CHOICES, Timing
from tests.study.conftest import NOW


def test_first_answer_changes_and_the_final_one_are_kept_with_their_times(store: Store, rater: str) -> None:
    task = store.task(rater)
    assert task is not None
    given = {"shown": 2500, "hidden": 40_000, "choices": [[800, 2], [1900, 5]]}
    store.answer(rater, task.token, 5, Timing.read(given), NOW)
    with store.session() as session:
        answer = session.scalars(select(Answer)).one()
    assert (answer.value, answer.shown_ms, answer.hidden_ms) == (5, 2500, 40_000)
    assert answer.choices == [[800, 2], [1900, 5]]


def test_what_is_kept_is_bounded() -> None:
    many = [(number, 1 + number % 6) for number in range(500)]
    kept = Timing(-5, 10**12, [*many, (3, 7), (-1, 6)]).columns(6)
    assert (kept["shown_ms"], kept["hidden_ms"]) == (0, LONGEST)
    assert len(kept["choices"]) == MOST_CHOICES
    assert kept["choices"][0] == [0, 1]
    assert kept["choices"][-1] == [0, 6]


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"shown": "x", "hidden": 0, "choices": []},
        {"shown": 1, "hidden": 0, "choices": 3},
        {"shown": 1, "hidden": 0, "choices": [1]},
    ],
)
def test_what_is_no_timing_is_refused(given: dict[str, object]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        Timing.read(given)
