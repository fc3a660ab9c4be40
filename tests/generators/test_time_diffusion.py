import pytest
import torch
import torch.nn.functional as F

from synth_core.errors import InvalidSetting
from synth_core.generators import build
from synth_core.generators.nets.convolution import convolve
from synth_core.generators.nets.unet import Attention, Block, UNet, Upsample
from synth_core.types import Batch, Condition, DataSpec
from tests.generators.seeds import seeded

EEG = DataSpec("eeg", (2, 90), "uV", 100.0, (), ("a", "b"))


@pytest.mark.parametrize(
    ("kernel", "stride", "dilation", "padding"),
    [(1, 1, 1, 0), (3, 1, 1, 1), (4, 2, 1, 1), (7, 1, 2, 6), (3, 1, 16, 16)],
)
def test_a_convolution_and_its_gradients_are_those_of_torch(
    kernel: int, stride: int, dilation: int, padding: int
) -> None:
    x, weight, bias = torch.randn(3, 2, 15), torch.randn(4, 3, kernel), torch.randn(4)
    inputs = [value.requires_grad_() for value in (x, weight, bias)]
    how = {"stride": stride, "dilation": dilation, "padding": padding}
    ours = convolve(x, weight, bias, **how)
    theirs = F.conv1d(x.transpose(0, 1), weight, bias, **how).transpose(0, 1)
    assert torch.allclose(ours, theirs, atol=1e-5)
    pairs = zip(*(torch.autograd.grad(out.square().sum(), inputs) for out in (ours, theirs)), strict=True)
    assert all(torch.allclose(one, other, rtol=1e-3, atol=1e-3) for one, other in pairs)


def test_upsampling_at_the_low_rate_is_doubling_and_then_convolving() -> None:
    layer, x = Upsample(3, 4), torch.randn(3, 2, 7)
    doubled = F.interpolate(x.transpose(0, 1), scale_factor=2)
    expected = F.conv1d(doubled, layer.conv.weight, layer.conv.bias, padding=1).transpose(0, 1)
    assert torch.allclose(layer(x), expected, atol=1e-6)


def test_norm_modulation_and_activation_in_one_have_the_true_gradient() -> None:
    block = Block(3, 4)
    x, scale, shift = torch.randn(3, 2, 9), torch.randn(4, 2), torch.randn(4, 2)
    inputs = [value.requires_grad_() for value in (x, scale, shift)]
    z = block.proj(x)
    normal = F.normalize(z, dim=0) * 2 * block.norm.g[:, None, None]
    expected = F.silu(normal * (1 + scale[..., None]) + shift[..., None])
    assert torch.allclose(block(x, scale, shift), expected, atol=1e-5)
    both = (torch.autograd.grad(out.square().sum(), inputs) for out in (block(x, scale, shift), expected))
    assert all(torch.allclose(one, other, atol=1e-4) for one, other in zip(*both, strict=True))


def test_linear_attention_is_its_definition() -> None:
    layer, x = Attention(5, linear=True), torch.randn(5, 1, 8)
    qkv = (layer.to_qkv[..., 0] @ layer.norm(x)[:, 0]).view(3, 4, 32, 8)
    heads = []
    for query, key, value in zip(*qkv, strict=True):
        shares = key.softmax(-1)
        context = torch.stack([(shares * row).sum(-1) for row in value])  # value width × key width
        heads.append(context @ (query.softmax(0) / 32**0.5))
    expected = layer.out_norm(layer.to_out(torch.cat(heads)[:, None])) + x
    assert torch.allclose(layer(x), expected, atol=1e-5)


def test_the_network_of_the_public_size_has_its_parameters() -> None:
    network = UNet(12, width=32, multiples=(1, 2, 4, 8))
    assert sum(parameter.numel() for parameter in network.parameters()) == 3_978_700  # Unet1D(32, channels=12)


@pytest.mark.parametrize("length", [90, 131])
def test_any_length_goes_in_and_comes_out(length: int) -> None:
    network = UNet(2, width=8, multiples=(1, 2, 4))
    assert network(torch.randn(3, 2, length), torch.ones(3), torch.zeros(3, 32)).shape == (3, 2, length)


def test_guidance_of_one_is_the_plain_model_and_more_is_not() -> None:
    torch.manual_seed(0)
    generator = build("time_diffusion", EEG, width=8, stages=2, steps=3)
    condition = Condition(labels=torch.eye(2))
    plain, one, strong = (
        generator.sample(condition, rng=seeded(), guidance=strength).values for strength in (None, 1.0, 5.0)
    )
    assert torch.equal(plain, one)
    assert not torch.equal(plain, strong)


@pytest.mark.parametrize(("eta", "draws"), [(0.0, 1), (1.0, 4)])
def test_ddim_draws_noise_once_and_the_ancestral_sampler_for_every_step(
    eta: float, draws: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    generator = build("time_diffusion", EEG, width=8, stages=2, steps=4, eta=eta)
    noise, drawn = generator.noise, []

    def counted(shape: tuple[int, ...], rng: torch.Generator) -> torch.Tensor:
        drawn.append(shape)
        return noise(shape, rng)

    monkeypatch.setattr(generator, "noise", counted)
    generator.sample(1, rng=seeded())
    assert len(drawn) == draws


@pytest.mark.parametrize("name", ["diffwave", "time_diffusion"])
def test_severity_with_or_without_labels_changes_the_loss_and_both_can_be_missing(name: str) -> None:
    torch.manual_seed(0)
    generator = build(name, EEG, width=8, condition_dropout=0.0)
    values = torch.randn(4, 2, 90, generator=seeded())
    generator.scaling.fit([Batch(values, EEG)])
    head = generator.network.output_projection if name == "diffwave" else generator.network.final_conv
    torch.nn.init.ones_(head.weight)
    labels, severity = torch.ones(4, 2), torch.full((4,), 0.7)
    conditions = (Condition(), Condition(labels=labels), Condition(severity=severity), Condition(labels, severity))
    batches = [Batch(values, EEG, condition) for condition in conditions]
    losses = {float(generator.loss(batch, "diffusion", seeded())["total"].detach()) for batch in batches}
    assert len(losses) == 4


def test_more_steps_than_training_had_are_refused() -> None:
    generator = build("time_diffusion", EEG, width=8, stages=2, noise_steps=10)
    with pytest.raises(InvalidSetting, match="1 … 10"):
        generator.sample(1, rng=seeded(), steps=11)
