from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
import torch

from synth_core.errors import StudyError
from synth_core.study import key
from synth_core.study.design import create_study
from synth_core.study.protocol import StudyProtocol
from synth_core.study.selection import select_real
from synth_core.study.store import Store
from synth_core.types import Batch, Condition
from tests.study.conftest import NOW, SPEC, batch

SMALL = StudyProtocol(title="Small", per_side=3, practice=2)


def test_truth_and_classes_are_balanced_among_scored_items(store: Store, study: str) -> None:
    with store.session() as session:
        truth = list(key.truth_of(session, study).values())
    table = pd.DataFrame([(row.synthetic, row.stratum) for row in truth], columns=["synthetic", "stratum"])
    counts = table.value_counts().unstack()
    assert (counts.loc[True] == counts.loc[False]).all()
    assert {row.source for row in truth if row.synthetic} == {"flow"}


def test_files_have_random_names_and_one_size(store: Store, study: str) -> None:
    files = sorted(store.folder(study).iterdir())
    assert len(files) == 14
    assert len({file.stat().st_size for file in files}) == 1
    assert all(len(file.stem) == 32 for file in files)


def test_too_few_or_unlike_examples_leave_nothing_behind(store: Store) -> None:
    slower = replace(SPEC, rate=50.0)
    for real, synthetic in ((batch(3), batch(4)), (batch(4), batch(3)), (batch(4), batch(4, spec=slower))):
        with pytest.raises(StudyError):
            create_study(store, SMALL, real, synthetic, source="g", now=NOW)
    assert store.studies() == []
    assert not store.folder("").exists() or list(store.folder("").iterdir()) == []


def test_unbalanced_classes_are_refused(store: Store) -> None:
    synthetic = batch(4)
    one_class = replace(synthetic, condition=Condition(labels=torch.tensor([[1.0, 0.0]] * 4)))
    with pytest.raises(StudyError, match="same classes"):
        create_study(store, SMALL, batch(4), one_class, source="g", now=NOW)


def test_the_seal_changes_with_key_and_protocol(store: Store, study: str) -> None:
    record = {"title": "a"}
    rows = [key.Truth(item_id="1", synthetic=True, stratum="", source="g")]
    sealed = key.seal(record, {}, [], rows)
    assert sealed == key.seal({"title": "a"}, {}, [], list(rows))
    assert sealed != key.seal({"title": "b"}, {}, [], rows)
    rows[0].synthetic = False
    assert sealed != key.seal(record, {}, [], rows)


class FakeDataset(SimpleNamespace):
    def __len__(self) -> int:
        return len(self.table)

    def batch(self, indices: list[int]) -> Batch:
        self.asked = indices
        return batch(len(self)).select(torch.tensor(indices))


def fake_dataset(subjects: list[str], labels: list[list[str]]) -> Any:
    return FakeDataset(name="d", spec=SPEC, table=pd.DataFrame({"subject": subjects, "labels": labels}))


def test_real_items_are_spread_over_classes_and_subjects() -> None:
    dataset = fake_dataset(["p"] * 18 + list("abcdef"), [["sinus"]] * 18 + [["sinus"], ["afib"]] * 3)
    chosen = select_real(dataset, 6, seed=0)
    assert chosen.condition.labels is not None
    assert len(set(dataset.asked)) == 6
    assert sum(dataset.table["labels"][i] == ["afib"] for i in dataset.asked) == 3
    assert len({dataset.table["subject"][i] for i in dataset.asked}) >= 5


def test_a_class_may_run_out_but_not_the_dataset() -> None:
    dataset = fake_dataset(list("abcd"), [["afib"], ["sinus"], ["sinus"], ["sinus"]])
    assert len(select_real(dataset, 4, seed=0)) == 4
    with pytest.raises(StudyError, match="needs 5 real examples"):
        select_real(dataset, 5, seed=0)
