"""Whatever stands in the files of a model: it loads as it is meant, or one sentence names the file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from synth_core.__main__ import main
from synth_core.data import Dataset
from synth_core.errors import LONGEST, ModelError, SynthScopeError
from synth_core.generators import build
from synth_core.training import load_generator, save_generator
from synth_core.workspace import Workspace
from tests.generators.test_contract import SMALL
from tests.training import damage
from tests.training.damage import Damage, data, fields
from tests.training.test_checkpoints import DAMAGE

IN_ITS_PLACE = {kind: act for kind, act in damage.IN_ITS_PLACE.items() if "link" not in kind}
CONFIG: dict[str, Damage] = {
    **IN_ITS_PLACE,
    **damage.NO_JSON,
    "an unknown generator": fields(generator="os.system"),
    "no spec": fields(spec=...),
    "a shape in words": fields(spec__shape=["two", 64]),
    "a shape too large": fields(spec__shape=[10**6, 10**9]),
    "a rate that is not a number": fields(spec__rate=float("nan")),
    "text as config": fields(config="dim=32"),
    "a setting beyond its bounds": fields(config__dim=10**9),
    "a setting in words": fields(config__dim="wide"),
    "no scaling": fields(scaling=...),
    "a scaling of another shape": fields(scaling__low=[1.0]),
    "a scaling in words": fields(scaling__low="low"),
    "a scaling that is not finite": fields(scaling__low=[float("inf")] * 2),
}
PROVENANCE: dict[str, Damage] = {
    **IN_ITS_PLACE,
    **{kind: act for kind, act in damage.NO_JSON.items() if kind != "no keys"},  # nothing is known: that is allowed
    "text as dataset": data(b'{"dataset": "ptbxl"}'),
    "warnings that are none": data(b'{"dataset": {"warnings": 7}}'),
    "a step in words": data(b'{"step": "last"}'),
    "a list as run": data(b'{"run": [1]}'),
}


@pytest.fixture
def model(training_part: Dataset, tmp_path: Path) -> Path:
    generator = build("flow", training_part.spec, **SMALL["flow"])
    generator.scaling.fit(training_part.batches(32))
    return save_generator(generator, tmp_path / "some" / "models" / "tiny")


def refused(model: Path, name: str) -> None:
    with pytest.raises(SynthScopeError, match=name.replace(".", r"\.") + "|scaling|setting|weights") as caught:
        load_generator(model)
    said = str(caught.value)
    assert "tiny" in said or "setting of" in said or "scaling" in said
    assert len(said) <= LONGEST
    assert "\n" not in said


@pytest.mark.parametrize("kind", CONFIG)
def test_a_damaged_description_is_a_sentence(kind: str, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    CONFIG[kind](model / "config.json", monkeypatch)
    refused(model, "config.json")


@pytest.mark.parametrize("kind", PROVENANCE)
def test_a_damaged_provenance_is_a_sentence(kind: str, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    PROVENANCE[kind](model / "provenance.json", monkeypatch)
    refused(model, "provenance.json")


# a model has no checksums: a bit goes unseen
@pytest.mark.parametrize("kind", [kind for kind in DAMAGE if kind not in ("gone", "one bit")])
def test_damaged_weights_are_a_sentence(kind: str, model: Path) -> None:
    DAMAGE[kind](model / "weights.safetensors")
    refused(model, "weights.safetensors")


@pytest.mark.parametrize(
    "header",
    [b"[]", b"7", b'{"a": 1}',
     b'{"a": {"dtype": "F99", "shape": [1], "data_offsets": [0, 4]}}', b'{"a": {"shape": "x"}}',
     b'{"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}', b"[" * 100_000, b"\xff\xfe"],
)  # fmt: skip
def test_a_header_of_weights_that_means_nothing_is_a_sentence(header: bytes, model: Path) -> None:
    (model / "weights.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(64))
    refused(model, "weights.safetensors")


def test_one_damaged_model_hides_no_other_from_the_command_line(
    model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place = Workspace(model.parents[1])
    monkeypatch.setenv("SYNTHSCOPE_WORKSPACE", str(place.root))
    monkeypatch.setattr("synth_core.workspace.SHIPPED_MODELS", place.root / "none")
    monkeypatch.setattr("sys.argv", ["synth_core", "models", "--json"])
    generator = load_generator(model)
    damage.cut(save_generator(generator, model.with_name("bad")) / "config.json", monkeypatch)
    with pytest.raises(SystemExit) as stopped:
        main()
    assert not stopped.value.code
    said = json.loads(capsys.readouterr().out)
    assert [Path(one["path"]).name for one in said["models"]] == ["tiny"]
    assert [Path(one["path"]).name for one in said["damaged"]] == ["bad"]
    assert "not valid JSON" in said["damaged"][0]["problem"]


def test_a_model_without_weights_is_none(model: Path) -> None:
    (model / "weights.safetensors").unlink()
    with pytest.raises(ModelError, match="neither a model nor a run"):
        load_generator(model)
