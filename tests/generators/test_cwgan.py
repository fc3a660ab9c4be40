import pytest
import torch
from torch import nn

from synth_core.generators import Generator, build
from synth_core.generators.cwgan import weight_histogram
from synth_core.types import Batch, Condition, DataSpec
from tests.generators.seeds import seeded

EEG = DataSpec("eeg", (1, 90), "uV", 100.0, (), ("control", "patient"))
SMALL = {"channels": 32, "latent": 8}


def batch() -> Batch:
    condition = Condition(labels=torch.eye(2).repeat(8, 1), severity=torch.linspace(0, 1, 16))
    return Batch(torch.randn(16, 1, 90, generator=seeded()), EEG, condition)


def test_the_paper_preset_holds_the_weights_of_its_critic_within_c_and_those_of_its_generator_not() -> None:
    generator = build("cwgan", EEG, preset="paper", **SMALL)
    for phase in ("critic", "generator"):
        optimizer = generator.optimizer(phase)
        assert isinstance(optimizer, torch.optim.RMSprop)
        generator.loss(batch(), phase, seeded())["total"].backward()
        optimizer.step()
    assert max(float(p.detach().abs().max()) for p in generator.critic.parameters()) <= 0.01
    assert max(float(p.detach().abs().max()) for p in generator.generator.parameters()) > 0.01


def test_the_histogram_of_known_weights_is_known() -> None:
    layer = nn.Linear(8, 1, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[0.0, 0.002, -0.003, 0.006, -0.0074, 0.008, 0.01, -0.02]]))
    shares = {name: float(value) for name, value in weight_histogram(layer, 0.01).items()}
    assert shares == {
        "weights_at_clip": 0.25,
        "weights_q1": 0.25,
        "weights_q2": 0.125,
        "weights_q3": 0.25,
        "weights_q4": 0.375,
    }


def test_clipping_piles_the_weights_up_at_c_as_its_critics_say() -> None:
    torch.manual_seed(0)
    generator = build("cwgan", EEG, preset="paper", **SMALL)
    optimizer, shares = generator.optimizer("critic"), []
    for step in range(30):
        optimizer.zero_grad()
        terms = generator.loss(batch(), "critic", seeded(step))
        terms["total"].backward()
        optimizer.step()
        shares.append(float(terms["weights_at_clip"]))
    assert shares[-1] > 0.1
    assert float(terms["weights_q4"]) > float(terms["weights_q1"])


@pytest.mark.parametrize(
    ("constraint", "objective"), [("clip", "wasserstein"), ("gp", "wasserstein"), ("spectral", "hinge")]
)
def test_each_constraint_steps_and_says_what_it_measures(constraint: str, objective: str) -> None:
    generator = build("cwgan", EEG, constraint=constraint, **SMALL)
    terms = generator.loss(batch(), "critic", seeded())
    assert generator.objective == objective
    assert ("penalty" in terms) == (constraint == "gp")
    assert all(torch.isfinite(value) for value in terms.values())


def test_severity_alone_moves_the_sample() -> None:
    generator = build("cwgan", EEG, **SMALL)
    mild, grave = (generator.sample(Condition(severity=torch.tensor([s])), rng=seeded()).values for s in (0.1, 0.9))
    assert not torch.equal(mild, grave)


def test_a_severity_that_signals_carry_as_amplitude_is_learned() -> None:
    torch.manual_seed(0)
    spec = DataSpec("eeg", (1, 32), "uV", 100.0)
    severity = torch.rand(256, generator=seeded())
    values = (1 + 9 * severity).view(-1, 1, 1) * torch.randn(256, 1, 32, generator=seeded(1))
    data = Batch(values, spec, Condition(severity=severity))
    rates = {"generator_rate": 1e-3, "critic_rate": 1e-3, "critic_steps": 2, "severity_dropout": 0}
    generator = build("cwgan", spec, channels=32, latent=16, **rates)
    generator.scaling.fit([data])
    assert amplitude(generator, 0.9) < 1.3 * amplitude(generator, 0.1)
    optimizers = {phase.name: generator.optimizer(phase.name) for phase in generator.phases}
    for step in range(1, 201):
        part = data.select(torch.randperm(256, generator=seeded(step))[:32].tolist())
        for phase in [phase for phase in generator.phases if step % phase.every == 0]:
            generator.zero_grad()
            generator.loss(part, phase.name, seeded(step))["total"].backward()
            optimizers[phase.name].step()
    assert amplitude(generator, 0.9) > 1.6 * amplitude(generator, 0.1)


def amplitude(generator: Generator, severity: float) -> float:
    return float(generator.sample(Condition(severity=torch.full((64,), severity)), rng=seeded()).values.std())
