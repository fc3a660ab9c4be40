"""One number that can be believed: value, interval, what real data give at the same size, and the ratio of the two."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace


@dataclass(frozen=True)
class Score:
    """A measured value with everything that is needed to judge it.

    Parameters
    ----------
    value : synthetic against real held-out examples.
    low, high : 95 % interval of the value, over subjects; NaN when not computed.
    floor : the same measure with real training examples in place of synthetic ones, same n; NaN when it has none.
    ratio : value / floor; 1 means as real as other real people. NaN where the floor is not positive.
    n_real, n_synthetic : examples that went in on each side.
    limit : the value that honest examples do not exceed (where higher is better: do not fall below) on any measure of
        an evaluation but at the rate that the report states; NaN where that was not found out.
    honest : the measure between real people in each of many divisions, from which the limit follows.
    mixed : the same in divisions of held-out and synthetic examples together; the worse of the two limits counts.
    """

    value: float
    low: float
    high: float
    floor: float
    ratio: float
    n_real: int
    n_synthetic: int
    limit: float = math.nan
    honest: tuple[float, ...] = field(default=(), repr=False, compare=False)
    mixed: tuple[float, ...] = field(default=(), repr=False, compare=False)

    @classmethod
    def against(
        cls,
        floor: float,
        value: float,
        interval: tuple[float, float],
        *,
        n_real: int,
        n_synthetic: int,
    ) -> Score:
        """A Score whose ratio follows from value and floor."""
        ratio = value / floor if floor > 0 else math.nan
        return cls(value, *interval, floor, ratio, n_real, n_synthetic)

    def divided(self, honest: Sequence[float], mixed: Sequence[float] = ()) -> Score:
        """The same Score with what divisions gave."""
        return replace(self, honest=tuple(honest), mixed=tuple(mixed))

    def to_dict(self) -> dict[str, float | int | None]:
        """Plain JSON types, without the divisions; NaN becomes None."""
        numbers = {name: number for name, number in asdict(self).items() if name not in ("honest", "mixed")}
        return {name: None if math.isnan(number) else number for name, number in numbers.items()}
