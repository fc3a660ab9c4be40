import math

import pytest
import torch
import torch.nn.functional as F

from synth_core.errors import SpecMismatch
from synth_core.generators import build
from synth_core.generators.nets.masked_prior import hidden_after, random_mask, unmask
from synth_core.generators.nets.quantiser import Quantiser
from synth_core.generators.nets.time_frequency import analyse, high_signal, low_signal, resized
from synth_core.generators.nets.tokeniser import Depthwise, Snake
from synth_core.types import Batch, Condition, DataSpec
from tests.generators.seeds import seeded

EEG = DataSpec("eeg", (2, 90), "uV", 100.0, (), ("a", "b"))
TINY = {"stem": 4, "dim": 8, "codes": 16, "prior_width": 16, "prior_depth": 1, "high_width": 16, "high_depth": 1}


def batch(n: int = 6) -> Batch:
    return Batch(torch.randn(n, 2, 90, generator=seeded()), EEG, Condition(labels=torch.eye(2).repeat(n // 2, 1)))


def test_the_transform_is_that_of_torch_and_the_two_bands_add_up_to_the_signal() -> None:
    x = torch.randn(3, 2, 91, dtype=torch.float64)
    bins = analyse(x.permute(1, 2, 0))
    window = torch.hann_window(4, dtype=torch.float64)
    theirs = torch.view_as_real(torch.stft(x.flatten(0, 1), 4, normalized=True, return_complex=True, window=window))
    expected = theirs.unflatten(0, (3, 2)).permute(1, 4, 2, 3, 0).flatten(0, 1)  # (2C, bins, W, B)
    assert torch.allclose(bins, expected)
    assert torch.allclose((low_signal(bins[:, :1]) + high_signal(bins[:, 1:])).permute(2, 0, 1), x)


def test_resizing_is_linear_interpolation() -> None:
    x = torch.randn(2, 3, 14)
    expected = F.interpolate(x, 9, mode="linear").permute(1, 2, 0)
    assert torch.allclose(resized(x.permute(1, 2, 0), 9), expected, atol=1e-6)


@pytest.mark.parametrize("rows", [1, 3])
def test_depthwise_layers_are_grouped_convolutions(rows: int) -> None:
    layer, x = Depthwise(4, rows, 3), torch.randn(4, 2, 10, 3, requires_grad=True)
    wide = x.permute(3, 0, 1, 2)
    expected = F.conv2d(wide, layer.weight[:, None], layer.bias, padding=(rows // 2, 1), groups=4).permute(1, 2, 3, 0)
    assert torch.allclose(layer(x), expected, atol=1e-6)
    own, theirs = (torch.autograd.grad(y.square().sum(), (x, layer.weight)) for y in (layer(x), expected))
    assert all(torch.allclose(a, b, atol=1e-4) for a, b in zip(own, theirs, strict=True))


def test_doubling_is_a_transposed_convolution_and_halving_a_strided_one() -> None:
    layer, x = Depthwise(4, 1, 4), torch.randn(4, 1, 10, 3)
    wide = x.permute(3, 0, 1, 2)
    doubled = F.conv_transpose2d(wide, layer.weight[:, None], layer.bias, (1, 2), (0, 1), groups=4)
    assert torch.allclose(layer.doubled(x), doubled.permute(1, 2, 3, 0), atol=1e-6)
    ends = F.pad(wide, (1, 1, 0, 0), mode="replicate")
    halved = F.conv2d(ends, layer.weight[:, None], layer.bias, (1, 2), groups=4)
    assert torch.allclose(layer.halved(x), halved.permute(1, 2, 3, 0), atol=1e-6)


def test_snake_and_its_gradients_are_the_formula() -> None:
    layer, x = Snake(3), torch.randn(3, 1, 5, 2, requires_grad=True)
    expected = x + torch.sin(layer.a * x).square() / layer.a
    assert torch.allclose(layer(x), expected, atol=1e-6)
    own, theirs = (torch.autograd.grad(y.square().sum(), (x, layer.a)) for y in (layer(x), expected))
    assert all(torch.allclose(a, b, atol=1e-4) for a, b in zip(own, theirs, strict=True))


class TestQuantiser:
    def clusters(self) -> tuple[Quantiser, torch.Tensor]:
        torch.manual_seed(0)
        quantiser = Quantiser(2, 4, 2, decay=0.5, revive_below=0.0)
        with torch.no_grad():
            quantiser.project_in.weight.copy_(torch.eye(2))
            quantiser.project_in.bias.zero_()
        centres = torch.tensor([[5.0, 0], [0, 5], [-5, 0], [0, -5]])
        return quantiser, centres.repeat(50, 1) + 0.01 * torch.randn(200, 2)

    def test_codes_find_the_clusters_and_each_token_is_the_nearest(self) -> None:
        quantiser, vectors = self.clusters()
        quantiser(vectors, seeded(3))
        _, tokens, commitment = quantiser(vectors)
        assert float(commitment.detach()) < 0.01
        assert torch.equal(tokens, torch.cdist(vectors, quantiser.codebook).argmin(1))

    def test_the_codebook_is_the_moving_mean_of_its_vectors(self) -> None:
        quantiser, vectors = self.clusters()
        quantiser.codebook.copy_(vectors[:4] + 0.5)
        quantiser.sums.copy_(quantiser.codebook * 50)
        quantiser.counts.fill_(50)
        quantiser.started.fill_(True)
        before = quantiser.codebook.clone()
        quantiser(vectors, seeded())
        means = torch.stack([vectors[k::4].mean(0) for k in range(4)])
        assert torch.allclose(quantiser.codebook, (before + means) / 2, atol=1e-3)

    def test_without_rng_nothing_moves_and_the_gradient_passes_straight_through(self) -> None:
        quantiser, vectors = self.clusters()
        before = {name: value.clone() for name, value in quantiser.state_dict().items()}
        vectors.requires_grad_()
        quantised, _, _ = quantiser(vectors)
        quantised.sum().backward()
        assert all(torch.equal(value, before[name]) for name, value in quantiser.state_dict().items())
        expected = quantiser.project_out.weight.sum(0) @ quantiser.project_in.weight
        assert torch.allclose(vectors.grad, expected.expand_as(vectors), atol=1e-6)

    def test_an_idle_code_begins_again_at_a_vector(self) -> None:
        quantiser, vectors = self.clusters()
        quantiser.revive_below = 0.1
        quantiser.started.fill_(True)
        quantiser.codebook.copy_(torch.tensor([[5.0, 0], [0, 5], [-5, 0], [900, 900]]))
        quantiser(vectors, seeded())
        assert float(torch.cdist(quantiser.codebook[3:], vectors).min()) == 0


def test_masking_a_batch_is_masking_each_example() -> None:
    draws = [torch.rand(5, 1, generator=seeded(1)), torch.rand(5, 12, generator=seeded(2))]
    left = iter(draws)
    hidden = random_mask(5, 12, lambda _: next(left))
    for row, ratio, score in zip(hidden, *draws, strict=True):
        known = min(11, math.floor(math.cos(float(ratio) * math.pi / 2) * 12))
        expected = torch.ones(12, dtype=torch.bool)
        expected[score.topk(known, largest=False).indices] = False
        assert torch.equal(row, expected)


@pytest.mark.parametrize("steps", [1, 3, 10, 40])
def test_everything_is_unmasked_in_the_stated_number_of_steps_along_the_cosine(steps: int) -> None:
    rng, seen = seeded(), []

    def logits_of(tokens: torch.Tensor) -> torch.Tensor:
        seen.append((tokens == 9).sum(1))
        return torch.zeros(4, 20, 9)

    drawn = unmask(
        logits_of, 4, 20, 9, steps=steps, temperature=10.0, uniform=lambda shape: torch.rand(shape, generator=rng)
    )
    assert len(seen) == steps
    assert int(drawn.max()) < 9
    assert [set(hidden.tolist()) for hidden in seen[1:]] == [{hidden_after(k, steps, 20)} for k in range(1, steps)]


def test_a_drawn_token_stays_and_tokens_follow_their_probabilities() -> None:
    rng = seeded()
    logits = torch.tensor([0.1, 0.6, 0.3]).log().expand(2000, 1, 3)
    drawn = unmask(
        lambda _: logits, 2000, 1, 3, steps=1, temperature=0.0, uniform=lambda shape: torch.rand(shape, generator=rng)
    )
    shares = torch.bincount(drawn.flatten(), minlength=3) / 2000
    assert torch.allclose(shares, torch.tensor([0.1, 0.6, 0.3]), atol=0.04)


def test_the_second_phase_leaves_codebooks_and_statistics_alone() -> None:
    torch.manual_seed(0)
    generator = build("time_vqvae", EEG, **TINY)
    generator.train()
    generator.scaling.fit([batch()])
    generator.loss(batch(), "tokeniser", seeded())
    before = {name: value.clone() for name, value in generator.named_buffers()}
    generator.loss(batch(), "prior", seeded())
    assert bool(before["tokeniser.low.quantiser.started"])
    assert all(torch.equal(value, before[name]) for name, value in generator.named_buffers())
    assert set(before) - {name for name in before if name.startswith("scaling.")} <= set(generator.state_dict())


def test_the_same_rng_gives_the_same_codebooks_whatever_the_global_state() -> None:
    books = []
    for state in (1, 2):
        torch.manual_seed(0)
        generator = build("time_vqvae", EEG, dropout=0.3, **TINY)
        generator.scaling.fit([batch()])
        torch.manual_seed(state)
        generator.loss(batch(), "tokeniser", seeded())
        books.append(generator.tokeniser["high"].quantiser.codebook)
    assert torch.equal(*books)


def test_paper_has_the_tokens_of_the_source_and_short_examples_are_refused() -> None:
    spec = DataSpec("ecg", (12, 1000), "mV", 100.0)
    generator = build("time_vqvae", spec, preset="paper")
    assert [band.tokens for band in generator.tokeniser.values()] == [7, 62]
    with pytest.raises(SpecMismatch, match="at least 32"):
        build("time_vqvae", DataSpec("eeg", (1, 31), "uV", 100.0))
