"""Which slices make one volume: never those of two people, scans or scales, however the headers were anonymised."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synth_core.data import open_recordings
from synth_core.errors import DataError
from tests.data.fuzz_ct import dicom_dataset, head

NOBODY = {"PatientID": "", "PatientName": "Anonymous"}


def write(
    folder: Path, values: int = 0, *, first: float = 0.0, number: int = 0, slices: int = 6, **changes: Any
) -> None:
    """A stack of slices 5 mm apart from `first` on, their values higher by `values`, numbered from `number`."""
    folder.mkdir(exist_ok=True)
    for i in range(slices):
        data = dicom_dataset((head()[0] + values).astype(np.int16), number + i, InstanceNumber=number + i + 1)
        data.ImagePositionPatient = [-8, -8, first + 5.0 * i]
        for keyword, value in changes.items():
            if value is None:
                delattr(data, keyword)
            else:
                setattr(data, keyword, value)
        data.save_as(folder / f"{number + i}.dcm", enforce_file_format=True)


def tissue(folder: Path) -> tuple[list[int], list[str]]:
    """HU of the brain of each volume, which is the same in all of its slices; and what was left out."""
    skipped: list[DataError] = []
    found = []
    for one in open_recordings(folder, skipped=skipped):
        brain = one.read()[:, 8, 8]
        assert len(set(brain.tolist())) == 1, "slices of two volumes were mixed"
        found.append(int(brain[0]))
    return sorted(found), [str(error) for error in skipped]


@pytest.mark.parametrize("shift", [0.0, 0.05, 1.0, 2.5])
def test_folders_with_stacks_over_the_same_heights_are_volumes_of_their_own(tmp_path: Path, shift: float) -> None:
    """All identifiers were replaced by the same: only the folders tell two people apart."""
    write(tmp_path / "a", **NOBODY)
    write(tmp_path / "b", 100, first=shift, **NOBODY)
    assert tissue(tmp_path) == ([35, 135], [])


@pytest.mark.parametrize("shift", [0.0, 0.05, 1.0])
def test_a_second_stack_in_the_same_folder_is_a_volume_of_its_own(tmp_path: Path, shift: float) -> None:
    write(tmp_path / "a")
    write(tmp_path / "a", 100, first=shift, number=6)
    assert tissue(tmp_path) == ([35, 135], [])


def test_a_series_in_two_folders_stays_one(tmp_path: Path) -> None:
    write(tmp_path / "a")
    write(tmp_path / "b", first=30, number=6)
    (series,) = open_recordings(tmp_path)
    assert series.slices == 12


def test_every_second_slice_in_a_second_pass_stays_one_volume(tmp_path: Path) -> None:
    write(tmp_path / "a")
    write(tmp_path / "a", first=2.5, number=6)
    (series,) = open_recordings(tmp_path)
    assert (series.slices, series.metadata["slice gaps (mm)"]) == (12, [2.5])


def test_copies_count_once_and_are_said(tmp_path: Path) -> None:
    write(tmp_path / "a")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    found, skipped = tissue(tmp_path)
    assert found == [35]
    assert len(skipped) == 6
    assert "is a copy of 0.dcm" in skipped[0]


@pytest.mark.parametrize("changes", [{"RescaleType": "US"}, {"RescaleSlope": None}, {"RescaleIntercept": None}])
def test_slices_of_another_scale_are_left_out_and_said(tmp_path: Path, changes: dict[str, Any]) -> None:
    write(tmp_path / "a")
    write(tmp_path / "a", 100, first=30, number=6, slices=1, **changes)
    found, skipped = tissue(tmp_path)
    assert found == [35]
    assert "says something else of its scale" in skipped[0]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"RescaleType": "US"}, "calls the unit unspecified"),
        ({"RescaleSlope": None}, "gives no rescale"),
        ({"RescaleIntercept": None}, "gives no rescale"),
    ],
)
def test_a_series_whose_scale_is_not_certain_is_warned_of(
    tmp_path: Path, changes: dict[str, Any], sentence: str
) -> None:
    write(tmp_path / "a", **changes)
    assert sentence in " ".join(open_recordings(tmp_path)[0].warnings)


def test_phases_that_only_the_time_of_acquisition_tells_apart_are_two_volumes(tmp_path: Path) -> None:
    write(tmp_path / "a", AcquisitionTime="101010", SOPInstanceUID="1.2.1")
    for file in (tmp_path / "a").iterdir():
        file.rename(file.with_name(f"first {file.name}"))
    write(tmp_path / "a", 100, AcquisitionTime="101510.5", SOPInstanceUID="1.2.2")
    assert tissue(tmp_path) == ([35, 135], [])
