"""What is changed behind the program is found: each kind of change is made by SQL, and named."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from synth_core.errors import StudyError
from synth_core.study.design import create_study
from synth_core.study.protocol import StudyProtocol
from synth_core.study.results import amend, results, unblind
from synth_core.study.store import Store
from synth_core.study.verification import verify
from tests.study.conftest import NOW, answer_all, batch, joined, owned


@pytest.fixture
def place(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/study.db"


@pytest.fixture
def store(place: str, tmp_path: Path) -> Store:
    return owned(place, tmp_path / "items")


@pytest.fixture
def rated(store: Store, study: str) -> str:
    """Two raters; one took an answer back; an amendment; closed."""
    for name in ("Ada", "Bob"):
        code = joined(store, study, name)
        answer_all(store, code)
        if name == "Ada":
            store.undo(code, NOW + timedelta(minutes=1))
            answer_all(store, code, 4)
    amend(store, study, "a third rater could not come", NOW)
    unblind(store, study, "done", NOW)
    return study


def problems(place: str, store: Store, study: str, *statements: str) -> str:
    """What is said after these statements, which may break what ties the tables together."""
    engine = create_engine(place)
    with engine.begin() as connection:
        for statement in statements:
            assert connection.execute(text(statement)).rowcount
    engine.dispose()
    return " ".join(verify(store, study).problems)


def test_a_study_that_nobody_touched_is_whole(store: Store, rated: str) -> None:
    found = verify(store, rated)
    assert found.problems == ()
    assert found.entries == 1 + 2 * 2 + 2 * 17 + 2 + 1 + 1
    assert found.adopted_at is None
    assert results(store, rated).intact


ANSWER = "SELECT a.id FROM answers a JOIN trials t ON t.id = a.trial_id WHERE NOT t.practice"
CHANGES = {
    "rewritten answer": (f"UPDATE answers SET value = 3 WHERE id = ({ANSWER} LIMIT 1)", "rewritten: value 1 to 3"),
    "rewritten time": (f"UPDATE answers SET shown_ms = 5 WHERE id = ({ANSWER} LIMIT 1)", "time shown 900 to 5"),
    "deleted answer": (f"DELETE FROM answers WHERE id = ({ANSWER} LIMIT 1)", r"answer \d+ of Ada .* was deleted"),
    "answer taken back": ("UPDATE answers SET undone_at = '2026-01-02' WHERE id = 20", "time taken back None to"),
    "undo hidden": ("DELETE FROM answers WHERE undone_at IS NOT NULL", "was deleted"),
    "added answer": (
        "INSERT INTO answers (trial_id, value, shown_ms, answered_at, undone_at) VALUES (5, 1, 1, '2026-01-02', "
        "'2026-01-03')",
        "not made through this program",
    ),
    "changed order": (
        "UPDATE trials SET item_id = (SELECT item_id FROM trials WHERE id = 9) WHERE id = 8",
        "In the order of Ada, position 8 was rewritten",
    ),
    "practice that counts": ("UPDATE trials SET practice = 0 WHERE position = 0", "practice True to False"),
    "deleted trial": ("DELETE FROM trials WHERE id = 9", "position 9 was deleted"),
    "deleted event": ("DELETE FROM events WHERE kind = 'amended'", "The event 2"),
    "rewritten reason": ("UPDATE events SET reason = 'x' WHERE kind = 'unblinded'", "reason 'done' to 'x'"),
    "reopened": ("UPDATE studies SET closed_at = NULL", "closed was changed"),
    "protocol": ("""UPDATE studies SET protocol = '{"title": "x", "per_side": 2}'""", "The protocol was changed"),
    "rendering": (
        "UPDATE studies SET rendering = replace(rendering, 'mV', 'uV')",
        "The rendering",
    ),
    "time of the lock": ("UPDATE studies SET locked_at = '2020-01-01'", "made or locked was changed"),
    "seal": ("UPDATE studies SET seal = ''", "The seal was changed"),
    "seed": ("UPDATE orders SET seed = 1", "seed of the orders"),
    "key": ("UPDATE key SET synthetic = NOT synthetic", "The key"),
    "item": ("UPDATE items SET digest = 'x' WHERE feedback IS NOT NULL", "was changed after the lock"),
    "rater": ("UPDATE raters SET years = 40 WHERE name = 'Bob'", "The rater Bob was rewritten: years 1 to 40"),
    "code": ("UPDATE raters SET token = 'x' WHERE name = 'Bob'", "The rater Bob was rewritten: token"),
    "invitation": ("UPDATE invitations SET used_at = NULL WHERE id = 1", "The invitation 1 was rewritten"),
    "entry rewritten": (
        "UPDATE log SET content = replace(content, '\"value\": 1', '\"value\": 2') WHERE number = 9",
        "Entry 9 .* changed afterwards",
    ),
    "entry deleted": ("DELETE FROM log WHERE number = 9", "Entry 9 of the log is missing"),
    "entry emptied": ("UPDATE log SET content = '{}' WHERE number = 9", "Entry 9 .* changed afterwards"),
    "entry that is none": ("UPDATE log SET content = '[1]' WHERE number = 1", "Entry 1 .* changed afterwards"),
    "entry that is no JSON": ("UPDATE log SET content = 'x' WHERE number = 9", "not written by this program"),
    "mark of other letters": ("UPDATE log SET mark = 'ä' WHERE number = 9", "Entry 9 .* changed afterwards"),
    "time that is none": ("UPDATE answers SET answered_at = 'x' WHERE id = 3", "not written by this program"),
    "no protocol": ("UPDATE studies SET protocol = '{}'", "The protocol was changed"),
    "answer of another trial": (
        "UPDATE answers SET trial_id = 999 WHERE id = 3",
        "answer 3 .* was (deleted|rewritten)",
    ),
    "last entries deleted": ("DELETE FROM log WHERE number > 30", "its last entries were removed"),
    "log deleted": ("DELETE FROM log", "its last entries were removed"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_each_change_by_sql_is_named(change: str, place: str, store: Store, rated: str) -> None:
    statement, sentence = CHANGES[change]
    assert re.search(sentence, problems(place, store, rated, statement))


def test_an_answer_that_is_rewritten_in_table_and_log_is_found(place: str, store: Store, rated: str) -> None:
    entry = "UPDATE log SET content = replace(content, '\"value\": 1', '\"value\": 2') WHERE number = 9"
    answer = (
        "UPDATE answers SET value = 2 WHERE id = (SELECT json_extract(content, '$.answer') FROM log WHERE number = 9)"
    )
    assert "Entry 9" in problems(place, store, rated, entry, answer)


def test_results_are_intact_only_after_that(place: str, store: Store, rated: str) -> None:
    problems(place, store, rated, CHANGES["rewritten answer"][0])
    found = results(store, rated)
    assert not found.intact
    assert "rewritten" in found.verification.problems[0]


def test_a_file_that_was_exchanged_is_found(store: Store, rated: str) -> None:
    file = next(store.folder(rated).iterdir())
    file.write_bytes(b"other")
    (problem,) = verify(store, rated).problems
    assert file.stem[:8] in problem


def test_the_mark_that_the_owner_kept_outlives_the_files(place: str, store: Store, rated: str, tmp_path: Path) -> None:
    kept = store.commitment(rated)
    assert verify(store, rated, kept).intact
    (tmp_path / "study.heads").unlink()
    assert problems(place, store, rated, "DELETE FROM log WHERE number > 30") != ""
    assert any("you kept" in problem for problem in verify(store, rated, kept).problems)
    assert any("you kept" in problem for problem in verify(store, rated, "0" * 64).problems)


def test_a_log_of_another_key_is_not_this_one(place: str, store: Store, rated: str, tmp_path: Path) -> None:
    (tmp_path / "study.key").write_text("00" * 32 + "\n")
    again = owned(place, tmp_path / "items")
    assert "Entry 1 " in verify(again, rated).problems[0]


def test_key_and_marks_are_for_their_owner_alone_and_are_not_made_anew(place: str, rated: str, tmp_path: Path) -> None:
    key = tmp_path / "study.key"
    assert {key.stat().st_mode & 0o777, (tmp_path / "study.heads").stat().st_mode & 0o777} == {0o600}
    assert len((tmp_path / "study.heads").read_text().splitlines()) == 43
    key.unlink()
    with pytest.raises(StudyError, match="put it back from the backup"):
        owned(place, tmp_path / "items")
    assert not key.exists()


def test_a_draft_is_whole_and_has_no_log(store: Store) -> None:
    protocol = StudyProtocol(title="Draft", per_side=2, practice=0)
    draft = create_study(store, protocol, batch(2), batch(2), source="g", now=NOW, lock=False)
    assert verify(store, draft).intact
    assert store.commitment(draft) == ""
