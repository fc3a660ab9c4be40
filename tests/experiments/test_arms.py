import numpy as np
import pytest
import torch

from synth_core.experiments.arms import classical_augmentation, joined, noisy_copies, oversampled, some_subjects
from synth_core.experiments.augmentation import verdict
from synth_core.experiments.comparison import Comparison, patient_weights
from tests.experiments.conftest import rhythms

RNG = np.random.default_rng(0)


def test_oversampling_balances_classes_without_losing_anybody() -> None:
    real = rhythms(10, 4)
    few = real.select([*range(0, 4), *range(4, 8), *range(8, 12)])  # classes slow, fast, slow
    more = oversampled(few, RNG)
    assert more.condition.labels is not None
    assert more.condition.labels.sum(0).tolist() == [8, 8]
    assert set(more.subjects or ()) == set(few.subjects or ())


@pytest.mark.parametrize("fraction", [0.01, 0.3, 0.8])
def test_a_share_of_people_keeps_every_class_and_whole_people(fraction: float) -> None:
    real = rhythms(20, 3)
    some = some_subjects(real, fraction, np.random.default_rng(3))
    assert some.condition.labels is not None
    assert (some.condition.labels.sum(0) > 0).all()
    assert all((some.subjects or ()).count(name) == 3 for name in set(some.subjects or ()))


def test_noisy_copies_and_joined_sets_keep_labels() -> None:
    real = rhythms(6, 2)
    both = joined(real, noisy_copies(real, RNG))
    labels = real.condition.labels
    assert labels is not None
    assert torch.equal(both.condition.labels, labels.repeat(2, 1))
    difference = (both.values[12:] - real.values).std() / real.values.std()
    assert 0.05 < difference < 0.2


@pytest.mark.parametrize("shape", [(5, 2, 100), (5, 1, 16, 16)])
def test_classical_augmentation_changes_values_and_keeps_the_shape(shape: tuple[int, ...]) -> None:
    values = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    changed = classical_augmentation(values)
    assert changed.shape == values.shape
    assert torch.isfinite(changed).all()
    assert not torch.equal(changed, values)


def test_the_difference_of_an_arm_to_itself_is_exactly_zero() -> None:
    truth = np.eye(2)[np.arange(40) % 2]
    predicted = np.random.default_rng(1).random((2, 40, 2))
    names = [f"p{i // 4}" for i in range(40)]
    compared = Comparison(truth, {"real": predicted}, patient_weights(names, 40, 50, RNG), True)
    assert compared.difference("real", "real", "balanced accuracy") == (0.0, 0.0, 0.0)


def test_perfect_against_wrong_predictions_differ_by_one() -> None:
    truth = np.eye(2)[np.arange(40) % 2]
    predicted = {"right": truth[None], "wrong": 1 - truth[None]}
    compared = Comparison(truth, predicted, patient_weights(None, 40, 50, RNG), True)
    assert compared.difference("right", "wrong", "balanced accuracy") == (1.0, 1.0, 1.0)


def test_whole_patients_are_drawn_with_all_their_examples() -> None:
    weights = patient_weights(["a", "a", "b", "c"], 4, 30, RNG)
    assert (weights[0] == 1).all()
    assert (weights[:, 0] == weights[:, 1]).all()
    assert (weights[1:, [0, 2, 3]].sum(1) == 3).all()


@pytest.mark.parametrize(
    ("difference", "answer"),
    [((0.1, 0.02, 0.2), "gain"), ((0.1, -0.02, 0.2), "no gain"), ((-0.1, -0.2, -0.01), "loss")],
)
def test_no_gain_is_an_answer(difference: tuple[float, float, float], answer: str) -> None:
    assert verdict(difference, "AUROC").startswith(f"{answer}: AUROC")


def test_a_difference_without_interval_is_not_known() -> None:
    assert verdict((0.1, float("nan"), float("nan")), "AUROC").startswith("not known")
