"""A database that was made by the first version is brought up to date with all that is in it."""

import json
import threading
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, create_engine, text

from synth_core.study import key, payload
from synth_core.study.database import MIGRATIONS, make_engine
from synth_core.study.results import results, unblind
from synth_core.study.store import Store
from synth_core.study.tables import Answer, Item
from synth_core.study.verification import verify
from tests.study.conftest import NOW, answer_all, batch, joined, owned

OLD = "0" * 32
CODES = {"Anna": "a" * 32, "anna": "b" * 32}
PROTOCOL = {"title": "Old", "steps": 6, "per_side": 2, "practice": 0, "repeats": 0.0, "seed": 0}


def insert(engine: Engine, table: str, **values: object) -> None:
    names = list(values)
    statement = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join(':' + name for name in names)})"
    with engine.begin() as connection:
        connection.execute(text(statement), values)


@pytest.fixture
def old(tmp_path: Path) -> str:
    """A study of four items and two raters: one has answered two items and took one back, one none."""
    url = f"sqlite:///{tmp_path}/study.db"
    engine = make_engine(url)
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    rendering = payload.Rendering.fit(batch(2), batch(2))
    items = [f"{number:032d}" for number in range(1, 5)]
    folder = tmp_path / "items" / OLD
    folder.mkdir(parents=True)
    codes = rendering.encode(batch(1).values[0].numpy())
    digests = [payload.write_payload(folder / f"{item}.npy", codes) for item in items]
    rows = [Item(id=item, digest=digest) for item, digest in zip(items, digests, strict=True)]
    truth = [key.Truth(item_id=item, synthetic=item in items[2:], stratum="", source="s") for item in items]
    rendered = rendering.model_dump(mode="json")
    seal = key.seal(PROTOCOL, rendered, rows, truth)
    made = "2026-01-02 00:00:00.000000"
    written = {"protocol": json.dumps(PROTOCOL), "rendering": json.dumps(rendered)}
    insert(engine, "studies", id=OLD, seal=seal, created_at=made, **written)
    for row, own in zip(rows, truth, strict=True):
        insert(engine, "items", id=row.id, study_id=OLD, digest=row.digest)
        insert(engine, '"key"', item_id=row.id, synthetic=own.synthetic, stratum="", source="s")
    insert(engine, "events", study_id=OLD, at=made, kind="locked", reason="made")
    for number, (name, code) in enumerate(CODES.items(), start=1):
        own = {"id": number, "study_id": OLD, "token": code, "name": name, "specialty": "", "years": 3}
        insert(engine, "raters", joined_at=f"2026-01-02 0{number}:00:00.000000", **own)
        for position, item in enumerate(items):
            showing = {"item_id": item, "token": f"{number}{position}" * 16, "position": position}
            insert(engine, "trials", rater_id=number, practice=False, repeat=False, **showing)
    for number, (trial, value, undone) in enumerate([(1, 2, None), (2, 3, "2026-01-02 05:03:00.000000")], start=1):
        times = {"answered_at": f"2026-01-02 05:0{number}:00.000000", "undone_at": undone}
        insert(engine, "answers", trial_id=trial, value=value, milliseconds=700 + number, **times)
    engine.dispose()
    return url


@pytest.fixture
def store(old: str, tmp_path: Path) -> Store:
    return owned(old, tmp_path / "items")


def test_everything_is_there_and_is_entered_into_the_log(store: Store) -> None:
    found = verify(store, OLD)
    assert found.problems == ()
    assert found.entries == 1 + 1 + 2 + 2 + 1
    assert found.adopted_at is not None
    assert store.studies()[0].locked_at == store.studies()[0].created_at
    with store.session() as session:
        assert [(a.value, a.shown_ms, a.hidden_ms) for a in session.query(Answer)] == [(2, 701, None), (3, 702, None)]


def test_raters_go_on_by_their_codes_and_new_ones_join(store: Store) -> None:
    task = store.task(CODES["Anna"])
    assert task is not None
    assert task.number == 2
    for code in (*CODES.values(), joined(store, OLD, "Bob")):
        answer_all(store, code)
    unblind(store, OLD, "done", NOW)
    found = results(store, OLD)
    assert [rater.n for rater in found.raters] == [4, 4, 4]
    assert found.intact


def test_codes_are_kept_as_hashes(store: Store) -> None:
    with store.session() as session:
        kept = session.scalars(text("SELECT token FROM raters")).all()
    assert len(kept) == 2
    assert set(kept).isdisjoint(CODES.values())


def test_a_change_after_the_upgrade_is_found(store: Store, old: str) -> None:
    with create_engine(old).begin() as connection:
        connection.execute(text("UPDATE answers SET value = 6 WHERE id = 1"))
    assert "value 2 to 6" in verify(store, OLD).problems[0]


def test_the_upgrade_happens_once_even_when_two_processes_begin(old: str, tmp_path: Path) -> None:
    faults: list[Exception] = []

    def begin() -> None:
        try:
            owned(old, tmp_path / "items")
        except Exception as error:
            faults.append(error)

    threads = [threading.Thread(target=begin) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert verify(owned(old, tmp_path / "items"), OLD).entries == 7


def test_removing_the_log_does_not_enter_a_study_anew(store: Store, old: str, tmp_path: Path) -> None:
    with create_engine(old).begin() as connection:
        connection.execute(text("DELETE FROM log"))
    assert not verify(owned(old, tmp_path / "items"), OLD).intact
