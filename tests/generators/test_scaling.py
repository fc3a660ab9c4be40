import torch
from hypothesis import given
from hypothesis import strategies as st

from synth_core.generators.scaling import Scaling
from synth_core.types import Batch, Condition, DataSpec

EEG = DataSpec("eeg", (2, 50), "uV", 100.0, ("C3", "C4"), ("a", "b"))


def fitted(values: torch.Tensor) -> Scaling:
    scaling = Scaling(EEG)
    scaling.fit([Batch(values, EEG, Condition(labels=torch.eye(2).repeat(len(values) // 2, 1)))])
    return scaling


@given(st.integers(0, 1000), st.floats(0.1, 1000))
def test_there_and_back_is_the_identity(seed: int, amplitude: float) -> None:
    values = amplitude * torch.randn(20, 2, 50, generator=torch.Generator().manual_seed(seed))
    scaling = fitted(values)
    assert torch.allclose(scaling.to_physical(scaling.to_scaled(values)), values, rtol=1e-4, atol=1e-4 * amplitude)


def test_channels_of_any_amplitude_become_alike() -> None:
    values = torch.randn(200, 2, 50) * torch.tensor([5.0, 500.0]).view(1, 2, 1) + 30
    scaled = fitted(values).to_scaled(values)
    assert torch.allclose(scaled.std(dim=(0, 2)), torch.ones(2), atol=0.05)
    assert scaled.mean(dim=(0, 2)).abs().max() < 0.1


def test_the_way_through_json_is_exact() -> None:
    scaling, other = fitted(torch.randn(20, 2, 50)), Scaling(EEG)
    other.load_dict(scaling.to_dict())
    assert all(torch.equal(getattr(scaling, name), getattr(other, name)) for name in Scaling._FIELDS)


def test_tissue_keeps_its_contrast_beside_bone_and_air() -> None:
    ct = DataSpec("ct", (1, 2, 2), "HU", 1.0)
    scaling = Scaling(ct)
    scaling.fit([Batch(torch.tensor([[[[-1000.0, 30.0], [38.0, 1700.0]]]]), ct)])
    air, white, grey, bone = scaling.to_scaled(torch.tensor([[[[-1000.0, 30.0], [38.0, 1700.0]]]])).flatten()
    linear_share = 8 / 2700
    assert (grey - white) / (bone - air) > 4 * linear_share
