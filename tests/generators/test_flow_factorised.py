"""Attention over time and electrodes in turn, for many channels."""

from __future__ import annotations

import json

import pytest
import torch

from synth_core.errors import InvalidSetting
from synth_core.generators.flow import Flow
from synth_core.generators.nets.factorised import AxisBlock, FactorisedTransformer
from synth_core.training import load_generator, save_generator
from synth_core.types import Batch, Condition, DataSpec
from tests.generators.flows import fitted_to
from tests.generators.seeds import seeded


def eeg(channels: int, samples: int = 90) -> DataSpec:
    return DataSpec("eeg", (channels, samples), "uV", 100.0, tuple(f"E{k}" for k in range(channels)), ("a", "b"))


def fitted(spec: DataSpec, **config: object) -> tuple[Flow, Batch]:
    values = 30 * torch.randn(4, *spec.shape, generator=seeded(11)).cumsum(-1)
    batch = Batch(values, spec, Condition(labels=torch.eye(2)[[0, 1, 0, 1]]))
    return fitted_to(batch, **({"depth": 2, "width": 16} | config)), batch


def test_more_than_sixteen_channels_are_factorised_unless_told_otherwise() -> None:
    assert fitted(eeg(16))[0].mixing == "folded"
    assert fitted(eeg(17))[0].mixing == "factorised"
    assert fitted(eeg(17), mixing="folded")[0].mixing == "folded"
    assert isinstance(fitted(eeg(3), mixing="factorised")[0].velocity, FactorisedTransformer)


def test_a_block_reaches_along_its_own_axis_alone() -> None:
    x, condition = torch.randn(1, 3, 4, 32, generator=seeded()), torch.zeros(1, 32)
    for over_time, reached in ((True, (0, slice(None))), (False, (slice(None), 0))):
        torch.manual_seed(0)
        block = AxisBlock(32, 4, over_time=over_time)
        torch.nn.init.ones_(block.modulation.bias)
        moved = x.clone()
        moved[0, 0, 0] += torch.randn(32, generator=seeded(2))
        changed = (block(moved, condition) - block(x, condition)).abs().amax(-1)[0] > 1e-6  # (channels, patches)
        expected = torch.zeros(3, 4, dtype=torch.bool)
        expected[reached] = True
        assert torch.equal(changed, expected)


def test_what_an_electrode_shows_reaches_the_others_after_two_blocks() -> None:
    torch.manual_seed(0)
    network = FactorisedTransformer(3, 50, dim=32, depth=2, heads=4, patch=10, width=4)
    for block in network.blocks:
        torch.nn.init.ones_(block.modulation.bias)
    x = torch.randn(1, 3, 50, generator=seeded())
    moved = x.clone()
    moved[0, 0, :10] += 1
    arguments = (torch.tensor([0.5]), torch.zeros(1, 32))
    change = (network(moved, *arguments) - network(x, *arguments)).abs()[0]
    assert float(change[2, 40:].detach().max()) > 0


def test_electrodes_differ_by_their_embedding_alone() -> None:
    torch.manual_seed(0)
    network = FactorisedTransformer(3, 45, dim=32, depth=2, heads=4, patch=10, width=4)
    x = torch.randn(2, 3, 45, generator=seeded())
    arguments = (torch.tensor([0.5, 0.1]), torch.zeros(2, 32))
    with torch.no_grad():
        network.electrode.zero_()
    torch.testing.assert_close(network(x.flip(1), *arguments), network(x, *arguments).flip(1))


def test_sixty_four_channels_of_five_thousand_samples_step_and_sample() -> None:
    generator, batch = fitted(eeg(64, 5000))
    loss = generator.loss(batch.select(slice(0, 1)), "flow", seeded())["total"]
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(generator.sample(1, rng=seeded()).values).all()


def test_overfitting_lowers_the_loss_of_a_factorised_network_that_infills() -> None:
    generator, batch = fitted(eeg(18), infilling=0.5)
    optimizer = generator.optimizer("flow")
    losses = []
    for step in range(40):
        optimizer.zero_grad()
        loss = generator.loss(batch, "flow", seeded(step % 4))["total"]
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert sum(losses[-4:]) < 0.98 * sum(losses[:4])


def test_a_model_of_before_the_settings_existed_is_built_as_it_was(tmp_path) -> None:
    generator, _ = fitted(eeg(19), mixing="folded", solver="heun")
    path = save_generator(generator, tmp_path / "model")
    description = json.loads((path / "config.json").read_text())
    for setting in ("mixing", "solver", "infilling"):
        del description["config"][setting]
    (path / "config.json").write_text(json.dumps(description))
    loaded = load_generator(path, device="cpu")
    assert torch.equal(loaded.sample(2, rng=seeded()).values, generator.sample(2, rng=seeded()).values)


def test_one_block_cannot_mix_both_ways_and_is_refused() -> None:
    with pytest.raises(InvalidSetting, match="two blocks"):
        fitted(eeg(20), depth=1)
