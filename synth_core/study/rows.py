"""Finds the rows that an id, an invitation, a participation code or a showing stands for, or says why there is none."""

from __future__ import annotations

import hashlib

from sqlalchemy import select
from sqlalchemy.orm import Session

from synth_core.errors import StudyError
from synth_core.study.tables import Invitation, Rater, Study, Trial


def hashed(token: str) -> str:
    """SHA-256 of an invitation or a participation code, which are random enough to need no salt."""
    return hashlib.sha256(token.strip().encode(errors="surrogatepass")).hexdigest()


def known_study(session: Session, study_id: str, *, to_change: bool = False) -> Study:
    """A study; `to_change` keeps others from changing it until the transaction ends (in PostgreSQL)."""
    study = session.get(Study, study_id, with_for_update=to_change or None)
    if study is None:
        raise StudyError("There is no study of this id; `study list` and the Study page show those that there are.")
    return study


def open_study(session: Session, study_id: str) -> Study:
    """A study that is locked and takes answers, for a change of it."""
    study = known_study(session, study_id, to_change=True)
    if study.locked_at is None:
        raise StudyError("This study is not locked yet and takes no raters.")
    if study.closed_at is not None:
        raise StudyError("This study is closed and takes no more answers. Thank you for your interest.")
    return study


def unused_place(session: Session, invitation: str) -> Invitation:
    """The place behind an invitation that nobody has used yet."""
    place = session.scalar(select(Invitation).where(Invitation.digest == hashed(invitation)).with_for_update())
    if place is None:
        raise StudyError("This invitation is not known here; ask the person who sent it for the whole link.")
    if place.used_at is not None:
        raise StudyError(
            "This invitation was used already. If it was you, go on with your participation code; else ask for another."
        )
    return place


def rater_of(session: Session, code: str) -> Rater:
    """The rater behind a participation code."""
    rater = session.scalar(select(Rater).where(Rater.token == hashed(code)[:32]))
    if rater is None:
        raise StudyError("This participation code is not known here; check that it is complete.")
    return rater


def trial_of(session: Session, rater: Rater, token: str) -> Trial:
    """One of this rater's own showings."""
    trial = session.scalar(select(Trial).where(Trial.token == token, Trial.rater_id == rater.id))
    if trial is None:
        raise StudyError("This item is not one of yours; reload the page.")
    return trial
