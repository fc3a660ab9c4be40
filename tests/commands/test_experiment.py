"""The verb `experiment`: results, and a user's error as one sentence with exit code 2."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from synth_core.__main__ import main
from synth_core.data import Dataset
from tests.experiments.conftest import rhythms, written


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return written(rhythms(80, 2), tmp_path_factory.mktemp("data") / "tones", severity=False)


def run(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr(sys, "argv", ["synth_core", "experiment", *map(str, words)])
    with pytest.raises(SystemExit) as stopped:
        main()
    return int(stopped.value.code or 0)


@pytest.mark.parametrize(
    ("name", "sentence"), [("alchemy", "no experiment"), ("severity", "does not give the severity")]
)
def test_an_unknown_name_and_unsuitable_data_are_one_sentence(
    name: str, sentence: str, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    assert run(monkeypatch, name, dataset.path, "--out", tmp_path / "e") == 2
    printed = capsys.readouterr()
    assert sentence in printed.err
    assert "Traceback" not in printed.err
    assert printed.out == ""
    assert not (tmp_path / "e").exists()


def test_an_experiment_prints_json_and_the_second_time_the_same(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    settings = {"sources": ["surrogate"], "generator_steps": 5, "seeds": 1, "draws": 20}
    settings |= {"methods": ["features"], "fractions": [], "ratios": [1]}
    options = [word for name, value in settings.items() for word in ("--set", f"{name}={json.dumps(value)}")]
    found = []
    for _ in range(2):
        assert run(monkeypatch, "augmentation", dataset.path, "--out", tmp_path / "e", *options, "--json") == 0
        found.append(json.loads(capsys.readouterr().out))
    assert found[0] == found[1]
    assert found[0]["experiment"] == "augmentation"
