"""metrics.jsonl: a line per step, appended while others read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import pandas as pd
from pydantic import Field, StringConstraints, TypeAdapter, ValidationError

from synth_core.training.config import MOST_STEPS

MOST_TERMS = 100  # names of terms in one run; what brings more is no record of ours, and a table of it would be huge

_NAME = Annotated[str, StringConstraints(pattern=r"^[\w .:()/-]{1,80}$")]
_LINE = TypeAdapter(dict[_NAME, Annotated[float, Field(strict=True, allow_inf_nan=False)]])


@dataclass(frozen=True)
class Metrics:
    """What was recorded of the steps.

    Parameters
    ----------
    table : one row per step, `step` and the terms of each phase.
    problem : a phrase on lines that are left out; "" for none.
    """

    table: pd.DataFrame
    problem: str = ""


def read_lines(content: bytes) -> tuple[list[dict[str, Any]], list[int]]:
    """The records of the lines that hold one, and the numbers (from 1) of those that hold none.

    What follows the last line break is unfinished and belongs to neither.
    """
    records: list[dict[str, Any]] = []
    bad: list[int] = []
    names: set[str] = set()
    for number, line in enumerate(content.split(b"\n")[:-1], 1):
        record = _record(line)
        if record is not None and record.keys() <= names:
            records.append(record)
        elif record is not None and len(names | record.keys()) <= MOST_TERMS:
            names |= record.keys()
            records.append(record)
        else:
            bad.append(number)
    return records, bad


def metrics_of(content: bytes) -> Metrics:
    """The records as a table, and which lines it leaves out."""
    records, bad = read_lines(content)
    table = pd.DataFrame(records, columns=None if records else ["step"])
    if not bad:
        return Metrics(table)
    lines = f"{len(bad)} of {len(records) + len(bad)} lines"
    return Metrics(table, f"{lines} hold no record of a step, line {bad[0]} first; they are left out.")


def _record(line: bytes) -> dict[str, Any] | None:
    try:
        record: dict[str, Any] = _LINE.validate_json(line)
    except ValidationError:
        return None
    step = record.get("step", 0.0)
    if not (step.is_integer() and 1 <= step <= MOST_STEPS):
        return None
    return record | {"step": int(step)}
