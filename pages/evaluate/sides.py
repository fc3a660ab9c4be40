"""What is compared: real training examples, real held-out ones and the synthetic side; or why they cannot be."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from pages.evaluate import synthetic
from pages.shared import cache, panels, words
from synth_core.errors import SynthScopeError

if TYPE_CHECKING:
    from synth_core.data import Dataset

TEST, VALIDATION = "its test part", "its validation part"
PART, WHOLE = "its train part", "all of it"


@dataclass(frozen=True)
class Comparison:
    """The three sides of an evaluation.

    Parameters
    ----------
    dataset : of the training examples.
    train, holdout : real examples; nobody should be in both.
    train_title, holdout_title : what they are, in words.
    made : the synthetic side.
    seed : of every random choice.
    classifier : whether classifiers are trained as well.
    allow_synthetic : synthetic examples are taken as real ones.
    own_parts : the train and the test part of one dataset are compared, as the command line does.
    """

    dataset: Path
    train: Dataset
    holdout: Dataset
    train_title: str
    holdout_title: str
    made: synthetic.Synthetic
    seed: int
    classifier: bool
    own_parts: bool
    allow_synthetic: bool = False

    @property
    def sentence(self) -> str:
        """One line: who is compared with whom."""
        held, trained = (_people(data) for data in (self.holdout, self.train))
        side = min(len(self.train), len(self.holdout), self.made.n)
        return (
            f"Compares {words.number(self.made.n)} synthetic examples ({self.made.title}) with {held} "
            f"({self.holdout_title}). The floor of a number is what {trained} ({self.train_title}) reach in place of "
            f"the synthetic ones. Distances take {words.number(side)} of each side."
        )

    def refusal(self) -> str:
        """Why nothing could be said of these three; "" when it can."""
        from synth_core.metrics.evaluate import SMALLEST

        if (self.train.synthetic or self.holdout.synthetic) and not self.allow_synthetic:
            return SYNTHETIC
        for n, what in ((len(self.train), "training"), (len(self.holdout), "held-out"), (self.made.n, "synthetic")):
            if n < SMALLEST:
                few = words.counted(n, f"{what} example")
                return f"{few} are too few: below {SMALLEST} a side, chance differs as much as any generator would."
        both = _subjects(self.train) & _subjects(self.holdout)
        if both:
            people = words.counted(len(both), "person is", "people are")
            return f"{people} on both real sides, so that copies would look like realism. Choose a part of the dataset."
        return self.made.unlike(self.train.spec)


def choose() -> Comparison | None:
    """Draw the controls; None, after saying the next step, while something is missing."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        dataset = panels.choose_dataset()
        if dataset is None:
            return None
        spec = cache.dataset_info(dataset)["spec"]
        others = [p for p in cache.readable_datasets() if p != dataset and _alike(p, dataset)]
        held = st.selectbox(
            "Held-out real", (TEST, VALIDATION, *others), key=f"evaluate-holdout-{dataset.name}", format_func=_title
        )
        made = synthetic.choose(dataset, spec, others)
        with st.popover("Settings", icon=":material/tune:"):
            seed = int(st.number_input("Seed", 0, 2**31 - 1, 0, key="evaluate-seed", help=SEED))
            classifier = st.checkbox("Train classifiers", key="evaluate-classifier", help=CLASSIFIER)
            allowed = st.checkbox("Take synthetic examples as real", key="evaluate-allow-synthetic", help=ALLOWED)
            trained = PART
            if isinstance(held, Path):
                trained = st.selectbox("Real training examples", (PART, WHOLE), key="evaluate-train", help=TRAINED)
    if made is None:
        return None
    train = cache.dataset(dataset) if trained == WHOLE else cache.parts(dataset)["train"]
    name = f"all of {dataset.name}" if trained == WHOLE else f"train part of {dataset.name}"
    holdout, holdout_name = _held_out(dataset, held)
    return Comparison(dataset, train, holdout, name, holdout_name, made, seed, classifier, held == TEST, allowed)


CLASSIFIER = (
    "Trains a classifier on real and one on synthetic examples and tests both on the same held-out people: answers "
    "whether they are useful. Takes minutes."
)
SEED = "Of every random choice: the same seed gives the same report."
ALLOWED = "For a dataset that a generator drew: the report will say that it says nothing about realism."
SYNTHETIC = (
    "A real side holds synthetic examples: against them, nothing can be said of realism. Choose a dataset of "
    "recordings, or take them as real in the settings."
)
TRAINED = "What the generator has seen. A generator of the Train page has seen the train part only."


def _held_out(dataset: Path, held: object) -> tuple[Dataset, str]:
    if isinstance(held, Path):
        return cache.dataset(held), f"all of {held.name}"
    part = "test" if held == TEST else "validation"
    return cache.parts(dataset)[part], f"{part} part of {dataset.name}"


def _alike(path: Path, other: Path) -> bool:
    try:
        return words.same_kind(cache.dataset_info(path)["spec"], cache.dataset_info(other)["spec"])
    except SynthScopeError:
        return False


def _title(option: object) -> str:
    return option.name if isinstance(option, Path) else str(option)


def _subjects(data: Dataset) -> set[str]:
    return set(data.table["subject"].astype(str))


def _people(data: Dataset) -> str:
    n = words.counted(len(data), "real example")
    return f"{n} of {words.counted(len(_subjects(data)), 'person', 'people')}"
