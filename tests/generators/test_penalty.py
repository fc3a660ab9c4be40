"""Penalties against closed forms: the gradient of a linear critic is its weight, wherever it is taken."""

import pytest
import torch
from torch import nn

from synth_core.generators.nets.penalty import (
    clip_after_step,
    gradient_norms,
    lipschitz_penalty,
    penalty_points,
    spectrally_normalised,
)
from tests.generators.seeds import seeded

WEIGHT = torch.tensor([3.0, -4.0])


def linear(x: torch.Tensor) -> torch.Tensor:
    return x @ WEIGHT


@pytest.mark.parametrize("exact", [True, False])
def test_the_penalty_of_a_linear_critic_is_its_norm_minus_one_squared(exact: bool) -> None:
    points = torch.randn(6, 2)
    assert float(lipschitz_penalty(gradient_norms(linear, points, exact=exact))) == pytest.approx(16, rel=1e-2)
    assert gradient_norms(linear, points, norm="l1", exact=exact).tolist() == pytest.approx([7] * 6, rel=1e-2)


def test_one_sided_it_leaves_a_flat_critic_alone_and_holds_a_steep_one() -> None:
    norms = torch.tensor([0.2, 3.0])
    assert float(lipschitz_penalty(norms)) == pytest.approx((0.64 + 4) / 2)
    assert float(lipschitz_penalty(norms, one_sided=True)) == pytest.approx(2)


@pytest.mark.parametrize("exact", [True, False])
def test_its_gradient_with_respect_to_the_weight_is_the_closed_form(exact: bool) -> None:
    weight = WEIGHT.clone().requires_grad_(True)
    lipschitz_penalty(gradient_norms(lambda x: x @ weight, torch.randn(4, 2), exact=exact)).backward()
    assert weight.grad is not None
    assert torch.allclose(weight.grad, 2 * (5 - 1) * WEIGHT / 5, rtol=0.02)  # 2 (|w| − 1) w / |w|


def test_the_finite_difference_agrees_with_the_exact_norm_of_a_curved_critic() -> None:
    torch.manual_seed(0)
    critic = nn.Sequential(nn.Linear(5, 16), nn.Tanh(), nn.Linear(16, 1), nn.Flatten(0))
    points = torch.randn(20, 5)
    assert torch.allclose(gradient_norms(critic, points), gradient_norms(critic, points, exact=False), rtol=0.05)


class TestPenaltyPoints:
    real, fake = torch.zeros(200, 1, 8), torch.ones(200, 1, 8)

    def test_uniform_ones_lie_on_the_line_between_a_pair(self) -> None:
        points = penalty_points(self.real, self.fake, "uniform", seeded())
        assert torch.equal(points.amin(-1), points.amax(-1))
        assert abs(float(points.mean()) - 0.5) < 0.1
        assert 0 <= float(points.min()) < 0.05 < 0.95 < float(points.max()) <= 1

    def test_convex_ones_mix_four_examples_with_shares_that_sum_to_one(self) -> None:
        examples = torch.eye(400)[:, None]
        points = penalty_points(examples[:200], examples[200:], "convex", seeded())
        assert torch.allclose(points.sum(-1), torch.ones(200, 1))
        assert ((points > 0).sum(-1) == 4).all()
        shares = points[points > 0]
        assert abs(float((shares > 0.5).float().mean()) - 1 / 8) < 0.04  # P(share > a) = (1 − a)³ on the simplex

    def test_local_ones_stay_by_the_real_examples(self) -> None:
        real = torch.randn(50, 1, 40, generator=seeded())
        offset = penalty_points(real, real + 100, "local", seeded()) - real
        assert 0 <= float(offset.min()) < float(offset.max()) <= 0.5 * float(real.std()) + 1e-6


def test_clipping_keeps_every_weight_within_c() -> None:
    layer = nn.Linear(10, 10)
    optimizer = clip_after_step(torch.optim.RMSprop(layer.parameters(), lr=0.1), layer.parameters(), 0.01)
    layer(torch.randn(5, 10)).sum().backward()
    assert max(float(p.detach().abs().max()) for p in layer.parameters()) > 0.01
    optimizer.step()
    assert max(float(p.detach().abs().max()) for p in layer.parameters()) <= 0.01


def test_a_spectrally_normalised_layer_has_a_largest_singular_value_of_one() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(12, 30), nn.ReLU(), nn.Linear(30, 4))
    spectrally_normalised(network)
    for _ in range(50):
        network(torch.randn(3, 12))
    for layer in (network[0], network[2]):
        assert float(torch.linalg.matrix_norm(layer.weight.detach(), 2)) == pytest.approx(1, abs=1e-3)
