from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from synth_core.errors import SpecMismatch
from synth_core.metrics import ClassifierSettings, class_recovery
from synth_core.metrics.classifier import recovery_score
from synth_core.types import Batch, Condition, DataSpec

QUICK = ClassifierSettings(steps=60, batch_size=32)


@pytest.mark.parametrize("method", ["network", "features"])
def test_two_rhythms_are_told_apart(train, holdout, method):
    found = class_recovery(train, holdout, method=method, settings=QUICK)
    assert found.measure == "balanced accuracy"
    assert found.score > 0.95
    assert found.predicted.shape == (240, 2)


@pytest.mark.parametrize("method", ["network", "features"])
def test_shuffled_labels_teach_nothing(train, holdout, method):
    order = torch.randperm(len(train), generator=torch.Generator().manual_seed(0))
    shuffled = replace(train, condition=Condition(labels=train.condition.labels[order]))
    assert class_recovery(shuffled, holdout, method=method, settings=QUICK).score == pytest.approx(0.5, abs=0.2)


def test_the_seed_decides_everything(train, holdout):
    settings = ClassifierSettings(steps=5)
    torch.manual_seed(1)
    first = class_recovery(train, holdout, settings=settings, seed=3)
    torch.manual_seed(2)
    np.testing.assert_array_equal(first.predicted, class_recovery(train, holdout, settings=settings, seed=3).predicted)


def test_the_unit_of_the_values_does_not_matter_to_the_network(train, holdout):
    settings = ClassifierSettings(steps=40)
    millionth = [replace(part, values=part.values * 1e-3) for part in (train, holdout)]
    assert class_recovery(*millionth, settings=settings).score == pytest.approx(
        class_recovery(train, holdout, settings=settings).score, abs=0.02
    )


@pytest.mark.parametrize("method", ["network", "features"])
def test_several_classes_at_once_are_scored_by_auroc(train, holdout, method):
    many = [
        replace(part, condition=Condition(labels=part.condition.labels * torch.tensor([1.0, 0.0])))
        for part in (train, holdout)
    ]
    found = class_recovery(*many, method=method, settings=QUICK)
    assert found.measure == "macro AUROC"
    assert found.score > 0.95


def test_slices_of_two_kinds_are_told_apart():
    spec = DataSpec("ct", (1, 32, 32), "HU", 0.2, classes=("plain", "calcified"))
    generator = torch.Generator().manual_seed(0)

    def slices(n):
        calcified = torch.arange(n) % 2
        values = 35 + 8 * torch.randn(n, 1, 32, 32, generator=generator)
        values[calcified == 1, :, 12:18, 12:18] += 150
        return Batch(values, spec, Condition(labels=torch.eye(2)[calcified]))

    assert class_recovery(slices(80), slices(60), settings=QUICK).score > 0.95


def test_scores_agree_with_scikit_learn():
    rng = np.random.default_rng(0)
    truth, predicted = np.eye(3)[rng.integers(0, 3, 200)], rng.random((200, 3)).round(1)
    accuracy = balanced_accuracy_score(truth.argmax(1), predicted.argmax(1))
    assert recovery_score(truth, predicted, "balanced accuracy") == pytest.approx(accuracy)
    area = roc_auc_score(truth, predicted, average="macro")
    assert recovery_score(truth, predicted, "macro AUROC") == pytest.approx(area)


def test_auroc_leaves_out_classes_that_do_not_occur_both_ways():
    truth = np.array([[1, 1], [1, 0], [1, 1]], dtype=float)
    predicted = np.array([[0.1, 0.9], [0.5, 0.2], [0.2, 0.8]])
    assert recovery_score(truth, predicted, "macro AUROC") == 1.0
    assert np.isnan(recovery_score(truth[:, :1], predicted[:, :1], "macro AUROC"))


def test_missing_labels_are_refused(train, holdout):
    with pytest.raises(SpecMismatch, match="no labels"):
        class_recovery(replace(train, condition=Condition()), holdout)
