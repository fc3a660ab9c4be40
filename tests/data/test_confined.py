"""Work in a child process: its results and errors come back as they are, and nothing that it does stops the parent."""

from __future__ import annotations

import os
import signal
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from synth_core.data import Dataset, Preparation, archives, open_recordings
from synth_core.data.confined import Limits, Progress, confined
from synth_core.data.guarded import check_guarded, open_guarded, prepare_guarded
from synth_core.errors import DamagedFile, DataError, InvalidSetting, UnrecognisedData
from synth_core.storage import publish_directory
from tests.data.memory import noise_cohort
from tests.data.test_bad_input import zipped
from tests.data.test_changed_files import FILES

FILE = Path("folder/a.edf")


def spin() -> None:
    while True:
        pass


def sleep() -> None:
    time.sleep(3600)


def allocate() -> None:
    kept = []
    while True:
        kept.append(np.ones(2**24))


def allocate_in_a_reader() -> None:
    try:
        allocate()
    except MemoryError as error:
        raise DamagedFile(FILE, "is not a table.") from error


def end_by(number: int) -> None:
    os.kill(os.getpid(), number)


def fail(error: Exception) -> None:
    raise error


def publish_for_ever(target: Path, *, progress: Progress) -> None:
    with publish_directory(target) as folder:
        (folder / "part").write_text("half")
        progress(1, 2, "half")
        sleep()


ENDS: dict[str, tuple[Callable[..., Any], tuple[Any, ...], Limits, str]] = {
    "loops": (spin, (), Limits(cpu=0.5), "given up after 0.5 seconds"),
    "waits": (sleep, (), Limits(wall=0.5), "given up after 0.5 seconds"),
    "allocates": (allocate, (), Limits(memory=2**29), "needs more than the 0.5 GB"),
    "allocates in a reader": (allocate_in_a_reader, (), Limits(memory=2**29), "needs more than the 0.5 GB"),
    "killed": (end_by, (signal.SIGKILL,), Limits(), "took more memory than this machine"),
    "crashes": (end_by, (signal.SIGSEGV,), Limits(), r"crash \(SIGSEGV\)"),
    "leaves": (os._exit, (3,), Limits(), "exit code 3"),
}


@pytest.mark.parametrize("how", ENDS)
def test_work_that_does_not_end_well_is_one_sentence(how: str) -> None:
    work, arguments, limits, expected = ENDS[how]
    with pytest.raises(DataError, match=rf"^a\.edf: .*{expected}"):
        confined(work, *arguments, path=FILE, limits=limits)


@pytest.mark.parametrize(
    "error",
    [DamagedFile("x/b.dat", "is cut."), UnrecognisedData("c", "is none."), InvalidSetting("No."), KeyError("k")],
)
def test_an_error_comes_back_as_it_was(error: Exception) -> None:
    with pytest.raises(type(error)) as caught:
        confined(fail, error, path=FILE)
    assert str(caught.value) == str(error)
    assert getattr(caught.value, "path", None) == getattr(error, "path", None)


class Stop(Exception):
    """As a page cancels."""


def fail_in_a_circle() -> None:
    """As a reader does that raises an error which was kept, while another one that came of it is handled."""
    kept, other = DataError("a.csv", "has no unit."), ValueError("no table")
    kept.__cause__, other.__context__ = other, kept
    raise kept


def test_an_error_that_is_its_own_ancestor_comes_back() -> None:
    with pytest.raises(DataError, match="has no unit"):
        confined(fail_in_a_circle, path=Path("a.csv"), limits=Limits(wall=60))


def test_what_is_cancelled_leaves_nothing(tmp_path: Path) -> None:
    def stop(done: int, total: int, message: str) -> None:
        assert (done, total, message) == (1, 2, "half")
        raise Stop

    with pytest.raises(Stop):
        confined(publish_for_ever, tmp_path / "made", path=FILE, progress=stop, leaves=tmp_path / "made")
    assert not list(tmp_path.iterdir())


def test_what_is_killed_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="given up"):
        confined(
            publish_for_ever,
            tmp_path / "made",
            path=FILE,
            progress=lambda *said: None,
            limits=Limits(wall=0.5),
            leaves=tmp_path / "made",
        )
    assert not list(tmp_path.iterdir())


def test_the_page_that_asks_is_not_run_in_the_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Streamlit puts the script of a page in the place of the main module while it runs."""
    script, page = tmp_path / "page.py", ModuleType("__main__")
    script.write_text(f"open({str(tmp_path / 'run')!r}, 'w')\n")
    page.__file__ = str(script)
    monkeypatch.setitem(sys.modules, "__main__", page)
    assert confined(abs, -3, path=FILE) == 3
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("kind", FILES)
def test_recordings_travel(tmp_path: Path, kind: str) -> None:
    FILES[kind](tmp_path)
    told: dict[str, Any] = {"rate": 100, "unit": "uV", "modality": {"np": "eeg", "ni": "ct"}.get(kind[:2])}
    here, (there, skipped) = open_recordings(tmp_path, **told), open_guarded(tmp_path, told)
    assert [one.record for one in there] == [one.record for one in here]
    assert not skipped
    np.testing.assert_array_equal(there[-1].read(), here[-1].read())


def test_what_was_unpacked_outlives_the_child_and_is_unpacked_once(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        (tmp_path / "in").mkdir()
        archive.write(FILES["edf"](tmp_path / "in"), "a.edf")
    (recording,), _ = open_guarded(tmp_path / "a.zip", {})
    assert recording.read().shape == (1, 5000)
    before = sorted(archives.folder().iterdir())
    open_recordings(tmp_path / "a.zip")
    assert sorted(archives.folder().iterdir()) == before


def test_a_preparation_is_the_same_as_here(tmp_path: Path) -> None:
    recordings = noise_cohort(6, [{"x": 1}])
    made = prepare_guarded(recordings, tmp_path / "made", Preparation(seconds=1.0))
    assert len(Dataset.open(made)) == 30
    assert check_guarded(recordings, tmp_path) == []


def wide(folder: Path) -> None:
    names = ",".join(f"x{i}" for i in range(200_000))
    (folder / "wide.csv").write_text(f"{names}\n" + ",".join("1" for _ in range(200_000)) + "\n")


def long_line(folder: Path) -> None:
    (folder / "line.csv").write_bytes(b"Fp1" * 2**21)


def bomb(folder: Path) -> None:
    """900 MB of CSV in less than 1 MB, written without ever being unpacked."""
    archive = zipfile.ZipFile(folder / "bomb.zip", "w", zipfile.ZIP_DEFLATED)
    with archive, archive.open("t.csv", "w", force_zip64=True) as member:
        member.write(b"time,Fp1\n")
        for _ in range(900):
            member.write(b"1,1\n" * 2**18)


def many_cells(folder: Path) -> None:
    zipped(folder / "cells.zip", "t.csv", b"time" + b",Fp1" * 99 + b"\n" + b"\n" * 2**21)


BOUNDED: dict[str, tuple[Callable[[Path], object], str]] = {
    "200,000 columns": (wide, r"wide\.csv: has 200,000 columns"),
    "one line": (long_line, r"line\.csv: has a first line of more than 4 MB"),
    "zip of 900 MB of CSV": (bomb, r"bomb\.zip: (holds a table of 900 MB|would unpack)"),
    "more cells than are read": (many_cells, r"t\.csv: has about 210 million cells"),
}


@pytest.mark.parametrize("kind", BOUNDED)
def test_a_table_is_bounded_before_it_is_parsed(tmp_path: Path, kind: str) -> None:
    make, expected = BOUNDED[kind]
    make(tmp_path)
    (only,) = tmp_path.iterdir()
    for path in (tmp_path, only):
        with pytest.raises(DataError, match=expected):
            open_recordings(path, rate=100)
