"""What an evaluation was made of, in words: the examples of a report do not know their own names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True)
class About:
    """What a report is about. All of it is text of users and files: it is escaped wherever it is shown.

    Parameters
    ----------
    name : of the report.
    dataset : of the real training examples.
    train, holdout, synthetic : what each side is, such as "train part of bonn" or "model flow, seed 0".
    made : ISO 8601 time, with its zone.
    commands : lines that make the same report again.
    sources : credits of the data: name, licence, citation.
    notes : what a reader should know before the answers: simulated data, a generator of other training data.
    """

    name: str = ""
    dataset: str = ""
    train: str = ""
    holdout: str = ""
    synthetic: str = ""
    made: str = ""
    commands: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; `from_dict` is the inverse."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> About:
        """Read what `to_dict` wrote; what is missing is empty."""
        known = {field.name: given[field.name] for field in fields(cls) if field.name in given}
        text: dict[str, Any] = {key: tuple(map(str, v)) if isinstance(v, list) else str(v) for key, v in known.items()}
        return cls(**text)
