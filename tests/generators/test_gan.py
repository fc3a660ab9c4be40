import pytest
import torch

from synth_core.errors import InvalidSetting
from synth_core.generators import build
from synth_core.types import Batch, Condition, DataSpec
from tests.generators.seeds import seeded

EEG = DataSpec("eeg", (1, 40), "uV", 100.0, (), ("a", "b", "c"))
SMALL = {"hidden": 16, "latent": 8}


def labelled(classes: list[int]) -> Batch:
    return Batch(torch.randn(len(classes), 1, 40), EEG, Condition(labels=torch.eye(3)[classes]))


def test_in_the_paper_every_class_has_networks_of_its_own_that_see_its_examples_alone() -> None:
    generator = build("gan", EEG, preset="paper", **SMALL)
    generator.loss(labelled([1, 1, 1, 1]), "critic", seeded())["total"].backward()
    seen = [any(p.grad is not None for p in network.parameters()) for network in generator.critic.networks]
    assert seen == [False, True, False]


def test_separate_networks_give_the_examples_back_in_the_order_asked_for() -> None:
    generator = build("gan", EEG, preset="paper", **SMALL)
    noise, labels = torch.randn(7, 8), torch.eye(3)[[2, 0, 1, 0, 2, 2, 1]]
    together = generator.generator(noise, Condition(labels=labels))
    one_by_one = [generator.generator(noise[[i]], Condition(labels=labels[[i]])) for i in range(7)]
    assert torch.allclose(together, torch.cat(one_by_one), atol=1e-6)


def test_separate_networks_refuse_several_classes_at_once_in_a_sentence() -> None:
    generator = build("gan", EEG, preset="paper", **SMALL)
    both = Condition(labels=torch.tensor([[1.0, 1.0, 0.0]]))
    with pytest.raises(InvalidSetting, match="exactly one class"):
        generator.sample(both, rng=seeded())
    with pytest.raises(InvalidSetting, match="exactly one class"):
        generator.loss(Batch(torch.randn(1, 1, 40), EEG, both), "critic", seeded())
    assert build("gan", EEG, classes="joined", **SMALL).sample(both, rng=seeded()).values.shape == (1, 1, 40)


def test_data_without_classes_need_one_pair_of_networks() -> None:
    generator = build("gan", DataSpec("eeg", (2, 40), "uV", 100.0), preset="paper", **SMALL)
    assert len(generator.generator.networks) == 1
    assert generator.sample(3, rng=seeded()).values.shape == (3, 2, 40)


def test_windows_that_dense_layers_cannot_hold_are_refused_before_they_are_made() -> None:
    with pytest.raises(InvalidSetting, match="wavegan"):
        build("gan", DataSpec("eeg", (64, 5000), "uV", 500.0))


def test_the_paper_takes_cross_entropy_and_one_critic_step() -> None:
    generator = build("gan", EEG, preset="paper", **SMALL)
    assert generator.objective == "bce"
    assert [phase.every for phase in generator.phases] == [1, 1]
    untrained = generator.loss(labelled([0, 1, 2]), "critic", seeded())["total"]
    assert 1.0 < float(untrained.detach()) < 1.8  # 2 log 2 where the critic cannot tell
