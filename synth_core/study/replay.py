"""The tables of a study as its log says they must be, and as they are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from synth_core.study.tables import Answer, Event, Invitation, LogEntry, Rater, Study, Trial

Rows = dict[int, dict[str, Any]]  # id → what is compared


@dataclass
class Tables:
    """What is compared, row by row."""

    raters: Rows = field(default_factory=dict)
    trials: Rows = field(default_factory=dict)
    answers: Rows = field(default_factory=dict)
    invitations: Rows = field(default_factory=dict)
    events: Rows = field(default_factory=dict)  # by their place in the order of time
    closed_at: str | None = None


def logged(entries: Sequence[LogEntry]) -> Tables:
    """The tables that result from a log. What an entry says that is not one of ours, its mark has shown already."""
    tables = Tables()
    for entry in entries:
        with suppress(LookupError, TypeError, ValueError):
            _APPLY.get(entry.kind, _nothing)(tables, entry.content, moment(entry.at))
    return tables


def _nothing(tables: Tables, content: dict[str, Any], at: str | None) -> None:
    """Entries that change no row."""


def _event(kind: str) -> Any:
    def apply(tables: Tables, content: dict[str, Any], at: str | None) -> None:
        tables.events[len(tables.events) + 1] = {"time": at, "kind": kind, "reason": content["reason"]}
        if kind == "unblinded":
            tables.closed_at = at

    return apply


def _invited(tables: Tables, content: dict[str, Any], at: str | None) -> None:
    for number, digest in content["invitations"]:
        row = {"token": digest, "note": content["note"], "time": at, "time of use": None, "rater": None}
        tables.invitations[number] = row


def _joined(tables: Tables, content: dict[str, Any], at: str | None) -> None:
    number = content["rater"]
    tables.raters[number] = {name: content[name] for name in ("token", "name", "specialty", "years")} | {"time": at}
    for trial, position, token, item, practice, repeat in content["trials"]:
        own = {"rater": number, "position": position, "token": token, "item": item}
        tables.trials[trial] = own | {"practice": practice, "repeat": repeat}
    if content["invitation"] in tables.invitations:
        tables.invitations[content["invitation"]] |= {"time of use": at, "rater": number}


def _answered(tables: Tables, content: dict[str, Any], at: str | None) -> None:
    names = {"trial": "item", "value": "value", "shown_ms": "time shown", "hidden_ms": "time hidden"}
    own = {label: content[name] for name, label in names.items()}
    tables.answers[content["answer"]] = own | {"choices": content["choices"], "time": at, "time taken back": None}


def _undone(tables: Tables, content: dict[str, Any], at: str | None) -> None:
    if content["answer"] in tables.answers:
        tables.answers[content["answer"]]["time taken back"] = at


_APPLY = {
    "invited": _invited,
    "joined": _joined,
    "answered": _answered,
    "undone": _undone,
    "locked": _event("locked"),
    "amended": _event("amended"),
    "unblinded": _event("unblinded"),
}


def found(session: Session, study: Study) -> Tables:
    """The tables as they stand in the database."""
    raters = session.scalars(select(Rater).where(Rater.study_id == study.id)).all()
    trials = session.scalars(select(Trial).where(Trial.rater_id.in_([one.id for one in raters]))).all()
    answers = session.scalars(select(Answer).where(Answer.trial_id.in_([one.id for one in trials]))).all()
    places = session.scalars(select(Invitation).where(Invitation.study_id == study.id)).all()
    events = session.scalars(select(Event).where(Event.study_id == study.id).order_by(Event.id)).all()
    return Tables(
        raters={
            one.id: {
                "token": one.token,
                "name": one.name,
                "specialty": one.specialty,
                "years": one.years,
                "time": moment(one.joined_at),
            }
            for one in raters
        },
        trials={
            one.id: {
                "rater": one.rater_id,
                "position": one.position,
                "token": one.token,
                "item": one.item_id,
                "practice": one.practice,
                "repeat": one.repeat,
            }
            for one in trials
        },
        answers={one.id: _answer(one) for one in answers},
        invitations={
            one.id: {
                "token": one.digest,
                "note": one.note,
                "time": moment(one.made_at),
                "time of use": moment(one.used_at),
                "rater": one.rater_id,
            }
            for one in places
        },
        events=_numbered({"time": moment(one.at), "kind": one.kind, "reason": one.reason} for one in events),
        closed_at=moment(study.closed_at),
    )


def _answer(one: Answer) -> dict[str, Any]:
    return {
        "item": one.trial_id,
        "value": one.value,
        "time shown": one.shown_ms,
        "time hidden": one.hidden_ms,
        "choices": one.choices,
        "time": moment(one.answered_at),
        "time taken back": moment(one.undone_at),
    }


def _numbered(rows: Iterable[dict[str, Any]]) -> Rows:
    return dict(enumerate(rows, start=1))


def moment(at: datetime | None) -> str | None:
    """A time as text, for comparison."""
    return None if at is None else at.astimezone(UTC).isoformat(timespec="microseconds")
