"""Marks in time, from the files to the classes of a dataset: waves of leads, several events, spans that cover."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import wfdb

from synth_core.__main__ import main
from synth_core.data import Annotation, Preparation, open_recordings, prepare
from synth_core.data.marks import listed
from synth_core.errors import InvalidSetting
from tests import conftest
from tests.data.fuzz_ecg import dicom_ecg, wfdb_record
from tests.data.memory import InMemory, signal

CASES = conftest.CASES / "signals"
cases = pytest.mark.skipif(not CASES.is_dir(), reason="no ../shared/cases here")
SECOND = {"before_seconds": 0.0, "after_seconds": 1.0}


def marked(*marks: tuple[float, float, str], seconds: int = 20, record: str = "a", channel: str = "") -> InMemory:
    """EEG at 100 Hz of one channel, with annotations of onset, duration and text."""
    values = np.random.default_rng(len(record)).normal(0, 20, (1, 100 * seconds)).astype(np.float32)
    made = signal(values, rate=100.0, channels=("Cz",), record=record, subject=record)
    return replace(made, annotations=tuple(Annotation(*mark, channel=channel) for mark in marks))


def labels(dataset: Any) -> list[list[str]]:
    return [list(names) for names in dataset.table["labels"]]


def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: object) -> dict[str, Any]:
    monkeypatch.setattr(sys, "argv", ["synth_core", *map(str, words), "--json"])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert not stopped.value.code
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


# waves


@cases
def test_ludb_marks_are_waves_of_their_lead() -> None:
    (recording,) = open_recordings(CASES / "ludb")
    found = [(mark.text, mark.onset, round(mark.duration, 6), mark.channel) for mark in recording.annotations]
    assert found == [("P", 0.2, 0.2, "II"), ("QRS", 0.8, 0.2, "II")]


def write_marks(folder: Path, ending: str, marks: str, times: list[int]) -> None:
    """An annotation file of the record r1; the package itself writes no ending with a digit."""
    wfdb.wrann("r1", "x", np.array(times), symbol=list(marks), write_dir=str(folder))
    (folder / "r1.x").rename(folder / f"r1.{ending}")


def delineated(folder: Path, ending: str, marks: str, times: list[int]) -> list[tuple[str, float, float, str]]:
    """A record of I, II and V1 at 100 Hz whose one annotation file has `marks` at these samples."""
    wfdb_record(folder)
    (folder / "r1.atr").unlink()
    write_marks(folder, ending, marks, times)
    (recording,) = open_recordings(folder)
    waves = [mark for mark in recording.annotations if mark.kind != "beat"]
    return [(mark.text, mark.onset, round(mark.duration, 6), mark.channel) for mark in waves]


@pytest.mark.parametrize(
    ("ending", "channel"), [("v1", "V1"), ("I", "I"), ("atr_ii", "II"), ("q1c", ""), ("pu1", "II"), ("atr", "")]
)
def test_the_file_says_of_which_lead_a_wave_is(tmp_path: Path, ending: str, channel: str) -> None:
    found = delineated(tmp_path, ending, "(p)(N)(t)", [10, 15, 20, 25, 30, 35, 50, 60, 70])
    assert found == [("P", 0.1, 0.1, channel), ("QRS", 0.25, 0.1, channel), ("T", 0.5, 0.2, channel)]


@pytest.mark.parametrize(
    ("marks", "times", "expected"),
    [
        ("p)N)", [15, 20, 30, 35], [("P", 0.15, 0.05, "II"), ("QRS", 0.3, 0.05, "II")]),
        ("(p(N", [10, 15, 25, 30], [("P", 0.1, 0.05, "II"), ("QRS", 0.25, 0.05, "II")]),
        ("pVt", [15, 30, 60], [("P", 0.15, 0, "II"), ("QRS", 0.3, 0, "II"), ("T", 0.6, 0, "II")]),
        ("()N)", [1, 5, 30, 35], [("QRS", 0.3, 0.05, "II")]),
        ("(N)t)", [25, 30, 35, 60, 70], [("QRS", 0.25, 0.1, "II"), ("T", 0.6, 0.1, "II")]),
        ("(tt)", [50, 55, 62, 70], [("T", 0.5, 0.2, "II")]),
        ("(N", [5, 300], [("QRS", 3.0, 0, "II")]),
    ],
)
def test_a_missing_mark_leaves_the_peak(tmp_path: Path, marks: str, times: list[int], expected: list[Any]) -> None:
    assert delineated(tmp_path, "ii", marks, times) == expected


def test_a_qrs_that_every_lead_marks_is_one_event(tmp_path: Path) -> None:
    wfdb_record(tmp_path)
    for lead, shift in (("i", 0), ("ii", 1), ("v1", 2)):
        write_marks(tmp_path, lead, "(N)(N)", [time + shift for time in (100, 105, 110, 200, 205, 210)])
    recordings = open_recordings(tmp_path)
    assert {mark.channel for mark in recordings[0].annotations if mark.text == "QRS"} == {"I", "II", "V1"}
    dataset = prepare(recordings, tmp_path / "d", Preparation(around="QRS", before_seconds=0.1, after_seconds=0.3))
    assert list(dataset.table["start"]) == pytest.approx([0.91, 1.91])
    assert any("marks of II" in sentence for sentence in dataset.info["warnings"])


def test_a_rhythm_lasts_until_the_next(tmp_path: Path) -> None:
    wfdb_record(tmp_path)
    notes = ["(N", "", "(AFIB"]
    wfdb.wrann("r1", "atr", np.array([50, 60, 200]), symbol=["+", "N", "+"], aux_note=notes, write_dir=str(tmp_path))
    recordings = open_recordings(tmp_path)
    assert [(one.text, one.seconds) for one in listed(recordings)][:2] == [("+ (AFIB", 2.0), ("+ (N", 1.5)]
    dataset = prepare(recordings, tmp_path / "d", Preparation(spans=("+ *",), seconds=0.5))
    assert labels(dataset) == [["+ (N"]] * 3 + [["+ (AFIB"]] * 4
    assert dataset.info["counts"]["left_out"] == {"in no span": 1}


# several events


@cases
def test_two_events_are_two_classes_of_one_preparation(monkeypatch, capsys, tmp_path: Path) -> None:
    listing = command(monkeypatch, capsys, "inspect", CASES / "eegbci")["annotations"]
    assert {one["text"]: (one["count"], one["longest"]) for one in listing} == {
        "T0": (6, 4.1), "T1": (3, 4.1), "T2": (3, 4.1),
    }  # fmt: skip
    words = ("prepare", CASES / "eegbci", "--out", tmp_path / "d", "--around", "T1", "--around", "T2")
    made = command(monkeypatch, capsys, *words, "--class", "T1=left fist", "--set", "after_seconds=4")
    assert made["spec"]["classes"] == ["left fist", "T2"]
    assert made["classes"] == {"left fist": 3, "T2": 3}
    described = json.loads((tmp_path / "d" / "dataset.json").read_text())["preparation"]
    assert (described["around"], described["event_classes"]) == (["T1", "T2"], {"T1": "left fist"})


def test_events_at_the_edges_are_dropped_and_counted(tmp_path: Path) -> None:
    recording = marked((0.2, 0, "T1"), (5, 0, "T2"), (19.5, 0, "T2"))
    preparation = Preparation(around=("T1", "T2"), before_seconds=0.5, after_seconds=1)
    dataset = prepare([recording], tmp_path / "d", preparation)
    assert labels(dataset) == [["T2"]]
    assert dataset.info["counts"]["left_out"] == {"event too near an end": 2}
    assert dataset.info["counts"]["classes"] == {"T1": 0, "T2": 1}


def test_case_and_spaces_of_a_text_do_not_matter_but_those_of_beats_do(tmp_path: Path) -> None:
    recording = marked((2, 0, "Left  Fist"), (4, 0, "left fist "), (6, 0, "LEFT FIST"), (8, 0, "feet"))
    assert [one.count for one in listed([recording])] == [3, 1]
    dataset = prepare([recording], tmp_path / "d", Preparation(around=("left fist", "feet"), **SECOND))
    assert labels(dataset) == [["left fist"]] * 3 + [["feet"]]
    beats = replace(recording, annotations=tuple(Annotation(t, 0, name, "beat") for t, name in ((2, "A"), (4, "a"))))
    assert labels(prepare([beats], tmp_path / "b", Preparation(around=("a", "A"), **SECOND))) == [["A"], ["a"]]


def test_windows_that_overlap_another_class_are_said_or_left_out(tmp_path: Path) -> None:
    recording = marked((2, 0, "x"), (2.4, 0, "x"), (5, 0, "x"), (5.5, 0, "y"), (9, 0, "x"), (9, 0, "y"), (9, 0, "y"))
    kept = prepare([recording], tmp_path / "k", Preparation(around=("x", "y"), **SECOND))
    assert labels(kept) == [["x"], ["x"], ["x"], ["y"], ["x", "y"]]
    assert any(sentence.startswith("2 windows around events share") for sentence in kept.info["warnings"])
    dropped = prepare([recording], tmp_path / "d", Preparation(around=("x", "y"), drop_overlapping=True, **SECOND))
    assert labels(dropped) == [["x"], ["x"], ["x", "y"]]
    assert dropped.info["counts"]["left_out"] == {"overlaps an event of another class": 2}


def test_a_text_that_nothing_has_is_named_with_what_there_is(tmp_path: Path) -> None:
    recording = marked((2, 0, "T1"))
    with pytest.raises(InvalidSetting, match=r"'T9'; they have 'T1' \(1\)"):
        prepare([recording], tmp_path / "d", Preparation(around=("T1", "T9")))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"around": ["beats", "T1"]}, "all beats"),
        ({"around": "T1", "spans": "T2"}, "not both"),
        ({"outside_spans": "none"}, "needs `spans`"),
        ({"around": "T1", "event_classes": {"T2": "right"}}, "'T2' was given a class"),
        ({"around": []}, "around"),
        ({"spans": "N", "span_share": 0.5}, "span_share"),
    ],
)
def test_marks_that_contradict_one_another_are_refused(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidSetting, match=sentence):
        Preparation.checked(settings)


# spans


@cases
def test_sleep_stages_are_classes_of_the_windows_they_cover(monkeypatch, capsys, tmp_path: Path) -> None:
    words = ("prepare", CASES / "sleepedf", "--span", "sleep stage *", "--set", "seconds=30", "--out")
    whole = command(monkeypatch, capsys, *words, tmp_path / "a")
    assert whole["classes"] == {f"Sleep stage {name}": 3 for name in "12RW"}
    across = command(monkeypatch, capsys, *words, tmp_path / "b", "--set", "stride_seconds=15")
    assert across["classes"] == whole["classes"]
    assert across["left_out"] == {"across the boundary of a span": 9}
    joined = command(
        monkeypatch, capsys, *words, tmp_path / "c", "--class", "Sleep stage 1=N", "--class", "Sleep stage 2=N"
    )
    assert joined["classes"] == {"N": 6, "Sleep stage R": 3, "Sleep stage W": 3}


@cases
def test_seizures_and_what_lies_outside(monkeypatch, capsys, tmp_path: Path) -> None:
    words = ("prepare", CASES / "chbmit", "--span", "seizure", "--set", "seconds=2", "--out")
    alone = command(monkeypatch, capsys, *words, tmp_path / "a")
    assert (alone["classes"], alone["left_out"]) == ({"seizure": 3}, {"in no span": 27})
    both = command(monkeypatch, capsys, *words, tmp_path / "b", "--outside", "background")
    assert both["classes"] == {"seizure": 3, "background": 27}
    assert any("2 of 3 recordings have none of the spans" in sentence for sentence in both["warnings"])


@cases
@pytest.mark.parametrize(
    ("folder", "file"),
    [("chbmit/chb01", "chb01_03.edf"), ("chbmit/chb01", "chb01_04.edf"), ("sleepedf", "SC4001E0-PSG.edf")],
)
def test_a_file_that_is_opened_alone_has_its_events(folder: str, file: str) -> None:
    (alone,) = open_recordings(CASES / folder / file)
    (within,) = (one for one in open_recordings(CASES / folder) if one.record == alone.record)
    assert (alone.annotations, alone.subject) == (within.annotations, within.subject)


def test_the_share_that_a_span_must_cover(tmp_path: Path) -> None:
    recording = marked((4.2, 4, "on"), (8.2, 2, "on"), (15, 0.5, "on"))
    settings = {"spans": "on", "seconds": 2.0, "outside_spans": "off"}
    whole = prepare([recording], tmp_path / "w", Preparation(**settings))
    assert labels(whole) == [["off"], ["off"], ["on"], ["on"], ["off"], ["off"], ["off"]]
    assert whole.info["counts"]["left_out"] == {"across the boundary of a span": 3}
    most = prepare([recording], tmp_path / "m", Preparation(span_share=0.7, **settings))
    assert labels(most) == [["off"]] * 2 + [["on"]] * 3 + [["off"]] * 5
    assert most.info["counts"]["left_out"] == {}


def test_spans_of_channels_hold_for_the_window_and_moments_are_no_spans(tmp_path: Path) -> None:
    recording = marked((2, 4, "spsw"), channel="Cz")
    dataset = prepare([recording], tmp_path / "d", Preparation(spans="spsw", seconds=2.0))
    assert list(dataset.table["start"]) == [2.0, 4.0]
    with pytest.raises(InvalidSetting, match="use `around`"):
        prepare([marked((2, 0, "spike"))], tmp_path / "e", Preparation(spans="spike", seconds=2.0))


# groups of a DICOM ECG


def regrouped(folder: Path, *groups: tuple[str, str]) -> list[Any]:
    """The recordings of a DICOM ECG whose groups, of 0.12 and 1 s, have these labels and originalities."""
    dicom_ecg(folder)
    content = pydicom.dcmread(folder / "e.dcm")
    for group, (label, originality) in zip(content.WaveformSequence, groups, strict=True):
        group.MultiplexGroupLabel, group.WaveformOriginality = label, originality
    content.save_as(folder / "e.dcm")
    return open_recordings(folder)


def test_original_groups_are_recordings_of_their_own(tmp_path: Path) -> None:
    short, long = regrouped(tmp_path, ("STRIP", "ORIGINAL"), ("", "ORIGINAL"))
    assert [(one.record, one.spec.shape, one.warnings) for one in (short, long)] == [
        ("e/strip", (3, 60), short.warnings), ("e/group 2", (3, 500), short.warnings),
    ]  # fmt: skip
    assert short.subject == long.subject
    stored = pydicom.dcmread(tmp_path / "e.dcm")
    for number, one in enumerate((short, long)):
        expected = pydicom.waveforms.multiplex_array(stored, number, as_raw=False).T / 1000
        np.testing.assert_allclose(one.read(), expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("stated", [("MEDIAN BEAT", "DERIVED"), ("Median Beat", ""), ("", "")])
def test_a_median_beat_is_left_out_and_said(tmp_path: Path, stated: tuple[str, str]) -> None:
    (rhythm,) = regrouped(tmp_path, stated, ("RHYTHM" if any(stated) else "", ""))
    assert (rhythm.record, rhythm.spec.shape) == ("e", (3, 500))
    name = stated[0] or "group 1"
    assert f"{name} (derived, 0.12 s) was left out" in " ".join(rhythm.warnings)


def test_a_file_of_beats_alone_is_read_and_said(tmp_path: Path) -> None:
    beats = regrouped(tmp_path, ("MEDIAN BEAT", "DERIVED"), ("AVERAGE", "DERIVED"))
    assert len(beats) == 2
    assert all("derived waveforms only" in " ".join(one.warnings) for one in beats)
