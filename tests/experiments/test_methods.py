from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synth_core.data import Dataset
from synth_core.errors import InvalidSetting, RunError
from synth_core.experiments import EXPERIMENTS, methods
from synth_core.experiments.methods import Methods, contenders
from synth_core.experiments.standings import Standing, first_and_overlapping, ordered, sentences_of, tables_of
from synth_core.training import load_generator

COPIES = "memorise shift=0 flip=0 gain=0 noise=0"
SMALL = {"budget_seconds": 0.4, "examples": 100, "classifier_steps": 20, "seeds": 1, "draws": 20}
BOTH = {**SMALL, "generators": (COPIES, "gan"), "presets": ("modern",)}


@pytest.fixture(scope="module")
def kept(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> tuple[Methods, Any]:
    experiment = Methods(dataset, tmp_path_factory.mktemp("methods") / "e", BOTH)
    return experiment, experiment.run()


def rows(outcome: Any, table: int = 0) -> dict[str, dict[str, Any]]:
    found = outcome.tables[table]
    return {row[0]: dict(zip(found.columns, row, strict=True)) for row in found.rows}


def scored(method: str, recovery: float | None, *, control: bool = False) -> Standing:
    estimate = None if recovery is None else (recovery, recovery - 0.05, recovery + 0.05)
    return Standing.of(method, "modern", control, {"refused": "" if recovery else "no"}, estimate)


def test_it_is_among_the_experiments() -> None:
    assert EXPERIMENTS["methods"] is Methods


def test_rows_are_ordered_by_class_recovery_below_real_people(kept: tuple[Methods, Any]) -> None:
    table = kept[1].tables[0]
    found = [float(row[2].split()[0]) for row in table.rows[1:]]
    assert table.rows[0][0] == "real people"
    assert found == sorted(found, reverse=True)
    assert rows(kept[1])[COPIES]["remark"] == "control"


def test_copies_are_closer_to_training(kept: tuple[Methods, Any]) -> None:
    assert float(rows(kept[1])[COPIES]["closer to training"].split()[0]) > 0.85
    warning = next(one for one in kept[1].sentences if one.startswith("Closer to training"))
    assert COPIES in warning


def test_a_control_is_first_on_nothing(kept: tuple[Methods, Any]) -> None:
    firsts = [one for one in kept[1].sentences if "first is" in one]
    assert len(firsts) == 3  # too few people to train an encoder
    assert all("first is gan, modern" in one for one in firsts)


def test_steps_follow_from_the_budget_and_controls_make_one_pass(kept: tuple[Methods, Any], dataset: Dataset) -> None:
    experiment, outcome = kept
    pace = experiment.kept("pace of gan, modern").values
    assert pace["steps"] == int(SMALL["budget_seconds"] / pace["seconds"])
    assert rows(outcome)[COPIES]["steps"] == -(-len(dataset.split()["train"]) // 32)


def test_validation_people_can_be_held_out_too(dataset: Dataset, tmp_path: Path) -> None:
    parts = dataset.split()
    settings = {**SMALL, "generators": (COPIES,), "held_out": "test and validation"}
    outcome = Methods(dataset, tmp_path / "e", settings).run()
    assert outcome.settings["held-out people"] == len({*parts["test"].subjects, *parts["validation"].subjects})
    assert outcome.settings["training examples"] == len(parts["train"])


def test_models_can_be_loaded_afterwards(kept: tuple[Methods, Any]) -> None:
    path = kept[1].settings["models"]["gan, modern"]
    assert load_generator(path).provenance["step"] == rows(kept[1])["gan"]["steps"]


def test_a_stopped_comparison_goes_on_to_as_many_steps(dataset: Dataset, tmp_path: Path) -> None:
    class Stopped(Exception):
        pass

    def cancel(done: int, total: int, message: str) -> None:
        if "training step 5" in message:
            raise Stopped

    settings = {**SMALL, "generators": ("gan",), "presets": ("modern",)}
    experiment = Methods(dataset, tmp_path / "e", settings)
    with pytest.raises(Stopped):
        experiment.run(cancel)
    steps = experiment.kept("pace of gan, modern").values["steps"]
    outcome = Methods(dataset, tmp_path / "e", settings).run()
    assert rows(outcome)["gan"]["steps"] == steps
    assert load_generator(outcome.settings["models"]["gan, modern"]).provenance["step"] == steps


def test_a_method_that_refuses_the_data_or_breaks_is_a_row_that_says_why(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(generator: Any, *rest: Any) -> float:
        if generator.name == "gan":
            raise RunError("the loss is not finite")
        return 1.0

    class SlicesOnly(methods.REGISTRY["wgan_gp"]):  # type: ignore[name-defined,misc]
        modalities = frozenset({"ct"})

    monkeypatch.setitem(methods.REGISTRY, "wgan_gp", SlicesOnly)
    monkeypatch.setattr(methods, "step_seconds", broken)
    settings = {**SMALL, "generators": ("surrogate", "gan", "wgan_gp"), "presets": ("modern",)}
    found = rows(Methods(dataset, tmp_path / "e", settings).run())
    assert list(found)[:2] == ["real people", "surrogate"]
    assert found["gan"]["remark"] == "the loss is not finite"
    assert found["wgan_gp"]["remark"].startswith("Generator wgan_gp makes ct")


def test_presets_that_are_the_same_run_once() -> None:
    assert [one.name for one in contenders("surrogate", ("paper", "modern"))] == ["surrogate, either"]
    assert [one.name for one in contenders("gan hidden=64", ("paper", "modern"))] == [
        "gan hidden=64, paper",
        "gan hidden=64, modern",
    ]


def test_every_generator_of_the_modality_takes_part_without_being_named(dataset: Dataset, tmp_path: Path) -> None:
    names = {cell.name for cell in Methods(dataset, tmp_path / "e").cells()}
    for name, kind in methods.REGISTRY.items():
        assert any(f"pace of {name}," in one for one in names) == ("eeg" in kind.modalities)


def test_a_name_that_is_not_registered_is_refused(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting, match="'flwo' is neither"):
        Methods(dataset, tmp_path / "e", {"generators": ("flwo",)})


def test_overlapping_intervals_are_named_and_controls_do_not_compete() -> None:
    standings = [scored("a", 0.6), scored("b", 0.52), scored("c", 0.3), scored("m", 0.9, control=True)]
    found = first_and_overlapping(standings, "class recovery", "higher")
    assert found is not None
    assert (found[0].method, [one.method for one in found[1]]) == ("a", ["b"])


def test_where_all_intervals_overlap_nothing_is_ahead() -> None:
    real = (0.9, 0.85, 0.95)
    alike = sentences_of([scored("a", 0.6), scored("b", 0.52), scored("c", 0.55)], "AUROC", real, 1.0)[0]
    assert alike.endswith("nothing is clearly ahead.")
    apart = sentences_of([scored("a", 0.6), scored("b", 0.52), scored("c", 0.3)], "AUROC", real, 1.0)[0]
    assert apart.endswith("Overlapping intervals: b, modern.")
    assert sentences_of([scored("a", 0.6)], "AUROC", real, 1.0)[0].endswith("No other interval overlaps with its own.")


def test_rows_without_numbers_come_last() -> None:
    placed = ordered([scored("refused", None), scored("low", 0.2), scored("high", 0.8)])
    assert [one.method for one in placed] == ["high", "low", "refused"]
    assert np.isfinite([one.recovery[0] for one in placed[:2] if one.recovery]).all()


def test_the_table_of_classes_is_left_out_where_none_has_enough_examples(kept: tuple[Methods, Any]) -> None:
    assert len(kept[1].tables) == 2
    assert len(tables_of([scored("a", 0.6)], "AUROC", (0.8, 0.7, 0.9), ("x", "y"))) == 1
