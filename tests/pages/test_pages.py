"""Every page, empty and with data; errors as sentences; choices shared between pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from synth_core.generators import REGISTRY, build
from synth_core.training import RunConfig, RunDirectory, Status, create_run, load_generator, save_generator
from synth_core.workspace import Workspace
from tests.pages.conftest import open_page, text

PAGES = ("home", "data", "train", "compare", "evaluate")


@pytest.mark.parametrize("name", PAGES)
def test_an_empty_workspace_offers_the_next_step(app: AppTest, name: str) -> None:
    open_page(app, name)
    assert not app.exception
    assert not app.error
    assert any(button.label == "Make the demo cohorts" for button in app.button)


@pytest.mark.parametrize("name", PAGES)
def test_pages_render_with_a_dataset_and_a_model(dataset: Path, model: Path, app: AppTest, name: str) -> None:
    open_page(app, name)
    assert not app.exception
    assert not app.error


def test_home_says_what_is_there(dataset: Path, model: Path, app: AppTest) -> None:
    said = text(app)
    assert "48 examples from 12 subjects" in said
    assert "2 leads × 2 s at 50 Hz, mV" in said
    assert "Generators: tiny" in said


def test_simulated_data_are_marked(dataset: Path, model: Path, app: AppTest) -> None:
    assert "simulated" in text(app)
    assert "(simulated)" in str(open_page(app, "compare").selectbox(key="choose-dataset").format_func(dataset))


def test_a_choice_is_shared_by_all_pages(dataset: Path, model: Path, app: AppTest) -> None:
    app.button(key="open-noise").click().run()
    chosen = app.session_state["session"]
    assert (chosen.dataset, chosen.model) == (dataset, model)
    assert open_page(app, "evaluate").selectbox(key="choose-model").value == model


def test_the_card_of_the_generator_is_at_hand_and_loads_nothing_from_elsewhere(
    dataset: Path, model: Path, app: AppTest
) -> None:
    card = model / "card.md"
    card.write_text(card.read_text() + "\n![a picture](https://example.org/seen.png)\n")
    open_page(app, "compare")
    said = "\n".join(block.value for block in app.markdown)
    assert "Licence of the data" in said
    assert "![" not in said


def test_flows_come_before_other_generators(workspace: Workspace, dataset: Path, model: Path, app: AppTest) -> None:
    other = build("wavegan", load_generator(model).spec, channels=4)
    save_generator(other, workspace.folder("models") / "a-wavegan")
    assert open_page(app, "compare").selectbox(key="choose-model").options == ["tiny", "a-wavegan"]


def test_a_wrong_path_becomes_a_sentence(app: AppTest) -> None:
    open_page(app, "data")
    app.segmented_control(key="data-view").set_value("Add data").run()
    app.text_input(key="source-path").set_value("/no/such/folder").run()
    app.button(key="source-open").click().run()
    assert [error.value for error in app.error] == [
        "folder: is not on this machine; check the spelling, or browse to it."
    ]


def test_an_unforeseen_error_is_logged_and_not_shown(
    app: AppTest, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a secret detail")

    monkeypatch.setattr("pages.shared.cache.readable_datasets", broken)
    app.run()
    assert len(app.error) == 1
    assert "secret" not in app.error[0].value
    assert "ZeroDivisionError" in (workspace.root / "log.txt").read_text()


def test_a_damaged_dataset_does_not_hide_the_others(dataset: Path, workspace: Workspace, app: AppTest) -> None:
    damaged = workspace.folder("datasets") / "damaged"
    damaged.mkdir()
    (damaged / "dataset.json").write_text("{")
    app.run()
    assert not app.error
    assert "noise" in text(app)


def test_a_run_is_found_from_its_directory_alone(dataset: Path, workspace: Workspace, app: AppTest) -> None:
    run = create_run(
        dataset, "flow", {"dim": 32, "heads": 2}, RunConfig(out=workspace.root / "runs" / "first", steps=7)
    )
    run.write_status(Status("cancelled", step=3, steps=7))
    open_page(app, "train")
    assert not app.exception
    assert {metric.label: metric.value for metric in app.metric}["Step"] == "3 of 7"
    assert any(button.key == "run-resume" for button in app.button)


def test_cancel_asks_the_worker_to_stop(dataset: Path, workspace: Workspace, app: AppTest) -> None:
    out = workspace.root / "runs" / "first"
    create_run(dataset, "flow", {"dim": 32, "heads": 2}, RunConfig(out=out, steps=7))
    open_page(app, "train").button(key="run-cancel").click().run()
    assert RunDirectory(out).cancel_requested


def test_a_password_closes_every_page(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNTHSCOPE_PASSWORD", "open sesame")
    for name in PAGES:
        open_page(app, name)
        assert [field.label for field in app.text_input] == ["Password of this workspace"]
    app.text_input[0].set_value("wrong")
    app.button[0].click().run()
    assert app.error
    app.text_input[0].set_value("open sesame")
    app.button[0].click().run()
    assert not app.text_input


def test_the_settings_of_a_paper_are_started_as_they_stand(
    dataset: Path, app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[dict[str, Any]] = []
    monkeypatch.setattr("pages.train.new_run._start", lambda path, name, config, run, title: started.append(config))
    open_page(app, "train")
    app.selectbox(key="new-generator").set_value("cwgan").run()
    app.segmented_control(key="new-preset-cwgan").set_value("paper").run()
    app.button(key="new-start").click().run()
    assert not app.exception
    (config,) = started
    assert (config["preset"], config["constraint"], config["bounded"]) == ("paper", "clip", True)
    assert config == REGISTRY["cwgan"].Config(preset="paper").model_dump()


def test_a_control_has_no_paper_and_says_what_it_is(dataset: Path, app: AppTest) -> None:
    open_page(app, "train")
    app.selectbox(key="new-generator").set_value("memorise").run()
    assert not any(control.key == "new-preset-memorise" for control in app.segmented_control)
    assert REGISTRY["memorise"].warning in text(app)
