"""The flow on latents of an autoencoder: two phases, each with its own parameters."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from synth_core.errors import InvalidSetting
from synth_core.generators.flow import Flow
from synth_core.generators.inpainting import keep_all_but
from synth_core.generators.nets.autoencoder import Autoencoder
from synth_core.leads import TWELVE_LEADS
from synth_core.training import load_generator, save_generator
from synth_core.training.loop import active_phases
from synth_core.types import Batch, Condition, DataSpec
from tests.generators.flows import fitted_to
from tests.generators.seeds import seeded

ECG = DataSpec("ecg", (12, 130), "mV", 100.0, TWELVE_LEADS, ("a", "b"))
CT = DataSpec("ct", (1, 30, 36), "HU", 0.25, (), ("a", "b"))


def fitted(spec: DataSpec, **config: object) -> tuple[Flow, Batch]:
    slow = torch.randn(8, *spec.shape, generator=seeded(11)).cumsum(-1)
    slow = 40 + 20 * slow if spec.is_image else slow
    batch = Batch(slow, spec, Condition(labels=torch.eye(2)[[0, 1] * 4]))
    return fitted_to(batch, **({"latent": 4} | config)), batch


def trained(generator: Flow, batch: Batch, phase: str, steps: int) -> list[float]:
    optimizer, losses = generator.optimizer(phase), []
    for step in range(steps):
        optimizer.zero_grad()
        loss = generator.loss(batch, phase, seeded(100 + step % 4))["total"]
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return losses


@pytest.mark.parametrize("spec", [ECG, CT], ids=lambda spec: spec.modality)
class TestLatentFlow:
    def test_each_phase_moves_its_own_parameters_and_both_losses_fall(self, spec: DataSpec) -> None:
        generator, batch = fitted(spec)
        for phase in ("autoencoder", "flow"):
            before = {name: value.clone() for name, value in generator.state_dict().items()}
            losses = trained(generator, batch, phase, 24)
            moved = {name for name, value in generator.state_dict().items() if not torch.equal(value, before[name])}
            assert moved
            assert all(name.startswith("autoencoder.") == (phase == "autoencoder") for name in moved)
            assert sum(losses[-4:]) < sum(losses[:4])

    def test_samples_are_of_the_declared_shape_and_survive_saving(self, spec: DataSpec, tmp_path) -> None:
        generator, batch = fitted(spec)
        trained(generator, batch, "autoencoder", 2)
        drawn = generator.sample(3, rng=seeded()).values
        assert drawn.shape == (3, *spec.shape)
        loaded = load_generator(save_generator(generator, tmp_path / "model"), device="cpu")
        assert torch.equal(loaded.sample(3, rng=seeded()).values, drawn)

    def test_known_values_come_back_exactly_through_the_autoencoder(self, spec: DataSpec) -> None:
        generator, batch = fitted(spec)
        keep = keep_all_but(spec, region=(5, 5, 20, 20)) if spec.is_image else keep_all_but(spec, channels=["V2"])
        made = generator.inpaint(batch, keep, rng=seeded()).values
        known = keep.expand_as(made)
        assert torch.equal(made[known], batch.values[known])


def test_the_phases_follow_one_another_for_the_latent_variant_alone() -> None:
    latent, _ = fitted(ECG)
    assert [active_phases(latent.phases, step, 100)[0].name for step in (1, 30, 31, 100)] == [
        "autoencoder",
        "autoencoder",
        "flow",
        "flow",
    ]
    plain, _ = fitted(ECG, latent=1)
    assert [phase.name for phase in plain.phases] == ["flow"]


@pytest.mark.parametrize(("size", "stages"), [((1000,), 3), ((130,), 2), ((256, 256), 2), ((30, 36), 3)])
def test_latents_are_fewer_of_unit_variance_and_lead_back_to_the_size(size: tuple[int, ...], stages: int) -> None:
    torch.manual_seed(0)
    autoencoder = Autoencoder(2, size, stages=stages, width=8)
    x = 5 * torch.randn(2, 2, *size, generator=seeded())
    latents = autoencoder.encode(x)
    assert latents[0].numel() < 0.8 * x[0].numel()
    assert abs(float(latents.detach().std()) - 1) < 0.02
    assert autoencoder.decode(latents).shape == x.shape


def test_what_lies_in_few_components_comes_back_almost_unchanged() -> None:
    torch.manual_seed(0)
    time = torch.linspace(0, 12.0, 120)
    x = torch.sin(time + 6.0 * torch.rand(16, 2, 1, generator=seeded()))
    autoencoder = Autoencoder(2, (120,), stages=2, width=8)
    optimizer = torch.optim.AdamW(autoencoder.parameters(), lr=5e-3)
    for _ in range(80):
        optimizer.zero_grad()
        F.mse_loss(autoencoder(x, seeded()), x).backward()
        optimizer.step()
    rebuilt = autoencoder.eval().decode(autoencoder.encode(x)).detach()
    assert float((rebuilt - x).norm() / x.norm()) < 0.1


def test_a_lesion_mask_reaches_the_latents() -> None:
    generator, batch = fitted(CT)
    mask = torch.zeros(8, 1, 30, 36)
    mask[:, :, 4:20, 4:20] = 1
    masked = Batch(batch.values, CT, Condition(labels=batch.condition.labels, mask=mask))
    trained(generator, masked, "autoencoder", 10)
    trained(generator, masked, "flow", 3)
    without = generator.sample(Condition(mask=mask[:1] * 0), rng=seeded()).values
    assert not torch.equal(without, generator.sample(Condition(mask=mask[:1]), rng=seeded()).values)


def test_what_latents_cannot_do_is_refused_with_a_sentence() -> None:
    with pytest.raises(InvalidSetting, match="turn infilling"):
        fitted(ECG, infilling=0.5)
    with pytest.raises(InvalidSetting, match="factorised"):
        fitted(ECG, mixing="factorised")
