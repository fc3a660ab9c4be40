from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synth_core.data import Dataset
from synth_core.errors import InvalidSetting
from synth_core.experiments.augmentation import Augmentation

SMALL = {
    "sources": ("surrogate",),
    "generator_steps": 10,
    "classifier_steps": 20,
    "seeds": 1,
    "ratios": (1.0,),
    "fractions": (0.4,),
    "draws": 20,
}
ARMS = {
    "real",
    "real, classical augmentation",
    "real, oversampled",
    "real + noisy copies",
    "40% of real",
    "surrogate",
    "real + 1× surrogate",
}


@pytest.fixture(scope="module")
def outcome(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return Augmentation(dataset, tmp_path_factory.mktemp("augmentation") / "e", SMALL).run()


def test_all_arms_are_present(outcome: Any) -> None:
    tables = {table.title: {row[0] for row in table.rows} for table in outcome.tables}
    assert tables["All classes, network"] == ARMS | {"surrogate, then 40% of real"}
    assert tables["All classes, features"] == ARMS
    assert tables["Trained on real, tested on synthetic, network"] == {"real, tested on surrogate"}


def test_each_source_gets_an_answer_of_gain_or_none(outcome: Any) -> None:
    answers = [sentence for sentence in outcome.sentences if "real + 1× surrogate:" in sentence]
    assert len(answers) == 2
    assert all(any(word in one for word in ("gain:", "loss:")) for one in answers)


def test_tones_that_anybody_can_tell_apart_leave_no_gain(outcome: Any) -> None:
    features = next(one for one in outcome.sentences if one.startswith("features, real + 1× surrogate"))
    assert "no gain" in features


def test_two_sources_of_one_name_are_refused(dataset: Dataset, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder / "model").mkdir(parents=True)
    sources = tuple(str(tmp_path / folder / "model") for folder in ("a", "b"))
    with pytest.raises(InvalidSetting, match="Two sources are called model"):
        Augmentation(dataset, tmp_path / "e", {**SMALL, "sources": sources})


def test_settings_that_a_generator_refuses_are_refused_before_anything_is_trained(
    dataset: Dataset, tmp_path: Path
) -> None:
    with pytest.raises(InvalidSetting, match="`shift` setting of generator memorise"):
        Augmentation(dataset, tmp_path / "e", {**SMALL, "sources": ("memorise shift=7",)})
    assert not (tmp_path / "e").exists()


def test_synthetic_examples_have_the_classes_of_training(dataset: Dataset, tmp_path: Path) -> None:
    experiment = Augmentation(dataset, tmp_path / "e", SMALL)
    kept = next(iter(experiment.cells())).work(lambda message: None)
    share = dataset.split()["train"].table["labels"].str[0].eq("fast").mean()
    assert np.isclose(kept.arrays["labels"][:, 1].mean(), share, atol=0.12)
