"""What an experiment found, in one shape for all of them: sentences, tables, charts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple


class Point(NamedTuple):
    """One line of a chart: a value with its 95 % interval; NaN bounds where there is none."""

    name: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Chart:
    """Values with intervals, one under the other.

    Parameters
    ----------
    title, axis : what is shown, and the measure with its unit.
    points : from top to bottom.
    reference : a value to compare with, and what it is; None for none.
    """

    title: str
    axis: str
    points: tuple[Point, ...]
    reference: float | None = None
    reference_name: str = ""


@dataclass(frozen=True)
class Table:
    """Rows of text and numbers.

    Parameters
    ----------
    title : what the rows are.
    columns : names of the columns, with units.
    rows : one tuple per row; a number may be None where it is not known.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True)
class Outcome:
    """The conclusion of an experiment.

    Parameters
    ----------
    experiment, title : which one.
    sentences : the answer first, then what qualifies it.
    tables, charts : what it rests on.
    settings : configuration, data, counts.
    """

    experiment: str
    title: str
    sentences: tuple[str, ...]
    tables: tuple[Table, ...]
    charts: tuple[Chart, ...]
    settings: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; `from_dict` is the inverse."""
        return _plain({"format": 1, **asdict(self)})

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Outcome:
        """Read what `to_dict` wrote; unknown numbers come back as NaN in charts and None in tables."""
        charts = tuple(
            Chart(**{**chart, "points": tuple(Point(p[0], *(_number(x) for x in p[1:])) for p in chart["points"])})
            for chart in fields["charts"]
        )
        tables = tuple(
            Table(table["title"], tuple(table["columns"]), tuple(tuple(row) for row in table["rows"]))
            for table in fields["tables"]
        )
        return cls(
            fields["experiment"], fields["title"], tuple(fields["sentences"]), tables, charts, fields["settings"]
        )

    def to_markdown(self) -> str:
        """The sentences and tables, as documents carry them."""
        parts = [f"## {self.title}", *self.sentences]
        for table in self.tables:
            lines = [" | ".join(table.columns), " | ".join("---" for _ in table.columns)]
            lines += [" | ".join(_cell(cell) for cell in row) for row in table.rows]
            parts += [f"**{table.title}**", "\n".join(f"| {line} |" for line in lines)]
        return "\n\n".join(parts) + "\n"


def _cell(cell: Any) -> str:
    return "" if cell is None else f"{cell:.3g}" if isinstance(cell, float) else str(cell)


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def _plain(value: Any) -> Any:
    """JSON knows neither tuples nor NaN."""
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(part) for part in value]
    if isinstance(value, float):
        return value if abs(value) < float("inf") else None
    return value
