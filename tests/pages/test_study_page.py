from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from synth_core.study.store import Profile, Store
from tests.pages.test_rate_page import NOW, store, study, words

__all__ = ["store", "study"]  # fixtures


def page() -> AppTest:
    def script() -> None:
        import runpy

        from pages.shared.shell import ErrorFrame

        with ErrorFrame():
            runpy.run_path("pages/study/page.py")

    return AppTest.from_function(script, default_timeout=60).run()


def answer_all(store: Store, study: str, value: int) -> None:
    code = store.join(study, Profile(f"Rater {value}", "neurology", 4), NOW)
    while (task := store.task(code)) is not None:
        store.answer(code, task.token, value, 700, NOW)


def test_an_empty_workspace_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNTHSCOPE_WORKSPACE", str(tmp_path))
    app = page()
    assert not app.exception
    assert "no dataset" in words(app)


def test_an_open_study_shows_invitation_and_progress_but_no_truth(store: Store, study: str) -> None:
    answer_all(store, study, 1)
    app = page()
    assert not app.exception
    assert f"/rate?study={study}" in words(app)
    assert list(app.dataframe[0].value["Answered"]) == [6]
    assert not app.metric


def test_the_audit_answers_without_the_truth_of_an_item(store: Store, study: str) -> None:
    app = page()
    app.button(key="study-audit").click().run()
    assert not app.exception
    assert "so few items cannot show a leak" in " ".join(
        one.value for one in (*app.success, *app.error, *app.warning, *app.info)
    )
    tried = app.expander[-1].dataframe[0].value
    assert {"message to the browser", "file size"} <= set(tried["of"])
    assert store.study(study).closed_at is None


def test_closing_needs_a_reason(store: Store, study: str) -> None:
    app = page()
    app.button(key="study-close").click().run()
    assert "reason" in words(app)
    assert store.study(study).closed_at is None


def test_closing_unblinds_and_shows_accuracy_with_its_interval(store: Store, study: str) -> None:
    answer_all(store, study, 1)
    answer_all(store, study, 6)
    app = page()
    app.text_input(key="study-reason").set_value("all have finished")
    app.button(key="study-close").click().run()
    assert not app.exception
    assert store.study(study).closed_at is not None
    assert [metric.value for metric in app.metric] == ["50.0 %"] * 3
    assert "seal is intact" in words(app)
    assert list(app.dataframe[0].value["n"]) == [4, 4, 8]


def test_a_study_without_answers_says_so(store: Store, study: str) -> None:
    app = page()
    app.text_input(key="study-reason").set_value("nobody came")
    app.button(key="study-close").click().run()
    assert "Nobody has answered" in words(app)
