"""Keeps studies, raters and answers in one database; knows nothing of which item is synthetic.

Whoever rates shows a participation code. Everything else is done on behalf of a principal (`access`): a store that acts
for nobody refuses it.
"""

from __future__ import annotations

import copy
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Self

from sqlalchemy import Engine, Row, Select, func, select, text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session, sessionmaker

from synth_core.errors import StudyError
from synth_core.study import access, entries
from synth_core.study.access import Operation, Principal
from synth_core.study.log import Journal, head
from synth_core.study.profile import Profile, folded
from synth_core.study.protocol import StudyProtocol
from synth_core.study.records import Progress, StudyRecord, Task, record_of
from synth_core.study.rows import hashed, known_study, open_study, rater_of, trial_of, unused_place
from synth_core.study.schedule import schedule
from synth_core.study.tables import Answer, Item, Order, Rater, Study, Trial
from synth_core.study.timing import Timing

__all__ = ["Profile", "Progress", "Store", "StudyRecord", "Task"]


class Store:
    """Studies in one database and one folder of payloads.

    Parameters
    ----------
    engine : an SQLAlchemy engine whose tables exist (`database.open_store` makes them).
    items : folder that holds one folder of payloads per study.
    journal : writes the log of each change.
    """

    def __init__(self, engine: Engine, items: Path, journal: Journal) -> None:
        self._sessions = sessionmaker(engine, expire_on_commit=False)
        self._items = items
        self.journal = journal
        self._principal: Principal | None = None

    def acting(self, principal: Principal | None) -> Self:
        """The same store on behalf of someone."""
        other = copy.copy(self)
        other._principal = principal
        return other

    def require(self, operation: Operation) -> None:
        """Nothing where the one on whose behalf this store acts may do this; StudyError where not."""
        access.require(self._principal, operation)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """One transaction: committed when the block ends well."""
        with self._sessions.begin() as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """One transaction that may append to logs; in SQLite no other writes at the same time.

        Raises
        ------
        StudyError : when the database is locked for long or cannot be written; then nothing of the block was kept.
        """
        try:
            with self._sessions() as session:
                with session.begin():
                    if session.get_bind().dialect.name == "sqlite":  # its lock, before anything is read
                        session.execute(text("BEGIN IMMEDIATE"))
                    yield session
                self.journal.note_heads(session)
        except OperationalError as error:
            raise StudyError(
                "This could not be kept: the study database is busy, or its disk is full. Nothing else was lost; "
                "please try again."
            ) from error

    @contextmanager
    def snapshot(self) -> Iterator[Session]:
        """All tables at one moment, to be read, whatever raters do meanwhile."""
        with self._sessions.begin() as session:
            if session.get_bind().dialect.name == "sqlite":
                session.execute(text("BEGIN"))
            else:
                session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            yield session

    def folder(self, study_id: str) -> Path:
        """Where the payloads of a study are."""
        return self._items / study_id

    def studies(self) -> list[StudyRecord]:
        """All studies, the newest first."""
        self.require(Operation.LIST)
        with self.session() as session:
            rows = session.scalars(select(Study).order_by(Study.created_at.desc()))
            return [record_of(row) for row in rows]

    def study_ids(self) -> list[str]:
        """Ids of all studies, those too whose description is damaged."""
        self.require(Operation.LIST)
        with self.session() as session:
            return list(session.scalars(select(Study.id)))

    def study(self, study_id: str) -> StudyRecord:
        """One study; StudyError when there is none of that id."""
        self.require(Operation.LIST)
        with self.session() as session:
            return record_of(known_study(session, study_id))

    def commitment(self, study_id: str) -> str:
        """The newest mark of a study's log: kept elsewhere, it shows later that nothing before it was changed."""
        self.require(Operation.VERIFY)
        with self.session() as session:
            return head(session, study_id)[1]

    def invited(self, invitation: str) -> StudyRecord:
        """The study that an invitation is for; StudyError when it is not known or was used."""
        with self.session() as session:
            return record_of(known_study(session, unused_place(session, invitation).study_id))

    def join(self, invitation: str, profile: Profile, now: datetime) -> str:
        """Enrol a rater who has consented, with an own order of items; the invitation is used up.

        Returns
        -------
        The participation code by which the rater goes on and comes back; only its hash is kept.

        Raises
        ------
        StudyError : when the invitation is unknown or used, the study is closed, or the name is taken.
        """
        code = secrets.token_hex(16)
        with self.writing() as session:
            place = unused_place(session, invitation)
            study = open_study(session, place.study_id)
            number = session.scalar(select(func.count(Rater.id)).where(Rater.study_id == study.id)) or 0
            rater = Rater(
                study_id=study.id,
                token=hashed(code)[:32],
                name=profile.name,
                folded=folded(profile.name),
                specialty=profile.specialty,
                years=profile.years,
                joined_at=now,
            )
            session.add(rater)
            try:
                session.flush()
            except IntegrityError as error:
                raise StudyError(
                    "Someone with this name takes part already. If it is you, come back with your participation code."
                ) from error
            trials = _trials(session, study, rater, number + 1)
            session.add_all(trials)
            place.used_at, place.rater_id = now, rater.id
            session.flush()
            self.journal.append(session, study.id, "joined", now, entries.joined(rater, trials, place.id))
        return code

    def study_of(self, rater_token: str) -> StudyRecord:
        """The study that a rater takes part in; StudyError when the participation code is not known."""
        with self.session() as session:
            return record_of(known_study(session, rater_of(session, rater_token).study_id))

    def task(self, rater_token: str) -> Task | None:
        """The first showing without an answer, or None when all are answered."""
        with self.session() as session:
            rater = rater_of(session, rater_token)
            rows = session.execute(_trials_with_answers(rater.id)).all()
            position = next((index for index, row in enumerate(rows) if row.answer_id is None), None)
            if position is None:
                return None
            return self._task(rater.study_id, rows, position)

    def _task(self, study_id: str, rows: Sequence[Row[tuple[Trial, int | None, int]]], position: int) -> Task:
        trial = rows[position].Trial
        alike = [index for index, row in enumerate(rows) if row.Trial.practice == trial.practice]
        before = rows[position - 1].Trial if position else None
        return Task(
            token=trial.token,
            payload=self.folder(study_id) / f"{trial.item_id}.npy",
            practice=trial.practice,
            number=alike.index(position) + 1,
            total=len(alike),
            can_undo=before is not None and not before.practice and not rows[position].undone,
        )

    def answer(self, rater_token: str, trial_token: str, value: int, timing: Timing | int, now: datetime) -> None:
        """Keep one answer. The same showing answered again changes nothing: a double click is one answer.

        Parameters
        ----------
        timing : as the browser measured it; a number is milliseconds of a showing that was never hidden.

        Raises
        ------
        StudyError : for an unknown showing, a value off the scale, or a closed study.
        """
        measured = Timing(timing) if isinstance(timing, int) else timing
        with self.writing() as session:
            rater = rater_of(session, rater_token)
            steps = int(open_study(session, rater.study_id).protocol["steps"])
            if not 1 <= value <= steps:
                raise StudyError(f"An answer is a number from 1 to {steps}. Got {value} instead.")
            trial = trial_of(session, rater, trial_token)
            if _standing_answer(session, trial) is not None:
                return
            answer = Answer(trial_id=trial.id, value=value, answered_at=now, **measured.columns(steps))
            session.add(answer)
            session.flush()
            self.journal.append(session, rater.study_id, "answered", now, entries.answered(answer))

    def undo(self, rater_token: str, now: datetime) -> bool:
        """Take back the answer before the current showing, one step only; False when that is not possible.

        The row stays, marked. Practice answers stay: their truth has been told.
        """
        with self.writing() as session:
            rater = rater_of(session, rater_token)
            open_study(session, rater.study_id)
            rows = session.execute(_trials_with_answers(rater.id)).all()
            position = next((index for index, row in enumerate(rows) if row.answer_id is None), len(rows))
            undone_here = position < len(rows) and rows[position].undone > 0
            if position == 0 or rows[position - 1].Trial.practice or undone_here:
                return False
            answer = session.get_one(Answer, rows[position - 1].answer_id)
            answer.undone_at = now
            self.journal.append(session, rater.study_id, "undone", now, {"answer": answer.id})
            return True

    def feedback(self, rater_token: str, trial_token: str) -> str | None:
        """What a practice item was, once it is answered; None otherwise."""
        with self.session() as session:
            trial = trial_of(session, rater_of(session, rater_token), trial_token)
            if not trial.practice or _standing_answer(session, trial) is None:
                return None
            return session.get_one(Item, trial.item_id).feedback

    def progress(self, study_id: str) -> list[Progress]:
        """How far each rater has come, in the order in which they joined."""
        self.require(Operation.WATCH)
        answered = (
            select(Rater, func.count(Trial.id), func.count(Answer.id), func.max(Answer.answered_at))
            .join(Trial, Trial.rater_id == Rater.id)
            .outerjoin(Answer, (Answer.trial_id == Trial.id) & Answer.undone_at.is_(None))
            .where(Rater.study_id == study_id)
            .group_by(Rater.id)
            .order_by(Rater.id)
        )
        with self.session() as session:
            return [
                Progress(rater.name, rater.specialty, rater.years, done, total, last)
                for rater, total, done, last in session.execute(answered)
            ]


def _trials(session: Session, study: Study, rater: Rater, number: int) -> list[Trial]:
    """The order of one rater, drawn from the secret seed of the study and the rater's number in it."""
    protocol = StudyProtocol.model_validate(study.protocol)
    items = session.execute(select(Item.id, Item.feedback).where(Item.study_id == study.id)).all()
    showings = schedule(
        [item for item, feedback in items if feedback is None],
        [item for item, feedback in items if feedback is not None],
        repeats=protocol.repeated,
        seed=session.get_one(Order, study.id).seed,
        rater=number,
    )
    return [
        Trial(
            rater_id=rater.id,
            item_id=showing.item,
            token=secrets.token_hex(16),
            position=position,
            practice=showing.practice,
            repeat=showing.repeat,
        )
        for position, showing in enumerate(showings)
    ]


def _trials_with_answers(rater_id: int) -> Select[tuple[Trial, int | None, int]]:
    """Trials in order, each with the id of its standing answer, and how many answers to it were taken back."""
    standing = select(Answer.id).where(Answer.trial_id == Trial.id, Answer.undone_at.is_(None)).scalar_subquery()
    undone = select(func.count()).where(Answer.trial_id == Trial.id, Answer.undone_at.is_not(None)).scalar_subquery()
    query = select(Trial, standing.label("answer_id"), undone.label("undone"))
    return query.where(Trial.rater_id == rater_id).order_by(Trial.position)


def _standing_answer(session: Session, trial: Trial) -> Answer | None:
    return session.scalar(select(Answer).where(Answer.trial_id == trial.id, Answer.undone_at.is_(None)))
