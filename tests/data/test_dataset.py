"""A dataset directory: views, splits, sharing between processes, damage."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth_core.data import Dataset, Preparation, open_recordings, prepare
from synth_core.data.shards import Shards, ShardWriter
from synth_core.data.split import assign_subjects
from synth_core.errors import DataError, InvalidSetting
from tests.data.memory import noise_cohort

CLASSES = [{"x": 1, "y": 0}, {"x": 0, "y": 1}, {"x": 1, "y": 1}]


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return prepare(noise_cohort(12, CLASSES), tmp_path / "dataset", Preparation(seconds=1.0))


def test_batches_are_the_dataset_in_order(dataset: Dataset) -> None:
    together = np.concatenate([batch.values.numpy() for batch in dataset.batches(7)])
    np.testing.assert_array_equal(together, dataset.batch(range(len(dataset))).values.numpy())


def test_a_batch_keeps_the_order_asked_for(dataset: Dataset) -> None:
    batch = dataset.batch([5, 0, -1])
    assert batch.subjects == ("s1", "s0", "s11")
    assert batch.condition.labels is not None
    assert batch.condition.labels.tolist() == [[0, 1], [1, 0], [1, 1]]
    with pytest.raises(InvalidSetting, match="below 60"):
        dataset.batch([60])


def test_views_know_their_part(dataset: Dataset) -> None:
    train = dataset.split(seed=4)["train"]
    assert train.part == {"part": "train", "fractions": [0.7, 0.15, 0.15], "by": "subject", "seed": 4}
    some = train.subset(train.table["subject"] == train.subjects[0])
    assert set(some.batch(range(len(some))).subjects or ()) == {train.subjects[0]}
    assert some.part == {"part": "subset", "of": train.part, "examples": 5}
    assert dataset.part is None


def test_severity_is_given_where_it_is_known_of_any_example(dataset: Dataset) -> None:
    dataset._severity[:3] = (0.2, np.nan, 0.9)
    severity = dataset.batch([0, 1, 2, 40]).condition.severity
    assert severity is not None
    np.testing.assert_array_equal(severity.numpy(), np.array([0.2, np.nan, 0.9, np.nan], np.float32))
    assert dataset.subset([1, 40]).batch([0]).condition.severity is None


def test_without_a_part_are_all_examples_of_the_other_people(dataset: Dataset) -> None:
    parts = dataset.split()
    rest = dataset.without(parts["train"])
    assert set(rest.subjects) == {*parts["validation"].subjects, *parts["test"].subjects}
    assert len(rest) == len(dataset) - len(parts["train"])


def test_split_again_is_the_same_and_another_seed_is_not(dataset: Dataset) -> None:
    first, again, other = dataset.split(seed=1), dataset.split(seed=1), dataset.split(seed=2)
    assert [part.subjects for part in first.values()] == [part.subjects for part in again.values()]
    assert [part.subjects for part in first.values()] != [part.subjects for part in other.values()]


@settings(max_examples=60, deadline=None)
@given(
    counts=st.lists(st.lists(st.integers(0, 9), min_size=3, max_size=3), min_size=3, max_size=40),
    seed=st.integers(0, 1000),
)
def test_every_subject_has_one_part_and_no_part_is_empty(counts: list[list[int]], seed: int) -> None:
    brought = np.array([[*row, max(1, sum(row))] for row in counts], float)
    parts = assign_subjects(brought, (0.7, 0.15, 0.15), seed)
    assert parts.shape == (len(counts),)
    assert set(parts) == {0, 1, 2}


def test_rare_classes_reach_every_part() -> None:
    rng = np.random.default_rng(0)
    labels = np.zeros((200, 4))
    labels[np.arange(200), rng.choice(4, 200, p=[0.7, 0.2, 0.07, 0.03])] = 1
    parts = assign_subjects(np.pad(labels, ((0, 0), (0, 1)), constant_values=1), (0.6, 0.2, 0.2), seed=0)
    for class_ in range(4):
        shares = np.bincount(parts[labels[:, class_] == 1], minlength=3) / labels[:, class_].sum()
        np.testing.assert_allclose(shares, (0.6, 0.2, 0.2), atol=0.2)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"fractions": (0.5, 0.5)}, "three"),
        ({"fractions": (0.9, 0.2, -0.1)}, "positive"),
        ({"by": "window"}, "subject"),
    ],
)
def test_splits_that_make_no_sense_are_refused(dataset: Dataset, arguments: dict[str, object], word: str) -> None:
    with pytest.raises(InvalidSetting, match=word):
        dataset.split(**arguments)  # type: ignore[arg-type]


def test_two_subjects_make_two_parts_and_one_makes_none(dataset: Dataset) -> None:
    parts = dataset.subset(dataset.table["subject"].isin(["s0", "s1"])).split()
    assert [len(part.subjects) for part in parts.values()] == [1, 0, 1]
    with pytest.raises(InvalidSetting, match="1 subject"):
        dataset.subset(dataset.table["subject"].isin(["s0"])).split()


def test_pickled_it_is_its_paths(dataset: Dataset) -> None:
    content = pickle.dumps(dataset.split()["test"])
    assert len(content) < 20_000
    copy = pickle.loads(content)
    np.testing.assert_array_equal(copy.batch([0]).values, dataset.split()["test"].batch([0]).values)


def test_shards_together_are_what_was_written(tmp_path: Path) -> None:
    values = np.arange(70, dtype=np.float32).reshape(7, 2, 5)
    with ShardWriter(tmp_path, "values", (2, 5), np.float32, shard_bytes=3 * 40) as writer:
        for example in values:
            writer.append(example)
    assert [len(np.load(path)) for path in sorted(tmp_path.iterdir())] == [3, 3, 1]
    shards = Shards(tmp_path, "values", (2, 5), np.float32, 7)
    np.testing.assert_array_equal(shards.take(np.array([6, 0, 3, 3])), values[[6, 0, 3, 3]])


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:500])


def rewrite(path: Path, **fields: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


DAMAGE: dict[str, Callable[[Path], object]] = {
    "no dataset.json": lambda path: (path / "dataset.json").unlink(),
    "words": lambda path: (path / "dataset.json").write_text("{"),
    "another format": lambda path: rewrite(path / "dataset.json", format=99),
    "no spec": lambda path: rewrite(path / "dataset.json", spec={"shape": 3}),
    "no word on what it is": lambda path: rewrite(path / "dataset.json", source=None),
    "neither real nor synthetic": lambda path: rewrite(path / "dataset.json", source={"synthetic": "?"}),
    "cut shard": lambda path: cut(path / "values-00000.npy"),
    "no shard": lambda path: (path / "values-00000.npy").unlink(),
    "no table": lambda path: (path / "examples.parquet").unlink(),
    "cut table": lambda path: cut(path / "examples.parquet"),
    "other table": lambda path: pd.DataFrame({"a": [1]}).to_parquet(path / "examples.parquet"),
    "unknown class": lambda path: (
        pd.read_parquet(path / "examples.parquet").assign(labels=[["z"]] * 60).to_parquet(path / "examples.parquet")
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_directory_says_so(dataset: Dataset, damage: str) -> None:
    DAMAGE[damage](dataset.path)
    with pytest.raises(DataError, match=r"(again|choose|damaged)"):
        Dataset.open(dataset.path)


def test_the_values_of_a_prepared_dataset_are_not_opened_as_recordings(dataset: Dataset) -> None:
    for path in (dataset.path, dataset.path / "values-00000.npy"):
        with pytest.raises(DataError, match="is a prepared dataset"):
            open_recordings(path, modality="eeg", unit="uV", rate=100)
