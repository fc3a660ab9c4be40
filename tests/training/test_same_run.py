"""One seed decides building, order, noise and sampling: the same weights in another process, for every generator."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from synth_core.__main__ import main
from synth_core.data import Dataset, Preparation, prepare
from synth_core.errors import ModelError, RunError
from synth_core.generators import REGISTRY, build
from synth_core.simulate import ct_cohort, ecg_cohort
from synth_core.training import RunConfig, check_same, create_run, load_generator, save_generator, work
from tests.generators.test_contract import SMALL

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def datasets(tone_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """An EEG, an ECG and a CT dataset, so that each generator has one that it can learn."""
    folder = tmp_path_factory.mktemp("cohorts")
    prepare(ecg_cohort(6, 0), folder / "ecg", Preparation(seconds=5.0))
    prepare(ct_cohort(4, 0), folder / "ct", Preparation(image_size=64))
    return [tone_dataset, folder / "ecg", folder / "ct"]


def in_a_process_of_its_own(datasets: list[Path], seed: int) -> dict[str, str]:
    command = [sys.executable, "-m", "tests.training.weights", str(seed), *map(str, datasets)]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return dict(line.split() for line in made.stdout.splitlines())


def test_two_processes_and_one_seed_give_the_same_weights(datasets: list[Path]) -> None:
    first, second, other = (in_a_process_of_its_own(datasets, seed) for seed in (5, 5, 6))
    assert set(first) == set(REGISTRY)
    assert first == second
    assert all(first[name] != other[name] for name in first)


def test_building_leaves_the_random_state_of_the_caller(training_part: Dataset) -> None:
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    build("flow", training_part.spec, **SMALL["flow"])
    assert torch.equal(torch.rand(2), expected)


@pytest.mark.parametrize(
    ("asked", "settings", "named"),
    [({"steps": 9}, {}, "steps 2"), ({"seed": 4}, {}, "seed 0"), ({"generator": "gan"}, {}, "generator flow"),
     ({"dataset": "elsewhere"}, {}, "dataset"), ({}, {"dim": 64}, "dim 32"),
     ({"steps": 9, "seed": 4}, {"dim": 64}, r"steps 2, seed 0, dim 32\. Got steps 9, seed 4, dim 64"),
     ({"allow_synthetic": True}, {}, "allow_synthetic False"), ({}, {"nonesuch": 1}, "flow has no setting nonesuch")],
)  # fmt: skip
def test_a_run_is_resumed_as_it_was_begun(
    tone_dataset: Path, tmp_path: Path, asked: dict[str, object], settings: dict[str, object], named: str
) -> None:
    run = create_run(tone_dataset, "flow", SMALL["flow"], RunConfig(out=tmp_path / "run", steps=2, previews=0))
    check_same(run, {"steps": 2, "dataset": str(tone_dataset)}, {"dim": 32})
    with pytest.raises(RunError, match=named):
        check_same(run, asked, settings)


def test_a_finished_run_says_so(
    tone_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = create_run(tone_dataset, "flow", SMALL["flow"], RunConfig(out=tmp_path / "run", steps=2, previews=0))
    assert len(list(work(run))) == 2
    with pytest.raises(RunError, match="finished at step 2 of 2"):
        check_same(run, {}, {})
    for words, said in (((), "finished at step 2 of 2"), (("--allow-synthetic",), "begun with allow_synthetic False")):
        monkeypatch.setattr(sys, "argv", ["synth_core", "train", "--out", str(run.path), "--resume", *words])
        with pytest.raises(SystemExit) as stopped:
            main()
        assert stopped.value.code == 2
        assert said in capsys.readouterr().err
    assert run.status().state == "finished"


@pytest.mark.parametrize("damage", ["nan", "inf", "half"])
def test_broken_weights_are_refused(training_part: Dataset, tmp_path: Path, damage: str) -> None:
    generator = build("flow", training_part.spec, **SMALL["flow"])
    parameter = next(iter(generator.parameters()))
    with torch.no_grad():
        if damage == "half":
            parameter.data = parameter.data.half()
        else:
            parameter.view(-1)[0] = float(damage)
    save_generator(generator, tmp_path / "model")
    with pytest.raises(ModelError, match="must be of type" if damage == "half" else "not finite"):
        load_generator(tmp_path / "model")
