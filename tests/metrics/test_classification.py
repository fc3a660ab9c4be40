"""Weighted scores agree with scikit-learn, example by example and draw by draw."""

import numpy as np
import pytest
from sklearn import metrics

from synth_core.errors import SpecMismatch
from synth_core.metrics.classification import classification_scores


@pytest.fixture
def predictions():
    rng = np.random.default_rng(0)
    truth = np.eye(3)[rng.integers(0, 3, 200)]
    predicted = rng.dirichlet(np.ones(3), 200) * 0.6 + 0.4 * truth
    return truth, np.round(predicted / predicted.sum(1, keepdims=True), 2)  # rounded: ties


def test_they_agree_with_scikit_learn_on_repeated_examples(predictions):
    truth, predicted = predictions
    counts = np.random.default_rng(1).multinomial(200, np.full(200, 1 / 200), size=4).astype(float)
    scores = classification_scores(truth, predicted, counts, exclusive=True)
    for draw, count in enumerate(counts.astype(int)):
        t, p = np.repeat(truth, count, 0), np.repeat(predicted, count, 0)
        labels, found = t.argmax(1), p.argmax(1)
        assert scores["accuracy"][draw, 0] == pytest.approx(metrics.accuracy_score(labels, found))
        assert scores["balanced accuracy"][draw, 0] == pytest.approx(metrics.balanced_accuracy_score(labels, found))
        assert scores["F1"][draw, 0] == pytest.approx(metrics.f1_score(labels, found, average="macro"))
        for k in range(3):
            assert scores["AUROC"][draw, 1 + k] == pytest.approx(metrics.roc_auc_score(t[:, k], p[:, k]))
            assert scores["average precision"][draw, 1 + k] == pytest.approx(
                metrics.average_precision_score(t[:, k], p[:, k])
            )
            assert scores["sensitivity"][draw, 1 + k] == pytest.approx(metrics.recall_score(labels == k, found == k))


def test_a_class_that_a_draw_lacks_is_unknown_and_left_out_of_the_mean():
    truth, predicted = np.eye(2)[[0, 0, 1]], np.eye(2)[[0, 0, 1]] * 0.9
    scores = classification_scores(truth, predicted, np.array([[1.0, 1.0, 0.0]]), exclusive=True)
    assert np.isnan(scores["AUROC"][0]).all()
    assert scores["sensitivity"][0, 0] == 1
    assert np.isnan(scores["sensitivity"][0, 2])


def test_calibration_error_is_the_gap_of_probability_and_frequency():
    truth = np.array([[1.0], [0.0], [0.0], [0.0]])
    scores = classification_scores(truth, np.full((4, 1), 0.65), np.ones((1, 4)), exclusive=False)
    assert scores["calibration error"][0, 1] == pytest.approx(0.4)


def test_shapes_that_do_not_belong_together_are_refused():
    with pytest.raises(SpecMismatch, match="weights"):
        classification_scores(np.ones((3, 1)), np.ones((3, 1)), np.ones((2, 4)), exclusive=False)
