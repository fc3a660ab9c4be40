import json
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from synth_core.data import Dataset
from synth_core.errors import InvalidSetting
from synth_core.experiments.base import Cell, Experiment, ExperimentConfig, Result, Say
from synth_core.experiments.outcome import Chart, Outcome, Point, Table


class Stopped(Exception):
    """What a user's cancel raises."""


class Counting(Experiment):
    """Three cells that count how often they work."""

    name, title, question = "counting", "Counting", "How often?"
    Config = ExperimentConfig
    worked: list[int]

    def check(self) -> None:
        self.worked = []

    def cells(self) -> Iterator[Cell]:
        for number in range(3):
            yield Cell(f"cell {number}", partial(self._work, number))

    def _work(self, number: int, say: Say) -> Result:
        say("half way")
        self.worked.append(number)
        return Result({"number": number}, {"squares": np.arange(3) ** number})

    def conclude(self, results: Mapping[str, Result]) -> Outcome:
        total = sum(result.values["number"] + result.arrays["squares"].sum() for result in results.values())
        return Outcome(self.name, self.title, (f"{total}",), (), (), {})


def test_cells_that_are_done_are_not_done_again(dataset: Dataset, tmp_path: Path) -> None:
    first, again = Counting(dataset, tmp_path / "e"), Counting(dataset, tmp_path / "e")
    assert first.run().sentences == again.run().sentences == ("14",)
    assert (first.worked, again.worked) == ([0, 1, 2], [])


def test_what_was_done_before_a_cancel_is_kept(dataset: Dataset, tmp_path: Path) -> None:
    def cancel(done: int, total: int, message: str) -> None:
        if message == "cell 1: half way":
            raise Stopped

    stopped, resumed = Counting(dataset, tmp_path / "e"), Counting(dataset, tmp_path / "e")
    with pytest.raises(Stopped):
        stopped.run(cancel)
    resumed.run()
    assert (stopped.worked, resumed.worked) == ([0], [1, 2])


def test_a_folder_with_other_settings_or_other_things_is_refused(dataset: Dataset, tmp_path: Path) -> None:
    Counting(dataset, tmp_path / "e").run()
    with pytest.raises(InvalidSetting, match="other settings"):
        Counting(dataset, tmp_path / "e", {"seed": 1}).run()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").touch()
    with pytest.raises(InvalidSetting, match="no experiment"):
        Counting(dataset, tmp_path / "full").run()


def test_unknown_settings_are_refused_by_name(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting, match="`colour` setting of experiment counting"):
        Counting(dataset, tmp_path / "e", {"colour": "red"})


def test_results_are_read_by_name_when_asked_for(dataset: Dataset, tmp_path: Path) -> None:
    experiment = Counting(dataset, tmp_path / "e")
    experiment.run()
    assert experiment.kept("cell 2").arrays["squares"].tolist() == [0, 1, 4]


def test_an_outcome_survives_json() -> None:
    chart = Chart("t", "a", (Point("p", 1.0, float("nan"), float("nan")), Point("q", 2.0, 1.5, 2.5)), 0.5, "guess")
    table = Table("t", ("a", "b"), (("x", 1.5), ("y", None)))
    outcome = Outcome("e", "E", ("One.",), (table,), (chart,), {"n": 3})
    back = Outcome.from_dict(json.loads(json.dumps(outcome.to_dict())))
    assert back.to_dict() == outcome.to_dict()
    assert back.charts[0].points[1] == chart.points[1]
    assert np.isnan(back.charts[0].points[0].low)
    assert "| x | 1.5 |" in back.to_markdown()
