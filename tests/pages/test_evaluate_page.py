"""The Evaluate page: what is compared is said before, refused with the reason; reports are kept, opened and removed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from synth_core.data import Preparation, prepare
from synth_core.export import About, save_evaluation, write_npz
from synth_core.storage import read_json
from synth_core.types import Batch, Condition, DataSpec
from synth_core.workspace import Workspace
from tests.export.reports import small_report
from tests.pages.conftest import open_page, text, until, wave


def archive(workspace: Workspace, n: int, samples: int = 100) -> Path:
    """An uploaded NPZ of noise."""
    spec = DataSpec("ecg", (2, samples), "mV", 50.0, ("I", "II"), ("slow", "fast"))
    values = torch.from_numpy(np.random.default_rng(5).normal(size=(n, 2, samples)).astype(np.float32))
    labels = torch.eye(2)[torch.arange(n) % 2]
    return write_npz(Batch(values, spec, Condition(labels=labels)), workspace.folder("uploads") / "now" / "made.npz")


def from_file(app: AppTest, holdout: Path) -> AppTest:
    open_page(app, "evaluate")
    app.selectbox(key="choose-dataset").set_value(Workspace().folder("datasets") / "noise").run()
    app.selectbox(key="evaluate-holdout-noise").set_value(holdout).run()
    return app.selectbox(key="evaluate-source").set_value("an NPZ file").run()


def evaluated(app: AppTest) -> AppTest:
    app.button(key="evaluate-start").click().run()
    until(lambda: app.run().error or any(button.key == "evaluate-remove" for button in app.button))
    assert not app.error, app.error[0].value
    return app


def test_what_is_compared_is_said_before_it_starts(
    workspace: Workspace, dataset: Path, others: Path, app: AppTest
) -> None:
    archive(workspace, 40)
    said = text(from_file(app, others))
    assert "Compares 40 synthetic examples (file made.npz) with 40 real examples of 10 people (all of others)" in said
    assert "Distances take 32 of each" in said


def test_too_few_are_refused_with_the_reason(dataset: Path, model: Path, app: AppTest) -> None:
    open_page(app, "evaluate")
    assert [warning.value for warning in app.warning] == [
        "8 held-out examples are too few: below 20 a side, chance differs as much as any generator would."
    ]
    assert all(button.key != "evaluate-start" for button in app.button)


def test_examples_of_another_kind_are_refused(workspace: Workspace, dataset: Path, others: Path, app: AppTest) -> None:
    archive(workspace, 40, samples=150)
    assert "2 leads × 3 s at 50 Hz, mV against 2 leads × 2 s at 50 Hz, mV" in text(from_file(app, others))


def test_the_same_people_on_both_real_sides_are_refused(workspace: Workspace, dataset: Path, app: AppTest) -> None:
    again = workspace.folder("datasets") / "again"
    prepare([wave(k) for k in range(12)], again, Preparation(seconds=2.0))
    archive(workspace, 40)
    assert "people are on both real sides" in text(from_file(app, again))


def test_a_report_is_kept_shown_and_removed(workspace: Workspace, dataset: Path, others: Path, app: AppTest) -> None:
    archive(workspace, 40)
    evaluated(from_file(app, others))
    (kept,) = workspace.evaluations()
    found = read_json(kept / "report.json")
    assert found["about"]["synthetic"] == "40 examples of file made.npz"
    assert found["settings"]["examples per side in distances"] == 32
    assert (kept / "report.html").stat().st_size > 10**6
    assert all(question in text(app) for question in ("Is it real enough?", "Is it safe?", "How sure are we?"))
    app.button(key="evaluate-remove").click().run()
    assert workspace.evaluations() == []
    assert not app.exception
    assert "No report is kept yet" in text(app)


def test_a_failed_evaluation_leaves_earlier_reports(
    workspace: Workspace, dataset: Path, others: Path, app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive(workspace, 40)
    save_evaluation(small_report(), About(name="earlier"), workspace.folder("evaluations") / "earlier")
    from_file(app, others)

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("synth_core.metrics.evaluate.evaluate", broken)
    app.button(key="evaluate-start").click().run()
    until(lambda: app.run().error)
    assert "not foreseen" in app.error[0].value
    assert "Is it real enough?" in text(app)
    assert len(workspace.evaluations()) == 1


@pytest.mark.parametrize(
    ("report", "said"),
    [
        ('{"verdicts": []}', "the description is damaged: evaluations/half/report.json"),  # left out, and named
        ('{"about": {}, "verdicts": []}', "is not an evaluation of this version"),  # chosen, and cannot be opened
    ],
)
def test_a_damaged_report_is_said(workspace: Workspace, dataset: Path, app: AppTest, report: str, said: str) -> None:
    folder = workspace.folder("evaluations") / "half"
    folder.mkdir()
    (folder / "report.json").write_text(report)
    open_page(app, "evaluate")
    assert not app.exception
    assert any(said in one.value for one in (*app.error, *app.warning, *app.caption))
