"""Tables as programs write them: separators, decimal marks, encodings, lines of units, times of every kind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from synth_core.data import open_recordings
from synth_core.data.recording import Recording
from synth_core.errors import DataError

RATE, SAMPLES = 250.0, 500
WAVES = np.random.default_rng(3).normal(0, 30, (SAMPLES, 3)).round(3)
NAMES = ("Fp1", "Cz", "O2")


def table(
    *,
    separator: str = ",",
    decimal: str = ".",
    names: tuple[str, ...] = NAMES,
    time: str = "time",
    times: Callable[[int], str] = lambda i: f"{i / RATE:.3f}",
    above: str = "",
    below: str = "",
) -> str:
    rows = [separator.join([time, *names] if time else names)]
    for i, values in enumerate(WAVES):
        cells = [*([times(i)] if time else []), *(f"{value:.3f}" for value in values)]
        rows.append(separator.join(cell if ":" in cell else cell.replace(".", decimal) for cell in cells))
    return f"{above}{rows[0]}\n{below}" + "\n".join(rows[1:]) + "\n"


def opened(folder: Path, content: str | bytes, name: str = "a.csv", **told: object) -> Recording:
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return open_recordings(folder, **{"unit": "uV", **told})[0]  # type: ignore[arg-type]


def assert_read(recording: Recording, rate: float = RATE, scale: float = 1.0) -> None:
    assert (recording.spec.modality, recording.spec.rate, recording.spec.channels) == ("eeg", rate, NAMES)
    np.testing.assert_allclose(recording.read(), WAVES.T * scale, rtol=1e-5)


COMMA = table(separator=";", decimal=",")
WRITTEN: dict[str, str | bytes] = {
    "semicolons and decimal commas": COMMA,
    "semicolons and points": table(separator=";"),
    "tabs and decimal commas": table(separator="\t", decimal=","),
    "bars": table(separator="|"),
    "spaces": table(separator=" "),
    "comma and space": table(separator=", "),
    "quoted names": table(separator=";", decimal=",", names=('"Fp1"', '"Cz"', '"O2"'), time='"time"'),
    "single quotes": table(names=("'Fp1'", "'Cz'", "'O2'")),
    "a byte order mark": b"\xef\xbb\xbf" + COMMA.encode(),
    "UTF-16": COMMA.encode("utf-16"),
    "UTF-16 without a mark": COMMA.encode("utf-16-le"),
    "Windows": COMMA.replace("\n", "\r\n").encode("cp1252"),
    "comments": table(above="# made by hand\n# subject: someone, 1\n"),
    "per cent": table(above="% Exported\n%\n", separator="\t"),
    "names in a comment": table(above="# "),
    "lines without a mark": table(above="Exported by Example 1.2\nGain;24\n\n", separator=";", decimal=","),
    "a separator at the end of rows": COMMA.replace("\n", ";\n"),
    "one more than names": COMMA.replace("\n", ";\n").replace("O2;\n", "O2\n"),
    "numbers of rows as R writes them": "".join(
        f"{i}\t{line}\n" if i else f"{line}\n" for i, line in enumerate(table(separator="\t").splitlines())
    ),
    "an index without a name": "".join(f"{i - 1 if i else ''},{line}\n" for i, line in enumerate(table().splitlines())),
}


@pytest.mark.parametrize("how", sorted(WRITTEN))
def test_a_table_is_read_however_it_is_written(tmp_path: Path, how: str) -> None:
    assert_read(opened(tmp_path, WRITTEN[how]))


@pytest.mark.parametrize("name", ["a.tsv", "a.txt"])
def test_an_ending_decides_nothing_about_the_separator(tmp_path: Path, name: str) -> None:
    assert_read(opened(tmp_path, COMMA, name))


@pytest.mark.parametrize(
    ("content", "scale"),
    [
        (table(names=("Fp1 [µV]", "Cz (uV)", "O2 [uV]")), 1),
        (table(names=("Fp1 [µV]", "Cz [µV]", "O2 [µV]"), separator=";", decimal=",").encode("cp1252"), 1),
        (table(names=("Fp1 (mV)", "Cz (mV)", "O2 (mV)")), 1000),
        (table(names=("Fp1_uV", "Cz_uV", "O2_uV")), 1),
        (table(below="s,µV,µV,µV\n"), 1),
        (table(below="[s];[mV];[mV];[mV]\n", separator=";", decimal=","), 1000),
    ],
)
def test_units_stand_in_the_names_or_below_them(tmp_path: Path, content: str | bytes, scale: float) -> None:
    assert_read(opened(tmp_path, content, unit=None), scale=scale)


TIMES: dict[str, tuple[str, Callable[[int], str]]] = {
    "milliseconds by name": ("time_ms", lambda i: str(4 * i)),
    "milliseconds in brackets": ("Time [ms]", lambda i: f"{4 * i}.0"),
    "microseconds by name": ("time (µs)", lambda i: str(4000 * i)),
    "microseconds": ("t_us", lambda i: str(4000 * i)),
    "clock": ("time", lambda i: f"12:00:{i // 250:02}.{4 * i % 1000:03}"),
    "clock over midnight": ("Clock", lambda i: f"{'23:59:59' if i < 250 else '00:00:00'}.{4 * i % 1000:03}"),
    "minutes and seconds": ("Elapsed time", lambda i: f"0:{i // 250:02}.{4 * i % 1000:03}"),
    "clock in quotes": ("'Elapsed time'", lambda i: f"'0:{i // 250:02}.{4 * i % 1000:03}'"),
    "clock with a date": ("Zeit", lambda i: f"01.03.2020 12:00:{i // 250:02}.{4 * i % 1000:03}"),
    "clock with colons": ("time", lambda i: f"12:00:{i // 250:02}:{4 * i % 1000:03}"),
    "dates": ("datetime", lambda i: f"2020-03-01 12:00:{i // 250:02}.{4 * i % 1000:03}"),
    "dates by ISO": ("timestamp", lambda i: f"2020-03-01T12:00:{i // 250:02}.{4 * i % 1000:03}Z"),
    "seconds since 1970": ("timestamp", lambda i: f"{1.6e9 + i / 250:.4f}"),
    "milliseconds since 1970": ("timestamp", lambda i: str(1_600_000_000_000 + 4 * i)),
    "nanoseconds since 1970": ("Timestamps", lambda i: str(1_600_000_000_000_000_000 + 4_000_000 * i)),
    "rounded to hundredths": ("time", lambda i: f"{i / 250:.2f}"),
}


@pytest.mark.parametrize("how", sorted(TIMES))
def test_the_rate_is_told_by_times_of_every_kind(tmp_path: Path, how: str) -> None:
    name, times = TIMES[how]
    recording = opened(tmp_path, table(time=name, times=times))
    assert recording.spec.rate == pytest.approx(RATE, rel=3e-3 if "rounded" in how else 1e-6)
    np.testing.assert_allclose(recording.read(), WAVES.T, rtol=1e-5)


def test_times_rounded_to_milliseconds_are_even(tmp_path: Path) -> None:
    assert opened(tmp_path, table(times=lambda i: f"{i / 256:.3f}")).spec.rate == 256
    assert opened(tmp_path, table(times=lambda i: f"{i / 512:.3f}")).spec.rate == 512


@pytest.mark.parametrize(("step", "unit", "rate"), [(4, "ms", 250), (2000, "µs", 500), (1000, "µs", 1000)])
def test_a_unit_that_is_the_only_possible_one_is_taken_and_said(
    tmp_path: Path, step: int, unit: str, rate: float
) -> None:
    recording = opened(tmp_path, table(times=lambda i: str(step * i)))
    assert recording.spec.rate == rate
    assert f"taken as {unit}" in " ".join(recording.warnings)


REFUSED: dict[str, tuple[str, str]] = {
    "commas in both places": (table(decimal=","), "between its columns and within its numbers"),
    "thousands": (table(separator=";").replace(f"{WAVES[9, 1]:.3f}", "1,234.5"), "1,234.*thousands"),
    "thousands and decimal commas": (
        COMMA.replace(f"{WAVES[9, 1]:.3f}".replace(".", ","), "1.234,5"),
        "marks thousands in numbers, such as '1.234,5' in 'Cz'",
    ),
    "commas that may be either": (
        "Cz;O2\n" + "1,234;2,345\n" * 99,
        "1,234, whose comma may mark decimals or thousands",
    ),
    "counts": (table(time="t", times=str), "counts samples; state the `rate`"),
    "no times": (table(time=""), "state the `rate`"),
    "a column that counts": (table(time="sample", times=str), "state the `rate`"),
    "an index without a name": (table(time="", names=("", *NAMES[:2])), "state the `rate`"),
    "two possible units": (table(times=lambda i: str(40 * i)), "would mean 0.025 Hz; state the `rate`"),
    "descending": (table(times=lambda i: f"{9 - i / RATE:.3f}"), "do not rise"),
    "a time that goes back": (table(times=lambda i: f"{(i - 9 * (i > 99)) / RATE:.3f}"), r"do not rise \(row 101"),
    "a gap": (table(times=lambda i: f"{(i + 9 * (i > 99)) / RATE:.3f}"), "not sampled evenly"),
    "a row twice": (table(times=lambda i: f"{(i - (i > 99)) / RATE:.3f}"), "same time in two rows"),
    "seconds of a short recording": (table(times=lambda i: f"12:00:{i // 400:02}"), "rounded too far"),
    "a longer row": (table().replace(f"{WAVES[9, 1]:.3f}", "1,2"), "has 5 cells in line 11 where other lines have 4"),
    "one time": (table(times=lambda i: "1.5"), "same time in all rows"),
    "a time that is text": (table(times=lambda i: "?" if i == 7 else f"{i / RATE}"), "'[?]'|nothing where times"),
    "text": (table().replace(f"{WAVES[9, 1]:.3f}", "bad"), "text where samples should be: 'bad' in 'Cz'"),
}


@pytest.mark.parametrize("case", sorted(REFUSED))
def test_what_cannot_be_read_is_a_sentence(tmp_path: Path, case: str) -> None:
    content, expected = REFUSED[case]
    with pytest.raises(DataError, match=expected):
        opened(tmp_path, content)


def test_a_stated_rate_answers_what_the_times_leave_open(tmp_path: Path) -> None:
    assert opened(tmp_path, table(time="t", times=str), rate=RATE).spec.rate == RATE
    uneven = opened(tmp_path, table(times=lambda i: f"{(i + 9 * (i > 99)) / RATE:.3f}"), rate=RATE)
    assert "are not evenly spaced" in " ".join(uneven.warnings)
    other = opened(tmp_path, table(), rate=500)
    assert other.spec.rate == RATE
    assert "the stated rate of 500 Hz is not used" in " ".join(other.warnings)


def test_all_that_is_missing_is_asked_at_once(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"state the `unit`.*state the `rate`"):
        opened(tmp_path, table(time="t", times=str), unit=None)


@pytest.mark.parametrize("first", ["channel,", "", "counts"])
def test_rows_may_be_channels(tmp_path: Path, first: str) -> None:
    times = ",".join(f"{i / RATE:.3f}" for i in range(SAMPLES))
    rows = [name + "," + ",".join(f"{value:.3f}" for value in row) for name, row in zip(NAMES, WAVES.T, strict=True)]
    counts = ",".join(map(str, range(SAMPLES)))
    above = {"channel,": "channel," + times, "": None, "counts": "channel," + counts}[first]
    content = "\n".join([above, *rows] if above else rows) + "\n"
    if first == "channel,":
        assert_read(opened(tmp_path, content))
    else:
        with pytest.raises(DataError, match="state the `rate`"):
            opened(tmp_path, content)
        assert_read(opened(tmp_path, content, rate=RATE))


def test_channels_in_rows_may_have_units(tmp_path: Path) -> None:
    rows = (f"{name} (mV);" + ";".join(map(str, row)) for name, row in zip(NAMES, WAVES.T, strict=True))
    assert_read(opened(tmp_path, "\n".join(rows), rate=RATE, unit=None), scale=1000)


def test_clock_times_in_whole_seconds_say_the_rate_between_their_changes(tmp_path: Path) -> None:
    rows = "".join(f"12:00:{i // 250:02},{i % 7},{i % 9}\n" for i in range(2100))
    recording = opened(tmp_path, "time,Fp1,Cz\n" + rows)
    assert recording.spec.rate == 250
    assert "are rounded" in " ".join(recording.warnings)


def test_numbers_without_names_ask_for_them(tmp_path: Path) -> None:
    content = "\n".join(",".join(map(str, row)) for row in WAVES)
    with pytest.raises(DataError, match="no line that names its columns"):
        opened(tmp_path, content)
    assert_read(opened(tmp_path, content, channels=NAMES, rate=RATE, modality="eeg"))


def test_a_number_beyond_all_bounds_ends_no_process(tmp_path: Path) -> None:
    """The usual parser of pandas reads outside its memory for such an exponent."""
    content = table().replace(f"{WAVES[9, 1]:.3f}", "4.8e9991331262376146185")
    with pytest.raises(DataError, match="too large to be a sample"):
        opened(tmp_path, content)
