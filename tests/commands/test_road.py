"""The road from the command line: every verb does its part, and a user's error is one sentence with exit code 2."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from synth_core.__main__ import main
from synth_core.export import read_npz


def run(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr(sys, "argv", ["synth_core", *map(str, words)])
    with pytest.raises(SystemExit) as stopped:
        main()
    return int(stopped.value.code or 0)


SMALL = [part for pair in ("dim=32", "depth=1", "width=8", "steps=2") for part in ("--set", pair)]


def test_from_a_simulated_cohort_to_a_report(monkeypatch, tmp_path: Path, capsys) -> None:
    data, trained, drawn = tmp_path / "ecg", tmp_path / "run", tmp_path / "synthetic.npz"
    assert run(monkeypatch, "simulate", "ecg", "--subjects", 40, "--out", data, "--json") == 0
    assert json.loads(capsys.readouterr().out)["subjects"] == 40
    words = ("train", data, "--out", trained, "--steps", 3, "--batch-size", 8, *SMALL, "--model", tmp_path / "model")
    assert run(monkeypatch, *words, "--json") == 0
    assert json.loads(capsys.readouterr().out)["state"] == "finished"
    assert run(monkeypatch, "sample", tmp_path / "model", "--n", 40, "--out", drawn, "--class", "normal") == 0
    batch = read_npz(drawn)
    assert len(batch) == 40
    assert batch.spec.unit == "mV"
    report = tmp_path / "report.json"
    words = ("evaluate", "--train", data, "--holdout", data, "--synthetic", drawn, "--no-classifier", "--json", report)
    assert run(monkeypatch, *words, "--out", tmp_path / "report.html") == 0
    assert json.loads(report.read_text())
    assert "<html" in (tmp_path / "report.html").read_text()[:500].lower()
    card = tmp_path / "model" / "card.md"
    assert "Measured" not in card.read_text()
    words = ("evaluate", "--train", data, "--holdout", data, "--synthetic", drawn, "--no-classifier")
    assert run(monkeypatch, *words, "--card", tmp_path / "model") == 0
    written = card.read_text()
    assert "preset modern, dim=32, depth=1, width=8, steps=2" in written
    value = next(measure["value"] for measure in json.loads(report.read_text())["measures"])
    assert f"| log-spectral distance, dB | {value:.3g} (" in written
    assert str(tmp_path) not in written  # a card is given away: no folders of this machine
    assert run(monkeypatch, *words, "--card", tmp_path / "nowhere") == 2
    assert card.read_text() == written


def test_inspect_and_prepare_read_what_a_user_points_at(monkeypatch, shared_data: Path, tmp_path: Path, capsys) -> None:
    archive = shared_data / "ecg" / "ptbxl"
    assert run(monkeypatch, "inspect", archive, "--json") == 0
    assert json.loads(capsys.readouterr().out)["recordings"] == 395
    assert run(monkeypatch, "inspect", archive, "--rate", "500", "--json") == 0
    assert json.loads(capsys.readouterr().out)["rate"] == [500.0]
    two = (shared_data / "ct" / "ge_head_dicom", shared_data / "ct" / "cranium_invesalius")
    assert run(monkeypatch, "prepare", *two, "--out", tmp_path / "ct", "--json") == 0
    made = json.loads(capsys.readouterr().out)
    assert made["subjects"] == 2
    assert made["spec"]["shape"] == [1, 64, 64]


@pytest.mark.parametrize(
    "words",
    [
        ("inspect", "nowhere"),
        ("prepare", "nowhere", "--out", "x"),
        ("train", "nowhere", "--out", "x"),
        ("train", "--out", "x", "--resume"),
        ("sample", "nowhere", "--n", "1", "--out", "x.npz"),
        ("evaluate", "--train", "a", "--holdout", "b", "--synthetic", "c"),
        ("simulate", "meg", "--out", "x"),
    ],
)
def test_a_users_error_is_one_sentence_and_leaves_nothing(words, monkeypatch, tmp_path: Path, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, *words) == 2
    said = capsys.readouterr().err.strip()
    assert said
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == []


def test_models_lists_generators_and_what_can_be_loaded(monkeypatch, capsys) -> None:
    assert run(monkeypatch, "models", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert {"flow", "wgan_gp"} <= {kind["name"] for kind in said["generators"]}
    assert all(Path(model["path"]).is_dir() for model in said["models"])


def test_a_damaged_archive_of_samples_is_one_sentence(monkeypatch, tmp_path: Path, capsys) -> None:
    np.savez(tmp_path / "odd.npz", values=np.zeros(3))
    words = ("evaluate", "--train", tmp_path / "a", "--holdout", tmp_path / "b", "--synthetic", tmp_path / "odd.npz")
    assert run(monkeypatch, *words) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_calcifications_are_implanted_into_real_ct(monkeypatch, shared_data: Path, tmp_path: Path, capsys) -> None:
    scan = shared_data / "ct" / "cranium_invesalius"
    assert run(monkeypatch, "simulate", "implant", scan, "--out", tmp_path / "ct", "--share", 1, "--json") == 0
    assert json.loads(capsys.readouterr().out)["spec"]["classes"] == ["calcification"]
    written = json.loads((tmp_path / "ct" / "dataset.json").read_text())
    assert written["source"]["simulated"]
    assert "implanted" in written["source"]["name"]
    assert (tmp_path / "ct" / "mask-00000.npy").is_file()
    assert run(monkeypatch, "simulate", "implant", "--out", tmp_path / "none") == 2
