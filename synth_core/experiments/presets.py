"""The protocols of papers, run on the data at hand: the generators, mixtures and tests of each, split by person.

Every one of them is the augmentation experiment with the settings of its paper, so that all its settings can be
changed. What we do otherwise than a paper stands in its docstring and in the outcome.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from pydantic import Field

from synth_core.errors import InvalidSetting
from synth_core.experiments.augmentation import Augmentation, AugmentationConfig, Method
from synth_core.experiments.base import Result
from synth_core.experiments.outcome import Outcome
from synth_core.types import Modality

WINDOW = (0.8, 1.25)  # s that count as windows of one second: the Bonn recordings were cut into 178 samples, 1.02 s


class PaperProtocol(Augmentation):
    """The augmentation experiment as a paper ran it.

    Attributes
    ----------
    modality : of the paper.
    paper : its reference.
    departures : what we do otherwise and why, as sentences for the outcome.
    """

    modality: ClassVar[Modality]
    paper: ClassVar[str]
    departures: ClassVar[tuple[str, ...]]

    def check(self) -> None:
        """Data of the paper's modality and generators that are registered are needed, and what augmentation needs."""
        held = self.dataset.spec.modality
        if held != self.modality:
            raise InvalidSetting(f"{self.name} is a protocol for {self.modality}; {self.dataset.name} holds {held}.")
        super().check()

    def conclude(self, results: Mapping[str, Result]) -> Outcome:
        """The outcome of the augmentation experiment, and what differs from the paper."""
        outcome = super().conclude(results)
        notes = (f"Protocol of {self.paper}.", *self.departures)
        return replace(outcome, sentences=(*outcome.sentences, *notes))


class AlsEegConfig(AugmentationConfig):
    """Settings of `als-eeg`."""

    sources: tuple[str, ...] = Field(
        ("cwgan preset=paper ask=labels",),
        title="Sources",
        min_length=1,
        max_length=12,
        description="The conditional WGAN with clipped weights, asked for a label alone, as in the paper.",
    )
    ratios: tuple[float, ...] = Field((1.0,), title="Ratios", description="One synthetic example per real one.")
    fractions: tuple[float, ...] = Field((), title="Shares of real people", description="The paper has no fine-tuning.")


class AlsEeg(PaperProtocol):
    """ALS EEG by a conditional WGAN with weight clipping: arXiv 2506.16243.

    The paper trains one network pair on windows with a binary label (patient or control), shows spectra of few
    examples, and leaves open whether a classifier gains. Here the classifier is trained on real, synthetic and both and
    tested on people whom neither it nor the generator saw, and the reverse; a window never decides the split, since
    two windows of a patient are alike. The length of training was not published: `generator_steps` says ours.
    """

    name = "als-eeg"
    title = "ALS EEG"
    question = "Does a conditional WGAN with weight clipping help to tell patients from controls?"
    modality = "eeg"
    paper = "a conditional WGAN for ALS EEG, arXiv 2506.16243"
    departures = (
        "Split by person, not by window; classifiers, which the paper leaves open, are trained with five seeds.",
        "Widths and length of training were not published; ours are in the settings.",
    )
    Config = AlsEegConfig

    def check(self) -> None:
        """Also two classes."""
        if len(self.dataset.spec.classes) not in (1, 2):
            found = len(self.dataset.spec.classes)
            raise InvalidSetting(
                f"als-eeg compares patients with controls, two classes; {self.dataset.name} has {found}."
            )
        super().check()


class ArrhythmiaEcgConfig(AugmentationConfig):
    """Settings of `arrhythmia-ecg`."""

    sources: tuple[str, ...] = Field(
        ("diffwave preset=paper", "time_diffusion preset=paper", "time_vqvae preset=paper"),
        title="Sources",
        min_length=1,
        max_length=12,
        description="The three generators that the paper compares.",
    )
    methods: tuple[Method, ...] = Field(
        ("network",), title="Classifiers", min_length=1, description="The paper's residual network."
    )
    ratios: tuple[float, ...] = Field((1.0,), title="Ratios", description="One synthetic example per real one.")
    fractions: tuple[float, ...] = Field(
        (0.1, 0.2, 0.4, 0.6, 0.8),
        title="Shares of real people",
        description="Fine-tuning after synthetic examples, to 80 % as in the paper.",
    )


class ArrhythmiaEcg(PaperProtocol):
    """Arrhythmia ECG by DiffWave, Time-Diffusion and TimeVQVAE: arXiv 2411.18456.

    The paper trains a one-dimensional residual network on real (TRTR), synthetic (TSTR) and both, and fine-tunes one
    that was trained on synthetic examples with a growing share of real ones up to 80 %, on single collections and
    merged ones; a merged dataset brings the latter here. Otherwise: shares are shares of people; every arm takes the
    same number of optimiser steps, so that more examples do not mean more training; the code of its Time-Diffusion is
    not public, ours is a reading of it.
    """

    name = "arrhythmia-ecg"
    title = "Arrhythmia ECG"
    question = "Do diffusion models and a token model help to tell arrhythmias apart?"
    modality = "ecg"
    paper = "DiffWave, Time-Diffusion and TimeVQVAE for arrhythmia ECG, arXiv 2411.18456"
    departures = (
        "Shares of real data are shares of people, and every arm takes the same number of optimiser steps.",
        "The code of Time-Diffusion is not public; the generator time_diffusion is a reading of it.",
    )
    Config = ArrhythmiaEcgConfig


class FahrCtConfig(AugmentationConfig):
    """Settings of `fahr-ct`."""

    sources: tuple[str, ...] = Field(
        (
            "wgan_gp preset=paper ask=labels",
            "wgan_gp preset=paper attention=true ask=labels",
            "wgan_gp preset=paper mask=true",
            "wgan_gp preset=paper attention=true mask=true",
        ),
        title="Sources",
        min_length=1,
        max_length=12,
        description="Attention and lesion conditioning, each on and off; otherwise by labels alone.",
    )
    ratios: tuple[float, ...] = Field((1.0,), title="Ratios", description="One synthetic example per real one.")
    fractions: tuple[float, ...] = Field((), title="Shares of real people", description="The work has no fine-tuning.")


class FahrCt(PaperProtocol):
    """Fahr-disease CT by a WGAN-GP: the ablation of attention and of lesion conditioning.

    The work trains a 64 × 64 WGAN-GP after the MATLAB example, 10,000 generator iterations, and proposes attention and
    conditioning on the lesion. Here the four combinations are compared by what a classifier of slices learns from them,
    tested on slices of other people; neighbouring slices of a person are never on both sides. Where lesions are asked
    for, their places are those of training people: what a mask says, the generator need not invent.
    """

    name = "fahr-ct"
    title = "Fahr-disease CT"
    question = "Do attention and lesion conditioning make slices that a classifier learns more from?"
    modality = "ct"
    paper = "a WGAN-GP for CT in Fahr disease, with attention and lesion conditioning"
    departures = (
        "Split by person, not by slice; compared by classifiers, not by eye.",
        "With lesion conditioning the masks of training people are asked for, so that lesions lie where theirs lay.",
    )
    Config = FahrCtConfig


class SeizureEegConfig(AugmentationConfig):
    """Settings of `seizure-eeg`."""

    sources: tuple[str, ...] = Field(
        ("gan preset=paper", "wavegan preset=paper"),
        title="Sources",
        min_length=1,
        max_length=12,
        description="Dense GAN and WaveGAN, as in the paper.",
    )
    ratios: tuple[float, ...] = Field((1.0,), title="Ratios", description="One synthetic example per real one.")
    fractions: tuple[float, ...] = Field((), title="Shares of real people", description="The work has no fine-tuning.")


class SeizureEeg(PaperProtocol):
    """Seizure EEG by a dense GAN and WaveGAN: real against real and synthetic, on windows of one second.

    The work splits the one-second pieces of the Bonn recordings at random, 80 to 20, so that pieces of one recording
    are trained on and tested on; accuracies above 99 % follow. Here recordings are split, 70 to 15 to 15, and the
    classifier never meets a recording twice. Widths of the dense GAN were never published.
    """

    name = "seizure-eeg"
    title = "Seizure EEG"
    question = "Do a dense GAN and WaveGAN help to detect seizures?"
    modality = "eeg"
    paper = "a dense GAN and WaveGAN for seizure EEG on one-second windows"
    departures = (
        "Split by recording, 70 : 15 : 15; a random split of windows, 80 : 20, tests on what was trained on.",
    )
    Config = SeizureEegConfig

    def check(self) -> None:
        """Also windows of one second."""
        super().check()
        seconds = self.dataset.spec.seconds
        if not WINDOW[0] <= seconds <= WINDOW[1]:
            raise InvalidSetting(
                f"seizure-eeg is run on windows of 1 s; those of {self.dataset.name} last {seconds:g} s. "
                "Prepare it again with that length."
            )


PRESETS: tuple[type[PaperProtocol], ...] = (AlsEeg, ArrhythmiaEcg, FahrCt, SeizureEeg)
