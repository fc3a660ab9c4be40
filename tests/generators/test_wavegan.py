"""WaveGAN against the shapes and parameter counts of its source."""

import pytest
import torch
from torch import nn

from synth_core.generators import build
from synth_core.generators.nets.convolutional import Critic, Ladder, Synthesis
from synth_core.types import UNITS, Batch, Condition, DataSpec


def spec(channels: int, samples: int, modality: str = "eeg", classes: tuple[str, ...] = ()) -> DataSpec:
    return DataSpec(modality, (channels, samples), UNITS[modality], 250.0, (), classes)  # type: ignore[arg-type]


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_at_16384_samples_the_networks_are_those_of_the_source() -> None:
    ladder = Ladder.over((1, 16_384), kernel=25, narrowest=64)
    assert ladder.widths == (1024, 512, 256, 128, 64)
    assert [size for (size,) in ladder.maps] == [16, 64, 256, 1024, 4096, 16_384]
    with torch.device("meta"):
        generator, critic = Synthesis(ladder, 100, bounded=True), Critic(ladder, shuffle=2)
        assert generator(torch.empty(2, 100), Condition()).shape == (2, 1, 16_384)
    assert (count(generator), count(critic)) == (19_065_345, 17_427_969)  # 36.5 million together


def test_the_paper_preset_at_1024_samples_has_the_closed_form_count() -> None:
    generator = build("wavegan", spec(1, 1024), preset="paper")
    dense, kernel = 100 * 16 * 256 + 16 * 256, 25
    ladder = kernel * (256 * 128 + 128 * 64 + 64) + 128 + 64 + 1
    assert count(generator.generator) == dense + ladder
    down = kernel * (64 + 64 * 128 + 128 * 256) + 64 + 128 + 256
    assert count(generator.critic) == down + 16 * 256 + 1
    assert [tuple(stage.weight.shape) for stage in generator.generator.stages] == [
        (256, 128, 25),
        (128, 64, 25),
        (64, 1, 25),
    ]


@pytest.mark.parametrize(("channels", "samples", "stages"), [(1, 178, 2), (12, 1000, 3), (1, 1024, 3), (8, 5000, 4)])
def test_the_number_of_stages_follows_the_length(channels: int, samples: int, stages: int) -> None:
    kind = "ecg" if channels > 1 else "eeg"
    generator = build("wavegan", spec(channels, samples, kind), channels=4)
    values = generator.sample(2, rng=torch.Generator().manual_seed(0)).values
    assert values.shape == (2, channels, samples)
    assert len(generator.generator.stages) == len(generator.critic.stages) == stages


def test_bounded_samples_stay_within_the_data() -> None:
    generator = build("wavegan", spec(1, 178), preset="paper", channels=4)
    generator.scaling.fit([Batch(torch.randn(40, 1, 178), generator.spec)])
    scaled = generator.scaling.to_scaled(torch.randn(40, 1, 178).clamp(-2, 2))
    assert float((scaled / generator.scaling.peak()).abs().max()) <= 1
    with torch.no_grad():
        for parameter in generator.generator.parameters():
            parameter.mul_(100)
    extreme = generator.sample(4, rng=torch.Generator().manual_seed(0)).values
    assert torch.isfinite(extreme).all()
    assert float(extreme.max()) == pytest.approx(float(generator.scaling.high), rel=1e-4)


@pytest.mark.parametrize("loss", ["dcgan", "lsgan", "wgan", "wgan-gp"])
def test_every_loss_steps_and_only_wgan_clips(loss: str) -> None:
    torch.manual_seed(0)
    generator = build("wavegan", spec(1, 178, classes=("a", "b")), channels=4, loss=loss, learning_rate=None)
    batch = Batch(torch.randn(8, 1, 178), generator.spec, Condition(labels=torch.eye(2).repeat(4, 1)))
    for phase in ("critic", "generator"):
        optimizer = generator.optimizer(phase)
        generator.loss(batch, phase, torch.Generator().manual_seed(0))["total"].backward()
        optimizer.step()
    largest = max(float(parameter.detach().abs().max()) for parameter in generator.critic.parameters())
    assert (largest <= 0.01) == (loss == "wgan")


def test_phase_shuffle_changes_the_score_while_training_only() -> None:
    generator = build("wavegan", spec(1, 256), channels=4)
    x = torch.randn(4, 1, 256)
    plain = generator.critic(x, Condition())
    assert torch.equal(plain, generator.critic(x, Condition()))
    assert not torch.equal(plain, generator.critic(x, Condition(), torch.Generator().manual_seed(1)))
