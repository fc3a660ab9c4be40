"""The Data page: quality on request, datasets merged under common class names."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import wfdb
from streamlit.testing.v1 import AppTest

from synth_core.data import Dataset, patterns
from synth_core.workspace import Workspace
from tests.data.fuzz_eeg import Channel, edf_bytes, tal
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
    assert "“Modality”" in app.error[0].value
    assert "What files do not say" in text(app)
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
    assert "“Window (HU)”" in app.error[0].value
    app.text_input(key="told-window").set_value("0, wide").run()
    assert "two numbers of HU" in app.error[0].value
    app.text_input(key="told-window").set_value("0, 80").run()
    app.number_input(key="told-pixel").set_value(0.5).run()
    assert not app.error
    assert "mapped to 0 … 80 HU" in text(app)
    assert "250 mm" not in text(app)


def trials(folder: Path) -> None:
    """Two people, each with two events that last a second, of two kinds."""
    for person in ("anna", "bert"):
        content = edf_bytes(
            [Channel(name, low=-100, high=100) for name in ("EEG Fp1", "EEG Fp2")],
            onsets=range(6),
            discontinuous=False,
            lists={1: tal(1, "T1", duration=1), 3: tal(3, "T2", duration=1)},
        )
        (folder / f"{person}_1.edf").write_bytes(content)


def opened(app: AppTest, folder: Path) -> None:
    open_page(app, "data")
    app.segmented_control(key="data-view").set_value("Add data").run()
    app.text_input(key="source-path").set_value(str(folder)).run()
    app.button(key="source-open").click().run()
    assert not app.error


def test_a_pattern_is_tried_out_before_it_is_used(app: AppTest, tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    trials(tmp_path / "files")
    opened(app, tmp_path / "files")
    assert "2 subjects as it is now" in text(app)
    app.text_input(key="whose-pattern").set_value("([a-z]+").run()
    assert "no regular expression" in app.error[0].value
    assert app.button(key="whose-use").disabled
    app.text_input(key="whose-pattern").set_value("(ann)a_").run()
    assert "2 recordings → 1 subject" in text(app)
    assert "1 without a match" in text(app)
    app.button(key="whose-use").click().run()
    assert "fits 1 of 2 recordings" in text(app)
    assert "in use" in text(app)
    app.button(key="whose-remove").click().run()
    assert app.text_input(key="whose-pattern").value == ""
    assert "fits 1 of 2 recordings" not in text(app)


def test_a_pattern_that_never_ends_leaves_the_server_alive(app: AppTest, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(patterns, "SECONDS", 0.3)
    (tmp_path / ("a" * 60)).mkdir()
    trials(tmp_path / ("a" * 60))
    opened(app, tmp_path / ("a" * 60))
    app.text_input(key="whose-pattern").set_value("(a|aa)+$").run()
    assert "too long" in app.error[0].value


def test_two_events_become_two_classes(app: AppTest, tmp_path: Path, workspace: Workspace) -> None:
    (tmp_path / "files").mkdir()
    trials(tmp_path / "files")
    opened(app, tmp_path / "files")
    app.segmented_control(key=f"marks-way-{tmp_path / 'files'}").set_value("Lie around events").run()
    assert "at least one event" in text(app)
    assert all(button.key != "prepare-start" for button in app.button)  # nothing slides in silence instead
    app.multiselect(key=f"marks-around-{tmp_path / 'files'}").set_value(["T1", "T2"]).run()
    assert not app.exception
    app.button(key="prepare-start").click().run()
    finished(app, "is ready")
    made = Dataset.open(workspace.datasets()[0])
    assert made.spec.classes == ("T1", "T2")
    assert (made.info["preparation"]["before_seconds"], made.info["preparation"]["after_seconds"]) == (0.0, 1.0)
    assert made.info["counts"]["classes"] == {"T1": 2, "T2": 2}


def test_spans_become_classes(app: AppTest, tmp_path: Path, workspace: Workspace) -> None:
    (tmp_path / "files").mkdir()
    trials(tmp_path / "files")
    opened(app, tmp_path / "files")
    app.segmented_control(key=f"marks-way-{tmp_path / 'files'}").set_value("Take the class of a span").run()
    app.text_input(key="marks-outside").set_value("rest").run()
    app.button(key="prepare-start").click().run()
    finished(app, "is ready")
    made = Dataset.open(workspace.datasets()[0])
    assert made.info["counts"]["classes"] == {"T1": 2, "T2": 2, "rest": 8}


def test_what_was_prepared_is_not_said_of_other_recordings(app: AppTest, tmp_path: Path, workspace: Workspace) -> None:
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        trials(tmp_path / name)
    opened(app, tmp_path / "first")
    app.button(key="prepare-start").click().run()
    finished(app, "is ready")
    app.text_input(key="source-path").set_value(str(tmp_path / "second")).run()
    app.button(key="source-open").click().run()
    assert not app.error
    assert "is ready" not in text(app)
