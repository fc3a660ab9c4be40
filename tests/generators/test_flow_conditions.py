"""What the flow can be asked for: several labels at once, and any subset of labels, severity and lesion mask."""

from __future__ import annotations

import itertools

import pytest
import torch

from synth_core.generators.flow import Flow
from synth_core.generators.nets.embedding import ConditionEmbedding
from synth_core.generators.solvers import SOLVERS
from synth_core.types import Batch, Condition, DataSpec
from tests.generators.flows import fitted_to
from tests.generators.seeds import seeded

CT = DataSpec("ct", (1, 16, 20), "HU", 0.25, (), ("a", "b", "c"))
ECG = DataSpec("ecg", (2, 64), "mV", 100.0, ("V1", "V2"), ("a", "b", "c"))
SEVERAL = torch.tensor([[1.0, 1, 0], [0, 1, 1], [1, 1, 1], [0, 0, 0], [1, 0, 0], [0, 1, 0]])


def fitted(spec: DataSpec, n: int = 6, **config: object) -> tuple[Flow, Batch]:
    batch = Batch(40 + 20 * torch.randn(n, *spec.shape, generator=seeded(11)), spec)
    return fitted_to(batch, **config), batch


def trained(generator: Flow, batch: Batch, condition: Condition, steps: int = 3) -> None:
    optimizer = generator.optimizer("flow")
    for step in range(steps):
        optimizer.zero_grad()
        generator.loss(Batch(batch.values, batch.spec, condition), "flow", seeded(step))["total"].backward()
        optimizer.step()


def test_several_labels_train_and_each_combination_is_a_request_of_its_own() -> None:
    generator, batch = fitted(ECG)
    trained(generator, batch, Condition(labels=SEVERAL))
    drawn = generator.sample(Condition(labels=SEVERAL), rng=seeded())
    assert torch.equal(drawn.condition.labels, SEVERAL)
    same_noise = [generator.sample(Condition(labels=SEVERAL[[k]]), rng=seeded()).values for k in range(6)]
    assert all(not torch.equal(one, two) for one, two in itertools.combinations(same_noise, 2))


def test_combinations_of_labels_are_drawn_as_often_as_training_saw_them() -> None:
    generator, batch = fitted(ECG, n=4)
    labels = torch.tensor([[1.0, 1, 0], [1, 1, 0], [1, 1, 0], [0, 0, 1]])
    generator.scaling.fit([Batch(batch.values, ECG, Condition(labels=labels))])
    drawn = generator.sample(200, rng=seeded(), steps=1).condition.labels
    assert {tuple(row) for row in drawn.tolist()} == {(1.0, 1.0, 0.0), (0.0, 0.0, 1.0)}
    assert 0.65 < float(drawn[:, 0].mean()) < 0.85


@pytest.mark.parametrize("guidance", [1.0, 2.0])
def test_any_subset_of_conditions_trains_and_samples_and_each_part_matters(guidance: float) -> None:
    parts = {"labels": SEVERAL, "severity": torch.linspace(0, 1, 6), "mask": torch.zeros(6, 1, 16, 20)}
    parts["mask"][:, :, 4:10, 4:10] = 1
    generator, batch = fitted(CT)
    drawn = []
    for count in range(4):
        for chosen in itertools.combinations(parts, count):
            trained(generator, batch, Condition(**{name: parts[name] for name in chosen}), steps=2)
    for count in range(1, 4):
        for chosen in itertools.combinations(parts, count):
            asked = Condition(**{name: parts[name][:2] for name in chosen})
            drawn.append(generator.sample(asked, rng=seeded(), guidance=guidance).values)
    assert all(torch.isfinite(values).all() for values in drawn)
    assert all(not torch.equal(one, two) for one, two in itertools.combinations(drawn, 2))


def test_severity_alone_can_be_missing_for_some_examples() -> None:
    torch.manual_seed(0)
    embedding = ConditionEmbedding(3, 8)
    labels, severity = SEVERAL[:2], torch.tensor([0.2, 0.9])
    keep = torch.tensor([True, True])
    rows = embedding(Condition(labels=labels, severity=severity), 2, keep, torch.tensor([True, False]))
    torch.testing.assert_close(rows[0], embedding(Condition(labels=labels, severity=severity), 2)[0])
    torch.testing.assert_close(rows[1], embedding(Condition(labels=labels), 2)[1])


def test_training_leaves_labels_and_severity_out_together_and_each_on_its_own() -> None:
    generator, _ = fitted(ECG, part_dropout=0.5, condition_dropout=0.2)
    n = 4000
    both, alone = Condition(labels=SEVERAL[:1].expand(n, -1), severity=torch.ones(n)), Condition(severity=torch.ones(n))
    labels, severity = generator._kept_parts(both, n, seeded())
    shares = [(a & b).float().mean().item() for a in (labels, ~labels) for b in (severity, ~severity)]
    assert shares == pytest.approx([0.2, 0.2, 0.2, 0.4], abs=0.03)
    assert generator._kept_parts(alone, n, seeded())[1].float().mean().item() == pytest.approx(0.8, abs=0.03)


@pytest.mark.parametrize(("name", "order"), [("heun", 2), ("ab2", 2)])
def test_halving_the_step_divides_the_error_by_two_to_the_order(name: str, order: int) -> None:
    def error(steps: int) -> float:
        times = torch.linspace(0, 1, steps + 1, dtype=torch.float64)
        end = SOLVERS[name](lambda x, t: x * torch.cos(3 * t), torch.ones(1, dtype=torch.float64), times, closing=False)
        return abs(float(end) - float(torch.sin(torch.tensor(3.0)).div(3).exp()))

    assert 2**order * 0.8 < error(40) / error(80) < 2**order * 1.25


@pytest.mark.parametrize("name", sorted(SOLVERS))
def test_every_solver_is_exact_where_the_data_are_one_point_and_counts_its_evaluations(name: str) -> None:
    calls: list[float] = []

    def velocity(x: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        calls.append(float(time))
        return (3.0 - x) / (1 - time)

    times = torch.tensor([0.0, 0.2, 0.5, 0.9, 1.0])
    end = SOLVERS[name](velocity, torch.randn(5, generator=seeded()), times, closing=True)
    torch.testing.assert_close(end, torch.full((5,), 3.0))
    assert len(calls) == (7 if name == "heun" else 4)


def test_a_gaussian_comes_out_with_its_own_spread_from_few_steps_of_dpm2m() -> None:
    spread = 0.5

    def velocity(x: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        variance = (1 - time) ** 2 + (time * spread) ** 2  # exact velocity of N(0, spread²), from noise N(0, 1)
        return x * (time * spread**2 - (1 - time)) / variance

    times = torch.cat([torch.zeros(1), torch.linspace(-3, 3.5, 9).sigmoid(), torch.ones(1)])
    end = SOLVERS["dpm2m"](velocity, torch.ones(1), times, closing=True)
    euler_like = SOLVERS["dpm2m"](velocity, torch.ones(1), times[[0, 3, 7, 10]], closing=True)
    assert abs(float(end) - spread) < 0.02
    assert abs(float(end) - spread) < abs(float(euler_like) - spread)
