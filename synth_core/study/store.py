"""Keeps studies, raters and answers in one database; knows nothing of which item is synthetic."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine, Row, Select, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from synth_core.errors import StudyError
from synth_core.study.payload import Rendering
from synth_core.study.protocol import StudyProtocol
from synth_core.study.schedule import schedule
from synth_core.study.tables import Answer, Item, Rater, Study, Trial

LONGEST = 3_600_000  # ms; a rater who leaves the page open is not an hour-long thinker


@dataclass(frozen=True)
class Profile:
    """Who takes part: a name or pseudonym, the specialty, and years of experience in it."""

    name: str
    specialty: str
    years: int

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise StudyError("Please give a name or a pseudonym.")
        if not 0 <= self.years <= 80:
            raise StudyError("Years of experience must lie between 0 and 80.")


@dataclass(frozen=True)
class StudyRecord:
    """A study as everyone may see it."""

    id: str
    protocol: StudyProtocol
    rendering: Rendering
    created_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True)
class Task:
    """What a rater is to answer now.

    Parameters
    ----------
    token : of this showing; random.
    payload : file to show.
    practice : feedback follows, and the answer does not count.
    number, total : position among the practice or among the scored showings, from 1.
    can_undo : whether the answer before may be taken back.
    """

    token: str
    payload: Path
    practice: bool
    number: int
    total: int
    can_undo: bool


@dataclass(frozen=True)
class Progress:
    """How far one rater has come; `total` and `answered` count practice and repeats."""

    name: str
    specialty: str
    years: int
    answered: int
    total: int
    last_answer: datetime | None


class Store:
    """Studies in one database and one folder of payloads.

    Parameters
    ----------
    engine : an SQLAlchemy engine whose tables exist (`database.open_store` makes them).
    items : folder that holds one folder of payloads per study.
    """

    def __init__(self, engine: Engine, items: Path) -> None:
        self._sessions = sessionmaker(engine, expire_on_commit=False)
        self._items = items

    @contextmanager
    def session(self) -> Iterator[Session]:
        """One transaction: committed when the block ends well."""
        with self._sessions.begin() as session:
            yield session

    def folder(self, study_id: str) -> Path:
        """Where the payloads of a study are."""
        return self._items / study_id

    def studies(self) -> list[StudyRecord]:
        """All studies, the newest first."""
        with self.session() as session:
            rows = session.scalars(select(Study).order_by(Study.created_at.desc()))
            return [_record(row) for row in rows]

    def study(self, study_id: str) -> StudyRecord:
        """One study; StudyError when the invitation is not known."""
        with self.session() as session:
            return _record(_study(session, study_id))

    def join(self, study_id: str, profile: Profile, now: datetime) -> str:
        """Enrol a rater who has consented, with an own order of items.

        Returns
        -------
        The rater's token: the participation code by which they come back.

        Raises
        ------
        StudyError : when the study is unknown or closed, or the name is taken.
        """
        with self.session() as session:
            study = _open_study(session, study_id)
            rater = Rater(
                study_id=study_id,
                token=secrets.token_hex(16),
                name=profile.name.strip(),
                specialty=profile.specialty.strip(),
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
            session.add_all(_trials(session, study, rater))
            return rater.token

    def study_of(self, rater_token: str) -> StudyRecord:
        """The study that a rater takes part in; StudyError when the participation code is not known."""
        with self.session() as session:
            return _record(_study(session, _rater(session, rater_token).study_id))

    def task(self, rater_token: str) -> Task | None:
        """The first showing without an answer, or None when all are answered."""
        with self.session() as session:
            rater = _rater(session, rater_token)
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

    def answer(self, rater_token: str, trial_token: str, value: int, milliseconds: int, now: datetime) -> None:
        """Keep one answer. The same showing answered again changes nothing: a double click is one answer.

        Raises
        ------
        StudyError : for an unknown showing, a value off the scale, or a closed study.
        """
        try:
            with self.session() as session:
                rater = _rater(session, rater_token)
                steps = int(_open_study(session, rater.study_id).protocol["steps"])
                if not 1 <= value <= steps:
                    raise StudyError(f"An answer is a number from 1 to {steps}. Got {value} instead.")
                trial = _trial(session, rater, trial_token)
                if _standing_answer(session, trial) is None:
                    spent = min(max(milliseconds, 0), LONGEST)
                    session.add(Answer(trial_id=trial.id, value=value, milliseconds=spent, answered_at=now))
        except IntegrityError:  # the same showing was answered twice at the same moment: the first stands
            return

    def undo(self, rater_token: str, now: datetime) -> bool:
        """Take back the answer before the current showing, one step only; False when that is not possible.

        The row stays, marked. Practice answers stay: their truth has been told.
        """
        with self.session() as session:
            rater = _rater(session, rater_token)
            _open_study(session, rater.study_id)
            rows = session.execute(_trials_with_answers(rater.id)).all()
            position = next((index for index, row in enumerate(rows) if row.answer_id is None), len(rows))
            undone_here = position < len(rows) and rows[position].undone > 0
            if position == 0 or rows[position - 1].Trial.practice or undone_here:
                return False
            answer = session.get_one(Answer, rows[position - 1].answer_id)
            answer.undone_at = now
            return True

    def feedback(self, rater_token: str, trial_token: str) -> str | None:
        """What a practice item was, once it is answered; None otherwise."""
        with self.session() as session:
            trial = _trial(session, _rater(session, rater_token), trial_token)
            if not trial.practice or _standing_answer(session, trial) is None:
                return None
            return session.get_one(Item, trial.item_id).feedback

    def progress(self, study_id: str) -> list[Progress]:
        """How far each rater has come, in the order in which they joined."""
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


def _trials(session: Session, study: Study, rater: Rater) -> list[Trial]:
    protocol = StudyProtocol.model_validate(study.protocol)
    items = session.execute(select(Item.id, Item.feedback).where(Item.study_id == study.id)).all()
    showings = schedule(
        [item for item, feedback in items if feedback is None],
        [item for item, feedback in items if feedback is not None],
        repeats=protocol.repeated,
        seed=protocol.seed,
        rater=rater.id,
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


def _study(session: Session, study_id: str) -> Study:
    study = session.get(Study, study_id)
    if study is None:
        raise StudyError("This invitation is not known here; ask the person who sent it for the whole link.")
    return study


def _open_study(session: Session, study_id: str) -> Study:
    study = _study(session, study_id)
    if study.closed_at is not None:
        raise StudyError("This study is closed and takes no more answers. Thank you for your interest.")
    return study


def _rater(session: Session, token: str) -> Rater:
    rater = session.scalar(select(Rater).where(Rater.token == token))
    if rater is None:
        raise StudyError("This participation code is not known here; check that it is complete.")
    return rater


def _trial(session: Session, rater: Rater, token: str) -> Trial:
    trial = session.scalar(select(Trial).where(Trial.token == token, Trial.rater_id == rater.id))
    if trial is None:
        raise StudyError("This item is not one of yours; reload the page.")
    return trial


def _standing_answer(session: Session, trial: Trial) -> Answer | None:
    return session.scalar(select(Answer).where(Answer.trial_id == trial.id, Answer.undone_at.is_(None)))


def _record(study: Study) -> StudyRecord:
    return StudyRecord(
        id=study.id,
        protocol=StudyProtocol.model_validate(study.protocol),
        rendering=Rendering.model_validate(study.rendering),
        created_at=study.created_at,
        closed_at=study.closed_at,
    )
