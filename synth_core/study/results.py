"""The owner's side: closes a study, opens its key, and says how well raters told real from synthetic."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

import numpy as np
import pandas as pd
from sqlalchemy import select
from sqlalchemy.orm import Session

from synth_core.errors import StudyError
from synth_core.study.access import Operation
from synth_core.study.key import truth_of
from synth_core.study.protocol import StudyProtocol
from synth_core.study.rows import open_study
from synth_core.study.stats import (
    Interval,
    Sensitivity,
    auc,
    dprime,
    mrmc_accuracy,
    obuchowski_rockette,
    proportion_interval,
)
from synth_core.study.store import Store
from synth_core.study.tables import Answer, Event, Rater, Study, Trial
from synth_core.study.verification import Verification, verify

RANDOM = "The intervals for all raters count raters and items as drawn at random: they hold for others like these."
ALONE = "One rater says nothing about others: the interval is for this rater and for items like these."


class Estimate(NamedTuple):
    """A share, or an area, with its confidence limits."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Result:
    """How one rater, or all together, told the two kinds apart; repeats and practice are left out.

    Parameters
    ----------
    accuracy : share of right answers; Clopper–Pearson for one rater.
    sensitivity, specificity : share of synthetic items called synthetic, and of real items called real; Wilson for one
        rater. For several, all three count raters and items as random (`mrmc_accuracy`).
    detection : d′ and criterion, for one rater only: pooled counts would bias them.
    auc : from the confidence ratings (DeLong); for several raters the mean of theirs (`obuchowski_rockette`).
    A number is None where no items of the kind that it needs were answered.
    """

    name: str
    specialty: str
    years: int | None
    n: int
    accuracy: Estimate | None
    sensitivity: Estimate | None
    specificity: Estimate | None
    detection: Sensitivity | None
    auc: Estimate | None


@dataclass(frozen=True)
class StudyResults:
    """All raters together, each rater, the answers behind them, and whether the seal held."""

    overall: Result
    raters: tuple[Result, ...]
    answers: pd.DataFrame  # rater, item, stratum, position, practice, repeat, value, synthetic, correct, milliseconds
    verification: Verification
    note: str  # what the intervals for all raters stand for

    @property
    def intact(self) -> bool:
        """Whether log, tables and files agree: nothing was changed but through the program."""
        return self.verification.intact


def unblind(store: Store, study_id: str, reason: str, now: datetime) -> None:
    """Close a study for good, and log why; no answer is taken afterwards.

    Raises
    ------
    StudyError : without a reason, or when the study is closed already.
    """
    store.require(Operation.UNBLIND)
    if not reason.strip():
        raise StudyError("Say why the study is being closed and unblinded; the reason is kept with it.")
    with store.writing() as session:
        study = session.get(Study, study_id, with_for_update=True)
        if study is None or study.locked_at is None or study.closed_at is not None:
            raise StudyError("This study is unknown, not locked yet, or closed already.")
        study.closed_at = now
        _note(store, session, study_id, "unblinded", reason.strip(), now)


def amend(store: Store, study_id: str, reason: str, now: datetime) -> None:
    """Keep a departure from the locked protocol, and why; the protocol itself stays as it was locked.

    Raises
    ------
    StudyError : without a reason, or when the study is not locked, or closed.
    """
    store.require(Operation.AMEND)
    if not reason.strip():
        raise StudyError("Say what is done otherwise than the protocol has it, and why; it is kept with the study.")
    with store.writing() as session:
        _note(store, session, open_study(session, study_id).id, "amended", reason.strip(), now)


def _note(store: Store, session: Session, study_id: str, kind: str, reason: str, now: datetime) -> None:
    session.add(Event(study_id=study_id, at=now, kind=kind, reason=reason))
    store.journal.append(session, study_id, kind, now, {"reason": reason})


def events(store: Store, study_id: str) -> list[tuple[datetime, str, str]]:
    """When, what and why: what the owner did to a study, oldest first."""
    store.require(Operation.WATCH)
    with store.session() as session:
        rows = session.scalars(select(Event).where(Event.study_id == study_id).order_by(Event.id))
        return [(row.at, row.kind, row.reason) for row in rows]


def results(store: Store, study_id: str) -> StudyResults:
    """Answers joined with the truth.

    Raises
    ------
    StudyError : while the study is open, and when nobody has answered.
    """
    store.require(Operation.READ)
    with store.session() as session:
        study = session.get(Study, study_id)
        if study is None or study.closed_at is None:
            raise StudyError("The truth of a study is opened only after it is closed and unblinded.")
        answers = _answers(session, study)
        raters = session.scalars(select(Rater).where(Rater.study_id == study_id).order_by(Rater.id)).all()
    if answers.empty:
        raise StudyError("Nobody has answered an item of this study.")
    scored = answers[~answers["practice"] & ~answers["repeat"]]
    several = scored["rater"].nunique() > 1
    return StudyResults(
        overall=_all_raters(scored) if several else replace(_one_rater(scored, "All raters", "", None), detection=None),
        raters=tuple(_one_rater(scored[scored["rater"] == r.name], r.name, r.specialty, r.years) for r in raters),
        answers=answers,
        verification=verify(store, study_id),
        note=RANDOM if several else ALONE,
    )


def _answers(session: Session, study: Study) -> pd.DataFrame:
    truth = truth_of(session, study.id)
    protocol = StudyProtocol.model_validate(study.protocol)
    query = (
        select(Rater.name, Trial, Answer)
        .join(Trial, Trial.rater_id == Rater.id)
        .join(Answer, Answer.trial_id == Trial.id)
        .where(Rater.study_id == study.id, Answer.undone_at.is_(None))
        .order_by(Rater.id, Trial.position)
    )
    rows = [
        {
            "rater": name,
            "item": trial.item_id,
            "stratum": truth[trial.item_id].stratum,
            "position": trial.position,
            "practice": trial.practice,
            "repeat": trial.repeat,
            "value": answer.value,
            "synthetic": truth[trial.item_id].synthetic,
            "correct": protocol.says_synthetic(answer.value) == truth[trial.item_id].synthetic,
            "milliseconds": answer.shown_ms,
        }
        for name, trial, answer in session.execute(query)
    ]
    return pd.DataFrame(rows)


def _one_rater(scored: pd.DataFrame, name: str, specialty: str, years: int | None) -> Result:
    synthetic, real = scored[scored["synthetic"]], scored[~scored["synthetic"]]
    both = len(synthetic) > 0 and len(real) > 0
    return Result(
        name=name,
        specialty=specialty,
        years=years,
        n=len(scored),
        accuracy=_share(scored, "clopper-pearson"),
        sensitivity=_share(synthetic, "wilson"),
        specificity=_share(real, "wilson"),
        detection=_detection(synthetic, real) if both else None,
        auc=_area(scored) if both else None,
    )


def _share(scored: pd.DataFrame, method: str) -> Estimate | None:
    right, n = int(scored["correct"].sum()), len(scored)
    return _estimate(right / n, proportion_interval(right, n, method)) if n else None


def _detection(synthetic: pd.DataFrame, real: pd.DataFrame) -> Sensitivity:
    hits, false_alarms = int(synthetic["correct"].sum()), int((~real["correct"]).sum())
    return dprime(hits, len(synthetic) - hits, false_alarms, len(real) - false_alarms)


def _area(scored: pd.DataFrame) -> Estimate:
    found = auc(scored["value"], scored["synthetic"])
    return _estimate(found.value, found.interval)


def _all_raters(scored: pd.DataFrame) -> Result:
    return Result(
        name="All raters",
        specialty="",
        years=None,
        n=len(scored),
        accuracy=_crossed_share(scored),
        sensitivity=_crossed_share(scored[scored["synthetic"]]),
        specificity=_crossed_share(scored[~scored["synthetic"]]),
        detection=None,
        auc=_crossed_area(scored),
    )


def _crossed_share(scored: pd.DataFrame) -> Estimate | None:
    if scored.empty:
        return None
    kinds = scored.groupby("item")["synthetic"].first()  # in the order of the columns of the table
    found = mrmc_accuracy(_table(scored, "correct"), strata=kinds)
    return _estimate(found.estimate, found.interval)


def _crossed_area(scored: pd.DataFrame) -> Estimate | None:
    """Of the raters who have rated both kinds."""
    scored = scored[scored.groupby("rater")["synthetic"].transform("nunique") == 2]
    if scored.empty:
        return None
    found = obuchowski_rockette(_table(scored, "value"), scored.groupby("item")["synthetic"].first())
    return _estimate(found.estimate, found.interval)


def _table(scored: pd.DataFrame, column: str) -> np.ndarray:
    """(raters, items), NaN where not answered; both in alphabetical order."""
    return scored.pivot(index="rater", columns="item", values=column).to_numpy(dtype=np.float64, na_value=np.nan)


def _estimate(value: float, interval: Interval) -> Estimate:
    return Estimate(value, *interval)
