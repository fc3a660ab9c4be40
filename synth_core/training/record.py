"""metrics.jsonl: a line per step, appended while others read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Any

import pandas as pd
from pydantic import Field, StringConstraints, TypeAdapter, ValidationError

from synth_core.training.config import MOST_STEPS

MOST_TERMS = 100  # names of terms in one run; what brings more is no record of ours, and a table of it would be huge

_NAME = Annotated[str, StringConstraints(pattern=r"^[\w .:()/-]{1,80}$")]
_LINE = TypeAdapter(dict[_NAME, Annotated[float, Field(strict=True, allow_inf_nan=False)]])
_STEP = TypeAdapter(Annotated[int, Field(strict=True, ge=1, le=MOST_STEPS)])


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
        if record is None or len(names | record.keys()) > MOST_TERMS:
            bad.append(number)
        else:
            names |= record.keys()
            records.append(record)
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
        _LINE.validate_json(line)
        record: dict[str, Any] = json.loads(line)
        _STEP.validate_python(record.get("step"))
    except (ValidationError, ValueError):
        return None
    return record
