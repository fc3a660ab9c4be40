"""The Data page: quality on request, datasets merged under common class names."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import wfdb
from streamlit.testing.v1 import AppTest

from synth_core.data import Dataset
from synth_core.workspace import Workspace
from tests.pages.conftest import open_page, text, until


def finished(app: AppTest, sentence: str) -> str:
    until(lambda: sentence in text(app.run()))
    return text(app)


def records(folder: Path) -> None:
    rng = np.random.default_rng(0)
    for name, gain in (("flat", 0.0), ("good", 1.0)):
        values = rng.normal(size=(1000, 2)) * [gain, 1.0]
        wfdb.wrsamp(name, 100, ["mV", "mV"], ["I", "II"], p_signal=values, fmt=["16", "16"], write_dir=str(folder))
    for ending in (".hea", ".dat"):
        shutil.copy(folder / f"good{ending}", folder / f"copy{ending}")
    header = folder / "copy.hea"
    header.write_text(header.read_text().replace("good", "copy"))


def test_faults_are_found_on_request(app: AppTest, tmp_path: Path) -> None:
    folder = tmp_path / "some records"
    folder.mkdir()
    records(folder)
    open_page(app, "data")
    app.segmented_control(key="data-view").set_value("Add data").run()
    app.text_input(key="source-path").set_value(str(folder)).run()
    app.button(key="source-open").click().run()
    assert not app.error
    app.button(key="quality-start").click().run()
    said = finished(app, "faults in")
    assert "1 flat" in said
    assert "1 duplicate" in said


def test_two_datasets_are_merged_under_one_name(dataset: Path, workspace: Workspace, app: AppTest) -> None:
    shutil.copytree(dataset, dataset.with_name("other"))
    open_page(app, "data")
    app.segmented_control(key="data-view").set_value("Merge").run()
    assert not app.exception
    assert not app.error
    app.button(key="merge-start").click().run()
    finished(app, "is ready")
    made = Dataset.open(next(path for path in workspace.datasets() if path.name not in ("noise", "other")))
    assert len(made) == 96
    assert len(made.subjects) == 12  # one collection, prepared twice


def test_without_a_second_dataset_it_says_what_is_needed(dataset: Path, app: AppTest) -> None:
    open_page(app, "data")
    app.segmented_control(key="data-view").set_value("Merge").run()
    assert "Two prepared datasets" in text(app)


def test_what_an_array_does_not_say_is_asked_and_told(app: AppTest, tmp_path: Path) -> None:
    np.save(tmp_path / "windows.npy", np.random.default_rng(0).normal(size=(4, 2, 256)))
    open_page(app, "data")
    app.segmented_control(key="data-view").set_value("Add data").run()
    app.text_input(key="source-path").set_value(str(tmp_path / "windows.npy")).run()
    app.button(key="source-open").click().run()
    assert "modality" in app.error[0].value
    app.number_input(key="told-rate").set_value(128.0).run()
    app.selectbox(key="told-unit").set_value("uV").run()
    app.selectbox(key="told-modality").set_value("eeg").run()
    assert not app.error
    assert "2 channels at 128 Hz, µV" in text(app)


def test_the_window_of_grey_values_is_asked_and_told(app: AppTest, tmp_path: Path) -> None:
    grey = np.random.default_rng(0).integers(0, 256, (3, 32, 32)).astype(np.uint8)
    np.save(tmp_path / "grey.npy", grey)
    open_page(app, "data")
    app.segmented_control(key="data-view").set_value("Add data").run()
    app.selectbox(key="told-modality").set_value("ct").run()
    app.text_input(key="source-path").set_value(str(tmp_path / "grey.npy")).run()
    app.button(key="source-open").click().run()
    assert "window" in app.error[0].value
    app.text_input(key="told-window").set_value("0, wide").run()
    assert "two numbers of HU" in app.error[0].value
    app.text_input(key="told-window").set_value("0, 80").run()
    app.number_input(key="told-pixel").set_value(0.5).run()
    assert not app.error
    assert "mapped to 0 … 80 HU" in text(app)
    assert "250 mm" not in text(app)
