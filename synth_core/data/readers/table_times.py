"""The column of times of a table → its sampling rate: seconds, milliseconds, clock times, dates, or a question.

Names of columns often do not say their unit, times are rounded, and some columns that are called t count samples. What
only one reading makes possible is taken and said; what two make possible is asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synth_core.data.readers.base import RATES
from synth_core.errors import DamagedFile, DataError

USUAL = (50.0, 20_000.0)  # Hz; what a rate must be for a unit to be guessed by it
ROUNDED = 0.005  # of a rate: what it may be wrong by where times are rounded
AGREEING = 0.01  # of a rate: what it may differ by from a stated one
DAY = 86_400.0
NAMES = {  # of columns, without their unit → seconds per unit, 0 where the name does not say
    "time": 0.0, "times": 0.0, "t": 0.0, "timestamp": 0.0, "timestamps": 0.0, "time stamp": 0.0, "elapsed": 0.0,
    "elapsed time": 0.0, "relative time": 0.0, "time of day": 0.0, "clock": 0.0, "clock time": 0.0, "datetime": 0.0,
    "date time": 0.0, "seconds": 1.0, "sec": 1.0, "secs": 1.0, "milliseconds": 1e-3, "ms": 1e-3, "msec": 1e-3,
    "microseconds": 1e-6, "us": 1e-6, "zeit": 0.0, "temps": 0.0, "tiempo": 0.0,
}  # fmt: skip
SECONDS = {
    "s": 1.0, "sec": 1.0, "secs": 1.0, "second": 1.0, "seconds": 1.0, "ms": 1e-3, "msec": 1e-3, "milliseconds": 1e-3,
    "us": 1e-6, "usec": 1e-6, "microseconds": 1e-6, "ns": 1e-9, "nanoseconds": 1e-9, "min": 60.0,
}  # fmt: skip
GUESSED = {1e-3: "ms", 1e-6: "µs", 1e-9: "ns"}
SINCE_1970 = ((1e17, 1e-9), (1e14, 1e-6), (1e11, 1e-3))  # larger than → seconds per unit, for dates after 1973
TAKEN_AS = (
    "The column {column!r} does not say its unit: as seconds it would mean {rate:g} Hz, so it is taken as {unit}."
)
TAKEN_MEAN = "The times in {column!r} are rounded, so that several rows share one: their mean step means {rate:g} Hz."
TAKEN_STATED = "The times in {column!r} are not evenly spaced: all rows are taken to be at the stated {rate:g} Hz."
NOT_USED = "The times in {column!r} say {own:g} Hz, so the stated rate of {rate:g} Hz is not used."
_NAMED = re.compile(r"^(.*?)[\s_]*(?:[(\[]\s*([a-zµμ]+)\s*[)\]]|[_ /]\s*([a-zµμ]+))$")
_CLOCK = re.compile(r"(?<![\d:])(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})(?:[.,:](\d{1,9}))?(?![\d:])")


@dataclass(frozen=True)
class Rate:
    """Hz, and what a person should know of how it was found, "" for nothing."""

    hertz: float
    warning: str = ""


def seconds_per_unit(name: str, unit: str = "") -> float | None:
    """Of a column of times by its name, and the unit below the name; 0 where neither says; None for other columns."""
    plain = " ".join(name.lower().replace("_", " ").split())
    if plain in NAMES:
        return SECONDS.get(_latin(unit.lower()), 0.0) if not NAMES[plain] else NAMES[plain]
    found = _NAMED.match(name.lower().strip())
    if found is None or found[1].replace("_", " ").strip() not in NAMES:
        return None
    return SECONDS.get(_latin(found[2] or found[3]))


def time_column(columns: Iterable[str]) -> str | None:
    """The first column that is called like a time."""
    return next((name for name in columns if seconds_per_unit(name) is not None), None)


def rate_of(file: Path, column: str, cells: pd.Series, *, unit: str = "", told: float | None = None) -> Rate:
    """The sampling rate of rows at these times.

    Parameters
    ----------
    cells : the times, as numbers, clock times or dates. unit : of the column, where it stands below its name.
    told : the rate in Hz that the caller states, for times that do not say one.

    Raises
    ------
    DataError : where they are not evenly spaced, or say no rate.
    """
    times, per_unit = _numbers(cells)
    per_unit = per_unit or seconds_per_unit(column, unit) or 0.0
    steps = np.diff(times)
    wrong = np.flatnonzero(~np.isfinite(steps))
    if len(wrong):
        problem = f"has {str(cells.iloc[wrong[0]])[:30]!r} or nothing where times should be in {column!r}; complete it."
        raise DamagedFile(file, problem)
    if (steps < 0).any():
        row = int(np.argmax(steps < 0)) + 2
        raise DamagedFile(
            file,
            f"has times in {column!r} that do not rise (row {row:,} of samples): sort it, or split it there.",
        )
    mean = float(times[-1] - times[0]) / len(steps)
    if not mean > 0:
        raise DamagedFile(file, f"has the same time in all rows of {column!r}; state the `rate` without that column.")
    rounded = bool((steps == 0).any())
    if not (_is_rounded(times, steps, mean) if rounded else _is_even(times, steps, mean)):
        if told is not None:
            return Rate(float(told), TAKEN_STATED.format(column=column, rate=told))
        what = "has the same time in two rows" if rounded else "is not sampled evenly in time"
        raise DataError(file, f"{what} ({column!r}); resample it first, or state the `rate` where rows are even.")
    exact = float(np.ptp(steps) / (times[-1] - times[0]))
    if rounded:
        mean, exact = _mean_between_changes(times, steps)
        if exact > ROUNDED:
            problem = f"has times in {column!r} that are rounded too far to say a rate; state the `rate` without them."
            raise DataError(file, problem)
    found = _in_hertz(file, column, mean, per_unit, told, exact)
    if told is not None and abs(found.hertz - told) > AGREEING * told:
        return Rate(found.hertz, NOT_USED.format(column=column, own=found.hertz, rate=told))
    if rounded and not found.warning:
        return Rate(found.hertz, TAKEN_MEAN.format(column=column, rate=found.hertz))
    return found


def mean_rate(cells: pd.Series) -> float:
    """Rows a second, whatever the spacing of their times; 0 where they say none."""
    times, per_unit = _numbers(cells)
    seconds = float(times[-1] - times[0]) * (per_unit or 1.0)
    return round((len(times) - 1) / seconds, 2) if seconds > 0 else 0.0


def _in_hertz(file: Path, column: str, step: float, per_unit: float, told: float | None, rounding: float) -> Rate:
    """From the mean step of a column of times; a DataError asks for the rate where that can be no time.

    Parameters
    ----------
    rounding : by what part of itself the mean step may be wrong, as written times are rounded.
    """
    low, high = RATES
    rate = _whole(1 / (step * (per_unit or 1.0)), rounding)
    if low <= rate <= high:
        return Rate(rate)
    if told is not None:
        return Rate(float(told))
    possible = [one for one in GUESSED if USUAL[0] <= 1 / (step * one) <= USUAL[1]]
    if step == 1.0 or per_unit or len(possible) != 1:
        what = "counts samples" if step == 1.0 and not per_unit else f"would mean {rate:g} Hz"
        raise DataError(file, f"has a column {column!r} that {what}; state the `rate` in Hz.")
    taken = _whole(1 / (step * possible[0]), rounding)
    return Rate(taken, TAKEN_AS.format(column=column, rate=rate, unit=GUESSED[possible[0]]))


def _numbers(cells: pd.Series) -> tuple[NDArray[np.float64], float]:
    """Times from the first one on, and seconds per unit where the cells themselves say it, else 0."""
    if not pd.api.types.is_numeric_dtype(cells):
        numbers = pd.to_numeric(cells, errors="coerce")
        if 2 * numbers.isna().sum() > len(cells):
            return _clock(cells.astype(str)), 1.0
        cells = numbers
    first = cells.iloc[0]
    per_unit = next((unit for least, unit in SINCE_1970 if abs(float(first)) > least), 0.0)
    return (cells - first).to_numpy(np.float64), per_unit  # whole numbers are subtracted before they lose digits


def _clock(cells: pd.Series) -> NDArray[np.float64]:
    """Seconds of clock times such as 12:00:00.004 or 0:00.004, alone or beside a date, over midnight too."""
    parts = cells.str.extract(_CLOCK)
    hours, minutes, seconds = (pd.to_numeric(parts[i].fillna("0")).to_numpy(np.float64) for i in range(3))
    fraction = pd.to_numeric("0." + parts[3].fillna("0")).to_numpy(np.float64)
    times = np.where(parts[1].notna(), 3600 * hours + 60 * minutes + seconds + fraction, np.nan)
    midnights = np.cumsum(np.diff(times, prepend=times[0]) < -DAY / 2)
    return np.asarray(times - times[0] + DAY * midnights)


def _is_even(times: NDArray[np.float64], steps: NDArray[np.float64], mean: float) -> bool:
    """Whether no sample is missing and no time lies further than one from where even times would be."""
    usual = float(np.median(steps))
    even = times[0] + mean * np.arange(len(times))
    return bool(np.abs(steps - usual).max() <= 0.5 * usual and np.abs(times - even).max() <= mean)


def _is_rounded(times: NDArray[np.float64], steps: NDArray[np.float64], mean: float) -> bool:
    """Whether even times, rounded to what they are multiples of, would look like these."""
    rounding = float(steps[steps > 0].min())
    if rounding < 1.5 * mean:
        return False
    even = times[0] + mean * np.arange(len(times))
    return bool(np.abs(times - even).max() <= 1.01 * rounding)


def _mean_between_changes(times: NDArray[np.float64], steps: NDArray[np.float64]) -> tuple[float, float]:
    """The mean step of rounded times from their first change to their last, and what part of it may be wrong."""
    changes = np.flatnonzero(steps > 0) + 1
    rows = int(changes[-1] - changes[0])
    return (float(times[changes[-1]] - times[changes[0]]) / rows, 1 / rows) if rows else (float("nan"), 1.0)


def _whole(rate: float, rounding: float) -> float:
    """A rate without what the rounding of written times has left: 255.99984 is 256."""
    near = abs(rate - round(rate)) < min(max(1e-5, rounding), 1e-3) * rate
    return float(round(rate)) if near else float(round(rate, 6))


def _latin(unit: str) -> str:
    return unit.replace("µ", "u").replace("μ", "u").strip("()[] ")
