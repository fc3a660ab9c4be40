"""DiffWave, and its network against lmnt-com/diffwave where that is unpacked (SYNTHSCOPE_PEERS, or /tmp/peers)."""

import math
import os
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from synth_core.errors import InvalidSetting
from synth_core.generators import build
from synth_core.generators.diffwave import FAST_BETAS, suggested_cycle
from synth_core.generators.nets.dilated import DilatedNetwork, _GatedResidual, gated_residual
from synth_core.types import Batch, DataSpec
from tests.generators.seeds import seeded

PEERS = Path(os.environ.get("SYNTHSCOPE_PEERS", "/tmp/peers"))
ECG = DataSpec("ecg", (12, 100), "mV", 100.0)


def paper() -> DilatedNetwork:
    return DilatedNetwork(12, width=64, layers=30, cycle=10, steps=50)


def test_the_paper_preset_has_the_parameters_and_shapes_of_the_public_network() -> None:
    network = build("diffwave", ECG, preset="paper").network
    assert sum(parameter.numel() for parameter in network.parameters()) == 2_310_156
    shapes = {name: tuple(value.shape) for name, value in network.residual_layers[11].named_parameters()}
    assert shapes["dilated_conv.weight"] == (128, 64, 3)
    assert shapes["diffusion_projection.weight"] == (64, 512)
    assert shapes["output_projection.weight"] == (128, 64, 1)
    assert [block.dilation for block in network.residual_layers] == [2**i for i in range(10)] * 3
    assert not network.output_projection.weight.any()


@pytest.mark.skipif(not (PEERS / "diffwave-0.1.7").exists(), reason="the public diffwave is not unpacked")
def test_the_same_weights_give_the_same_output_as_the_public_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(PEERS / "diffwave-0.1.7/src"))
    monkeypatch.setitem(sys.modules, "torchaudio", types.ModuleType("torchaudio"))
    from diffwave.model import DiffWave
    from diffwave.params import params

    torch.manual_seed(0)
    public = DiffWave(params)
    ours = DilatedNetwork(1, width=64, layers=30, cycle=10, steps=50)
    ours.load_state_dict({key: value for key, value in public.state_dict().items() if key in ours.state_dict()})
    for network in (public, ours):
        torch.nn.init.ones_(network.output_projection.weight)
    for block in public.residual_layers:  # without its mel spectrogram
        torch.nn.init.zeros_(block.conditioner_projection.weight)
        torch.nn.init.zeros_(block.conditioner_projection.bias)
    sound, step = torch.randn(2, 512), torch.tensor([3, 41])
    expected = public(sound, torch.zeros(2, 80, 2), step)
    assert torch.allclose(ours(sound[:, None], step, torch.zeros(2, 512)), expected, rtol=1e-4, atol=1e-4)
    half = public.diffusion_embedding(torch.tensor([3.25]))
    assert torch.allclose(ours.diffusion_embedding(torch.tensor([3.25])), half, atol=1e-6)


@pytest.mark.parametrize("dilation", [1, 4, 9, 16])
def test_the_written_out_gradient_of_a_block_is_the_true_one(dilation: int) -> None:
    shapes = ((3, 2, 9), (3, 2), (6, 3, 3), (6,), (3, 3), (3,))
    inputs = [torch.randn(shape, generator=seeded(i)).requires_grad_() for i, shape in enumerate(shapes)]
    results = []
    for block in (_GatedResidual.apply, gated_residual):
        x, y = block(*inputs, dilation)
        results.append((x, y, *torch.autograd.grad((x * x + 3 * y).sum(), inputs)))
    assert all(torch.allclose(one, other, atol=1e-5) for one, other in zip(*results, strict=True))


def test_a_block_is_the_dilated_convolution_of_the_paper() -> None:
    x, step, weight, bias = torch.randn(3, 2, 9), torch.randn(3, 2), torch.randn(6, 3, 3), torch.randn(6)
    out_weight, out_bias = torch.randn(3, 3), torch.randn(3)
    z = F.conv1d((x + step[..., None]).transpose(0, 1), weight, bias, padding=2, dilation=2)
    y = z[:, :3].sigmoid() * z[:, 3:].tanh()
    expected = (x.transpose(0, 1) + F.conv1d(y, out_weight[..., None], out_bias)) / math.sqrt(2)
    out, gated = gated_residual(x, step, weight, bias, out_weight, out_bias, 2)
    assert torch.allclose(gated.transpose(0, 1), y, atol=1e-6)
    assert torch.allclose(out.transpose(0, 1), expected, atol=1e-5)


def test_fast_sampling_asks_for_the_steps_of_the_public_code() -> None:
    generator = build("diffwave", ECG, preset="paper", fast=True, width=8, layers=2)
    betas = np.linspace(1e-4, 0.05, 50)
    known, asked, steps = np.cumprod(1 - betas), np.cumprod(1 - np.array(FAST_BETAS)), []
    for level in asked:
        t = next(t for t in range(49) if known[t + 1] <= level <= known[t])
        steps.append(t + (known[t] ** 0.5 - level**0.5) / (known[t] ** 0.5 - known[t + 1] ** 0.5))
    levels, positions = generator.sampler_levels(None)
    assert np.allclose(levels, asked)
    assert np.allclose(positions, steps)


def test_paper_values_lie_within_one_and_come_back() -> None:
    generator = build("diffwave", ECG, preset="paper", width=8, layers=2)
    values = torch.randn(20, 12, 100, generator=seeded()) * 0.3
    generator.scaling.fit([Batch(values, ECG)])
    scaled = generator.scaling.to_scaled(values) / generator._peak()
    assert float(scaled.abs().max()) == pytest.approx(1.0, abs=1e-4)


def test_modern_ends_in_noise_and_predicts_velocity_and_paper_does_not() -> None:
    modern, source = (build("diffwave", ECG, preset=preset, width=8, layers=2) for preset in ("modern", "paper"))
    assert float(modern.schedule[-1]) == 0.0
    assert modern.predicts == "velocity"
    assert float(source.schedule[-1]) > 0.2
    assert source.predicts == "noise"


def test_dilations_stay_within_the_window() -> None:
    assert [suggested_cycle(length) for length in (90, 178, 1000, 5000)] == [6, 7, 9, 12]
    assert all(2 ** (suggested_cycle(length) - 1) <= length / 2 for length in range(4, 3000))


def test_more_steps_than_the_schedule_has_are_refused() -> None:
    generator = build("diffwave", ECG, width=8, layers=2)
    with pytest.raises(InvalidSetting, match="1 … 50"):
        generator.sample(1, rng=seeded(), steps=51)
    with pytest.raises(InvalidSetting, match="guidance"):
        generator.sample(1, rng=seeded(), guidance=-1.0)
