from dataclasses import replace
from pathlib import Path

import pytest

from synth_core.data import Dataset
from synth_core.errors import InvalidSetting
from synth_core.experiments import EXPERIMENTS, sources
from synth_core.experiments.presets import PRESETS, AlsEeg, ArrhythmiaEcg, SeizureEeg
from synth_core.generators import REGISTRY
from tests.experiments.conftest import rhythms, written


def test_each_preset_is_an_experiment_that_names_its_paper_and_its_departures() -> None:
    for preset in PRESETS:
        assert EXPERIMENTS[preset.name] is preset
        assert preset.paper
        assert preset.departures
        assert (preset.__doc__ or "").count(".") > 2


def test_other_modalities_are_refused(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting, match="arrhythmia-ecg is a protocol for ecg; tones holds eeg"):
        ArrhythmiaEcg(dataset, tmp_path / "e")


def test_a_generator_that_is_not_registered_is_named(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without = {name: kind for name, kind in REGISTRY.items() if name != "cwgan"}
    monkeypatch.setattr(sources, "REGISTRY", without)
    with pytest.raises(InvalidSetting, match="'cwgan' is neither a generator"):
        AlsEeg(dataset, tmp_path / "e")


def test_windows_of_other_than_one_second_are_refused(tmp_path: Path) -> None:
    one = rhythms(80, 2)
    slower = written(replace(one, spec=replace(one.spec, rate=32.0)), tmp_path / "slow")
    with pytest.raises(InvalidSetting, match=r"windows of 1 s; those of slow last 4 s"):
        SeizureEeg(slower, tmp_path / "e", {"sources": ("surrogate",)})


def test_three_classes_are_no_patients_and_controls(tmp_path: Path, dataset: Dataset) -> None:
    info = (dataset.path / "dataset.json").read_text().replace('["slow", "fast"]', '["slow", "fast", "none"]')
    three = written(rhythms(80, 2), tmp_path / "three")
    (three.path / "dataset.json").write_text(info.replace('"name": "tones"', '"name": "three"'))
    with pytest.raises(InvalidSetting, match="two classes; three has 3"):
        AlsEeg(Dataset.open(three.path), tmp_path / "e", {"sources": ("surrogate",)})


def test_a_preset_runs_with_another_source_and_says_what_differs_from_the_paper(
    dataset: Dataset, tmp_path: Path
) -> None:
    small = {"sources": ("surrogate",), "generator_steps": 10, "classifier_steps": 10, "seeds": 1, "draws": 20}
    outcome = SeizureEeg(dataset, tmp_path / "e", {**small, "methods": ("features",)}).run()
    assert outcome.experiment == "seizure-eeg"
    assert SeizureEeg.departures[0] in outcome.sentences
