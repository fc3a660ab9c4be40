"""Whatever stands in the files of a run: one sentence that names the file, or the rest without the damage."""

from __future__ import annotations

import random
from contextlib import suppress
from pathlib import Path

import pytest

from synth_core.data import open_recordings
from synth_core.errors import LONGEST, RunError
from synth_core.training import RunDirectory, check_same, listed, resume
from synth_core.workspace import Workspace
from tests.training import damage
from tests.training.damage import Damage, made_run


@pytest.fixture
def run(tone_dataset: Path, tmp_path: Path) -> RunDirectory:
    return made_run(tone_dataset, tmp_path / "runs" / "bad")


def is_a_sentence(said: str) -> bool:
    return len(said) <= LONGEST and "\n" not in said and "Traceback" not in said and said.endswith((".", "…"))


@pytest.mark.parametrize("kind", damage.STATUS)
def test_a_damaged_status_is_a_sentence(kind: str, run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    damage.STATUS[kind](run.path / "status.json", monkeypatch)
    with pytest.raises(RunError, match=r"bad/status\.json: .*resuming writes a new one|leads out") as caught:
        run.status()
    assert is_a_sentence(str(caught.value))
    found = listed(run.path)
    assert found.status is None
    assert found.description is not None
    assert found.problem == str(caught.value)
    check_same(run, {"steps": 7}, {})  # no reason not to resume


@pytest.mark.parametrize("kind", damage.CONFIG)
def test_a_damaged_description_is_a_sentence(kind: str, run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    damage.CONFIG[kind](run.path / "config.json", monkeypatch)
    with pytest.raises(RunError, match=r"bad/config\.json: .*(another run|put the file)") as caught:
        run.config()
    assert is_a_sentence(str(caught.value))
    assert listed(run.path).problem == str(caught.value)
    with pytest.raises(RunError):
        resume(run.path)


def test_what_later_versions_add_is_passed_over(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    damage.fields(mood="good")(run.path / "status.json", monkeypatch)
    damage.fields(mood="good")(run.path / "config.json", monkeypatch)
    assert listed(run.path).problem == ""
    assert run.status().step == damage.STEPS


@pytest.mark.parametrize("kind", damage.METRICS_LINES)
def test_a_damaged_line_is_left_out_and_said(kind: str, run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    damage.METRICS_LINES[kind](run.path / "metrics.jsonl", monkeypatch)
    recorded = run.recorded()
    assert recorded.table["step"].tolist() == [1, 2, 3]
    assert recorded.problem == "1 of 4 lines hold no record of a step, line 2 first; they are left out."
    run.cut_metrics(2)
    assert run.recorded().problem == ""
    assert run.metrics()["step"].tolist() == [1, 2]


def test_a_line_with_other_terms_is_a_record(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    damage.line(b'{"step": 2, "critic.total": 3}')(run.path / "metrics.jsonl", monkeypatch)
    assert run.recorded().problem == ""
    assert set(run.metrics()) == {"step", "flow.total", "critic.total", "seconds"}


@pytest.mark.parametrize("kind", damage.IN_ITS_PLACE)
def test_what_stands_in_place_of_the_metrics_is_a_sentence(
    kind: str, run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    damage.IN_ITS_PLACE[kind](run.path / "metrics.jsonl", monkeypatch)
    with pytest.raises(RunError, match=r"bad/metrics\.jsonl: ") as caught:
        run.metrics()
    assert is_a_sentence(str(caught.value))
    assert listed(run.path).problem == ""


@pytest.mark.parametrize("kind", [kind for kind in damage.IN_ITS_PLACE if kind != "too large"])
def test_what_stands_in_place_of_the_log_is_a_sentence(
    kind: str, run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    (run.path / "log.txt").write_text("a secret")
    damage.IN_ITS_PLACE[kind](run.path / "log.txt", monkeypatch)
    with pytest.raises(RunError, match=r"log\.txt") as caught:
        run.log()
    assert is_a_sentence(str(caught.value))


@pytest.mark.parametrize("kind", damage.PREVIEW)
def test_a_damaged_preview_is_a_sentence(kind: str, run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    (file,) = run.previews()
    assert len(run.preview(file).values) == 2
    damage.PREVIEW[kind](file, monkeypatch)
    (file,) = run.previews()
    with pytest.raises(RunError, match=r"000000003\.npz") as caught:
        run.preview(file)
    assert is_a_sentence(str(caught.value))


@pytest.mark.parametrize("name", ["status.json", "config.json", "metrics.jsonl", "previews/000000003.npz"])
def test_random_damage_ends_in_the_rest_or_in_a_sentence(name: str, run: RunDirectory) -> None:
    """100 of each file; the seed is fixed, so that what fails once fails again."""
    rng, file = random.Random(name), run.path / name
    intact, said = file.read_bytes(), []
    for _ in range(100):
        file.write_bytes(damage.random_damage(intact, rng, is_json=name.endswith(".json")))
        found = listed(run.path)
        said.append(found.problem)
        for read in (run.recorded, lambda: run.preview(run.previews()[0])):
            with suppress(RunError):
                read()
    assert all(map(is_a_sentence, filter(None, said)))
    assert any(said) is name.endswith(".json")


@pytest.mark.parametrize("name", ["x.npz", "²³.npz", "1x.npz", "1.txt", "9" * 40 + ".npz"])
def test_names_that_no_worker_gives_are_passed_over(name: str, run: RunDirectory) -> None:
    (run.path / "previews" / name).touch()
    (run.path / "checkpoints").mkdir()
    (run.path / "checkpoints" / Path(name).stem.replace("1x", "²")).mkdir()
    assert len(run.previews()) == 1
    assert run.checkpoints() == ([run.path / "checkpoints" / "1"] if name == "1.txt" else [])


def test_a_run_whose_description_is_gone_stays_in_the_list(tone_dataset: Path, tmp_path: Path) -> None:
    place = Workspace(tmp_path)
    for name, damaged in (("gone", Path.unlink), ("folder", lambda file: damage.directory(file, None))):
        damaged(made_run(tone_dataset, place.folder("runs") / name).path / "config.json")
    (place.folder("runs") / "empty").mkdir()
    assert {path.name: bool(listed(path).problem) for path in place.runs()} == {"gone": True, "folder": True}


FOR_A_WORKER: dict[str, Damage] = {"a directory": damage.directory, "a pipe": damage.pipe}


@pytest.mark.parametrize("name", ["log.txt", ".lock"])
@pytest.mark.parametrize("kind", FOR_A_WORKER)
def test_a_run_is_not_resumed_into_what_is_no_file(
    kind: str, name: str, run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    (run.path / name).touch()
    FOR_A_WORKER[kind](run.path / name, monkeypatch)
    with pytest.raises(RunError, match="could not be read or written") as caught:
        resume(run.path)
    assert is_a_sentence(str(caught.value))


def test_a_preview_that_is_opened_as_data_is_synthetic(run: RunDirectory) -> None:
    spec = run.config()["spec"]
    recordings = open_recordings(run.previews()[0], modality=spec["modality"], unit=spec["unit"], rate=spec["rate"])
    assert all(one.source.synthetic for one in recordings)
