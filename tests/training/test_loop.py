from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from synth_core.data import Dataset
from synth_core.errors import RunError
from synth_core.generators import Generator, Phase, build
from synth_core.training import RunConfig, RunDirectory, load_generator, save_generator, train
from synth_core.training.loop import active_phases
from synth_core.training.order import Order
from synth_core.types import Condition

NARROW = {"channels": 32, "latent": 8}
SETTINGS: dict[str, dict[str, Any]] = {
    "flow": {"dim": 32, "depth": 1, "width": 8, "steps": 2, "patch": 16},
    "wgan_gp": NARROW,
    # what they carry from step to step beside weights: clipped weights, an adaptive λ, singular vectors
    "cwgan paper": {"preset": "paper", **NARROW},
    "gan paper": {"preset": "paper", "hidden": 16},
    "wavegan lsgan": {"loss": "lsgan", "channels": 4},
    "wgan_gp adaptive": {"adaptive_penalty": True, "spectral_norm": "both", "augment": True, **NARROW},
    "surrogate": {},
    "memorise": {},
}


def generator(dataset: Dataset, name: str = "flow") -> Generator:
    torch.manual_seed(0)
    return build(name.split()[0], dataset.spec, **SETTINGS[name])


def settings(out: Path | None, **changes: object) -> RunConfig:
    usual = {"out": out, "steps": 12, "batch_size": 8, "checkpoint_seconds": 0, "preview_seconds": 0}
    return RunConfig(**usual | changes)


@pytest.mark.parametrize("name", ["flow", "wgan_gp", "surrogate", "memorise"])
def test_a_run_leaves_a_record_of_every_step_and_a_model_that_samples(
    name: str, training_part: Dataset, tmp_path: Path
) -> None:
    made = generator(training_part, name)
    records = list(train(made, training_part, settings(tmp_path / "run")))
    run = RunDirectory(tmp_path / "run")
    assert [record.step for record in records] == list(range(1, 13)) == run.metrics()["step"].tolist()
    assert run.status().state == "finished"
    assert len(run.checkpoints()) == 2
    assert run.preview(run.previews()[-1]).values.shape == (8, *training_part.spec.shape)
    loaded = load_generator(run.path, device="cpu")
    rng = torch.Generator().manual_seed(0)
    assert torch.equal(loaded.sample(2, rng=rng).values, made.sample(2, rng=rng.manual_seed(0)).values)
    assert made.provenance["dataset"]["hash"] == training_part.info["hash"]
    assert made.provenance["dataset"]["part"]["part"] == "train"


def test_a_run_long_enough_ends_with_corrected_spectra_in_the_run_as_in_the_model(
    training_part: Dataset, tmp_path: Path
) -> None:
    made = generator(training_part)
    list(train(made, training_part, settings(tmp_path / "run", steps=20, batch_size=64)))
    loaded = load_generator(run := tmp_path / "run", device="cpu")
    assert not bool((made.scaling.balance == 1).all())
    assert torch.equal(loaded.scaling.balance, made.scaling.balance)
    plain = build("flow", training_part.spec, **SETTINGS["flow"], calibration="none")
    list(train(plain, training_part, settings(None, steps=20, batch_size=64)))
    assert bool((plain.scaling.balance == 1).all())
    assert RunDirectory(run).status().message == ""


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_a_resumed_run_equals_one_that_was_never_stopped(name: str, training_part: Dataset, tmp_path: Path) -> None:
    straight = generator(training_part, name)
    list(train(straight, training_part, settings(tmp_path / "straight")))
    broken = tmp_path / "broken"
    for record in train(generator(training_part, name), training_part, settings(broken)):
        if record.step == 7:
            break  # the consumer goes away in mid-run
    resumed = generator(training_part, name)
    list(train(resumed, training_part, settings(broken), resume=True))
    for key, value in straight.state_dict().items():
        assert torch.allclose(value, resumed.state_dict()[key], atol=1e-6), key
    assert RunDirectory(broken).metrics()["step"].tolist() == list(range(1, 13))


def test_cancel_keeps_a_checkpoint_and_resume_finishes(training_part: Dataset, tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "run")
    for record in train(generator(training_part), training_part, settings(run.path, checkpoint_seconds=1000)):
        if record.step == 5:
            run.cancel()
    assert run.status().state == "cancelled"
    assert run.metrics()["step"].max() == int(run.checkpoints()[-1].name)
    list(train(generator(training_part), training_part, settings(run.path), resume=True))
    assert run.status().state == "finished"
    assert run.metrics()["step"].tolist() == list(range(1, 13))


def test_a_line_that_a_crash_cut_short_is_forgotten(training_part: Dataset, tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "run")
    list(train(generator(training_part), training_part, settings(run.path)))
    with run.open_metrics() as metrics:
        metrics.write('{"step": 13, "flow.tot')
    assert run.metrics()["step"].max() == 12
    run.cut_metrics(10)
    assert run.metrics()["step"].tolist() == list(range(1, 11))


def test_a_run_is_not_overwritten_and_not_trained_twice_at_once(training_part: Dataset, tmp_path: Path) -> None:
    config = settings(tmp_path / "run")
    first = train(generator(training_part), training_part, config)
    next(first)
    with pytest.raises(RunError, match="another process"):
        next(train(generator(training_part), training_part, config, resume=True))
    list(first)
    with pytest.raises(RunError, match="already holds a run"):
        next(train(generator(training_part), training_part, config))


def test_a_loss_that_is_not_finite_ends_the_run_with_a_sentence(training_part: Dataset, tmp_path: Path) -> None:
    made = generator(training_part)
    torch.nn.init.constant_(made.velocity.stem.weight, float("nan"))
    with pytest.raises(RunError, match="lower learning rate"):
        list(train(made, training_part, settings(tmp_path / "run")))
    status = RunDirectory(tmp_path / "run").status()
    assert status.state == "failed"
    assert "not finite" in status.message


def test_training_without_a_folder_writes_nothing(training_part: Dataset, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    list(train(generator(training_part), training_part, settings(None, steps=2)))
    assert list(tmp_path.iterdir()) == []


def test_what_is_learnt_is_the_class(training_part: Dataset) -> None:
    made = build("flow", training_part.spec, dim=48, depth=2, width=16, patch=8, steps=8)
    list(train(made, training_part, settings(None, steps=300, batch_size=32)))
    drawn = made.sample(Condition(labels=torch.eye(2).repeat(8, 1)), rng=torch.Generator().manual_seed(0)).values
    spectrum = torch.fft.rfft(drawn).abs().mean(1)  # (16, 33) at 1 Hz
    slow, fast = spectrum[:, 6], spectrum[:, 17]
    assert (slow[0::2] > fast[0::2]).float().mean() > 0.8
    assert (fast[1::2] > slow[1::2]).float().mean() > 0.8


def test_alternating_and_following_phases() -> None:
    alternating = (Phase("critic"), Phase("generator", every=5))
    counts = [len(active_phases(alternating, step, 20)) for step in range(1, 21)]
    assert counts.count(2) == 4
    following = (Phase("tokens", share=0.25), Phase("prior", share=0.75))
    names = [active_phases(following, step, 20)[0].name for step in range(1, 21)]
    assert names == ["tokens"] * 5 + ["prior"] * 15


def test_every_epoch_draws_every_example_once() -> None:
    order = Order(examples=10, batch_size=4, seed=3)
    drawn = [index for draw in range(5) for index in order.indices(draw).tolist()]
    assert sorted(drawn[:10]) == sorted(drawn[10:]) == list(range(10))
    assert Order(10, 4, 3).indices(4).tolist() == drawn[16:]


def test_the_card_says_what_it_was_trained_on_and_what_it_is_not_for(training_part: Dataset, tmp_path: Path) -> None:
    made = generator(training_part)
    ticks = iter(range(0, 10_000, 7))
    list(train(made, training_part, settings(None, steps=1), clock=lambda: float(next(ticks))))
    assert made.provenance["seconds"] >= 7
    path = save_generator(made, tmp_path / "model")
    card = (path / "card.md").read_text()
    assert "Licence of the data" in card
    assert "Not for" in card
    assert json.loads((path / "provenance.json").read_text())["run"]["steps"] == 1
