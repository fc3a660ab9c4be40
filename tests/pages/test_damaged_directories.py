"""One bad directory blanks no page: it is left out and named, the rest shows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from synth_core.training import RunConfig, create_run
from synth_core.workspace import Workspace
from tests.pages.conftest import open_page, text

PAGES = ("home", "data", "compare", "evaluate", "study")
CONTENTS = (
    "", "{", "[]", "null", "7", "\x00", "{}", '{"spec": {}}', '{"spec": null, "counts": [], "source": "x"}',
    '{"spec": {"modality": "ecg", "shape": [2, 0], "unit": "mV", "rate": 0}}', "[" * 100_000,
)  # fmt: skip
MARKERS = {"datasets": "dataset.json", "models": "config.json", "evaluations": "report.json"}


def damage(place: Workspace, content: str) -> None:
    """One directory of each kind with this description."""
    for kind, marker in {**MARKERS, "experiments": "experiment.json"}.items():
        folder = place.folder(kind) / f"bad-{kind}"
        folder.mkdir()
        (folder / marker).write_text(content)
    (place.folder("models") / "bad-models" / "weights.safetensors").touch()


@pytest.mark.parametrize("content", CONTENTS, ids=range(len(CONTENTS)))
def test_no_content_of_a_description_blanks_a_page(
    dataset: Path, model: Path, workspace: Workspace, app: AppTest, content: str
) -> None:
    damage(workspace, content)
    for name in PAGES:
        open_page(app, name)
        assert not app.exception
        assert not app.error, name
        assert "damaged: datasets/bad-datasets/dataset.json, models/bad-models/config.json" in text(app)
    open_page(app, "evaluate").segmented_control(key="evaluate-view").set_value("Experiments").run()
    assert not app.exception
    assert not app.error


@pytest.mark.parametrize("field", ["spec", "counts", "source", "hash"])
@pytest.mark.parametrize("value", [None, 7, [], {}, "x"])
def test_no_field_of_a_dataset_blanks_a_page(dataset: Path, workspace: Workspace, field: str, value: Any) -> None:
    from pages.shared import cache

    good = json.loads((dataset / "dataset.json").read_text())
    bad = workspace.folder("datasets") / "bad"
    bad.mkdir()
    (bad / "dataset.json").write_text(json.dumps(good | {field: value}))
    taken = field == "hash" and value == "x"  # a hash may be any text
    assert (bad in cache.readable_datasets()) is taken


def test_a_dataset_that_breaks_while_it_is_chosen_is_let_go(dataset: Path, others: Path, app: AppTest) -> None:
    (dataset / "dataset.json").write_text("{")
    for name in PAGES:
        app.session_state["session"].dataset = dataset
        open_page(app, name)
        assert not app.exception
        assert not app.error, name


def test_a_damaged_run_is_no_generator(dataset: Path, model: Path, workspace: Workspace, app: AppTest) -> None:
    run = create_run(dataset, "flow", {"dim": 32, "heads": 2}, RunConfig(out=workspace.folder("runs") / "bad", steps=7))
    (run.path / "checkpoints" / "1").mkdir(parents=True, exist_ok=True)
    (run.path / "config.json").write_text("{")
    for name in ("compare", "evaluate", "study"):
        open_page(app, name)
        assert not app.exception
        assert not app.error, name


def test_every_page_but_the_rating_one_is_behind_the_gate(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNTHSCOPE_PASSWORD", "open sesame")
    root = Path(__file__).resolve().parents[2] / "pages"
    names = {path.parent.name for path in root.glob("*/page.py")}
    assert names >= {*PAGES, "train", "rate"}
    for name in names - {"rate"}:
        assert [field.label for field in open_page(app, name).text_input] == ["Password of this workspace"]
    assert [field.label for field in open_page(app, "rate").text_input] == ["Participation code"]
