from pathlib import Path
from typing import Any

import pytest

from synth_core.data import Dataset
from synth_core.errors import InvalidSetting
from synth_core.experiments.planted_faults import PlantedFaults, reactions


@pytest.fixture(scope="module")
def found(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("faults") / "e"
    return PlantedFaults(dataset, folder, {"n": 80, "classifier_steps": 0}).run()


@pytest.mark.parametrize("fault", ["mode collapse", "100 % copies", "amplitude × 1.5"])
def test_gross_faults_are_caught(found: Any, fault: str) -> None:
    assert any(fault in faults for faults in found.settings["reactions"].values())


def test_honest_examples_raise_at_most_one_alarm_among_all_measures(found: Any) -> None:
    assert len(found.tables[0].rows) > 20  # measures, each with an interval of 95 %
    assert "," not in found.sentences[2]


def test_copies_are_noticed_by_the_measure_made_for_them(found: Any) -> None:
    assert "100 % copies" in found.settings["reactions"]["closer to training"]
    assert "100 % copies" in found.settings["reactions"]["exact copies"]


def part(value: float, low: float | None, high: float | None, floor: float | None, better: str = "lower") -> Any:
    return {"m": [{"part": "all", "value": value, "low": low, "high": high, "floor": floor, "better": better}]}


def test_a_measure_reacts_when_it_leaves_floor_and_honest_interval() -> None:
    honest = part(1.0, 0.9, 1.1, 1.0)
    assert reactions(part(2.0, 1.5, 2.5, 1.0), honest) == {"m"}
    assert reactions(part(2.0, 1.05, 2.5, 1.0), honest) == frozenset()  # overlaps the honest interval
    assert reactions(part(2.0, 1.5, 2.5, 1.8), honest) == frozenset()  # within its floor
    assert reactions(part(0.2, 0.1, 0.3, 1.0), honest) == frozenset()  # better than honest


def test_a_measure_whose_higher_values_are_better_reacts_downwards() -> None:
    honest = part(0.9, 0.85, 0.95, 0.9, "higher")
    assert reactions(part(0.3, 0.2, 0.4, 0.9, "higher"), honest) == {"m"}
    assert reactions(part(1.0, 0.98, 1.0, 0.9, "higher"), honest) == frozenset()


def test_values_that_are_not_known_are_no_reaction() -> None:
    assert reactions(part(float("nan"), None, None, 1.0), part(1.0, 0.9, 1.1, 1.0)) == frozenset()
    assert reactions(part(2.0, 1.5, 2.5, 1.0), {}) == frozenset()


def test_too_few_people_are_refused(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting, match="Three groups"):
        PlantedFaults(dataset.subset(range(40)), tmp_path / "e")
