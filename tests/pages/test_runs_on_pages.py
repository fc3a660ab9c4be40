"""One bad run blanks neither Home nor Train: it is a row with a sentence, and all the rest shows."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.shared import words
from synth_core.training import RunDirectory
from synth_core.workspace import Workspace
from tests.pages.conftest import open_page, text
from tests.training import damage
from tests.training.damage import Damage, made_run

FILES: dict[str, dict[str, Damage]] = {"status.json": damage.STATUS, "config.json": damage.CONFIG}
KINDS = [(file, kind) for file, kinds in FILES.items() for kind in kinds]


@pytest.fixture
def bad(workspace: Workspace, dataset: Path) -> RunDirectory:
    """A run, beside a good one."""
    made_run(dataset, workspace.folder("runs") / "good")
    return made_run(dataset, workspace.folder("runs") / "bad")


def watched(app: AppTest, run: RunDirectory) -> AppTest:
    app.session_state["session"].run = run.path
    return open_page(app, "train")


def rows(app: AppTest) -> dict[str, dict[str, str]]:
    """The table of runs, by name."""
    (table,) = app.dataframe
    return {row["run"]: row for row in table.value.to_dict("records")}


@pytest.mark.parametrize(("file", "kind"), KINDS)
def test_a_damaged_run_is_one_row_with_a_sentence(
    file: str, kind: str, bad: RunDirectory, app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    FILES[file][kind](bad.path / file, monkeypatch)
    open_page(app, "home")
    assert not app.exception
    assert not app.error
    assert "**good** · cancelled, step 3 of 7" in text(app)
    assert f"**bad** · bad/{file}: " in text(app)
    watched(app, bad)
    assert not app.exception
    assert [error.value.startswith(f"bad/{file}: ") for error in app.error] == [True]
    assert rows(app)["bad"]["state"] == "damaged"
    assert rows(app)["bad"]["what"].startswith(f"bad/{file}: ")
    assert rows(app)["good"]["state"] == "cancelled"
    assert any(button.key == "run-resume" for button in app.button) is (file == "status.json")


DETAILS: dict[str, dict[str, Damage]] = {
    "metrics.jsonl": damage.IN_ITS_PLACE,
    "log.txt": {kind: act for kind, act in damage.IN_ITS_PLACE.items() if kind != "too large"},
    "previews/000000003.npz": damage.PREVIEW,
}


@pytest.mark.parametrize(("file", "kind"), [(file, kind) for file, kinds in DETAILS.items() for kind in kinds])
def test_a_damaged_part_of_a_run_is_said_in_its_place(
    file: str, kind: str, bad: RunDirectory, app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bad.path / "log.txt").touch()
    DETAILS[file][kind](bad.path / file, monkeypatch)
    assert "**bad** · cancelled, step 3 of 7" in text(open_page(app, "home"))
    watched(app, bad)
    assert not app.exception
    assert len(app.error) == 1
    assert Path(file).name in app.error[0].value
    assert "not foreseen" not in app.error[0].value
    assert rows(app)["bad"]["state"] == "cancelled"
    assert any(button.key == "run-resume" for button in app.button)


@pytest.mark.parametrize("kind", damage.METRICS_LINES)
def test_a_damaged_line_of_the_metrics_is_left_out_and_said(
    kind: str, bad: RunDirectory, app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    damage.METRICS_LINES[kind](bad.path / "metrics.jsonl", monkeypatch)
    assert "**bad** · cancelled, step 3 of 7" in text(open_page(app, "home"))
    watched(app, bad)
    assert not app.exception
    assert not app.error
    assert "1 of 4 lines hold no record of a step" in text(app)


def test_a_good_run_is_shown_first(bad: RunDirectory, app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    damage.cut(bad.path / "status.json", monkeypatch)
    open_page(app, "train")
    assert not app.error
    assert app.session_state["session"].run.name == "good"


def test_only_bad_runs_are_said_too(workspace: Workspace, bad: RunDirectory, app: AppTest) -> None:
    for run in workspace.runs():
        (run / "config.json").unlink()
    assert text(open_page(app, "home")).count("is not a training run: config.json is missing.") == 2
    open_page(app, "train")
    assert not app.exception
    assert len(app.error) == 1


SAID = (
    ("failed", "The disk of run bad is full. Make room, then resume it: its last checkpoint is kept.", "error"),
    ("failed", "The memory of the GPU ran out. Resume bad when other programs have ended.", "error"),
    ("finished", "Went on from step 2, because a newer checkpoint is damaged: 3/state.json is damaged.", "info"),
)


@pytest.mark.parametrize(("state", "sentence", "how"), SAID)
def test_what_a_worker_says_is_shown(bad: RunDirectory, app: AppTest, state: str, sentence: str, how: str) -> None:
    bad.write_status(replace(bad.status(), state=state, message=sentence))
    watched(app, bad)
    assert [said.value for said in getattr(app, how)] == [words.plain(sentence)]
    assert any(button.key == "run-resume" for button in app.button) is (state == "failed")


def test_a_worker_whose_process_is_gone_is_said(bad: RunDirectory, app: AppTest) -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    working = replace(bad.status(), state="running", heartbeat=time.time(), pid=child.pid, host=socket.gethostname())
    bad.write_status(working)
    assert "**bad** · stopped without a word, step 3 of 7" in text(open_page(app, "home"))
    watched(app, bad)
    assert [warning.value for warning in app.warning] == [
        "The worker stopped without a word. The log may say why; Resume goes on from the last checkpoint."
    ]
    assert any(button.key == "run-resume" for button in app.button)
