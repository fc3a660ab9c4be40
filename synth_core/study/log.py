"""The log of a study: a chain of marked entries, each written in the transaction of the change that it tells of.

An entry's mark is an HMAC over its content and the mark of the entry before it. The key lies in a file of its own, so
that who can only write to the database can neither rewrite an entry nor append one. Cutting off the last entries would
leave a chain that is whole; hence the newest mark also goes to a file outside the database after each change.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import logging
import os
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from synth_core.errors import StudyError
from synth_core.study.tables import LogEntry, Study

_logger = logging.getLogger(__name__)
_PENDING = "heads"  # of a session: newest marks that are to be noted when it has been committed
Head = tuple[int, str]  # number and mark of the newest entry


def digest(content: Any) -> str:
    """SHA-256 of anything that JSON can hold, in one canonical form."""
    return hashlib.sha256(canonical(content)).hexdigest()


def canonical(content: Any) -> bytes:
    """The one JSON text of a value."""
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


class Journal:
    """Appends to the logs of a database and checks them.

    Parameters
    ----------
    key : of the marks.
    heads : file to which the newest mark is added after each change; None keeps nothing (databases in memory).
    """

    def __init__(self, key: bytes, heads: Path | None) -> None:
        self._key, self._heads = key, heads

    def append(self, session: Session, study_id: str, kind: str, at: datetime, content: dict[str, Any]) -> str:
        """Add one entry within the caller's transaction, which must have the study to itself. Returns its mark."""
        session.scalar(select(Study.id).where(Study.id == study_id).with_for_update())  # PostgreSQL: one at a time
        newest, previous = head(session, study_id)
        number = newest + 1
        entry = LogEntry(study_id=study_id, number=number, at=at, kind=kind, content=content, previous=previous)
        entry.mark = self._mark(entry)
        session.add(entry)
        session.flush()
        session.info.setdefault(_PENDING, []).append((study_id, number, entry.mark))
        return entry.mark

    def note_heads(self, session: Session) -> None:
        """After the commit: add the newest marks to the file outside the database."""
        pending = session.info.pop(_PENDING, [])
        if self._heads is None or not pending:
            return
        lines = "".join(f"{study_id} {number} {mark}\n" for study_id, number, mark in pending)
        try:
            descriptor = os.open(self._heads, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(descriptor, lines.encode())  # one write to a file opened to append: processes mix no lines
            finally:
                os.close(descriptor)
        except OSError:  # the change itself is kept and marked; what is missing here only guards against cutting off
            _logger.exception("the newest mark of a study could not be noted in %s", self._heads)

    def noted_heads(self, study_id: str) -> dict[int, str]:
        """Number → mark, as noted outside the database."""
        if self._heads is None or not self._heads.is_file():
            return {}
        words = (line.split() for line in self._heads.read_text(encoding="utf-8").splitlines())
        whole = (own for own in words if len(own) == 3 and own[0] == study_id and len(own[2]) == 64)
        return {int(own[1]): own[2] for own in whole if own[1].isdecimal()}

    def faults(self, entries: Sequence[LogEntry], noted: Mapping[int, str], commitment: str | None = None) -> list[str]:
        """What is wrong with a chain, as sentences; empty when it is whole and nothing was cut off.

        Parameters
        ----------
        noted : marks outside the database, read before the entries: those grow meanwhile.
        commitment : a mark that the owner kept.
        """
        found: list[str] = []
        previous, expected = "", 1
        for entry in entries:
            if entry.number != expected:
                found.append(f"Entry {expected} of the log is missing.")
            elif entry.previous != previous:
                found.append(f"Entry {entry.number} of the log does not follow the one before it.")
            if not hmac.compare_digest(str(entry.mark).encode(), self._mark(entry).encode()):
                found.append(
                    f"Entry {entry.number} of the log was not written by this program, or was changed afterwards."
                )
            previous, expected = entry.mark, entry.number + 1
        return found + _cut_off({entry.number: entry.mark for entry in entries}, noted, commitment)

    def _mark(self, entry: LogEntry) -> str:
        content = [
            entry.study_id,
            entry.number,
            entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
            entry.kind,
            entry.content,
            entry.previous,
        ]
        return hmac.new(self._key, canonical(content), hashlib.sha256).hexdigest()


def _cut_off(marks: Mapping[int, str], noted: Mapping[int, str], commitment: str | None) -> list[str]:
    found: list[str] = []
    missing = sorted(number for number in noted if number > max(marks, default=0))
    if missing:
        found.append(f"The log ends before entry {missing[-1]}, which was written: its last entries were removed.")
    if any(marks.get(number, mark) != mark for number, mark in noted.items()):
        found.append("The log was replaced: it differs from the marks that were noted outside the database.")
    if commitment is not None and commitment.strip().lower() not in marks.values():
        found.append("The mark that you kept is not in this log: it was cut off, replaced, or is of another study.")
    return found


def read_log(session: Session, study_id: str) -> list[LogEntry]:
    """The entries of a study, oldest first."""
    return list(session.scalars(select(LogEntry).where(LogEntry.study_id == study_id).order_by(LogEntry.number)))


def head(session: Session, study_id: str) -> Head:
    """Number and mark of the newest entry; (0, "") where there is none."""
    query = select(LogEntry.number, LogEntry.mark).where(LogEntry.study_id == study_id)
    newest = session.execute(query.order_by(LogEntry.number.desc()).limit(1)).first()
    return (newest.number, newest.mark) if newest else (0, "")


def read_key(file: Path, *, may_create: bool) -> bytes:
    """The key of the marks, from its file; a new one where there is none yet.

    Raises
    ------
    StudyError : when the file is damaged, or absent though there are entries that it marked.
    """
    if not file.exists():
        if not may_create:
            raise StudyError(
                f"The key file {file} of the study database is missing; put it back from the backup. "
                "Without it no answer can be kept, since none could be proven."
            )
        _create_key(file)
    try:
        key = bytes.fromhex(file.read_text(encoding="ascii").strip())
    except (OSError, ValueError) as error:
        raise StudyError(f"The key file {file} cannot be read; put it back from the backup.") from error
    if len(key) != 32:
        raise StudyError(f"The key file {file} is not whole; put it back from the backup.")
    return key


def _create_key(file: Path) -> None:
    """Write it whole under another name first: of two processes that begin at once, both use what one wrote."""
    temporary = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as out:
            out.write(secrets.token_hex(32) + "\n")
            out.flush()
            os.fsync(out.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(temporary, file)
    except OSError as error:
        raise StudyError(f"The key file {file} cannot be written; check the rights of its folder.") from error
    finally:
        temporary.unlink(missing_ok=True)
