"""Tables and folders that say what files are: siblings of the public collections, written in other ways."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from synth_core.data import Recording, open_recordings
from synth_core.errors import DataError
from tests.data.fuzz_ct import head, nifti

FILES = tuple(f"{i}.png" for i in range(6))


def made(root: Path, files: tuple[str, ...], **tables: str | bytes) -> Path:
    """Head slices of these names, no two alike, and tables beside them."""
    for number, name in enumerate(files):
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        grey = np.clip((head(32, 1)[0] + number) * 255 / 80, 0, 255).astype(np.uint8)
        Image.fromarray(grey).save(file)
    for name, text in tables.items():
        content = text.encode() if isinstance(text, str) else text
        (root / name.replace("__", ".")).write_bytes(content)
    return root


def classes(recordings: list[Recording]) -> dict[str, int]:
    return dict(Counter(name for one in recordings for name, given in one.labels.items() if given))


def said(recordings: list[Recording]) -> str:
    return " ".join(sentence for one in recordings for sentence in one.warnings)


@pytest.mark.parametrize(
    "text",
    [
        "id,label\n0,NA\n1,x\n2,y\n3,n/a\n4,x\n5,y\n",
        "id;label\n0;?\n1;x\n2;y\n3;\n4;x\n5;y\n",
        "id,label\n0,unknown\n1,x\n2,y\n3,null\n4,x\n5,y\n5,y\n",  # and a row that is there twice
        "0.png,NA\n1.png,x\n2.png,y\n3.png,-\n4.png,x\n5.png,y\n",  # no line of names
        "file,label\n/kaggle/in/0.png,NA\n/kaggle/in/1.png,x\n/kaggle/in/2.png,y\n/kaggle/in/3.png,nan\n"
        "/kaggle/in/4.png,x\n/kaggle/in/5.png,y\n",
    ],
)
def test_what_is_not_known_is_no_class_however_it_is_written(tmp_path: Path, text: str) -> None:
    recordings = open_recordings(made(tmp_path, FILES, labels__csv=text))
    assert classes(recordings) == {"x": 2, "y": 2}
    assert [bool(one.labels) for one in recordings] == [False, True, True, False, True, True]


@pytest.mark.parametrize(("yes", "no"), [("yes", "no"), ("True", "False"), ("1", "0"), ("positive", "negative")])
def test_yes_and_no_are_of_the_class_that_the_column_names(tmp_path: Path, yes: str, no: str) -> None:
    text = "id,hemorrhage\n" + "".join(f"{i},{yes if i < 2 else no}\n" for i in range(6))
    recordings = open_recordings(made(tmp_path, FILES, labels__csv=text))
    assert classes(recordings) == {"hemorrhage": 2}
    assert all(set(one.labels) == {"hemorrhage"} for one in recordings)


@pytest.mark.parametrize("encoding", ["utf-16", "cp1252", "utf-8-sig"])
def test_labels_keep_their_letters(tmp_path: Path, encoding: str) -> None:
    text = "id,label\n" + "".join(f"{i},{'Hämatom' if i % 2 else 'keines'}\n" for i in range(6))
    recordings = open_recordings(made(tmp_path, FILES, labels__csv=text.encode(encoding)))
    assert classes(recordings) == {"Hämatom": 3, "keines": 3}


def test_a_table_of_slices_comes_before_one_of_patients(tmp_path: Path) -> None:
    files = tuple(f"Patients_CT/{person}/brain/{i}.jpg" for person in ("051", "052") for i in (1, 2, 3))
    people = "Patient Number,Age,Intraparenchymal\n51,1,\n52,2,1\n"
    slices = "PatientNumber,SliceNumber,Intraparenchymal,No_Hemorrhage\n51,1,0,1\n51,2,0,1\n51,3,0,1\n"
    slices += "52,1,0,1\n52,2,0,1\n52,3,1,0\n"
    root = made(tmp_path, files, Patient_demographics__csv=people, hemorrhage_diagnosis__csv=slices)
    recordings = open_recordings(root)
    assert classes(recordings) == {"Intraparenchymal": 1, "No_Hemorrhage": 5}
    assert "Patient_demographics.csv: 2 of 2 rows matched" in said(recordings)


def test_a_table_of_the_slices_of_volumes_comes_before_one_of_volumes(tmp_path: Path) -> None:
    (tmp_path / "ct_scans").mkdir()
    for number in (70, 71):
        nifti(tmp_path / "ct_scans" / f"{number:03d}.nii", head(32))
    (tmp_path / "Patient_demographics.csv").write_text("Patient Number,Age,Epidural\n70,60,1\n71,60,1\n")
    rows = "".join(f"{person},{k + 1},{int(k == 1)}\n" for person in (70, 71) for k in range(3))
    (tmp_path / "hemorrhage_diagnosis_raw_ct.csv").write_text("PatientNumber,SliceNumber,Epidural\n" + rows)
    for one in open_recordings(tmp_path):
        assert [labels["Epidural"] for labels in one.slice_labels] == [0, 1, 0]


def test_one_table_gives_classes_and_another_the_people(tmp_path: Path) -> None:
    labels = "id,label\n" + "".join(f"{i},{'xy'[i % 2]}\n" for i in range(6))
    people = "id,patient\n" + "".join(f"{i},{i // 2}\n" for i in range(6))
    recordings = open_recordings(made(tmp_path, FILES, a__csv=labels, b__csv=people))
    assert classes(recordings) == {"x": 3, "y": 3}
    assert {one.basis for one in recordings} == {"table"}
    assert len({one.subject for one in recordings}) == 3


def test_classes_of_patients_are_said_to_be_so(tmp_path: Path) -> None:
    files = tuple(f"{person}/{i}.png" for person in ("11", "12") for i in (1, 2, 3))
    recordings = open_recordings(made(tmp_path, files, labels__csv="patient,label\n11,x\n12,y\n"))
    assert classes(recordings) == {"x": 3, "y": 3}
    assert "of whole people" in said(recordings)


def test_a_row_for_each_class_is_one_row_for_each_file(tmp_path: Path) -> None:
    text = "ID,Label\n" + "".join(f"ID_{i}_{name},{int(name == 'any')}\n" for i in range(6) for name in ("sdh", "any"))
    recordings = open_recordings(made(tmp_path, FILES, train__csv=text))
    assert classes(recordings) == {"any": 6}
    assert all(set(one.labels) == {"sdh", "any"} for one in recordings)


def test_rows_that_differ_are_named(tmp_path: Path) -> None:
    text = "id,label\n" + "".join(f"{i},x\n" for i in range(6)) + "3,y\n"
    with pytest.raises(DataError, match=r"has 2 rows for .*/3 that differ"):
        open_recordings(made(tmp_path, FILES, labels__csv=text))


def test_a_table_without_classes_and_a_spreadsheet_are_said(tmp_path: Path) -> None:
    recordings = open_recordings(
        made(tmp_path, FILES, labels__csv="id,volume\n" + "".join(f"{i},{i + 10}\n" for i in range(6)))
    )
    assert "gives no classes" in said(recordings)
    assert "labels.xlsx is a spreadsheet" in said(open_recordings(made(tmp_path / "b", FILES, labels__xlsx=b"PK")))


@pytest.mark.parametrize(
    "template",
    [
        "{c}/train/{i}.png",
        "test/{c}/{i}.png",
        "{c}/P{i}/a.png",
        "{c}/patient_{i}/brain/a.png",
        "Data/{c}/images/{i}.png",
    ],
)
@pytest.mark.parametrize("names", [("epidural", "subdural"), ("control", "patient"), ("Normal", "Stroke")])
def test_folders_are_classes_wherever_they_stand(tmp_path: Path, template: str, names: tuple[str, str]) -> None:
    files = tuple(template.format(c=name, i=i) for name in names for i in range(3))
    assert classes(open_recordings(made(tmp_path, files))) == dict.fromkeys(names, 3)


def test_shelves_and_sessions_are_no_classes(tmp_path: Path) -> None:
    for number, template in enumerate(["{c}/session1/{i}.png", "x/patients/{i}/{c}.png", "{c}_2/{i}.png"]):
        files = tuple(template.format(c=name, i=i) for name in ("brain", "subdural") for i in range(3))
        assert not classes(open_recordings(made(tmp_path / str(number), files)))
