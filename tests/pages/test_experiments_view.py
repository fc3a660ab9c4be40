"""The Experiments view of Evaluate: an experiment runs, is kept, goes on where it was stopped, and is removed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from synth_core.data import Dataset, Preparation, prepare
from synth_core.experiments import EXPERIMENTS
from synth_core.experiments.base import OUTCOME
from synth_core.workspace import Workspace
from tests.pages.conftest import open_page, text, until, wave

SMALL = {"sources": ("memorise",), "generator_steps": 1, "n": 20, "repetitions": (), "draws": 50}


@pytest.fixture
def dataset(workspace: Workspace) -> Path:
    """Forty subjects, four examples each: enough for measures on test people."""
    out = workspace.folder("datasets") / "noise"
    prepare([wave(k) for k in range(40)], out, Preparation(seconds=2.0))
    return out


def view(app: AppTest) -> AppTest:
    open_page(app, "evaluate")
    return app.segmented_control(key="evaluate-view").set_value("Experiments").run()


def finished(app: AppTest) -> AppTest:
    until(lambda: app.run().error or any("Result (JSON)" in one.label for one in app.get("download_button")))
    assert not app.error, app.error[0].value
    return app


def kept(workspace: Workspace, dataset: Path) -> Path:
    """A finished experiment of the workspace."""
    out = workspace.folder("experiments") / "privacy-noise"
    EXPERIMENTS["privacy"](Dataset.open(dataset), out, SMALL).run()
    return out


def test_without_experiments_the_view_says_what_to_do(workspace: Workspace, dataset: Path, app: AppTest) -> None:
    assert "No experiment is kept yet" in text(view(app))


def test_a_kept_experiment_is_read_and_removed(workspace: Workspace, dataset: Path, app: AppTest) -> None:
    kept(workspace, dataset)
    assert "Privacy" in text(view(app))
    app.button(key="experiment-remove").click().run()
    assert not app.exception
    assert workspace.experiments() == []


def test_a_stopped_experiment_goes_on_from_its_own_settings(workspace: Workspace, dataset: Path, app: AppTest) -> None:
    out = kept(workspace, dataset)
    (out / OUTCOME).unlink()
    assert "Not finished" in text(view(app))
    app.button(key="experiment-on").click().run()
    finished(app)
    assert (out / OUTCOME).is_file()


def test_without_its_dataset_a_stopped_experiment_cannot_go_on(
    workspace: Workspace, dataset: Path, others: Path, app: AppTest
) -> None:
    (kept(workspace, dataset) / OUTCOME).unlink()
    shutil.rmtree(dataset)
    assert "no longer in the workspace" in text(view(app))
    assert app.button(key="experiment-on").disabled


def test_settings_that_cannot_work_are_refused_in_a_sentence(workspace: Workspace, dataset: Path, app: AppTest) -> None:
    view(app)
    app.selectbox(key="experiment-name").set_value("als-eeg").run()
    app.button(key="experiment-start").click().run()
    assert not app.exception
    assert "als-eeg is a protocol for eeg" in app.error[0].value
