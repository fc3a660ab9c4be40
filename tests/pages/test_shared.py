"""Background work, words, the demo's names."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

from pages.shared import jobs, panels, words
from synth_core.data.readers.base import Told
from synth_core.demo import DEMO_COHORTS
from tests.pages.conftest import until


def ended(job: jobs.Job) -> jobs.Job:
    until(lambda: job.ended)
    return job


def test_a_job_reports_its_result() -> None:
    assert ended(jobs.start("result", "Counting", lambda progress: progress(1, 2, "one") or 7)).result == 7


def test_a_cancelled_job_ends_without_a_result() -> None:
    def endless(progress: jobs.Progress) -> None:
        while True:
            progress(0, 1, "")
            time.sleep(0.005)

    job = jobs.start("endless", "Waiting", endless)
    job.cancelling = True
    assert ended(job).problem == "Cancelled; nothing was kept."


def test_time_left_comes_from_the_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "time", SimpleNamespace(monotonic=lambda: 110.0))
    assert jobs.Job("x", started=100.0, done=5, total=20).seconds_left == pytest.approx(30)


def test_the_demo_is_recognised_by_its_names() -> None:
    assert set(panels.DEMO_NAMES) == set(DEMO_COHORTS)


@pytest.mark.parametrize(("seconds", "said"), [(40, "40 s"), (700, "12 min"), (12_000, "3 h 20 min")])
def test_durations(seconds: float, said: str) -> None:
    assert words.duration(seconds) == said


@pytest.mark.parametrize(("value", "said"), [(-1020.3, "−1020"), (0.012345, "0.0123"), (12, "12"), (float("nan"), "–")])
def test_numbers_are_short_and_have_a_true_minus(value: float, said: str) -> None:
    assert words.short(value) == said


def test_a_sentence_of_the_engine_names_settings_as_the_form_does() -> None:
    said = "state the `unit`: uV or mV; `study verify` and `salt` stay."
    assert words.asks(said)
    assert words.as_in_form(said) == "state the “Unit”: uV or mV; `study verify` and `salt` stay."
    assert not words.asks("the unit is missing")


def test_the_form_has_a_field_for_all_that_a_sentence_may_ask_for() -> None:
    told = {"rate", *Told.__annotations__} - {"within", "subject_pattern"}  # the pattern has a place of its own
    assert told == set(words.TOLD)
