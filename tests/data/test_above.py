"""The answer does not depend on which folder of a tree was opened: tables above are found, within bounds."""

from __future__ import annotations

import os
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest

from synth_core.data import open_recordings
from synth_core.data.above import LEVELS, described_above
from synth_core.data.recording import Recording
from tests import conftest
from tests.data.fuzz_ecg import wfdb_record

CASES = conftest.CASES / "ct"
cases = pytest.mark.skipif(not CASES.is_dir(), reason="no ../shared/cases here")


def known(recordings: list[Recording]) -> dict[str, tuple[str, str, Any]]:
    """Name of the file → subject, basis and labels."""
    return {
        Path(one.evidence.shown).name: (one.subject, one.basis, dict(one.labels))
        for one in recordings
        if one.evidence is not None
    }


def ptbxl(folder: Path, records: int = 3) -> Path:
    """A collection like PTB-XL, all records from two patients."""
    rows = ["ecg_id,patient_id,scp_codes,filename_lr,filename_hr"]
    for number in range(records):
        for name, short, rate in (("records100", "lr", 100), ("records500", "hr", 500)):
            place = folder / name / "00000"
            place.mkdir(parents=True, exist_ok=True)
            wfdb_record(place, f"{number:05d}_{short}", rate=rate, seed=number)
        paths = [f"records{rate}/00000/{number:05d}_{short}" for rate, short in ((100, "lr"), (500, "hr"))]
        rows.append(f"""{number},{number // 2 + 7}.0,{{'NORM': 100.0}},{paths[0]},{paths[1]}""")
    (folder / "ptbxl_database.csv").write_text("\n".join([rows[0], *(_quoted(row) for row in rows[1:])]))
    (folder / "scp_statements.csv").write_text(",diagnostic,diagnostic_class\nNORM,1.0,NORM\n")
    return folder


def _quoted(row: str) -> str:
    before, _, rest = row.partition("{")
    codes, _, after = rest.partition("}")
    return f'{before}"{{{codes}}}"{after}'


@pytest.mark.parametrize("opened", ["records100", "records100/00000", "records500", "records500/00000"])
def test_ptbxl_below_its_table(tmp_path: Path, opened: str) -> None:
    root = ptbxl(tmp_path / "ptb")
    whole = known(open_recordings(root, rate=500.0 if "500" in opened else 100.0))
    assert known(open_recordings(root / opened)) == whole
    assert {subject for subject, _, _ in whole.values()} == {"patient-7", "patient-8"}
    assert {basis for _, basis, _ in whole.values()} == {"table"}


@pytest.mark.parametrize("ending", [".hea", ".dat"])
def test_one_record_of_ptbxl(tmp_path: Path, ending: str) -> None:
    root = ptbxl(tmp_path / "ptb")
    (recording,) = open_recordings(root / "records100" / "00000" / f"00002_lr{ending}")
    assert (recording.subject, recording.basis, recording.labels["NORM"]) == ("patient-8", "table", 1)


def test_a_relative_path_and_a_link_to_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = ptbxl(tmp_path / "ptb")
    monkeypatch.chdir(root / "records100" / "00000")
    assert {one.subject for one in open_recordings(".")} == {"patient-7", "patient-8"}
    link = tmp_path / "elsewhere"
    link.symlink_to(root / "records100")
    assert {one.basis for one in open_recordings(link)} == {"table"}


def test_a_table_above_of_other_records_says_nothing(tmp_path: Path) -> None:
    root = ptbxl(tmp_path / "ptb")
    (root / "others").mkdir()
    wfdb_record(root / "others", "r1")
    (recording,) = open_recordings(root / "others")
    assert recording.basis == "guess"
    assert "ptbxl" not in " ".join(recording.warnings)


def test_nothing_outside_the_bound_is_looked_at(tmp_path: Path) -> None:
    root = ptbxl(tmp_path / "ptb")
    assert {one.basis for one in open_recordings(root / "records100", within=root / "records100")} == {"guess"}
    assert {one.basis for one in open_recordings(root / "records100", within=root)} == {"table"}
    deep = root.joinpath(*"abcdefgh"[: LEVELS + 1])
    deep.mkdir(parents=True)
    assert described_above(deep.parent.resolve()) != []
    assert described_above(deep.resolve()) == []


def test_an_archive_is_looked_at_by_itself(tmp_path: Path) -> None:
    root = ptbxl(tmp_path / "ptb")
    with zipfile.ZipFile(root / "some.zip", "w") as archive:
        for file in (root / "records100").rglob("*.*"):
            archive.write(file, file.relative_to(root))
    assert {one.basis for one in open_recordings(root / "some.zip")} == {"guess"}


def test_links_and_pipes_above_are_not_read(tmp_path: Path) -> None:
    root = ptbxl(tmp_path / "ptb")
    (root / "ptbxl_database.csv").rename(tmp_path / "kept.csv")
    (root / "ptbxl_database.csv").symlink_to(tmp_path / "kept.csv")
    assert {one.basis for one in open_recordings(root / "records100")} == {"guess"}
    (root / "ptbxl_database.csv").unlink()
    os.mkfifo(root / "ptbxl_database.csv")
    assert {one.basis for one in open_recordings(root / "records100")} == {"guess"}


@cases
@pytest.mark.parametrize(
    ("case", "below"),
    [
        ("ctich", "ct_scans"),
        ("ctich", "ct_scans/049.nii"),
        ("i_bcihm", "Patients_CT"),
        ("i_bcihm", "Patients_CT/049"),
        ("i_bcihm", "Patients_CT/050/brain"),
        ("i_paths", "hem"),
        ("i_paths", "norm/001.png"),
        ("n_csv", "CT_001.nii.gz"),
    ],
)
def test_tables_of_images_and_volumes(case: str, below: str) -> None:
    found = open_recordings(CASES / case / below)
    whole = {one.evidence.place: one for one in open_recordings(CASES / case) if one.evidence is not None}
    assert found
    for one in found:
        other = whole[one.evidence.place]  # type: ignore[union-attr]
        assert (one.subject, one.basis, one.labels) == (other.subject, other.basis, other.labels)


@pytest.mark.data
@pytest.mark.parametrize("below", ["sub-01", "sub-01/ses-eeg", "sub-01/ses-eeg/eeg"])
def test_bids_below_its_description(shared_data: Path, tmp_path: Path, below: str) -> None:
    root = tmp_path / "tree"
    shutil.copytree(shared_data / "eeg" / "bids_tiny_eeg", root)
    (whole,), (found,) = (open_recordings(path, labels_from="sex") for path in (root, root / below))
    assert (found.subject, found.basis, found.labels) == (whole.subject, whole.basis, whole.labels)
    assert (found.annotations, found.source) == (whole.annotations, whole.source)
    assert found.metadata == whole.metadata
