"""Why nobody is in two parts: what a split by window would make of classes that cannot be learned."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier

from synth_core.data import Dataset, Preparation, open_recordings, prepare
from synth_core.metrics.features import features_of

pytestmark = pytest.mark.data


def test_a_split_by_window_learns_a_coin_that_was_thrown_for_each_recording(shared_data: Path, tmp_path: Path) -> None:
    """Bonn: heads or tails per recording. Only someone who has met the recording can know; half is all others get."""
    recordings = open_recordings(shared_data / "eeg/bonn/uci_form_rebuilt.csv.gz")
    dataset = prepare(recordings, tmp_path / "bonn", Preparation.suggested(recordings))
    rng = np.random.default_rng(0)
    coin = dict(zip(dataset.subjects, rng.integers(0, 2, len(dataset.subjects)), strict=True))
    shuffled, held = rng.permutation(len(dataset)), len(dataset) // 5
    honest = dataset.split(fractions=(0.7, 0.1, 0.2))
    by_recording = accuracy(honest["train"], honest["test"], coin)
    by_window = accuracy(dataset.subset(shuffled[held:]), dataset.subset(shuffled[:held]), coin)
    assert 0.45 < by_recording < 0.56
    assert by_window > by_recording + 0.07


def accuracy(train: Dataset, test: Dataset, coin: dict[str, int]) -> float:
    """Of a forest on spectral and shape features."""
    forest = ExtraTreesClassifier(200, random_state=0)
    forest.fit(features(train), train.table["subject"].map(coin))
    return float(forest.score(features(test), test.table["subject"].map(coin)))


def features(dataset: Dataset) -> NDArray[np.float64]:
    return np.asarray(features_of(dataset.batch(range(len(dataset)))).values)
