"""Opens the study database by URL and brings its tables up to date: SQLite by default, PostgreSQL for many raters."""

from __future__ import annotations

import secrets
from contextlib import suppress
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, inspect, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.orm import Session
from sqlalchemy.pool import StaticPool

from synth_core.errors import StudyError
from synth_core.study.log import Journal, read_key
from synth_core.study.store import Store
from synth_core.study.tables import LogEntry
from synth_core.workspace import make_private

MIGRATIONS = Path(__file__).resolve().parent / "migrations"
BUSY_SECONDS = 20  # how long a rater's answer waits for another's


def open_store(url: str, items: Path) -> Store:
    """The store behind a database URL, its tables migrated to the newest version; it acts for nobody yet.

    The key of its log is in `study.key` beside the database, or beside the payloads where that is a server.

    Parameters
    ----------
    url : "sqlite:///path/study.db", "sqlite://" (in memory) or "postgresql+psycopg://…".
    items : folder of the payloads.

    Raises
    ------
    StudyError : when the database cannot be opened, or its key is missing.
    """
    try:
        engine = make_engine(url)
        with engine.connect() as connection:
            marked = inspect(connection).has_table(LogEntry.__tablename__) and bool(
                connection.scalar(select(LogEntry.number).limit(1))
            )
        journal = make_journal(url, items, has_entries=marked)
        migrate(engine, journal)
    except (SQLAlchemyError, ArgumentError, ModuleNotFoundError) as error:
        place = url.rsplit("@", 1)[-1]  # without user and password
        raise StudyError(f"The study database {place} cannot be opened; check its address and rights.") from error
    return Store(engine, items, journal)


def make_journal(url: str, items: Path, *, has_entries: bool) -> Journal:
    """The log of a database, with its key; a database in memory has one that ends with it."""
    key, heads = log_files(url, items)
    if key is None:
        return Journal(secrets.token_bytes(32), None)
    return Journal(read_key(key, may_create=not has_entries), heads)


def log_files(url: str, items: Path) -> tuple[Path, Path] | tuple[None, None]:
    """Where the key of the log and its newest marks are; None for a database in memory."""
    address = make_url(url)
    if address.get_backend_name() != "sqlite":
        folder = items.parent
        folder.mkdir(parents=True, exist_ok=True)
        return folder / "study.key", folder / "study.heads"
    if address.database in (None, "", ":memory:"):
        return None, None
    database = Path(str(address.database))
    return database.with_suffix(".key"), database.with_suffix(".heads")


def make_engine(url: str) -> Engine:
    """An engine whose SQLite connections lose no answer (WAL, synced at each commit) and wait for one another."""
    address = make_url(url)
    if address.get_backend_name() != "sqlite":
        return create_engine(address, pool_pre_ping=True)
    in_memory = address.database in (None, "", ":memory:")
    options: dict[str, Any] = {"poolclass": StaticPool} if in_memory else {}
    connect = {"timeout": BUSY_SECONDS, "check_same_thread": False}
    if not in_memory and address.database:
        _make_private(Path(address.database))
    engine = create_engine(address, connect_args=connect, **options)
    event.listen(engine, "connect", _configure_sqlite)
    return engine


def _make_private(file: Path) -> None:
    """Begin the database unreadable to others (SQLite gives its companions the same rights), and tighten an old one."""
    with suppress(OSError):  # SQLite then says what is wrong with the place
        file.touch(mode=0o600)
    for path in (file, *(file.with_name(file.name + ending) for ending in ("-wal", "-shm", "-journal"))):
        make_private(path)


def _configure_sqlite(connection: Any, record: Any) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def migrate(engine: Engine, journal: Journal | None = None) -> None:
    """Bring the tables to the newest version in one transaction; an up-to-date database is only looked at.

    Studies from before the log are entered into it as they are found, by `journal` (see `migrations/env.py`).
    """
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.connect() as connection:
        if _version(connection) == ScriptDirectory.from_config(config).get_current_head():
            return
    with Session(engine) as session:
        with session.begin():
            connection = session.connection()
            if engine.dialect.name == "sqlite":  # another process may be at it too, and half a migration is none
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            config.attributes["connection"] = connection
            if journal is not None:
                config.attributes |= {"session": session, "journal": journal}
            command.upgrade(config, "head")
        if journal is not None:
            journal.note_heads(session)


def _version(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()
