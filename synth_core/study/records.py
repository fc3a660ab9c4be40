"""What the store hands out: a study without its key, what a rater is to answer, how far each has come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from synth_core.study.payload import Rendering
from synth_core.study.protocol import StudyProtocol
from synth_core.study.tables import Study


@dataclass(frozen=True)
class StudyRecord:
    """A study without its key: what its owner's pages and, in part, its raters' pages show."""

    id: str
    protocol: StudyProtocol
    rendering: Rendering
    created_at: datetime
    locked_at: datetime | None
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


def record_of(study: Study) -> StudyRecord:
    """What everyone who may see a study sees of it."""
    return StudyRecord(
        id=study.id,
        protocol=StudyProtocol.model_validate(study.protocol),
        rendering=Rendering.model_validate(study.rendering),
        created_at=study.created_at,
        locked_at=study.locked_at,
        closed_at=study.closed_at,
    )
