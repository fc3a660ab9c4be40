from datetime import UTC, datetime
from pathlib import Path

import pytest
import torch
from streamlit.testing.v1 import AppTest

from synth_core.study import results
from synth_core.study.database import open_store
from synth_core.study.design import create_study
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
    return open_store(place.database_url, place.folder("study-items"))


@pytest.fixture
def study(store: Store) -> str:
    protocol = StudyProtocol(title="Hidden title", per_side=2, practice=2, repeats=0)
    sides = (Batch(torch.randn(3, *SPEC.shape), SPEC) for _ in range(2))
    return create_study(store, protocol, *sides, source="hidden", now=NOW)


def page(**query: str) -> AppTest:
    def script() -> None:
        import runpy

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


def test_joining_needs_consent_and_leads_to_the_instructions(store: Store, study: str) -> None:
    app = page(study=study)
    app.text_input[0].set_value("Ada")
    app.checkbox[0].check()
    app.button[0].click().run()
    assert not app.exception
    assert [rater.name for rater in store.progress(study)] == ["Ada"]
    assert [button.label for button in app.button] == ["Start"]
    assert "Hidden title" not in words(app)


def test_the_code_brings_back_instructions_then_items(store: Store, study: str) -> None:
    code = store.join(study, Profile("Ada", "", 1), NOW)
    app = page(code=code)
    assert code in words(app)
    assert "first 2 examples are for practice" in words(app)
    app.button[0].click().run()
    assert not app.exception
    assert not app.button


def test_when_all_is_answered_it_says_thanks_and_lets_go_back(store: Store, study: str) -> None:
    code = store.join(study, Profile("Ada", "", 1), NOW)
    while (task := store.task(code)) is not None:
        store.answer(code, task.token, 1, 1, NOW)
    app = page(code=code)
    assert "Thank you" in words(app)
    app.button[0].click().run()
    assert store.task(code) is not None


def test_a_closed_study_says_so(store: Store, study: str) -> None:
    code = store.join(study, Profile("Ada", "", 1), NOW)
    results.unblind(store, study, "done", NOW)
    assert "closed" in words(page(code=code))
    assert "closed" in words(page(study=study))
