import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from threading import Thread

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_mock_engine, func, select
from sqlalchemy.dialects import postgresql

from synth_core.errors import StudyError
from synth_core.study import key
from synth_core.study.database import make_engine, migrate, open_store
from synth_core.study.design import create_study
from synth_core.study.protocol import StudyProtocol
from synth_core.study.store import Profile, Store
from synth_core.study.tables import Answer, Base, Trial
from synth_core.study.verification import verify
from tests.study.conftest import NOW, answer_all, batch, joined, owned


def test_migrations_lead_to_the_models() -> None:
    engine = make_engine("sqlite://")
    migrate(engine)
    migrate(engine)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    assert key.Truth.__table__.name in Base.metadata.tables


def test_tables_can_be_made_in_postgresql() -> None:
    statements: list[str] = []
    dialect = postgresql.dialect()
    engine = create_mock_engine(
        "postgresql+psycopg://", lambda sql, *_, **__: statements.append(str(sql.compile(dialect=dialect)))
    )
    Base.metadata.create_all(engine, checkfirst=False)
    assert any("one_answer_per_trial" in sql and "WHERE undone_at IS NULL" in sql for sql in statements)


def test_a_database_that_cannot_be_opened_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="cannot be opened"):
        open_store(f"sqlite:///{tmp_path}/absent/study.db", tmp_path)


def test_a_session_shows_practice_first_then_every_item(store: Store, rater: str) -> None:
    first = store.task(rater)
    assert first is not None
    assert (first.practice, first.number, first.total, first.can_undo) == (True, 1, 2, False)
    tokens = answer_all(store, rater)
    assert len(set(tokens)) == 2 + 12 + 3  # practice, scored, repeats


def test_answers_survive_and_the_session_resumes(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/study.db"
    first = owned(url, tmp_path / "items")
    study = create_study(
        first, StudyProtocol(title="Kept", per_side=2, practice=0), batch(2), batch(2), source="g", now=NOW
    )
    rater = joined(first, study, "Ada")
    task = first.task(rater)
    assert task is not None
    first.answer(rater, task.token, 3, 100, NOW)
    again = owned(url, tmp_path / "items")
    resumed = again.task(rater)
    assert resumed is not None
    assert resumed.number == 2
    assert again.study_of(rater).id == study


def test_a_double_submit_is_one_answer(store: Store, rater: str) -> None:
    task = store.task(rater)
    assert task is not None
    store.answer(rater, task.token, 2, 100, NOW)
    store.answer(rater, task.token, 5, 100, NOW)
    with store.session() as session:
        assert session.scalars(select(Answer.value)).all() == [2]


def test_undo_takes_back_one_scored_answer_and_keeps_its_row(store: Store, rater: str) -> None:
    for _ in range(4):
        task = store.task(rater)
        assert task is not None
        store.answer(rater, task.token, 1, 100, NOW)
    assert store.undo(rater, NOW)
    back = store.task(rater)
    assert back is not None
    assert back.token == task.token
    assert not back.can_undo
    assert not store.undo(rater, NOW)
    store.answer(rater, back.token, 6, 100, NOW)
    with store.session() as session:
        assert session.scalar(select(func.count(Answer.id))) == 5


def test_practice_answers_cannot_be_undone_and_tell_the_truth_only_afterwards(store: Store, rater: str) -> None:
    task = store.task(rater)
    assert task is not None
    assert store.feedback(rater, task.token) is None
    store.answer(rater, task.token, 1, 100, NOW)
    assert store.feedback(rater, task.token) in ("real", "synthetic")
    assert not store.undo(rater, NOW)


def test_scored_items_never_tell(store: Store, rater: str) -> None:
    scored = answer_all(store, rater)[2:]
    assert {store.feedback(rater, token) for token in scored} == {None}


def test_the_last_answer_can_be_undone_from_the_end(store: Store, rater: str) -> None:
    answer_all(store, rater)
    assert store.task(rater) is None
    assert store.undo(rater, NOW)
    assert store.task(rater) is not None


@pytest.mark.parametrize(("value", "token"), [(0, None), (7, None), (1, "f" * 32)])
def test_wrong_answers_are_refused(store: Store, rater: str, value: int, token: str | None) -> None:
    task = store.task(rater)
    assert task is not None
    with pytest.raises(StudyError):
        store.answer(rater, token or task.token, value, 100, NOW)


def test_a_rater_cannot_answer_for_another(store: Store, study: str, rater: str) -> None:
    other = joined(store, study, "Grace", "", 3)
    task = store.task(other)
    assert task is not None
    with pytest.raises(StudyError, match="not one of yours"):
        store.answer(rater, task.token, 1, 100, NOW)


def test_unknown_invitations_codes_and_taken_names_are_refused(store: Store, study: str, rater: str) -> None:
    for refused in (
        lambda: store.join("x", Profile("Eve", "", 1), NOW),
        lambda: store.task("x"),
        lambda: joined(store, study, " ADA "),
        lambda: Profile("", "", 1),
        lambda: Profile("Eve", "", -1),
    ):
        with pytest.raises(StudyError):
            refused()


def test_progress_counts_standing_answers(store: Store, study: str, rater: str) -> None:
    joined(store, study, "Grace", "neurology", 3)
    later = NOW + timedelta(minutes=5)
    task = store.task(rater)
    assert task is not None
    store.answer(rater, task.token, 1, 100, later)
    ada, grace = store.progress(study)
    assert (ada.name, ada.answered, ada.total, ada.last_answer) == ("Ada", 1, 17, later)
    assert (grace.answered, grace.last_answer) == (0, None)


def test_tokens_differ_between_raters_and_carry_no_order(store: Store, study: str, rater: str) -> None:
    joined(store, study, "Grace", "", 3)
    with store.session() as session:
        trials = session.execute(select(Trial.token, Trial.item_id)).all()
    assert len({token for token, _ in trials}) == len(trials) == 34
    assert not {token for token, _ in trials} & {item for _, item in trials}


def test_raters_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    store = owned(f"sqlite:///{tmp_path}/study.db", tmp_path / "items")
    protocol = StudyProtocol(title="Crowd", per_side=3, practice=0, repeats=0)
    study = create_study(store, protocol, batch(3), batch(3), source="g", now=NOW)
    raters = [joined(store, study, f"r{index}") for index in range(8)]
    threads = [Thread(target=answer_all, args=(store, rater)) for rater in raters]
    for thread in threads:
        thread.start()
    found = []
    while any(thread.is_alive() for thread in threads):
        found += verify(store, study).problems
    for thread in threads:
        thread.join()
    assert [progress.answered for progress in store.progress(study)] == [6] * 8
    assert found == []
    assert verify(store, study).entries == 1 + 8 + 8 + 8 * 6


def test_a_database_that_stays_locked_is_one_sentence_and_the_answer_can_be_given_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("synth_core.study.database.BUSY_SECONDS", 0.05)
    store = owned(f"sqlite:///{tmp_path}/study.db", tmp_path / "items")
    protocol = StudyProtocol(title="Busy", per_side=2, practice=0)
    rater = joined(store, create_study(store, protocol, batch(2), batch(2), source="g", now=NOW), "Ada")
    task = store.task(rater)
    assert task is not None
    with closing(sqlite3.connect(tmp_path / "study.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StudyError, match="try again"):
            store.answer(rater, task.token, 2, 100, NOW)
    store.answer(rater, task.token, 3, 100, NOW)
    with store.session() as session:
        assert session.scalars(select(Answer.value)).all() == [3]


def test_a_mark_that_cannot_be_noted_loses_no_answer(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = owned(f"sqlite:///{tmp_path}/study.db", tmp_path / "items")
    protocol = StudyProtocol(title="Full", per_side=2, practice=0)
    study = create_study(store, protocol, batch(2), batch(2), source="g", now=NOW)
    rater = joined(store, study, "Ada")
    (tmp_path / "study.heads").unlink()
    (tmp_path / "study.heads").mkdir()
    answer_all(store, rater)
    assert store.task(rater) is None
    assert "could not be noted" in caplog.text
    assert verify(store, study).intact
