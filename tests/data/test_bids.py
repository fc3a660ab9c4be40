"""BIDS-EEG trees: subjects, types, events and labels come from the tables beside the recordings."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from synth_core.__main__ import main
from synth_core.data import Annotation, open_recordings
from synth_core.errors import DamagedFile, DataError, InvalidSetting
from tests.data.fuzz_eeg import Channel, bids, edf_bytes

PEOPLE = (
    "participant_id\tage\tgroup\tscore\tfull_name\n"
    "sub-01\t30\tFahr\t2\tA\nsub-02\t40\tcontrol\t6\tB\nsub-03\t50\tn/a\tn/a\tC\n"
)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return bids(tmp_path, PEOPLE)


@pytest.mark.data
def test_the_tree_of_mne_bids(shared_data: Path) -> None:
    recording = open_recordings(shared_data / "eeg/bids_tiny_eeg")[0]
    assert (recording.spec.shape, recording.spec.rate, recording.subject) == ((64, 10_000), 5000.0, "sub-01")
    assert recording.annotations == (Annotation(0.0, 0.0, "start_experiment"), Annotation(0.2, 0.0, "show_stimulus"))
    assert recording.metadata["channels left out"] == ["ECG", "HEOG", "VEOG", "GSR", "Temperature"]
    assert recording.metadata["bad channels"] == ["PO10"]
    assert recording.metadata["power line (Hz)"] == 60
    assert recording.metadata["age"] == "29"
    assert recording.source.name == "tiny_bids"


def test_the_tables_decide_over_the_header(tree: Path) -> None:
    recording = open_recordings(tree)[0]
    assert recording.spec.channels == ("left", "right")
    assert recording.metadata["channels left out"] == ["EEG Fp1"]
    assert recording.metadata["bad channels"] == ["right"]
    assert recording.annotations == (Annotation(0.5, 1.0, "spike"), Annotation(2.0, 0.0, "7"))
    assert recording.metadata["power line (Hz)"] == 50


def test_a_subject_is_one_person_over_sessions(tree: Path) -> None:
    recordings = open_recordings(tree)
    assert [one.subject for one in recordings] == ["sub-01", "sub-01", "sub-02", "sub-03"]
    assert len({one.record for one in recordings}) == 4


def test_labels_come_from_any_column_and_unknown_is_not_negative(tree: Path) -> None:
    skipped: list[DataError] = []
    recordings = open_recordings(tree, labels_from="group", skipped=skipped)
    assert [one.labels for one in recordings] == [{"Fahr": 1, "control": 0}] * 2 + [{"Fahr": 0, "control": 1}]
    assert "has no group for sub-03" in str(skipped[0])
    ages = open_recordings(tree, labels_from="age")[0]
    assert ages.labels == {"age 30": 1, "age 40": 0, "age 50": 0}


def test_severity_is_scaled_over_the_collection(tree: Path) -> None:
    recordings = open_recordings(tree, severity_from="score")
    assert [one.severity for one in recordings] == [0.0, 0.0, 1.0, None]
    assert recordings[0].metadata["score"] == "2"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"labels_from": "diagnosis"}, "no column 'diagnosis'. Columns that can be used: age, group, score"),
        ({"severity_from": "diagnosis"}, "no column 'diagnosis'"),
        ({"severity_from": "group"}, "has 'Fahr' where a severity needs numbers"),
        ({"label_column": "y"}, "`label_column` was given, but"),
    ],
)
def test_an_unknown_column_is_refused_with_those_there_are(tree: Path, options: dict[str, str], sentence: str) -> None:
    with pytest.raises(InvalidSetting, match=re.escape(sentence)):
        open_recordings(tree, **options)  # type: ignore[arg-type]


def test_an_option_that_nothing_can_use_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.edf").write_bytes(edf_bytes())
    with pytest.raises(InvalidSetting, match="a table of participants was not found"):
        open_recordings(tmp_path, labels_from="group")


def test_personal_columns_are_dropped_and_named(tree: Path) -> None:
    recording = open_recordings(tree)[0]
    assert "full_name" not in recording.metadata
    assert recording.metadata["removed"][-1] == "full_name"


def test_a_rate_that_contradicts_the_header_is_refused(tree: Path) -> None:
    (tree / "task-rest_eeg.json").write_text(json.dumps({"SamplingFrequency": 250}))
    with pytest.raises(DamagedFile, match="sampled at 100 Hz but its _eeg"):
        open_recordings(tree)


def test_derivatives_are_not_counted_twice(tree: Path) -> None:
    bids(tree / "derivatives", PEOPLE)
    skipped: list[DataError] = []
    assert len(open_recordings(tree, skipped=skipped)) == 4
    assert "derivatives: is derived" in str(skipped[0])


def test_the_same_label_in_two_trees_is_two_persons(tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        bids(tmp_path / name, PEOPLE)
    assert len({one.subject for one in open_recordings(tmp_path)}) == 6


def test_units_of_the_table_serve_a_header_without_any(tree: Path) -> None:
    file = tree / "sub-02/eeg/sub-02_task-rest_eeg.edf"
    with_unit = open_recordings(tree)[2].read()
    file.write_bytes(edf_bytes([Channel("EEG Fp1"), Channel("left", ""), Channel("right", "")]))
    table = tree / "task-rest_channels.tsv"
    table.write_text(table.read_text().replace("uV", "mV"))
    np.testing.assert_allclose(open_recordings(tree)[2].read(), 1000 * with_unit, rtol=1e-6)


BAD = {
    "description": ("dataset_description.json", "[", "is not valid JSON"),
    "rows differ": ("participants.tsv", "participant_id\ta\nsub-01\t1\nsub-01\t2\n", "rows for sub-01 that differ"),
    "no id": ("participants.tsv", "a\tb\n1\t2\n", "no column participant_id"),
    "no onset": ("sub-01/ses-1/eeg/sub-01_ses-1_task-rest_events.tsv", "a\tb\n1\t2\n", "has no column onset"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_table_is_a_sentence(tree: Path, case: str) -> None:
    name, content, expected = BAD[case]
    (tree / name).write_text(content)
    skipped: list[DataError] = []
    try:
        open_recordings(tree, skipped=skipped)
    except DataError as error:
        skipped.append(error)
    assert any(expected in str(error) for error in skipped)


def test_the_command_line_states_the_columns(
    tree: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["synth_core", "inspect", str(tree), "--labels-from", "group", "--json"])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert not stopped.value.code
    assert json.loads(capsys.readouterr().out)["classes"] == {"Fahr": 2, "control": 1}
