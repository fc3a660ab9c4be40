from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy import ndimage

from synth_core.data import Dataset
from synth_core.errors import InvalidSetting
from synth_core.experiments import privacy
from synth_core.experiments.canaries import Canaries
from synth_core.experiments.privacy import Privacy
from synth_core.types import Batch
from tests.experiments.conftest import rhythms, written

SMALL = {"n": 300, "canaries": 6, "generator_steps": 40, "draws": 60, "repetitions": (4, 16)}


def audited(source: str, dataset: Dataset, out: Path) -> Any:
    return Privacy(dataset, out, {**SMALL, "sources": (source,)}).run()


def individuals(people: int, each: int, seed: int = 0) -> Batch:
    """Noise of two bandwidths: no example resembles another at any shift, as tones do."""
    batch = rhythms(people, each, seed)
    noise = np.random.default_rng(seed).standard_normal((len(batch), 1, 128))
    labels = batch.condition.labels
    assert labels is not None
    smooth = ndimage.gaussian_filter1d(noise, 2.0, axis=-1)
    values = np.where(labels[:, 1].numpy()[:, None, None] == 1, noise, 3 * smooth)
    return replace(batch, values=torch.from_numpy(20 * values).float())


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return written(individuals(80, 4), tmp_path_factory.mktemp("data") / "people")


@pytest.fixture(scope="module")
def copied(people: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return audited("memorise size=400", people, tmp_path_factory.mktemp("audit") / "e")


def test_a_generator_that_memorises_is_caught_by_canaries_and_by_measures(copied: Any) -> None:
    assert copied.settings["answers"] == {"memorise size=400": "leaks"}
    assert "recognised" in copied.sentences[0]
    assert "16 times" in copied.sentences[0]
    assert "copies found" in copied.sentences[-1]


def test_what_was_seen_stands_out_from_what_was_not(copied: Any) -> None:
    reached = [point.value for point in copied.charts[0].points]  # 300 examples hold about three canaries of four
    assert min(reached) > 0.6
    assert max(reached) > 0.75


def test_fresh_examples_give_nobody_away(
    people: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh: Callable[..., Batch]
) -> None:
    monkeypatch.setattr(privacy, "drawn", fresh)
    outcome = audited("memorise size=400", people, tmp_path / "e")
    assert not any("recognised" in sentence for sentence in outcome.sentences)
    copies = next(row for row in outcome.tables[-1].rows if row[1] == "copies found")
    assert copies[2] <= 0.05


@pytest.fixture
def fresh() -> Callable[..., Batch]:
    """In place of drawing: examples that depend on nobody's."""
    return lambda generator, training, n, *rest: individuals(n // 4, 4, seed=99)


def test_nobody_is_in_two_groups_of_canaries_and_classes_are_alike(dataset: Dataset) -> None:
    people = dataset.split()["validation"]
    canaries = Canaries.choose(people, 8, (1, 4), np.random.default_rng(0))
    groups = [canaries.outside, *canaries.inside.values()]
    names = [set(people.table["subject"].iloc[rows]) for rows in groups]
    assert not names[0] & names[1]
    assert not names[0] & names[2]
    assert not names[1] & names[2]
    for rows in groups:
        assert {label for labels in people.table["labels"].iloc[rows] for label in labels} == {"slow", "fast"}


def test_canaries_are_added_as_often_as_asked_and_the_others_never(dataset: Dataset) -> None:
    parts = dataset.split()
    canaries = Canaries.choose(parts["validation"], 4, (1, 16), np.random.default_rng(0))
    joined = canaries.joined(dataset, parts["train"], parts["validation"])
    values = joined.batch(range(len(joined))).values
    assert len(joined) == len(parts["train"]) + 4 * 17
    for times, rows in [(0, canaries.outside), *canaries.inside.items()]:
        wanted = parts["validation"].batch(rows).values
        assert [int((values == one).flatten(1).all(1).sum()) for one in wanted] == [times] * 4


def test_too_few_people_for_canaries_are_refused(without_severity: Dataset, tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting, match="Canaries need 8 validation people"):
        Privacy(without_severity, tmp_path / "e", {"sources": ("memorise",)})


def test_a_stopped_audit_goes_on_to_the_same_end(people: Dataset, tmp_path: Path, copied: Any) -> None:
    class Stopped(Exception):
        pass

    def cancel(done: int, total: int, message: str) -> None:
        if "training step 20" in message:
            raise Stopped

    experiment = Privacy(people, tmp_path / "e", {**SMALL, "sources": ("memorise size=400",)})
    with pytest.raises(Stopped):
        experiment.run(cancel)
    with torch.random.fork_rng():
        assert experiment.run().sentences == copied.sentences
