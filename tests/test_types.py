import pytest
import torch

from synth_core.errors import SpecMismatch
from synth_core.types import Batch, Condition, DataSpec

ECG = DataSpec("ecg", (12, 100), "mV", 100.0, tuple(f"L{i}" for i in range(12)), ("NORM", "MI"))


def test_a_wrong_shape_is_refused_saying_both() -> None:
    with pytest.raises(SpecMismatch, match=r"\(n, 12, 100\).*\(2, 12, 99\)"):
        Batch(torch.zeros(2, 12, 99), ECG)


def test_a_unit_that_is_not_the_modalitys_is_refused_saying_both() -> None:
    with pytest.raises(SpecMismatch, match=r"mV.*uV"):
        DataSpec("ecg", (12, 100), "uV", 100.0)


@pytest.mark.parametrize(
    "fields",
    [
        {"modality": "mri", "shape": (1, 2), "unit": "uV", "rate": 1.0},
        {"modality": "ct", "shape": (3, 8, 8), "unit": "HU", "rate": 1.0},
        {"modality": "ct", "shape": (8, 8), "unit": "HU", "rate": 1.0},
        {"modality": "eeg", "shape": (1, 0), "unit": "uV", "rate": 1.0},
        {"modality": "eeg", "shape": (1, 5), "unit": "uV", "rate": 0.0},
        {"modality": "eeg", "shape": (1, 5), "unit": "uV", "rate": 1.0, "channels": ("a", "b")},
        {"modality": "eeg", "shape": (1, 5), "unit": "uV", "rate": 1.0, "classes": ("a", "a")},
    ],
)
def test_a_contradictory_spec_is_refused(fields: dict) -> None:
    with pytest.raises(SpecMismatch):
        DataSpec(**fields)


def test_conditions_are_checked_against_the_spec() -> None:
    values = torch.zeros(2, 12, 100)
    with pytest.raises(SpecMismatch, match="labels"):
        Batch(values, ECG, Condition(labels=torch.zeros(2, 3)))
    with pytest.raises(SpecMismatch, match=r"\[0, 1\]"):
        Batch(values, ECG, Condition(severity=torch.tensor([0.0, 2.0])))
    with pytest.raises(SpecMismatch, match="CT only"):
        Batch(values, ECG, Condition(mask=torch.zeros(2, 1, 12, 100)))
    Batch(values, ECG, Condition(severity=torch.tensor([0.5, torch.nan])))
    with pytest.raises(SpecMismatch, match="must lie in"):
        Batch(values, ECG, Condition(labels=torch.full((2, 2), torch.nan)))


def test_selecting_keeps_values_conditions_and_subjects_together() -> None:
    values = torch.arange(3.0).view(3, 1, 1).expand(3, 12, 100)
    batch = Batch(values, ECG, Condition(torch.eye(3)[:, :2]), ("a", "b", "c"))
    chosen = batch.select([2, 0])
    assert chosen.subjects == ("c", "a")
    assert chosen.values[:, 0, 0].tolist() == [2.0, 0.0]
    assert chosen.condition.labels is not None
    assert chosen.condition.labels.tolist() == [[0.0, 0.0], [1.0, 0.0]]


def test_a_spec_survives_json() -> None:
    assert DataSpec.from_dict(ECG.to_dict()) == ECG
    with pytest.raises(SpecMismatch, match="wrong fields"):
        DataSpec.from_dict(ECG.to_dict() | {"colour": 1})
