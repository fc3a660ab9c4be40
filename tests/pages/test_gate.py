"""Guessing the password: counted before it is compared, per client and over all, forgotten after a while, bounded."""

from __future__ import annotations

import pytest

from pages.shared import gate
from pages.shared.gate import CLIENTS, OF_ALL, OF_ONE, WINDOW, Attempts


def test_a_client_is_locked_out_even_with_the_right_word_and_others_are_not() -> None:
    attempts = Attempts()
    assert not any(attempts.admit("wrong", "right", "one", 0.0) for _ in range(OF_ONE))
    assert attempts.wait("one", 1.0) == pytest.approx(WINDOW - 1)
    assert not attempts.admit("right", "right", "one", 1.0)
    assert attempts.admit("right", "right", "two", 1.0)
    assert attempts.admit("right", "right", "one", WINDOW + 1)


def test_many_clients_together_are_locked_out() -> None:
    attempts = Attempts()
    for client in range(OF_ALL):
        attempts.admit("wrong", "right", str(client), 0.0)
    assert not attempts.admit("right", "right", "new", 1.0)


def test_the_right_word_forgives_and_counts_as_nothing() -> None:
    attempts = Attempts()
    for _ in range(3 * OF_ALL):
        assert attempts.admit("right", "right", "one", 0.0)


def test_what_is_remembered_is_bounded() -> None:
    attempts = Attempts()
    for number in range(2 * CLIENTS):
        attempts.admit("wrong", "right", str(number), number * 2 * WINDOW)
    assert len(attempts.by_client) <= CLIENTS
    assert len(attempts.of_all) <= OF_ALL


@pytest.mark.parametrize(("given", "same"), [("ä word", True), ("ä wor", False), ("", False), ("\ud800", False)])
def test_words_are_compared_whole(given: str, same: bool) -> None:
    assert gate.is_same(given, "ä word") is same
