"""All studies of a workspace in one file with checksums, and back: database, payloads, key and marks of the log."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sqlite3
import tempfile
import zipfile
from contextlib import closing
from pathlib import Path

from sqlalchemy.engine import make_url

from synth_core.errors import DamagedFile, DataError, StudyError
from synth_core.study.database import log_files

CHECKSUMS = "checksums.json"
DATABASE, KEY, HEADS, ITEMS = "study.db", "study.key", "study.heads", "study-items"
_ITEM = re.compile(rf"{ITEMS}/([0-9a-f]{{32}}/[0-9a-f]{{32}}\.npy)")
_BLOCK = 2**20


def back_up(url: str, items: Path, out: Path) -> int:
    """Write one zip, readable by its owner alone, while raters may go on. Returns how many files are in it.

    Raises
    ------
    StudyError : when there is no SQLite database, or an item of a study is missing.
    """
    database = _database(url)
    if not database.is_file():
        raise StudyError(f"There is no study database at {database} to back up.")
    key, heads = _files(url, items)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".backup-") as folder:
        kept = {KEY: key}
        if heads.is_file():  # before the database: marks of entries that it lacks would look like entries cut off
            kept[HEADS] = Path(shutil.copy(heads, Path(folder) / HEADS))
        kept[DATABASE] = _snapshot(database, Path(folder) / DATABASE)
        for name in _items_of(kept[DATABASE]):
            kept[f"{ITEMS}/{name}"] = items / name
        temporary = Path(folder) / "backup.zip"
        _write(kept, temporary)
        os.replace(temporary, out)
    return len(kept)


def restore(url: str, items: Path, source: Path) -> int:
    """Put everything back where nothing is yet. Returns how many files there were.

    Raises
    ------
    StudyError : when a database, key or items are there already: nothing is overwritten.
    DamagedFile : when the file is no backup or a checksum does not hold; then nothing is changed.
    """
    database, (key, heads) = _database(url), _files(url, items)
    companions = [database.with_name(database.name + ending) for ending in ("-wal", "-shm", "-journal")]
    for path in (database, key, heads, *companions):
        if path.exists():
            raise StudyError(
                f"{path} is there already, and nothing is overwritten; move it away or use a new workspace."
            )
    items.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=items, prefix=".restore-") as folder:
        names = _unpack(source, Path(folder))
        studies = sorted(path.name for path in (Path(folder) / ITEMS).glob("*"))
        for study in studies:
            if (items / study).exists():
                raise StudyError(f"Items of the study {study} are there already, and nothing is overwritten.")
        for study in studies:
            os.rename(Path(folder) / ITEMS / study, items / study)
        for name, target in ((KEY, key), (HEADS, heads), (DATABASE, database)):  # the database last: then it is whole
            if name in names:
                shutil.move(Path(folder) / name, target)
    return len(names)


def _database(url: str) -> Path:
    address = make_url(url)
    if address.get_backend_name() != "sqlite" or address.database in (None, "", ":memory:"):
        raise StudyError(
            "Backup and restore are for a SQLite file; use pg_dump and copy `study-items` and `study.key`."
        )
    return Path(str(address.database))


def _files(url: str, items: Path) -> tuple[Path, Path]:
    key, heads = log_files(url, items)
    if key is None or heads is None:
        raise StudyError("A database in memory has nothing to keep.")
    return key, heads


def _snapshot(database: Path, target: Path) -> Path:
    """The database at one moment, whatever is being written to it."""
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)
    return target


def _items_of(database: Path) -> list[str]:
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("SELECT study_id, id FROM items ORDER BY study_id, id").fetchall()
    return [f"{study}/{item}.npy" for study, item in rows]


def _write(kept: dict[str, Path], target: Path) -> None:
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    sums: dict[str, str] = {}
    with os.fdopen(descriptor, "wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as out:
        for name, path in kept.items():
            if not path.is_file():
                raise StudyError(f"{path} is missing, so the backup would not be whole; `study verify` says what else.")
            sums[name] = _sum(path)
            out.write(path, name)
        out.writestr(CHECKSUMS, json.dumps(sums, indent=1))
        file.flush()


def _unpack(source: Path, folder: Path) -> set[str]:
    """Unpack what the checksums name, and check it. Names are ours alone: none leads out of the folder."""
    try:
        with zipfile.ZipFile(source) as archive:
            sums = json.loads(archive.read(CHECKSUMS))
            if not isinstance(sums, dict) or not {DATABASE, KEY} <= set(sums):
                raise DamagedFile(source, "is no backup of studies; name a file that `study backup` wrote.")
            for name, expected in sums.items():
                if name not in (DATABASE, KEY, HEADS) and not _ITEM.fullmatch(name):
                    raise DamagedFile(source, f"holds {name!r}, which no backup of studies does.")
                target = folder / name
                target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                with archive.open(name) as packed, open(target, "wb", opener=_private) as out:
                    shutil.copyfileobj(packed, out, _BLOCK)
                if _sum(target) != expected:
                    raise DamagedFile(source, f"is damaged: {name} is not what was backed up.")
            return set(sums)
    except FileNotFoundError as error:
        raise DataError(source, "does not exist.") from error
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, EOFError) as error:
        raise DamagedFile(source, "is no backup of studies, or is damaged; take another.") from error


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
