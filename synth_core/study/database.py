"""Opens the study database by URL and brings its tables up to date: SQLite by default, PostgreSQL for many raters."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import StaticPool

from synth_core.errors import StudyError
from synth_core.study.store import Store
from synth_core.workspace import make_private

MIGRATIONS = Path(__file__).resolve().parent / "migrations"
BUSY_SECONDS = 20  # how long a rater's answer waits for another's


def open_store(url: str, items: Path) -> Store:
    """The store behind a database URL, its tables migrated to the newest version.

    Parameters
    ----------
    url : "sqlite:///path/study.db", "sqlite://" (in memory) or "postgresql+psycopg://…".
    items : folder of the payloads.

    Raises
    ------
    StudyError : when the database cannot be opened.
    """
    try:
        engine = make_engine(url)
        migrate(engine)
    except (SQLAlchemyError, ArgumentError, ModuleNotFoundError) as error:
        place = url.rsplit("@", 1)[-1]  # without user and password
        raise StudyError(f"The study database {place} cannot be opened; check its address and rights.") from error
    return Store(engine, items)


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


def migrate(engine: Engine) -> None:
    """Bring the tables to the newest version; on an up-to-date database this only looks."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
