"""Files in the shape of public reports, each with its right reading (../shared/cases/README.md)."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest

from synth_core.data import Preparation, open_recordings, prepare
from synth_core.errors import DataError
from tests.conftest import CASES

pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason="no ../shared/cases here")

# case → recordings, subjects, recordings of each class
TABLES = {
    "ct/i_paths": (8, 8, {"hem": 4, "norm": 4}),
    "ct/i_idimg": (4, 4, {"hemorrhage": 2}),
    "ct/i_codes": (4, 2, {"grade 0": 1, "grade 1": 2, "grade 2": 1}),
    "ct/i_nanlab": (5, 5, {"hemorrhage": 2}),
    "ct/i_classes": (16, 16, {"hemorrhage": 8, "normal": 8}),
    "ct/i_bcihm": (8, 2, {"No_Hemorrhage": 6, "Intraparenchymal": 2}),
    "ct/n_csv": (4, 2, {"ICH": 2, "normal": 2}),
    "ct/ctich": (3, 3, {"Intraparenchymal": 3, "No_Hemorrhage": 3}),
}
PEOPLE = {
    "signals/tuh": {"aaaaaaac", "aaaaaabb", "aaaaaacd"},
    "signals/bci2a": {"A01", "A02"},
    "signals/chbmit": {"chb01"},
    "signals/icentia": {"p00000", "p00001"},
    "signals/eegbci": {"S001", "S002"},
    "signals/sleepedf": {"SC400", "SC401"},
    "ct/n_patfolders": {"12345", "67890"},
}


@pytest.mark.parametrize("case", sorted(TABLES))
def test_tables_and_folders_give_classes_and_people(case: str) -> None:
    count, people, classes = TABLES[case]
    recordings = open_recordings(CASES / case)
    assert len(recordings) == count
    assert len({one.subject for one in recordings}) == people
    assert Counter(name for one in recordings for name, given in one.labels.items() if given) == classes


@pytest.mark.parametrize("case", sorted(PEOPLE))
def test_people_are_told_apart(case: str) -> None:
    assert {one.subject for one in open_recordings(CASES / case)} == PEOPLE[case]


@pytest.mark.parametrize("case", ["ct/anon", "ct/anonid"])
def test_placeholders_of_patients_leave_the_study_and_a_warning(case: str) -> None:
    recordings = open_recordings(CASES / case)
    assert len({one.subject for one in recordings}) == 3
    assert {one.basis for one in recordings} == {"guess"}
    assert all("guessed" in " ".join(one.warnings) for one in recordings)


def test_labels_of_slices_reach_the_examples(tmp_path: Path) -> None:
    recordings = open_recordings(CASES / "ct/ctich")
    labelled = [[name for name, given in labels.items() if given] for labels in recordings[0].slice_labels]
    assert labelled[2] == ["Intraparenchymal"]
    assert labelled[0] == ["No_Hemorrhage"]


def test_masks_of_the_brain_hemorrhage_set_are_joined() -> None:
    recordings = open_recordings(CASES / "ct/i_bcihm")
    assert all(one.lesion_mask() is not None for one in recordings)
    assert sum(bool(one.lesion_mask().any()) for one in recordings) == 2  # type: ignore[union-attr]


def test_an_unknown_label_is_left_out_and_counted(tmp_path: Path) -> None:
    dataset = prepare(open_recordings(CASES / "ct/i_nanlab"), tmp_path / "out", Preparation(min_head=0))
    assert dataset.info["counts"]["left_out"]["recordings: class not known"] == 1


def test_a_table_of_other_files_is_an_error_and_an_ambiguous_row_too(tmp_path: Path) -> None:
    images = tmp_path / "a"
    shutil.copytree(CASES / "ct/i_idimg", images)
    (images / "labels.csv").write_text("id,hemorrhage\nx,0\ny,1\nz,0\nw,1\n")
    with pytest.raises(DataError, match="0 of 4 rows matched, 4 files without a row"):
        open_recordings(images)
    twice = tmp_path / "b"
    shutil.copytree(CASES / "ct/i_paths", twice)
    (twice / "labels.csv").write_text("path,label\n" + "".join(f"00{i}.png,{'ab'[i % 2]}\n" for i in range(4)))
    with pytest.raises(DataError, match="could be"):
        open_recordings(twice)


def test_semicolons_numbers_and_missing_rows(tmp_path: Path) -> None:
    images = tmp_path / "a"
    shutil.copytree(CASES / "ct/i_idimg", images)
    (images / "labels.csv").write_text("name;dose;diagnosis\n001.PNG;1,5;AF|LBBB\n2;2,5;AF\n03;3,0;\n")
    recordings = open_recordings(images)
    assert [dict(one.labels) for one in recordings] == [{"AF": 1, "LBBB": 1}, {"AF": 1, "LBBB": 0}, {}, {}]
    assert "3 of 3 rows matched, 1 files without a row" in " ".join(recordings[0].warnings)
