"""Every generator in the registry, on every modality it declares: a new one is tested the day it is registered."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from synth_core.errors import InvalidSetting, ModelError, SpecMismatch
from synth_core.generators import REGISTRY, Generator, build
from synth_core.leads import TWELVE_LEADS
from synth_core.training import load_generator, save_generator
from synth_core.types import UNITS, Batch, Condition, DataSpec
from tests.generators.seeds import seeded

SHAPES = {"eeg": (2, 90), "ecg": (3, 130), "ct": (1, 20, 24)}
SMALL = {
    "cwgan": {"channels": 32, "latent": 16},
    "flow": {"dim": 32, "depth": 2, "width": 8, "steps": 3},
    "gan": {"hidden": 16, "latent": 16},
    "heartbeat": {"components": 8, "noise_components": 8, "width": 32, "steps": 3},
    "wavegan": {"channels": 8, "latent": 16},
    "diffwave": {"width": 8, "layers": 4, "steps": 5},
    "time_diffusion": {"width": 8, "stages": 3, "steps": 3},
    "time_vqvae": {
        "stem": 4,
        "dim": 16,
        "codes": 32,
        "prior_width": 16,
        "prior_depth": 1,
        "high_width": 16,
        "high_depth": 1,
        "low_columns": 8,
        "high_columns": 16,
        "steps": 3,
    },
    "wgan_gp": {"channels": 32, "latent": 16},
}
CASES = [(name, modality) for name, kind in sorted(REGISTRY.items()) for modality in sorted(kind.modalities)]


def spec_of(modality: str) -> DataSpec:
    return DataSpec(modality, SHAPES[modality], UNITS[modality], 100.0, (), ("a", "b", "c"))  # type: ignore[arg-type]


def examples(spec: DataSpec, n: int = 12) -> Batch:
    rng = torch.Generator().manual_seed(1)
    labels = torch.eye(3)[torch.arange(n) % 3]
    level = (torch.arange(n) % 3).float().view(n, *[1] * len(spec.shape))
    values = 30 * (level + torch.randn(n, *spec.shape, generator=rng))
    return Batch(values, spec, Condition(labels=labels), tuple(f"s{i}" for i in range(n)))


def fitted(name: str, modality: str) -> tuple[Generator, Batch]:
    torch.manual_seed(0)
    generator = build(name, spec_of(modality), **SMALL.get(name, {}))
    batch = examples(generator.spec)
    generator.scaling.fit([batch])
    return generator, batch


def step_each_phase(generator: Generator, batch: Batch, steps: int = 3) -> None:
    """A few steps of every phase: a zero-initialised head ignores everything until it has moved."""
    for phase in generator.phases:
        optimizer = generator.optimizer(phase.name)
        for step in range(steps):
            optimizer.zero_grad()
            generator.loss(batch, phase.name, seeded(step))["total"].backward()
            optimizer.step()


class Arithmetic(TorchDispatchMode):
    """Multiplications and additions of what runs inside: `FlopCounterMode` itself breaks on gradients of gradients."""

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        if counted := flop_registry.get(func._overloadpacket):
            self.total += counted(*args, **(kwargs or {}), out_val=out)
        return out


def cost_of_a_loss(name: str, modality: str, shape: tuple[int, ...]) -> tuple[int, int]:
    """Bytes that the loss keeps for its gradient, each tensor once, and its arithmetic; of all phases together."""
    spec = DataSpec(modality, shape, UNITS[modality], 100.0, (), ("a", "b", "c"))  # type: ignore[arg-type]
    generator = build(name, spec, **SMALL.get(name, {}))
    batch = examples(spec, 6)
    generator.scaling.fit([batch])
    kept: dict[int, torch.UntypedStorage] = {}  # held, so that no address is given twice

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage
        return tensor

    with Arithmetic() as arithmetic:
        for phase in generator.phases:
            with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
                assert generator.loss(batch, phase.name, seeded())["total"].requires_grad
    own = {parameter.untyped_storage().data_ptr() for parameter in generator.parameters()}
    return sum(storage.nbytes() for address, storage in kept.items() if address not in own), arithmetic.total


@pytest.mark.parametrize(("name", "modality"), CASES)
class TestEveryGenerator:
    def test_untrained_samples_are_physical_finite_and_of_the_declared_shape(self, name: str, modality: str) -> None:
        generator, batch = fitted(name, modality)
        drawn = generator.sample(5, rng=seeded())
        assert drawn.values.shape == (5, *generator.spec.shape)
        assert drawn.spec.unit == UNITS[modality]
        assert torch.isfinite(drawn.values).all()
        assert drawn.values.min() >= batch.values.min()
        assert drawn.values.max() <= batch.values.max()

    def test_the_same_rng_gives_the_same_samples_and_another_gives_others(self, name: str, modality: str) -> None:
        generator, _ = fitted(name, modality)
        first, again, other = (generator.sample(2, rng=seeded(seed)).values for seed in (3, 3, 4))
        assert torch.equal(first, again)
        assert not torch.equal(first, other)

    def test_saved_and_loaded_it_gives_the_same_samples_bit_for_bit(self, name: str, modality: str, tmp_path) -> None:
        generator, _ = fitted(name, modality)
        loaded = load_generator(save_generator(generator, tmp_path / "model"), device="cpu")
        assert torch.equal(loaded.sample(3, rng=seeded()).values, generator.sample(3, rng=seeded()).values)

    def test_each_phase_moves_only_its_own_parameters(self, name: str, modality: str) -> None:
        generator, batch = fitted(name, modality)
        for phase in generator.phases:
            before = {key: value.clone() for key, value in generator.named_parameters()}
            optimizer = generator.optimizer(phase.name)
            generator.loss(batch, phase.name, seeded())["total"].backward()
            optimizer.step()
            own = {id(parameter) for parameter in generator.parameters_of(phase.name)}
            moved = {key for key, value in generator.named_parameters() if not torch.equal(value, before[key])}
            assert moved
            assert all(id(dict(generator.named_parameters())[key]) in own for key in moved)
            generator.zero_grad()

    def test_overfitting_eight_examples_lowers_the_first_loss(self, name: str, modality: str) -> None:
        generator, batch = fitted(name, modality)
        few, phase = batch.select(slice(0, 8)), generator.phases[0].name
        optimizer = generator.optimizer(phase)
        losses = []
        for step in range(60):
            optimizer.zero_grad()
            loss = generator.loss(few, phase, seeded(step % 5))["total"]
            loss.backward()
            optimizer.step()
            losses.append(float(loss.detach()))
        assert sum(losses[-5:]) < sum(losses[:5])

    def test_the_class_changes_the_output(self, name: str, modality: str) -> None:
        generator, batch = fitted(name, modality)
        step_each_phase(generator, batch)
        one, two = (generator.sample(Condition(labels=torch.eye(3)[[k]]), rng=seeded()).values for k in (0, 1))
        assert not torch.equal(one, two)

    def test_misuse_is_refused_with_a_sentence(self, name: str, modality: str) -> None:
        generator, _ = fitted(name, modality)
        with pytest.raises(SpecMismatch, match="labels must have shape"):
            generator.sample(Condition(labels=torch.ones(2, 7)), rng=seeded())
        with pytest.raises(InvalidSetting, match="at least 1"):
            generator.sample(0, rng=seeded())
        with pytest.raises(InvalidSetting, match="was refused"):
            build(name, generator.spec, no_such_setting=1)

    def test_both_presets_build_and_step_and_explicit_settings_win(self, name: str, modality: str) -> None:
        for preset in ("paper", "modern"):
            torch.manual_seed(0)
            generator = build(name, spec_of(modality), preset=preset, **SMALL.get(name, {}))
            assert generator.config.preset == preset
            for setting, value in SMALL.get(name, {}).items():
                assert getattr(generator.config, setting) == value
            batch = examples(generator.spec)
            generator.scaling.fit([batch])
            for phase in generator.phases:
                optimizer = generator.optimizer(phase.name)
                terms = generator.loss(batch, phase.name, seeded())
                terms["total"].backward()
                optimizer.step()
                assert all(torch.isfinite(value) for value in terms.values())
            assert torch.isfinite(generator.sample(2, rng=seeded()).values).all()

    def test_every_setting_of_a_preset_is_one_that_the_generator_has(self, name: str, modality: str) -> None:
        config = REGISTRY[name].Config
        for preset, settings in config.PRESETS.items():
            chosen = config.model_validate({"preset": preset}).model_dump()
            assert {setting: chosen[setting] for setting in settings} == settings

    def test_severity_changes_the_output_where_it_is_declared_and_is_refused_elsewhere(
        self, name: str, modality: str
    ) -> None:
        generator, batch = fitted(name, modality)
        mild, grave = (Condition(labels=torch.eye(3)[[0]], severity=torch.tensor([level])) for level in (0.1, 0.9))
        if "severity" not in generator.accepted:
            with pytest.raises(InvalidSetting, match="severity"):
                generator.sample(mild, rng=seeded())
            return
        known = Condition(labels=batch.condition.labels, severity=(torch.arange(12) % 3) / 2)
        step_each_phase(generator, Batch(batch.values, batch.spec, known))
        one, two = (generator.sample(asked, rng=seeded()).values for asked in (mild, grave))
        assert not torch.equal(one, two)

    def test_a_condition_that_it_does_not_know_is_refused_by_name(self, name: str, modality: str) -> None:
        generator, _ = fitted(name, modality)
        size = generator.spec.shape[-2:]
        everything = {"severity": torch.zeros(1), "mask": torch.zeros(1, 1, *size)}
        for part in everything.keys() - generator.accepted:
            with pytest.raises(InvalidSetting, match=part):
                generator.sample(Condition(**{part: everything[part]}), rng=seeded())

    def test_a_broken_parameter_shows_in_the_loss_that_the_loop_guards(self, name: str, modality: str) -> None:
        generator, batch = fitted(name, modality)
        for phase in generator.phases:
            with torch.no_grad():
                for parameter in generator.parameters_of(phase.name):
                    parameter.fill_(float("nan"))
            assert not torch.isfinite(generator.loss(batch, phase.name, seeded())["total"])

    def test_a_step_grows_with_the_size_of_an_example_as_documented(self, name: str, modality: str) -> None:
        shapes = [(1, 32, 32), (1, 64, 64)] if modality == "ct" else [(2, 512), (2, 1024)]
        small, large = (cost_of_a_loss(name, modality, shape) for shape in shapes)
        grown = (math.prod(shapes[1]) / math.prod(shapes[0])) ** REGISTRY[name].growth
        assert all(after <= 1.1 * grown * before for before, after in zip(small, large, strict=True))

    def test_every_setting_has_a_reason(self, name: str, modality: str) -> None:
        assert all(field.description for field in REGISTRY[name].Config.model_fields.values())


def test_drawn_labels_follow_the_training_frequencies() -> None:
    generator = build("wgan_gp", spec_of("eeg"), **SMALL["wgan_gp"])
    batch = examples(generator.spec, 12)
    skewed = Batch(batch.values, batch.spec, Condition(labels=torch.eye(3)[[0] * 9 + [1] * 3]))
    generator.scaling.fit([skewed])
    drawn = generator.sample(400, rng=seeded()).condition.labels
    assert drawn is not None
    assert abs(float(drawn[:, 0].mean()) - 0.75) < 0.07
    assert float(drawn[:, 2].sum()) == 0


def test_guidance_of_one_and_no_condition_agree_with_the_plain_flow() -> None:
    generator, _ = fitted("flow", "eeg")
    condition = Condition(labels=torch.eye(3))
    plain = generator.sample(condition, rng=seeded(), guidance=1.0).values
    assert torch.equal(plain, generator.sample(condition, rng=seeded()).values)


@pytest.mark.parametrize("name", sorted(name for name, kind in REGISTRY.items() if "severity" in kind.conditions))
def test_severities_that_are_not_known_train_finitely_and_are_as_if_left_out(name: str) -> None:
    generator, batch = fitted(name, sorted(REGISTRY[name].modalities)[-1])
    severity = torch.linspace(0, 1, len(batch)).where(torch.arange(len(batch)) % 2 == 0, torch.nan)
    step_each_phase(generator, replace(batch, condition=replace(batch.condition, severity=severity)))
    assert all(torch.isfinite(parameter).all() for parameter in generator.parameters())
    labels = torch.eye(3)
    unknown = Condition(labels=labels, severity=torch.full((3,), torch.nan))
    drawn = [generator.sample(one, rng=seeded()).values for one in (unknown, Condition(labels=labels))]
    assert torch.equal(*drawn)


@pytest.mark.parametrize("name", sorted(name for name, kind in REGISTRY.items() if "mask" in kind.conditions))
def test_a_lesion_mask_reaches_the_slice(name: str) -> None:
    generator, batch = fitted(name, "ct")
    mask = torch.zeros(12, 1, 20, 24)
    mask[:, :, 5:10, 5:10] = 1
    step_each_phase(generator, Batch(batch.values, batch.spec, Condition(labels=batch.condition.labels, mask=mask)))
    label = torch.eye(3)[[0]]
    without = generator.sample(Condition(labels=label, mask=mask[:1] * 0), rng=seeded()).values
    assert not torch.equal(without, generator.sample(Condition(labels=label, mask=mask[:1]), rng=seeded()).values)


class TestStrangersFiles:
    def test_weights_of_another_configuration_are_refused(self, tmp_path) -> None:
        generator, _ = fitted("wgan_gp", "eeg")
        path = save_generator(generator, tmp_path / "model")
        config = json.loads((path / "config.json").read_text())
        config["config"]["latent"] = 17
        (path / "config.json").write_text(json.dumps(config))
        with pytest.raises(ModelError, match="must have shape"):
            load_generator(path)

    @pytest.mark.parametrize("content", ["", "[]", "{}", '{"generator": "flow"}', '{"generator": "os.system"}'])
    def test_a_config_that_describes_nothing_is_one_sentence(self, content: str, tmp_path) -> None:
        generator, _ = fitted("wgan_gp", "eeg")
        path = save_generator(generator, tmp_path / "model")
        (path / "config.json").write_text(content)
        with pytest.raises(ModelError):
            load_generator(path)

    def test_an_absurd_shape_is_refused_before_anything_is_allocated(self, tmp_path) -> None:
        generator, _ = fitted("wgan_gp", "eeg")
        path = save_generator(generator, tmp_path / "model")
        config = json.loads((path / "config.json").read_text())
        config["spec"]["shape"] = [4096, 10**9]
        (path / "config.json").write_text(json.dumps(config))
        with pytest.raises(ModelError, match="too large"):
            load_generator(path)

    def test_truncated_weights_are_one_sentence(self, tmp_path) -> None:
        generator, _ = fitted("wgan_gp", "eeg")
        path = save_generator(generator, tmp_path / "model")
        weights = path / "weights.safetensors"
        weights.write_bytes(weights.read_bytes()[:1000])
        with pytest.raises(ModelError, match=r"weights\.safetensors"):
            load_generator(path)


def test_a_mask_is_left_out_of_training_on_its_own_so_that_a_class_alone_can_be_drawn() -> None:
    generator, batch = fitted("flow", "ct")
    mask = torch.ones(12, 1, 20, 24)
    given: list[float] = []
    spy = generator._mask_channels

    def seen(x: torch.Tensor, condition: Condition, keep: torch.Tensor | None) -> torch.Tensor:
        channels = spy(x, condition, keep)
        given.append(float(channels[:, 1].mean()))
        return channels

    generator._mask_channels = seen
    masked = Batch(batch.values, batch.spec, Condition(labels=batch.condition.labels, mask=mask))
    for step in range(40):
        generator.loss(masked, "flow", seeded(step))
    assert 0.4 < sum(given) / len(given) < 0.6


TWELVE = DataSpec("ecg", (12, 130), "mV", 100.0, TWELVE_LEADS)


@pytest.mark.parametrize("name", sorted(name for name, kind in REGISTRY.items() if "ecg" in kind.modalities))
class TestEveryEcgGenerator:
    def test_twelve_leads_obey_einthoven_exactly(self, name: str) -> None:
        generator = build(name, TWELVE, **SMALL.get(name, {}))
        generator.scaling.fit([Batch(torch.randn(12, 12, 130), TWELVE)])
        one, two, three, right, left, foot = generator.sample(4, rng=seeded()).values[:, :6].unbind(1)
        assert torch.equal(three, two - one)
        assert torch.equal(right, -(one + two) / 2)
        assert torch.equal(left, one - two / 2)
        assert torch.equal(foot, two - one / 2)

    def test_all_twelve_can_be_made_one_by_one(self, name: str) -> None:
        generator = build(name, TWELVE, derive_leads=False, **SMALL.get(name, {}))
        generator.scaling.fit([Batch(torch.randn(12, 12, 130), TWELVE)])
        one, two, three = generator.sample(4, rng=seeded()).values[:, :3].unbind(1)
        assert not torch.equal(three, two - one)
