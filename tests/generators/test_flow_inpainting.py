"""Infilling by the rectified flow: what is known stays, what follows from it agrees, what is new is new."""

from __future__ import annotations

import pytest
import torch

from synth_core.errors import InvalidSetting, SpecMismatch
from synth_core.generators.flow import Flow
from synth_core.generators.inpainting import Known, infill, keep_all_but, random_keep
from synth_core.leads import TWELVE_LEADS, lead_matrix
from synth_core.training import load_generator
from synth_core.types import Batch, Condition, DataSpec
from synth_core.workspace import SHIPPED_MODELS
from tests.generators.flows import fitted_to
from tests.generators.seeds import seeded

EEG = DataSpec("eeg", (4, 90), "uV", 100.0, ("Fz", "Cz", "Pz", "Oz"), ("a", "b"))
ECG = DataSpec("ecg", (12, 100), "mV", 100.0, TWELVE_LEADS)
CT = DataSpec("ct", (1, 24, 20), "HU", 0.25)


def examples(spec: DataSpec, n: int = 6) -> Batch:
    values = torch.randn(n, *spec.shape, generator=seeded(11))
    if spec.modality == "ecg":
        values = torch.from_numpy(lead_matrix(spec.channels)) @ values[:, :8]
    return Batch(values * (1 if spec.modality == "ecg" else 30), spec)


def fitted(spec: DataSpec, **config: float) -> tuple[Flow, Batch]:
    batch = examples(spec)
    return fitted_to(batch, **({"steps": 3} | config)), batch


def everyday_parts(spec: DataSpec) -> torch.Tensor:
    if spec.is_image:
        return keep_all_but(spec, region=(4, 5, 12, 15))
    return keep_all_but(spec, channels=spec.channels[1:2]) & keep_all_but(spec, span=(0.2, 0.4))


@pytest.mark.parametrize("infilling", [0.0, 0.5])
@pytest.mark.parametrize("spec", [EEG, ECG, CT], ids=lambda spec: spec.modality)
def test_known_values_come_back_exactly_and_the_rest_is_new(spec: DataSpec, infilling: float) -> None:
    generator, batch = fitted(spec, infilling=infilling)
    keep = everyday_parts(spec).expand_as(batch.values)
    made = generator.inpaint(batch, keep, rng=seeded()).values
    assert torch.equal(made[keep], batch.values[keep])
    assert torch.isfinite(made).all()
    span = made[~keep & (torch.rand(keep.shape, generator=seeded()) < 0.5)]
    assert not torch.equal(span, batch.values[~keep][: len(span)])
    other = generator.inpaint(batch, keep, rng=seeded(1)).values
    assert not torch.equal(made, other)
    assert torch.equal(made, generator.inpaint(batch, keep, rng=seeded()).values)


def test_what_is_not_kept_has_no_influence() -> None:
    generator, batch = fitted(EEG)
    keep = keep_all_but(EEG, channels=["Cz"])
    hidden = torch.where(keep, batch.values, torch.nan)
    made = generator.inpaint(Batch(hidden, EEG), keep, rng=seeded()).values
    assert torch.equal(made, generator.inpaint(batch, keep, rng=seeded()).values)


@pytest.mark.parametrize("lost", [["III"], ["I"], ["II", "aVR", "aVF"], ["I", "II", "aVL", "aVF"]])
def test_limb_leads_that_two_known_ones_determine_are_the_true_ones(lost: list[str]) -> None:
    generator, batch = fitted(ECG)
    made = generator.inpaint(batch, keep_all_but(ECG, channels=lost), rng=seeded()).values
    torch.testing.assert_close(made, batch.values, atol=1e-4, rtol=1e-4)


def test_einthoven_holds_when_one_limb_lead_is_known_and_when_none_is() -> None:
    generator, batch = fitted(ECG)
    for lost in (["I", "II", "aVR", "aVL", "aVF"], ["I", "II", "III", "aVR", "aVL", "aVF"]):
        made = generator.inpaint(batch, keep_all_but(ECG, channels=lost), rng=seeded()).values
        torch.testing.assert_close(made[:, 2], made[:, 1] - made[:, 0], atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(made[:, 3], -(made[:, 0] + made[:, 1]) / 2, atol=1e-4, rtol=1e-4)
        assert (made[:, 0] - batch.values[:, 0]).abs().mean() > 0.1


def test_the_smallest_change_is_made_to_agree_with_a_single_limb_lead() -> None:
    generator, batch = fitted(ECG)
    known = Known(generator.scaling, batch, keep_all_but(ECG, channels=[x for x in TWELVE_LEADS if x != "III"]))
    filled = known.fill(torch.zeros_like(batch.values))
    torch.testing.assert_close(filled[:, 1], batch.values[:, 2] / 2, atol=1e-5, rtol=1e-4)  # III = II − I
    torch.testing.assert_close(filled[:, 0], -batch.values[:, 2] / 2, atol=1e-5, rtol=1e-4)


def test_an_estimate_that_is_right_is_reached_whatever_the_noise() -> None:
    truth = torch.randn(3, 2, 10, generator=seeded(2))
    times, noise = torch.linspace(0, 1, 6), seeded(3)
    for resampling in (1, 4):
        made = infill(
            lambda x, t: truth, lambda x: x, lambda: torch.randn(truth.shape, generator=noise), times, resampling
        )
        torch.testing.assert_close(made, truth)


def test_going_back_keeps_the_noise_at_the_level_of_its_time() -> None:
    seen: list[tuple[float, float]] = []

    def estimate(x: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        seen.append((float(time), float(x.std())))
        return torch.zeros_like(x)

    rng = seeded()
    infill(estimate, lambda x: x, lambda: torch.randn(50_000, generator=rng), torch.linspace(0, 1, 5), 3)
    assert len(seen) == 8  # one step from pure noise, three of each that goes on, one to the end
    assert all(abs(std - (1 - time)) < 0.02 for time, std in seen)


def test_channels_for_the_network_say_what_is_known_and_where() -> None:
    generator, batch = fitted(ECG)
    known = Known(generator.scaling, batch, keep_all_but(ECG, channels=["II", "V1"])).channels()
    assert known.shape == (6, 16, 100)
    flags = known[:, 8:].mean((0, 2))
    assert flags.tolist() == [1, 1, 0, 1, 1, 1, 1, 1]  # II follows from the other limb leads, V1 from nothing
    blind = Known(generator.scaling, batch, torch.zeros(1, *ECG.shape, dtype=torch.bool)).channels()
    assert float(blind.abs().max()) < 1e-3


def test_training_hides_spans_channels_and_everything() -> None:
    keep = random_keep(EEG, 400, 0.5, seeded())
    whole = keep.flatten(1)
    assert 0.4 < (~whole.any(1)).float().mean() < 0.62
    spans = (keep.any(1) == keep.all(1)).all(1) & whole.any(1)
    channels = (keep.any(2) == keep.all(2)).all(1) & whole.any(1)
    assert 0.15 < spans.float().mean() < 0.35
    assert 0.15 < channels.float().mean() < 0.35
    assert random_keep(CT, 50, 1.0, seeded()).any()


def test_a_network_that_was_trained_to_infill_answers_to_what_is_known() -> None:
    generator, batch = fitted(EEG, infilling=1.0, steps=2)
    optimizer = generator.optimizer("flow")
    losses = []
    for step in range(30):
        optimizer.zero_grad()
        loss = generator.loss(batch, "flow", seeded(step % 3))["total"]
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert sum(losses[-3:]) < sum(losses[:3])
    assert torch.isfinite(generator.sample(2, rng=seeded()).values).all()


def test_a_condition_is_asked_for_and_one_that_is_unknown_is_left_aside() -> None:
    generator, batch = fitted(EEG)
    optimizer = generator.optimizer("flow")
    labelled = Batch(batch.values, EEG, Condition(labels=torch.eye(2)[[0, 1] * 3]))
    for step in range(3):
        optimizer.zero_grad()
        generator.loss(labelled, "flow", seeded(step))["total"].backward()
        optimizer.step()
    keep = keep_all_but(EEG, span=(0.2, 0.6))
    one = generator.inpaint(labelled, keep, rng=seeded())
    assert not torch.equal(one.values, generator.inpaint(batch, keep, rng=seeded()).values)
    assert one.condition.labels is not None


def test_parts_that_are_not_there_are_refused_with_a_sentence() -> None:
    with pytest.raises(InvalidSetting, match="no channel 'V9'"):
        keep_all_but(ECG, channels=["V9"])
    with pytest.raises(InvalidSetting, match=r"0 … 1 s"):
        keep_all_but(ECG, span=(0.5, 1.5))
    with pytest.raises(InvalidSetting, match="pixels"):
        keep_all_but(CT, region=(0, 0, 30, 10))
    with pytest.raises(InvalidSetting, match="a region"):
        keep_all_but(CT)
    with pytest.raises(InvalidSetting, match="part of a slice"):
        keep_all_but(ECG, region=(0, 0, 1, 1))


def test_misuse_of_inpaint_is_refused_with_a_sentence() -> None:
    generator, batch = fitted(EEG)
    keep = keep_all_but(EEG, channels=["Cz"])
    with pytest.raises(SpecMismatch, match="bool of shape"):
        generator.inpaint(batch, keep.float(), rng=seeded())
    with pytest.raises(SpecMismatch, match="another kind"):
        generator.inpaint(examples(ECG), keep, rng=seeded())
    with pytest.raises(InvalidSetting, match="not a finite number"):
        generator.inpaint(Batch(batch.values * torch.nan, EEG), keep, rng=seeded())
    with pytest.raises(InvalidSetting, match="repetitions"):
        generator.inpaint(batch, keep, rng=seeded(), resampling=0)


def test_a_lead_made_by_a_shipped_model_follows_the_other_eleven() -> None:
    generator = load_generator(SHIPPED_MODELS / "ptbxl", device="cpu")
    assert isinstance(generator, Flow)
    true = generator.sample(4, rng=seeded(5), steps=6)
    lead = TWELVE_LEADS.index("V3")
    made = generator.inpaint(true, keep_all_but(true.spec, channels=["V3"]), rng=seeded(6), steps=6).values[:, lead]
    pairs = [torch.corrcoef(torch.stack([made[k], true.values[k, lead]]))[0, 1] for k in range(4)]
    assert torch.stack(pairs).median() > 0.7
