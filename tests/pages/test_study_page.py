from pathlib import Path

import pytest
import torch
from streamlit.testing.v1 import AppTest

from synth_core.study.design import create_study
from synth_core.study.invitations import invitations, invite
from synth_core.study.protocol import StudyProtocol
from synth_core.study.store import Profile, Store
from synth_core.types import Batch
from tests.pages.test_rate_page import NOW, SPEC, store, study, words

__all__ = ["store", "study"]  # fixtures


def page() -> AppTest:
    def script() -> None:
        import runpy

        from pages.shared.shell import ErrorFrame

        with ErrorFrame():
            runpy.run_path("pages/study/page.py")

    return AppTest.from_function(script, default_timeout=60).run()


def answer_all(store: Store, study: str, value: int) -> None:
    (invitation,) = invite(store, study, 1, now=NOW)
    code = store.join(invitation, Profile(f"Rater {value}", "neurology", 4), NOW)
    while (task := store.task(code)) is not None:
        store.answer(code, task.token, value, 700, NOW)


def test_an_empty_workspace_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNTHSCOPE_WORKSPACE", str(tmp_path))
    app = page()
    assert not app.exception
    assert "no dataset" in words(app)


def test_an_open_study_shows_places_and_progress_but_no_truth(store: Store, study: str) -> None:
    answer_all(store, study, 1)
    app = page()
    assert not app.exception
    places, progress = (frame.value for frame in app.dataframe)
    assert list(places["Rater"]) == ["Rater 1"]
    assert list(progress["Answered"]) == [6]
    assert store.commitment(study) in words(app)
    assert not app.metric


def test_an_open_study_says_what_comes_next(store: Store, study: str, monkeypatch: pytest.MonkeyPatch) -> None:
    app = page()
    assert "Make an invitation" in words(app)
    assert app.selectbox(key="study-chosen").options[0].endswith("open)")
    monkeypatch.setattr("pages.study.inviting._base", lambda: "http://127.0.0.1:8501")
    next(button for button in app.button if button.label == "Make invitations").click().run()
    assert "Send the invitations" in words(app)
    assert "open on this machine alone" in app.warning[0].value


def test_invitations_are_made_and_shown_once(store: Store, study: str) -> None:
    app = page()
    app.number_input(key="study-invite-n").set_value(2)
    app.text_input(key="study-invite-note").set_value("ward 3")
    next(button for button in app.button if button.label == "Make invitations").click().run()
    (links,) = [code.value for code in app.code if "/rate?invitation=" in code.value]
    assert len(set(links.split())) == 2
    assert [place.note for place in invitations(store, study)] == ["ward 3"] * 2
    assert "/rate?invitation=" not in words(page())


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


def test_an_amendment_is_kept_and_shown_with_its_reason(store: Store, study: str) -> None:
    app = page()
    app.text_area(key="study-amendment").set_value("a *fourth* rater")
    app.button(key="study-amend").click().run()
    assert not app.exception
    assert "Amended" in words(app)
    assert "a \\*fourth\\* rater" in words(page())


def test_a_study_without_answers_says_so(store: Store, study: str) -> None:
    app = page()
    app.text_input(key="study-reason").set_value("nobody came")
    app.button(key="study-close").click().run()
    assert "Nobody has answered" in words(app)


def test_a_draft_is_locked_before_anyone_is_invited(store: Store) -> None:
    sides = (Batch(torch.randn(2, *SPEC.shape), SPEC) for _ in range(2))
    protocol = StudyProtocol(title="Draft", per_side=2, practice=0)
    draft = create_study(store, protocol, *sides, source="g", now=NOW, lock=False)
    app = page()
    assert [button.label for button in app.button] == ["Audit the blinding", "Lock"]
    app.button(key="study-lock").click().run()
    assert not app.exception
    assert store.study(draft).locked_at is not None
    assert store.commitment(draft) in words(app)
