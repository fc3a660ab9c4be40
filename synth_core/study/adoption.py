"""Enters studies from before the log into it, as they are found when their database is brought up to date."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from synth_core.study import entries
from synth_core.study.key import locked, truth_of
from synth_core.study.log import Journal
from synth_core.study.tables import Answer, Event, Item, Order, Rater, Study, Trial

Change = tuple[datetime, int, str, dict[str, Any]]  # when, rank among changes of the same moment, kind, content


def adopt(session: Session, journal: Journal) -> None:
    """Write the log that would have been written; its first entry says that the rest is taken on trust."""
    for study in session.scalars(select(Study)).all():
        journal.append(session, study.id, "adopted", datetime.now(UTC), {})
        for at, _, kind, content in sorted(_changes(session, study), key=lambda change: change[:2]):
            journal.append(session, study.id, kind, at, content)


def _changes(session: Session, study: Study) -> list[Change]:
    found: list[Change] = []
    for event in session.scalars(select(Event).where(Event.study_id == study.id).order_by(Event.id)):
        content: dict[str, Any] = {"reason": event.reason}
        if event.kind == "locked":
            items = session.scalars(select(Item).where(Item.study_id == study.id)).all()
            key = list(truth_of(session, study.id).values())
            content |= locked(study, session.get_one(Order, study.id), items, key)
            content["created_at"] = study.created_at.isoformat()
        found.append((event.at, 0 if event.kind == "locked" else 4, event.kind, content))
    for rater in session.scalars(select(Rater).where(Rater.study_id == study.id)).all():
        trials = session.scalars(select(Trial).where(Trial.rater_id == rater.id).order_by(Trial.position)).all()
        found.append((rater.joined_at, 1, "joined", entries.joined(rater, trials, None)))
        numbers = [trial.id for trial in trials]
        for answer in session.scalars(select(Answer).where(Answer.trial_id.in_(numbers)).order_by(Answer.id)):
            found.append((answer.answered_at, 2, "answered", entries.answered(answer)))
            if answer.undone_at is not None:
                found.append((answer.undone_at, 3, "undone", {"answer": answer.id}))
    return found
