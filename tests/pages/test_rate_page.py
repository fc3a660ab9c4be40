from datetime import UTC, datetime
from pathlib import Path

import pytest
import torch
from streamlit.testing.v1 import AppTest

from synth_core.study import results
from synth_core.study.access import OWNER
from synth_core.study.database import open_store
from synth_core.study.design import create_study
from synth_core.study.invitations import invite
from synth_core.study.protocol import StudyProtocol
from synth_core.study.store import Profile, Store
from synth_core.types import Batch, DataSpec
from synth_core.workspace import Workspace

NOW = datetime(2026, 1, 2, tzinfo=UTC)
SPEC = DataSpec("eeg", (2, 100), "uV", 100.0, ("C3", "C4"))


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("SYNTHSCOPE_WORKSPACE", str(tmp_path))
    place = Workspace(tmp_path)
    return open_store(place.database_url, place.folder("study-items")).acting(OWNER)


@pytest.fixture
def study(store: Store) -> str:
    protocol = StudyProtocol(title="Hidden title", per_side=2, practice=2, repeats=0)
    sides = (Batch(torch.randn(3, *SPEC.shape), SPEC) for _ in range(2))
    return create_study(store, protocol, *sides, source="hidden", now=NOW)


@pytest.fixture
def invitation(store: Store, study: str) -> str:
    return invite(store, study, 1, now=NOW)[0]


@pytest.fixture
def code(store: Store, invitation: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A rater whom the browser remembers."""
    code = store.join(invitation, Profile("Ada", "", 1), NOW)
    monkeypatch.setattr("pages.shared.visitor.participation", lambda: code)
    return code


def page(**query: str) -> AppTest:
    def script() -> None:
        import runpy

        from pages.shared.shell import ErrorFrame

        with ErrorFrame():
            runpy.run_path("pages/rate/page.py")

    app = AppTest.from_function(script, default_timeout=60)
    for name, value in query.items():
        app.query_params[name] = value
    return app.run()


def words(app: AppTest) -> str:
    kinds = (app.markdown, app.caption, app.title, app.subheader, app.info, app.error, app.code)
    return " ".join(element.value for kind in kinds for element in kind)


def test_without_an_invitation_it_asks_for_the_participation_code(store: Store) -> None:
    app = page()
    assert [field.label for field in app.text_input] == ["Participation code"]
    assert not app.exception


def test_joining_needs_consent_and_uses_the_invitation_up(store: Store, study: str, invitation: str) -> None:
    app = page(invitation=invitation)
    app.text_input[0].set_value("Ada")
    app.button[0].click().run()
    assert store.progress(study) == []
    app.checkbox[0].check()
    app.button[0].click().run()
    assert "how many years" in words(app)  # none is an answer, not what is taken in silence
    assert store.progress(study) == []
    app.number_input[0].set_value(0)
    app.button[0].click().run()
    assert not app.exception
    assert [rater.name for rater in store.progress(study)] == ["Ada"]
    assert not app.text_input  # the browser is being told
    assert "used already" in words(page(invitation=invitation))
    assert "Hidden title" not in words(app)


@pytest.mark.parametrize("name", ["ADA", "Ａｄａ", "A\u200bda", "Аda"])
def test_a_name_that_looks_like_anothers_is_refused(store: Store, study: str, code: str, name: str) -> None:
    app = page(invitation=invite(store, study, 1, now=NOW)[0])
    app.text_input[0].set_value(name)
    app.number_input[0].set_value(3)
    app.checkbox[0].check()
    app.button[0].click().run()
    assert len(store.progress(study)) == 1
    assert words(app)


def test_the_cookie_brings_back_instructions_then_items(code: str) -> None:
    app = page()
    assert code in words(app)
    assert "first 2 examples are for practice" in words(app)
    app.button[0].click().run()
    assert not app.exception
    assert not app.button


def test_who_joined_goes_on_by_the_same_invitation(code: str, invitation: str) -> None:
    app = page(invitation=invitation)
    assert code in words(app)
    assert dict(app.query_params) == {}


def test_another_rater_can_join_where_one_is_remembered(store: Store, study: str, code: str) -> None:
    app = page(invitation=invite(store, study, 1, now=NOW)[0])
    assert code not in words(app)
    assert app.checkbox


def test_a_cookie_of_nobody_is_no_way_in(store: Store, study: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pages.shared.visitor.participation", lambda: "0" * 32)
    assert [field.label for field in page().text_input] == ["Participation code"]
    assert "not known" in words(page(invitation=study))


@pytest.mark.parametrize(("is_owner", "shown"), [(True, True), (False, False)])
def test_who_comes_without_an_invitation_is_told_how_and_the_owner_finds_back(
    store: Store, monkeypatch: pytest.MonkeyPatch, is_owner: bool, shown: bool
) -> None:
    monkeypatch.setattr("pages.shared.visitor.is_single_user", lambda: is_owner)
    links: list[str] = []
    monkeypatch.setattr("streamlit.page_link", lambda page, **more: links.append(more["label"]))
    assert "Open the invitation" in words(page())
    assert links == (["Back to the workspace"] if shown else [])


def test_when_all_is_answered_it_says_thanks_and_lets_go_back(store: Store, code: str) -> None:
    while (task := store.task(code)) is not None:
        store.answer(code, task.token, 1, 1, NOW)
    app = page()
    assert "Thank you" in words(app)
    app.button[0].click().run()
    assert store.task(code) is not None


def test_a_closed_study_says_so(store: Store, study: str, code: str) -> None:
    unused = invite(store, study, 1, now=NOW)[0]
    results.unblind(store, study, "done", NOW)
    assert "closed" in words(page())
    assert "closed" in words(page(invitation=unused))
