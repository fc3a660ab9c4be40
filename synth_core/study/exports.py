"""A closed study as files: its plan, raters, every answer with the truth, results, and the log that proves them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from sqlalchemy import select
from sqlalchemy.orm import Session

from synth_core.storage import publish_directory
from synth_core.study.access import Operation
from synth_core.study.key import truth_of
from synth_core.study.log import read_log
from synth_core.study.plan import plan_text
from synth_core.study.results import results
from synth_core.study.rows import known_study
from synth_core.study.store import Store
from synth_core.study.tables import Answer, Rater, Trial

_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet takes for the beginning of a formula


def export_study(store: Store, study_id: str, folder: Path) -> Path:
    """Write the folder, whole or not at all.

    Raises
    ------
    StudyError : while the study is open, and when nobody has answered.
    """
    store.require(Operation.EXPORT)
    found = results(store, study_id)
    record = store.study(study_id)
    with store.session() as session:
        plan = known_study(session, study_id).plan
        raters, answers = _raters(session, study_id), _answers(session, study_id)
        log = [
            {"number": e.number, "at": e.at.isoformat(), "kind": e.kind, "content": e.content, "mark": e.mark}
            for e in read_log(session, study_id)
        ]
    summary = {
        "id": study_id,
        "created_at": record.created_at.isoformat(),
        "locked_at": record.locked_at and record.locked_at.isoformat(),
        "closed_at": record.closed_at and record.closed_at.isoformat(),
        "rendering": record.rendering.model_dump(mode="json"),
        "results": as_json(found),
    }
    with publish_directory(folder) as out:
        (out / "study.yaml").write_text(plan_text(record.protocol, plan), encoding="utf-8")
        (out / "results.json").write_text(json.dumps(summary, indent=1), encoding="utf-8")
        (out / "raters.csv").write_text(csv_text(raters), encoding="utf-8")
        (out / "answers.csv").write_text(csv_text(answers), encoding="utf-8")
        lines = "".join(json.dumps(entry) + "\n" for entry in log)
        (out / "log.jsonl").write_text(lines, encoding="utf-8")
    return folder


def csv_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """A table in which no text that somebody typed is a formula to a spreadsheet."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(rows[0] if rows else [])
    writer.writerows([_cell(value) for value in row.values()] for row in rows)
    return out.getvalue()


def _cell(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def as_json(value: Any) -> Any:
    """Results as JSON can hold them: named fields; tables are left to the CSV files."""
    if is_dataclass(value) and not isinstance(value, type):
        named = {field.name: getattr(value, field.name) for field in fields(value)}
        return {name: as_json(own) for name, own in named.items() if not isinstance(own, pd.DataFrame)}
    if hasattr(value, "_asdict"):
        return as_json(value._asdict())
    if isinstance(value, Mapping):
        return {str(name): as_json(own) for name, own in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(own) for own in value]
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value.item() if hasattr(value, "item") else value


def _raters(session: Session, study_id: str) -> list[dict[str, Any]]:
    query = select(Rater).where(Rater.study_id == study_id).order_by(Rater.id)
    return [
        {"rater": one.name, "specialty": one.specialty, "years": one.years, "joined_at": one.joined_at.isoformat()}
        for one in session.scalars(query)
    ]


def _answers(session: Session, study_id: str) -> list[dict[str, Any]]:
    """Every answer, those taken back too, in the order in which they were given."""
    truth = truth_of(session, study_id)
    query = (
        select(Rater.name, Trial, Answer)
        .join(Trial, Trial.rater_id == Rater.id)
        .join(Answer, Answer.trial_id == Trial.id)
        .where(Rater.study_id == study_id)
        .order_by(Answer.id)
    )
    return [
        {
            "rater": name,
            "position": trial.position + 1,
            "item": trial.item_id,
            "practice": int(trial.practice),
            "repeat": int(trial.repeat),
            "synthetic": int(truth[trial.item_id].synthetic),
            "class": truth[trial.item_id].stratum,
            "source": truth[trial.item_id].source,
            "value": answer.value,
            "first_value": answer.choices[0][1] if answer.choices else "",
            "choices": len(answer.choices) if answer.choices else "",
            "shown_ms": answer.shown_ms,
            "hidden_ms": "" if answer.hidden_ms is None else answer.hidden_ms,
            "answered_at": answer.answered_at.isoformat(),
            "taken_back_at": "" if answer.undone_at is None else answer.undone_at.isoformat(),
        }
        for name, trial, answer in session.execute(query)
    ]
