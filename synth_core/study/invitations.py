"""Places in a study, each for one rater: made by the owner, used up by joining."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from synth_core.errors import StudyError
from synth_core.study import entries
from synth_core.study.access import Operation
from synth_core.study.rows import hashed, open_study
from synth_core.study.store import Store
from synth_core.study.tables import Invitation, Rater

MOST = 200  # made at once


@dataclass(frozen=True)
class Place:
    """One invitation, without its token, which nobody can read any more."""

    number: int
    note: str
    made_at: datetime
    used_at: datetime | None
    rater: str | None


def invite(store: Store, study_id: str, n: int, note: str = "", *, now: datetime) -> list[str]:
    """Make `n` invitations. Their tokens are in the answer alone; the database keeps hashes.

    Raises
    ------
    StudyError : when the study is unknown, not locked or closed, or `n` is not from 1 to 200.
    """
    store.require(Operation.INVITE)
    if not 1 <= n <= MOST:
        raise StudyError(f"From 1 to {MOST} invitations are made at once. Got {n} instead.")
    tokens = [secrets.token_urlsafe(24) for _ in range(n)]
    with store.writing() as session:
        study = open_study(session, study_id)
        made = [
            Invitation(study_id=study.id, digest=hashed(token), note=note.strip()[:200], made_at=now)
            for token in tokens
        ]
        session.add_all(made)
        session.flush()
        store.journal.append(session, study.id, "invited", now, entries.invited(made))
    return tokens


def invitations(store: Store, study_id: str) -> list[Place]:
    """All places of a study, the oldest first, and who took each."""
    store.require(Operation.WATCH)
    query = (
        select(Invitation, Rater.name)
        .outerjoin(Rater, Rater.id == Invitation.rater_id)
        .where(Invitation.study_id == study_id)
        .order_by(Invitation.id)
    )
    with store.session() as session:
        return [
            Place(number, place.note, place.made_at, place.used_at, name)
            for number, (place, name) in enumerate(session.execute(query), start=1)
        ]
