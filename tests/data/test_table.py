"""Tables of samples: taken where they or the caller say what their columns are, and left alone otherwise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synth_core.data import open_recordings
from synth_core.errors import DataError, InvalidSetting, UnrecognisedData
from tests.data.fuzz_eeg import edf_bytes

RNG = np.random.default_rng(0)
WAVES = RNG.normal(0, 20, (200, 2)).round(3)


def wide(**more: Any) -> pd.DataFrame:
    return pd.DataFrame(
        {"time": np.arange(200) / 100, "EEG Fp1 (uV)": WAVES[:, 0], "Cz (mV)": WAVES[:, 1] / 1000, **more}
    )


WRITERS: dict[str, Callable[[pd.DataFrame, Path], None]] = {
    "x.csv": lambda frame, file: frame.to_csv(file, index=False),
    "x.tsv": lambda frame, file: frame.to_csv(file, index=False, sep="\t"),
    "x.csv.gz": lambda frame, file: frame.to_csv(file, index=False),
    "x.parquet": lambda frame, file: frame.to_parquet(file),
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_table_that_says_everything(tmp_path: Path, name: str) -> None:
    WRITERS[name](wide(comment="a"), tmp_path / name)
    recording = open_recordings(tmp_path)[0]
    assert (recording.spec.modality, recording.spec.rate, recording.spec.channels) == ("eeg", 100.0, ("Fp1", "Cz"))
    np.testing.assert_allclose(recording.read(5, 50), WAVES[5:50].T, rtol=1e-5)


def test_runs_of_one_person_and_class_are_recordings(tmp_path: Path) -> None:
    who, what = np.repeat(["p1", "p1", "p2", "p1"], 50), np.repeat([0, 1, 1, 1], 50)
    wide(who=who, what=what).to_csv(tmp_path / "x.csv", index=False)
    recordings = open_recordings(tmp_path, label_column="what", subject_column="who")
    assert [one.subject for one in recordings] == ["p1", "p1", "p2", "p1"]
    assert [one.labels for one in recordings] == [{"what 0": 1, "what 1": 0}] + [{"what 0": 0, "what 1": 1}] * 3
    assert [one.spec.shape for one in recordings] == [(2, 50)] * 4
    np.testing.assert_allclose(np.concatenate([one.read() for one in recordings], 1), WAVES.T, rtol=1e-5)


def test_rows_may_be_windows(tmp_path: Path) -> None:
    values = RNG.normal(0, 1, (4, 30)).round(3)
    frame = pd.DataFrame(values, columns=[f"s{i}" for i in range(30)]).assign(
        kind=["N", "V", "N", "N"], person=[1, 1, 2, 2]
    )
    frame.to_csv(tmp_path / "beats.csv", index=False)
    stated: dict[str, Any] = {"label_column": "kind", "subject_column": "person"}
    for option, value in (("modality", "ecg"), ("unit", "mV"), ("rate", 125)):
        with pytest.raises(DataError, match=f"state the `{option}`"):
            open_recordings(tmp_path, **stated)
        stated[option] = value
    recordings = open_recordings(tmp_path, **stated)
    np.testing.assert_allclose(np.concatenate([one.read() for one in recordings]), values, rtol=1e-5)
    assert [one.subject for one in recordings] == ["1", "1", "2", "2"]
    assert recordings[1].labels == {"N": 0, "V": 1}


def test_columns_that_say_nothing_need_to_be_chosen(tmp_path: Path) -> None:
    pd.DataFrame({"a": WAVES[:, 0], "b": WAVES[:, 1]}).to_csv(tmp_path / "x.csv", index=False)
    with pytest.raises(UnrecognisedData, match="state `channels`"):
        open_recordings(tmp_path / "x.csv")
    stated: dict[str, Any] = {"channels": ["b"], "rate": 100, "unit": "uV", "modality": "eeg"}
    np.testing.assert_allclose(open_recordings(tmp_path, **stated)[0].read()[0], WAVES[:, 1], rtol=1e-5)
    with pytest.raises(InvalidSetting, match=r"has no column 'c'\. It has a, b"):
        open_recordings(tmp_path, **{**stated, "channels": ["c"]})


@pytest.mark.parametrize("option", ["label_column", "subject_column", "time_column"])
def test_a_column_that_is_not_there_is_refused(tmp_path: Path, option: str) -> None:
    wide().to_csv(tmp_path / "x.csv", index=False)
    with pytest.raises(InvalidSetting, match="has no column 'nothing'"):
        open_recordings(tmp_path, **{option: "nothing"})  # type: ignore[arg-type]


def test_tables_beside_recordings_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "x.edf").write_bytes(edf_bytes())
    (tmp_path / "labels.csv").write_text("record,label\nx,1\n")
    (tmp_path / "subject-info.csv").write_text("Subject,Age\nx,1\n")
    (tmp_path / "participants.tsv").write_text("participant_id\tage\nx\t1\n")
    skipped: list[DataError] = []
    assert len(open_recordings(tmp_path, skipped=skipped)) == 1
    assert not skipped


def test_a_table_without_a_header_is_left_to_others(tmp_path: Path) -> None:
    pd.DataFrame(RNG.normal(0, 1, (3, 188))).to_csv(tmp_path / "x.csv", index=False, header=False)
    with pytest.raises(UnrecognisedData):
        open_recordings(tmp_path / "x.csv", rate=125, unit="mV", modality="ecg")


BAD = {
    "uneven": (wide(time=np.sort(RNG.random(200))), "not sampled evenly"),
    "falling": (wide(time=-np.arange(200) / 100), "do not rise"),
    "text": (wide(**{"Pz (uV)": ["?"] * 200}), "text where samples"),
    "unit": (wide().rename(columns={"Cz (mV)": "Cz"}), "state the `unit`"),
    "no rows": (wide().head(0), "has no rows"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_table_is_a_sentence(tmp_path: Path, case: str) -> None:
    frame, expected = BAD[case]
    frame.to_csv(tmp_path / "x.csv", index=False)
    with pytest.raises(DataError, match=expected):
        open_recordings(tmp_path)


def test_columns_that_are_no_channels_are_named(tmp_path: Path) -> None:
    rows = "".join(f"{i / 128},{i % 7},{i % 5},{'seizure' if i > 300 else 'rest'}\n" for i in range(640))
    (tmp_path / "a.csv").write_text("time,Cz,Pz,state\n" + rows)
    (record,) = open_recordings(tmp_path, unit="uV")
    assert any("not read as channels: state." in sentence for sentence in record.warnings)
    states = open_recordings(tmp_path, unit="uV", label_column="state")
    assert [one.labels for one in states] == [{"rest": 1, "seizure": 0}, {"rest": 0, "seizure": 1}]
    assert not any("not read" in sentence for one in states for sentence in one.warnings)
