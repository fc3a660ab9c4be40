"""Proves a study whole: replays its log against every table and file, and says what was changed behind the program."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from synth_core.study import key, replay
from synth_core.study.access import Operation
from synth_core.study.log import read_log
from synth_core.study.payload import digest_of
from synth_core.study.rows import known_study
from synth_core.study.store import Store
from synth_core.study.tables import Item, LogEntry, Order, Study

MOST = 50  # sentences; a study that was rewritten throughout needs no more


@dataclass(frozen=True)
class Verification:
    """What came out.

    Parameters
    ----------
    problems : sentences, each on one change that the program did not make; empty when the study is whole.
    entries : of the log.
    head : mark of the newest entry, for the owner to keep elsewhere.
    adopted_at : when the study was entered into the log, if it is older; what came before is taken on trust.
    """

    problems: tuple[str, ...]
    entries: int
    head: str
    adopted_at: datetime | None

    @property
    def intact(self) -> bool:
        """Whether nothing was found."""
        return not self.problems


def verify(store: Store, study_id: str, commitment: str | None = None) -> Verification:
    """Check the log of a study, then every row and file against it.

    Parameters
    ----------
    commitment : a mark that the owner kept, of the lock or later; it must still be in the log.

    Raises
    ------
    StudyError : for an unknown study.
    """
    store.require(Operation.VERIFY)
    noted = store.journal.noted_heads(study_id)
    problems: list[str] = []
    log: list[LogEntry] = []
    with store.snapshot() as session:
        study = known_study(session, study_id)
        try:
            log = read_log(session, study_id)
            problems += store.journal.faults(log, noted, commitment)
            problems += _locked_parts(session, study, log, store.folder(study_id))
            problems += _rows(replay.logged(log), replay.found(session, study))
        except (LookupError, TypeError, ValueError, AttributeError) as error:  # of a kind that is never written
            problems.append(f"Something in the tables of this study was not written by this program ({error}).")
    return Verification(
        problems=tuple(problems[:MOST]),
        entries=len(log),
        head=log[-1].mark if log else "",
        adopted_at=next((entry.at for entry in log if entry.kind == "adopted"), None),
    )


def _locked_parts(session: Session, study: Study, log: Sequence[LogEntry], folder: Path) -> list[str]:
    """Protocol, rendering, order, items, files and key, as they are and as they were locked."""
    lock = next((entry for entry in log if entry.kind == "locked"), None)
    if lock is None:
        return [] if study.locked_at is None and not log else ["The log does not say when this study was locked."]
    items = session.scalars(select(Item).where(Item.study_id == study.id)).all()
    truth = list(key.truth_of(session, study.id).values())
    order = session.get(Order, study.id) or Order(study_id=study.id, seed=-1)
    now = key.locked(study, order, items, truth)
    parts = {
        "protocol": "The protocol",
        "rendering": "The rendering of the items",
        "plan": "The plan of where the items are from",
        "order": "The seed of the orders",
        "key": "The key (which item is real, its class or its source)",
        "seal": "The seal",
    }
    found = [f"{name} was changed after the lock." for part, name in parts.items() if now[part] != lock.content[part]]
    if (study.locked_at, study.created_at.isoformat()) != (lock.at, lock.content["created_at"]):
        found.append("The time at which the study was made or locked was changed.")
    return found + _items(lock.content["items"], now["items"], folder)


def _items(locked: dict[str, Any], now: dict[str, Any], folder: Path) -> list[str]:
    found = [f"Item {item[:8]}… was added after the lock." for item in now if item not in locked]
    for item, (digest, _) in locked.items():
        if item not in now:
            found.append(f"Item {item[:8]}… was deleted.")
        elif now[item] != locked[item]:
            found.append(f"Item {item[:8]}… was changed after the lock.")
        if digest_of(folder / f"{item}.npy") != digest:
            found.append(f"The file of item {item[:8]}… is missing or is not the one that was locked.")
    return found


def _rows(logged: replay.Tables, found: replay.Tables) -> list[str]:
    names = {number: row["name"] for number, row in (found.raters | logged.raters).items()}
    trials = found.trials | logged.trials

    def rater(number: int, _: dict[str, Any]) -> str:
        return f"The rater {names[number]}"

    def place(_: int, row: dict[str, Any]) -> str:
        return f"In the order of {names.get(row['rater'], 'a rater')}, position {row['position'] + 1}"

    def answer(number: int, row: dict[str, Any]) -> str:
        trial = trials.get(row["item"])
        where = f" of {names.get(trial['rater'])} at position {trial['position'] + 1}" if trial else ""
        return f"The answer {number}{where}"

    sentences = _differences(logged.raters, found.raters, rater)
    sentences += _differences(logged.trials, found.trials, place)
    sentences += _differences(logged.answers, found.answers, answer)
    sentences += _differences(logged.invitations, found.invitations, lambda number, _: f"The invitation {number}")
    sentences += _differences(logged.events, found.events, lambda number, row: f"The event {number} ({row['kind']})")
    if logged.closed_at != found.closed_at:
        sentences.append("The time at which the study was closed was changed.")
    return sentences


def _differences(logged: replay.Rows, found: replay.Rows, named: Callable[[int, dict[str, Any]], str]) -> list[str]:
    """One sentence for each row that is missing, added, or other than the log says."""
    sentences = [f"{named(number, row)} was deleted." for number, row in logged.items() if number not in found]
    for number, row in found.items():
        if number not in logged:
            sentences.append(f"{named(number, row)} was not made through this program.")
            continue
        before = logged[number]
        changed = [
            f"{label} {before[label]!r} to {value!r}" if label not in ("token",) else "token"
            for label, value in row.items()
            if before[label] != value
        ]
        if changed:
            sentences.append(f"{named(number, before)} was rewritten: {', '.join(changed)}.")
    return sentences
