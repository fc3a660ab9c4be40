import numpy as np
import pytest
import torch

from synth_core.metrics.classifier import Recovery, recovery_score
from synth_core.metrics.usefulness import chance_level, usefulness_measures
from synth_core.types import Batch, Condition, DataSpec

SPEC = DataSpec("eeg", (1, 4), "uV", 4.0, ("Cz",), ("rest", "task"))
N = 200


def recovery(skill: float, measure: str, seed: int = 0) -> Recovery:
    rng = np.random.default_rng(seed)
    truth = np.eye(2)[np.arange(N) % 2]
    right = skill * truth + rng.uniform(size=(N, 1)) * np.array([[1, -1]]) + np.array([[0, 1]])
    predicted = right / right.sum(1, keepdims=True)
    return Recovery(recovery_score(truth, predicted, measure), measure, truth, predicted)


def shares(real: Recovery, made: Recovery, people: int = 20):
    names = tuple(f"p{i % people}" for i in range(N))
    test = Batch(torch.zeros(N, 1, 4), SPEC, Condition(labels=torch.from_numpy(real.truth).float()), names)
    return list(usefulness_measures("features", real, made, test, N, np.random.default_rng(0)))


@pytest.mark.parametrize("measure", ["macro AUROC", "balanced accuracy"])
def test_chance_is_no_share_of_what_real_examples_teach(measure):
    real, made = recovery(1.0, measure), recovery(0.0, measure, seed=1)
    assert made.score > 0.45 * real.score  # what would have been said before
    share = shares(real, made)[1]
    assert share.score.value == pytest.approx((made.score - 0.5) / (real.score - 0.5))
    assert share.score.value < 0.25
    assert share.verdict == "far"


def test_equal_classifiers_share_all():
    real = recovery(1.0, "macro AUROC")
    assert shares(real, real)[1].score.value == 1
    assert shares(real, real)[1].verdict == "as real"


def test_what_real_examples_do_not_teach_is_not_known():
    share = shares(recovery(0.0, "macro AUROC"), recovery(1.0, "macro AUROC", seed=1))[1]
    assert share.verdict == "not known"
    assert "chance" in share.meaning


def test_one_person_gives_no_interval_and_no_share():
    value, share = shares(recovery(1.0, "macro AUROC"), recovery(1.0, "macro AUROC", seed=1), people=1)
    assert np.isnan(value.score.low)
    assert share.verdict == "not known"


def test_only_classes_that_occur_can_be_guessed():
    truth = np.eye(5)[np.arange(30) % 2]
    assert chance_level(truth, "balanced accuracy") == 0.5
    assert chance_level(truth, "macro AUROC") == 0.5
