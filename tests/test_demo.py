"""The demo datasets, made with fewer subjects."""

from dataclasses import replace

import pytest

from synth_core import demo
from synth_core.data import Dataset

SHAPES = {"demo-ecg": (12, 1000), "demo-eeg": (19, 512), "demo-ct": (1, 64, 64)}
FEW = {"demo-ecg": 5, "demo-eeg": 3, "demo-ct": 4}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        small = {name: replace(cohort, subjects=FEW[name]) for name, cohort in demo.DEMO_COHORTS.items()}
        patch.setattr(demo, "DEMO_COHORTS", small)
        folder = tmp_path_factory.mktemp("datasets")
        demo.build_demo(folder)
        return folder


@pytest.mark.parametrize("name", demo.DEMO_COHORTS)
def test_examples_are_small_complete_and_marked_as_simulated(folder, name):
    dataset = Dataset.open(folder / name)
    assert dataset.simulated
    assert dataset.spec.shape == SHAPES[name]
    assert dataset.info["counts"]["subjects"] == FEW[name]
    assert not dataset.info["counts"]["left_out"]
    batch = dataset.batch([0, len(dataset) - 1])
    assert (batch.condition.mask is not None) == (name == "demo-ct")


def test_what_is_there_is_left_alone(folder):
    messages = []
    made = demo.build_demo(folder, lambda done, total, message: messages.append(message))
    assert [path.name for path in made] == list(SHAPES)
    assert not messages


def test_a_cancelled_build_leaves_nothing(tmp_path):
    def cancel(done, total, message):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        demo.build_demo(tmp_path, cancel)
    assert not list(tmp_path.iterdir())


def test_there_are_enough_subjects_of_each_class_for_three_parts():
    subjects = {name: cohort.subjects for name, cohort in demo.DEMO_COHORTS.items()}
    assert all(subjects[f"demo-{name}"] >= 20 * classes for name, classes in (("ecg", 5), ("eeg", 3), ("ct", 2)))
