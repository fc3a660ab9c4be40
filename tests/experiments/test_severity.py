from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from synth_core.data import Dataset
from synth_core.errors import InvalidSetting
from synth_core.experiments.biomarkers import BIOMARKERS, biomarker_of
from synth_core.experiments.severity import Severity
from synth_core.experiments.sources import Source
from synth_core.experiments.trend import Trend, answered, by_person, drawn_trend, real_trend
from synth_core.simulate import ecg_cohort
from synth_core.types import Batch, Condition
from tests.experiments.conftest import rhythms, written

RNG = np.random.default_rng(0)
SMALL = {"biomarker": "line length", "n": 16, "draws": 100, "levels": (0.0, 0.5, 1.0)}


class Tones:
    """Stands in for a generator: 20 Hz tones whose amplitude follows severity by `gain`, −1 to 1."""

    accepted = frozenset({"labels", "severity"})

    def __init__(self, spec: Any, gain: float) -> None:
        self.spec, self.gain = spec, gain

    def sample(self, condition: Condition, *, rng: torch.Generator) -> Batch:
        assert condition.severity is not None
        assert condition.labels is not None
        time = torch.arange(128) / 128
        amplitude = 30 + 40 * self.gain * (condition.severity - 0.5)
        noise = 5 * torch.randn(len(condition), 1, 128, generator=rng)
        tone = torch.sin(2 * torch.pi * 20 * time) * amplitude[:, None, None]
        return Batch((tone + noise).float(), self.spec, condition)


def outcome_of(gain: float, dataset: Dataset, out: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(Source, "generator", lambda self, dataset, out, **kw: Tones(dataset.spec, gain))
    return Severity(dataset, out, {**SMALL, "class_name": "fast"}).run()


@pytest.mark.parametrize(("gain", "answer"), [(1.0, "follows"), (0.0, "does not follow"), (-1.0, "does not follow")])
def test_only_what_goes_the_way_of_people_follows(
    gain: float, answer: str, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = outcome_of(gain, dataset, tmp_path / "e", monkeypatch)
    assert outcome.settings["answer"] == answer
    assert answer in outcome.sentences[0]


def test_a_weaker_effect_than_in_people_is_said_to_be_weaker(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "less steeply than" in outcome_of(0.3, dataset, tmp_path / "e", monkeypatch).sentences[0]


def test_without_a_trend_in_people_nothing_can_be_said() -> None:
    nothing, clear = Trend((1, -1, 3), (0, 0, 0), 9), Trend((5, 4, 6), (1, 1, 1), 9)
    assert answered(nothing, clear).word == "cannot say"
    assert answered(clear, Trend((3, -2, 8), (0, 0, 0), 9)).word == "cannot say"
    assert answered(clear, nothing).word == "does not follow"


def test_trends_of_a_straight_line_are_exact() -> None:
    severity = np.linspace(0, 1, 9)
    people = real_trend(3 + 7 * severity, severity, 50, RNG)
    made = drawn_trend(np.tile(3 - 7 * severity[:, None], (1, 5)), severity, 50, RNG)
    assert np.allclose(people.slope, 7)
    assert np.allclose(people.spearman, 1)
    assert np.allclose(made.slope, -7)
    assert np.allclose(made.spearman, -1)


def test_people_whose_severity_is_not_known_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = rhythms(80, 4)
    assert batch.condition.severity is not None
    unknown = torch.tensor([int(name[1:]) % 4 < 2 for name in batch.subjects or ()])
    severity = batch.condition.severity.masked_fill(unknown, torch.nan)
    dataset = written(replace(batch, condition=replace(batch.condition, severity=severity)), tmp_path / "some")
    outcome = outcome_of(1.0, dataset, tmp_path / "e", monkeypatch)
    held_out = set(dataset.without(dataset.split()["train"]).subjects)
    fast_and_known = {f"s{i:02d}" for i in range(80) if i % 4 == 3} & held_out
    assert outcome.settings["held-out people"] == len(fast_and_known)
    assert outcome.settings["answer"] == "follows"


def test_people_count_once_however_many_windows_they_have() -> None:
    values, severity = by_person(np.array([1, 3, 10, np.nan]), np.array([0, 0, 1, 1.0]), ("a", "a", "b", "b"))
    assert values.tolist() == [2, 10]
    assert severity.tolist() == [0, 1]


def test_data_and_sources_without_severity_are_refused(
    dataset: Dataset, without_severity: Dataset, tmp_path: Path
) -> None:
    with pytest.raises(InvalidSetting, match="does not give the severity of any"):
        Severity(without_severity, tmp_path / "e")
    with pytest.raises(InvalidSetting, match="does not accept severity"):
        Severity(dataset, tmp_path / "e", {"source": "surrogate"})
    with pytest.raises(InvalidSetting, match="heart rate is not measured on eeg"):
        Severity(dataset, tmp_path / "e", {"biomarker": "heart rate"})


def test_biomarkers_find_what_simulations_hold() -> None:
    def batch(recording: Any) -> Batch:
        values = torch.from_numpy(np.ascontiguousarray(recording.read()))
        return Batch((values if values.ndim == 4 else values[None]).float(), recording.spec)

    ecgs = {name: one for one in ecg_cohort(10, seed=1) for name, value in one.labels.items() if value}
    rate = {name: biomarker_of("ecg", "heart rate").measure(batch(one))[0] for name, one in ecgs.items()}
    assert rate["bradycardia"] < 60 < 100 < rate["tachycardia"]
    assert 55 < rate["normal"] < 105
    level = {name: biomarker_of("ecg", "ST level").measure(batch(one))[0] for name, one in ecgs.items()}
    assert abs(level["ST elevation"]) > 2 * abs(level["normal"])


def test_every_modality_has_a_biomarker_and_names_are_unique() -> None:
    assert {one.modality for one in BIOMARKERS} == {"eeg", "ecg", "ct"}
    assert len({one.name for one in BIOMARKERS}) == len(BIOMARKERS)
    assert biomarker_of("ct", None).name == "calcified area"
