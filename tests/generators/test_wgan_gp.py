from typing import Any

import pytest
import torch
from torch import nn

from synth_core.errors import InvalidSetting
from synth_core.generators import build
from synth_core.generators.nets.attention import SelfAttention
from synth_core.generators.nets.convolutional import Critic, Ladder, Synthesis
from synth_core.types import Batch, Condition, DataSpec
from tests.generators.seeds import seeded

EEG = DataSpec("eeg", (2, 90), "uV", 100.0, (), ("a", "b"))
CT = DataSpec("ct", (1, 32, 32), "HU", 0.25, (), ("a", "b"))
SMALL = {"channels": 32, "latent": 8}


def batch(spec: DataSpec) -> Batch:
    mask = (torch.rand(8, 1, 32, 32, generator=seeded()) > 0.9).float() if spec.is_image else None
    condition = Condition(labels=torch.eye(2).repeat(4, 1), severity=torch.rand(8, generator=seeded()), mask=mask)
    return Batch(30 * torch.randn(8, *spec.shape, generator=seeded()), spec, condition)


ENHANCEMENTS: list[dict[str, Any]] = [
    {"points": "convex"},
    {"points": "local"},
    {"norm": "l1"},
    {"one_sided": True},
    {"exact_gradients": False},
    {"adaptive_penalty": True},
    {"attention": True},
    {"spectral_norm": "critic", "loss": "hinge", "penalty": 0},
    {"spectral_norm": "both", "attention": True},
    {"bounded_critic": True},
    {"augment": True},
    {"augment": True, "exact_gradients": False},
    {"mirror": True},
]


@pytest.mark.parametrize("settings", ENHANCEMENTS, ids=str)
@pytest.mark.parametrize("spec", [EEG, CT], ids=["eeg", "ct"])
def test_every_enhancement_gives_finite_gradients_to_both_networks(spec: DataSpec, settings: dict[str, Any]) -> None:
    torch.manual_seed(0)
    generator = build("wgan_gp", spec, **SMALL | settings)
    data = batch(spec)
    generator.scaling.fit([data])
    for phase in ("critic", "generator"):
        generator.zero_grad()
        generator.loss(data, phase, seeded())["total"].backward()
        gradients = [p.grad for p in generator.parameters_of(phase) if p.grad is not None]
        assert all(torch.isfinite(gradient).all() for gradient in gradients)
        assert sum(float(gradient.abs().sum()) for gradient in gradients) > 0


def test_adaptive_lambda_rises_while_the_norms_are_off_and_stays_within_ten_times() -> None:
    generator = build("wgan_gp", EEG, adaptive_penalty=True, **SMALL)
    off, close = torch.tensor(4.0), torch.tensor(1e-4)
    assert float(generator._adapted(off)) > 10 > float([generator._adapted(close) for _ in range(2)][-1])
    for _ in range(300):
        highest = generator._adapted(off)
    assert float(highest) == pytest.approx(100)


@pytest.mark.parametrize(("size", "stages"), [(64, 4), (128, 5), (256, 6)])
def test_the_paper_preset_grows_from_four_pixels_with_one_more_stage_per_doubling(size: int, stages: int) -> None:
    with torch.device("meta"):
        generator = build("wgan_gp", DataSpec("ct", (1, size, size), "HU", 0.25), preset="paper")
        made = generator.generator(torch.empty(2, 100), Condition())
        assert generator.critic(made, Condition()).shape == (2,)
    assert made.shape == (2, 1, size, size)
    assert generator.generator.ladder.smallest == (4, 4)
    assert len(generator.generator.stages) == stages
    widths = [stage.weight.shape[1] for stage in generator.generator.stages]
    assert widths[:3] == [256, 128, 64]
    assert all(stage.weight.shape[2:] == (5, 5) for stage in generator.critic.stages)
    assert [type(norm) for norm in generator.critic.norms] == [nn.GroupNorm] * (stages - 1)  # after the second onwards


def test_attention_is_nothing_at_the_start_and_reaches_every_position_after() -> None:
    torch.manual_seed(0)
    layer, x = SelfAttention(16, 2), torch.randn(2, 16, 5, 5)
    assert torch.equal(layer(x), x)
    with torch.no_grad():
        layer.gamma.fill_(1.0)
    x.requires_grad_(True)
    layer(x)[0, :, 0, 0].sum().backward()
    assert x.grad is not None
    assert (x.grad[0].abs().sum(0) > 0).all()
    assert not x.grad[1].any()


def test_attention_sits_at_32_pixels() -> None:
    with torch.device("meta"):
        generator = build("wgan_gp", DataSpec("ct", (1, 128, 128), "HU", 0.25), attention=True)
    assert [generator.generator.ladder.maps[int(key)] for key in generator.generator.attention] == [(32, 32)]


def test_a_mask_changes_the_slice_and_the_score_near_the_lesion() -> None:
    generator = build("wgan_gp", CT, **SMALL)
    none, lesion = torch.zeros(1, 1, 32, 32), torch.zeros(1, 1, 32, 32)
    lesion[..., 4:8, 4:8] = 1
    values = [generator.sample(Condition(mask=mask), rng=seeded()).values for mask in (none, lesion)]
    change = (values[0] - values[1]).abs()[0, 0]
    assert float(change[:12, :12].mean()) > 2 * float(change[20:, 20:].mean())
    scores = [generator.critic(values[0], Condition(mask=mask)) for mask in (none, lesion)]
    assert not torch.equal(*scores)


def test_without_mask_conditioning_a_mask_is_refused() -> None:
    generator = build("wgan_gp", CT, preset="paper", **SMALL)
    assert generator.accepted == {"labels", "severity"}
    with pytest.raises(InvalidSetting, match="accepts labels, severity"):
        generator.sample(Condition(mask=torch.zeros(1, 1, 32, 32)), rng=seeded())


def test_the_sigmoid_bounds_the_critic() -> None:
    generator = build("wgan_gp", CT, bounded_critic=True, **SMALL)
    scores = generator.critic(1000 * torch.randn(16, 1, 32, 32), Condition()).detach()
    assert 0 <= float(scores.min()) <= float(scores.max()) <= 1


def test_no_example_of_the_critic_depends_on_another() -> None:
    generator = build("wgan_gp", EEG, attention=True, **SMALL)
    x = torch.randn(6, 2, 90)
    alone = torch.cat([generator.critic(x[[i]], Condition()) for i in range(6)])
    assert torch.allclose(generator.critic(x, Condition()), alone, atol=1e-5)


@pytest.mark.parametrize("kernel", [3, 4, 5, 8, 9, 25])
def test_any_kernel_gives_maps_of_the_same_sizes(kernel: int) -> None:
    for shape in ((2, 178), (1, 64, 48)):
        ladder = Ladder.over(shape, kernel=kernel, widest=32)
        with torch.device("meta"):
            generator, critic = Synthesis(ladder, 8), Critic(ladder)
            made = generator(torch.empty(2, 8), Condition())
            assert made.shape == (2, *shape)
            assert critic(made, Condition()).shape == (2,)


def test_mixed_precision_reaches_both_networks_and_leaves_the_penalty_in_full() -> None:
    generator = build("wgan_gp", CT, attention=True, **SMALL)
    data = batch(CT)
    for phase in ("critic", "generator"):
        with torch.autocast("cpu", torch.bfloat16):
            terms = generator.loss(data, phase, seeded())
        terms["total"].backward()
        assert all(torch.isfinite(value) for value in terms.values())
    full = generator.loss(data, "critic", seeded())["gradient_norm"].detach()
    with torch.autocast("cpu", torch.bfloat16):
        mixed = generator.loss(data, "critic", seeded())["gradient_norm"].detach()
    assert float(mixed) == pytest.approx(float(full), rel=0.02)
