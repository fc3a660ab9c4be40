"""The verb `study`: from a plan to results, the proof that nothing was changed, and the way to another machine."""

from __future__ import annotations

import csv
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import create_engine, text

from synth_core.__main__ import main
from synth_core.export import write_npz
from synth_core.generators import build
from synth_core.study.access import OWNER
from synth_core.study.database import open_store
from synth_core.study.key import truth_of
from synth_core.study.plan import read_plan
from synth_core.study.store import Profile, Store
from synth_core.training import save_generator
from synth_core.types import Batch
from synth_core.workspace import Workspace
from tests.experiments.conftest import rhythms, written
from tests.study.conftest import NOW, answer_all

MOST = 4 + 1  # real examples of a study: four scored, one for practice


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a dataset, a model that was not trained, and archives of examples."""
    folder = tmp_path_factory.mktemp("sources")
    dataset = written(rhythms(80, 2), folder / "tones", severity=False)
    generator = build("flow", dataset.spec, dim=32, depth=1, heads=2, width=8, steps=2)
    generator.scaling.fit(dataset.batches(16))
    save_generator(generator, folder / "flow")
    real = dataset.batch(range(40))
    write_npz(real, folder / "real.npz")
    write_npz(Batch(real.values * 0.5, real.spec, real.condition, None, {"synthetic": True}), folder / "half.npz")
    return folder


@pytest.fixture
def plan(sources: Path) -> Path:
    content = {
        "protocol": {"title": "Tones", "per_side": 4, "practice": 2, "repeats": 0.25},
        "real": {"dataset": "tones"},
        "synthetic": [{"model": "flow"}, {"npz": "half.npz", "name": "=halved"}],
    }
    file = sources / "study.yaml"
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    return file


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SYNTHSCOPE_WORKSPACE", str(tmp_path / "workspace"))
    return tmp_path / "workspace"


def run(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr(sys, "argv", ["synth_core", "study", *map(str, words)])
    with pytest.raises(SystemExit) as stopped:
        main()
    return int(stopped.value.code or 0)


@pytest.fixture
def study(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    def done(*words: object, code: int = 0) -> Any:
        capsys.readouterr()
        assert run(monkeypatch, *words, "--json") == code
        return json.loads(capsys.readouterr().out)

    return done


def opened() -> Store:
    place = Workspace()
    return open_store(place.database_url, place.folder("study-items")).acting(OWNER)


def rated(study: Any, plan: Path) -> str:
    """A closed study of two raters, whose names a spreadsheet would take for formulas."""
    made = study("new", plan, "--lock")["study"]
    links = study("invite", made, "--n", 2, "--note", "ward", "--address", "https://x.org/")["invitations"]
    store = opened()
    for name, link in zip(("=1+1", "@Bob"), links, strict=True):
        assert link.startswith("https://x.org/rate?invitation=")
        answer_all(store, store.join(link.split("=", 1)[1], Profile(name, "-", 1), NOW), 2)
    study("close", made, "--reason", "done")
    return str(made)


def test_a_draft_is_listed_and_locked_and_only_then_takes_raters(study: Any, plan: Path) -> None:
    made = study("new", plan)
    assert made["commitment"] == ""
    assert [one["state"] for one in study("list")] == ["draft"]
    store = opened()
    assert store.study(made["study"]).locked_at is None
    mark = study("lock", made["study"][:6])["commitment"]
    assert study("verify", made["study"], "--commitment", mark)["head"] == mark
    assert [one["state"] for one in study("list")] == ["open"]


def test_audit_says_what_it_tried_and_finds_secrets_in_traffic(study: Any, plan: Path, tmp_path: Path) -> None:
    made = study("new", plan)["study"]
    found = study("audit", made)
    assert found["passed"]
    assert {"file size", "last digits", "latency"} <= {trait["group"] for trait in found["transport"]}
    harmless, telling = tmp_path / "a.har", tmp_path / "b.har"
    harmless.write_bytes(b'{"url": "http://x.org/rate"}')
    telling.write_bytes(b'{"url": "http://x.org/rate?from=%3Dhalved"}')
    assert study("audit", made, "--traffic", harmless)["passed"]
    leaked = study("audit", made, "--traffic", telling, code=1)
    assert leaked["traffic"] == [{"secret": "=halved", "form": "an address"}]


def test_generators_share_items_evenly_and_classes_stay_balanced(study: Any, plan: Path) -> None:
    made = study("new", plan)["study"]
    with opened().session() as session:
        truth = list(truth_of(session, made).values())
    synthetic = [row for row in truth if row.synthetic]
    assert sorted(row.source for row in synthetic).count("flow") in (MOST // 2, MOST // 2 + 1)
    assert {row.source for row in synthetic} == {"flow", "=halved"}
    assert sorted(row.stratum for row in synthetic) == sorted(row.stratum for row in truth if not row.synthetic)


def test_results_and_files_of_a_closed_study(study: Any, plan: Path, tmp_path: Path) -> None:
    made = rated(study, plan)
    found = study("results", made)
    assert found["intact"]
    assert found["overall"]["n"] == 16
    assert found["overall"]["accuracy"]["value"] == 0.5
    out = tmp_path / "out"
    study("export", made, "--out", out)
    with (out / "raters.csv").open() as file:
        assert [(row["rater"], row["specialty"]) for row in csv.DictReader(file)] == [("'=1+1", "'-"), ("'@Bob", "'-")]
    with (out / "answers.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * (2 + 8 + 2)
    assert {row["source"] for row in rows if row["synthetic"] == "1"} == {"flow", "'=halved"}
    assert read_plan(out / "study.yaml") == read_plan(plan)
    assert len((out / "log.jsonl").read_text().splitlines()) == study("verify", made)["entries"]


def test_verify_exits_1_when_an_answer_was_rewritten(
    study: Any, plan: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = rated(study, plan)
    with create_engine(f"sqlite:///{workspace}/study.db").begin() as connection:
        connection.execute(text("UPDATE answers SET value = 6 WHERE id = 5"))
    found = study("verify", made, code=1)
    assert "value 2 to 6" in found["problems"][0]
    assert not study("results", made)["intact"]


def test_a_backup_is_whole_elsewhere_and_overwrites_nothing(
    study: Any, plan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = rated(study, plan)
    head = study("verify", made)["head"]
    file = tmp_path / "kept.zip"
    study("backup", file)
    assert file.stat().st_mode & 0o077 == 0
    assert run(monkeypatch, "restore", file) == 2
    assert "already" in capsys.readouterr().err
    monkeypatch.setenv("SYNTHSCOPE_WORKSPACE", str(tmp_path / "other"))
    assert study("restore", file)["studies"] == [made]
    assert study("verify", made, "--commitment", head)["intact"]
    assert study("results", made)["intact"]
    assert {path.stat().st_mode & 0o077 for path in (tmp_path / "other").rglob("*")} == {0}


@pytest.mark.parametrize("fault", ["changed item", "strange name", "no zip", "absent"])
def test_a_damaged_backup_is_refused_and_leaves_nothing(
    fault: str,
    study: Any,
    plan: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    study("new", plan, "--lock")
    file, bad = tmp_path / "kept.zip", tmp_path / "bad.zip"
    study("backup", file)
    if fault == "no zip":
        bad.write_bytes(b"nothing")
    elif fault != "absent":
        with zipfile.ZipFile(file) as source, zipfile.ZipFile(bad, "w") as target:
            sums = json.loads(source.read("checksums.json"))
            for name in sums:
                broken = fault == "changed item" and name.endswith(".npy")
                target.writestr(name, b"other" if broken else source.read(name))
            if fault == "strange name":
                target.writestr("../out.txt", b"x")
                sums["../out.txt"] = "x"
            target.writestr("checksums.json", json.dumps(sums))
    monkeypatch.setenv("SYNTHSCOPE_WORKSPACE", str(tmp_path / "other"))
    assert run(monkeypatch, "restore", bad) == 2
    assert "bad.zip" in capsys.readouterr().err
    assert [path for path in (tmp_path / "other").rglob("*") if path.is_file()] == []
    assert not (tmp_path / "out.txt").exists()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"real": {}}, "exactly one"),
        ({"real": {"npz": "half.npz"}}, "a generator made"),
        ({"synthetic": [{"npz": "half.npz"}, {"npz": "half.npz"}]}, "one name"),
        ({"protocol": {"title": "x", "per_side": 300}}, "needs 302"),
        ({"real": {"dataset": "absent"}}, "absent"),
        ({"raters": 3}, "raters"),
    ],
)
def test_a_plan_that_does_not_hold_is_one_sentence(
    change: dict[str, Any],
    sentence: str,
    plan: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    plan.write_text(json.dumps(yaml.safe_load(plan.read_text()) | change), encoding="utf-8")
    assert run(monkeypatch, "new", plan) == 2
    printed = capsys.readouterr()
    assert sentence in printed.err
    assert "Traceback" not in printed.err
    assert opened().studies() == []


def test_files_made_elsewhere_are_enough(study: Any, plan: Path, sources: Path) -> None:
    change = {"real": {"npz": "real.npz"}, "synthetic": [{"npz": "half.npz"}]}
    plan.write_text(json.dumps(yaml.safe_load(plan.read_text()) | change), encoding="utf-8")
    assert study("new", plan, "--lock")["locked"]


def test_an_unknown_study_and_text_that_is_no_plan(
    plan: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "verify", "zz") == 2
    assert "study list" in capsys.readouterr().err
    plan.write_text("a: [", encoding="utf-8")
    assert run(monkeypatch, "new", plan) == 2
    assert "line" in capsys.readouterr().err
