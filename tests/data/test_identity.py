"""Who is who: the same partition wherever a tree is opened, whatever lies above it, packed or not."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from synth_core.data import Preparation, Recording, open_recordings, patterns, prepare
from synth_core.data.identity import distinct_warnings, is_placeholder
from synth_core.data.patterns import people
from synth_core.errors import InvalidSetting
from tests.data.fuzz_ecg import wfdb_record
from tests.data.fuzz_eeg import edf_bytes

# layout → record below the root of the collection, and the person it is from
LAYOUTS = {
    "tuh": {
        "edf/train/01_tcp_ar/aaaaaaac/s001_2002/aaaaaaac_s001_t000.edf": "aaaaaaac",
        "edf/train/01_tcp_ar/aaaaaaac/s002_2004/aaaaaaac_s002_t001.edf": "aaaaaaac",
        "edf/eval/02_tcp_le/aaaaaabb/s001_2002/aaaaaabb_s001_t000.edf": "aaaaaabb",
    },
    "sleep-edf": {
        "cassette/SC4001E0-PSG.edf": "SC400",
        "cassette/SC4002E0-PSG.edf": "SC400",
        "cassette/SC4011E0-PSG.edf": "SC401",
        "telemetry/ST7011J0-PSG.edf": "ST701",
    },
    "chb-mit": {
        "chb01/chb01_03.edf": "chb01",
        "chb21/chb21_01.edf": "chb01",
        "chb17/chb17a_03.edf": "chb17",
        "chb02/chb02_16+.edf": "chb02",
    },
    "bci": {"A01T.edf": "A01", "A01E.edf": "A01", "A02T.edf": "A02", "b/B0101T.edf": "B01", "b/B0103T.edf": "B01"},
    "eegmmidb": {"S001/S001R03.edf": "S001", "S001/S001R04.edf": "S001", "S002/S002R03.edf": "S002"},
    "siena": {
        "PN00/PN00-1.edf": "PN00",
        "PN00/PN00-2.edf": "PN00",
        "PN06/PNO6-4.edf": "PN06",
        "PN06/PN06-1.edf": "PN06",
    },
    "mimic-iv-ecg": {
        "p1000/p10000032/s40689238/40689238.hea": "p10000032",
        "p1000/p10000032/s44458630/44458630.hea": "p10000032",
        "p1000/p10000117/s45090959/45090959.hea": "p10000117",
    },
    "icentia": {
        "p00/p00000/p00000_s00.hea": "p00000",
        "p00/p00000/p00000_s01.hea": "p00000",
        "p00/p00001/p00001_s00.hea": "p00001",
    },
    "mdd": {"H S1 EC.edf": "H S1", "H S1 EO.edf": "H S1", "MDD S1 EC.edf": "MDD S1"},
    "ptb": {
        "patient001/s0010_re.hea": "patient001",
        "patient001/s0014lre.hea": "patient001",
        "patient002/s0015lre.hea": "patient002",
    },
    "bids": {
        "sub-01/ses-1/eeg/sub-01_ses-1_task-rest_eeg.edf": "sub-01",
        "sub-01/ses-2/eeg/sub-01_ses-2_task-rest_eeg.edf": "sub-01",
        "sub-02/ses-1/eeg/sub-02_ses-1_task-rest_eeg.edf": "sub-02",
    },
}
PARENTS = ("collection", "patient7/p99/sub-44", "s001/12345")


def make(root: Path, records: dict[str, str]) -> Path:
    for name in records:
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.suffix == ".edf":
            file.write_bytes(edf_bytes())
        else:
            wfdb_record(file.parent, file.stem)
    return root


def partition(recordings: list[Recording]) -> set[frozenset[str]]:
    """Names of files by person."""
    people: dict[str, set[str]] = {}
    for one in recordings:
        people.setdefault(one.subject, set()).add(one.record.rsplit("/", 1)[-1])
    return {frozenset(files) for files in people.values()}


def expected(records: dict[str, str], below: str = "") -> set[frozenset[str]]:
    inside = {name: person for name, person in records.items() if name.startswith(below)}
    return {
        frozenset(Path(name).stem for name, whose in inside.items() if whose == person) for person in inside.values()
    }


def folders(records: dict[str, str]) -> list[str]:
    found = {"/".join(Path(name).parts[:depth]) + "/" for name in records for depth in range(1, len(Path(name).parts))}
    return sorted(found)


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
@pytest.mark.parametrize("parents", PARENTS)
def test_the_partition_does_not_depend_on_what_is_opened(tmp_path: Path, layout: str, parents: str) -> None:
    records = LAYOUTS[layout]
    root = make(tmp_path / parents, records)
    whole = open_recordings(root)
    assert {one.subject for one in whole} == set(records.values())
    assert {one.basis for one in whole} == {"layout"}
    assert partition(whole) == expected(records)
    for below in folders(records):
        assert partition(open_recordings(root / below)) == expected(records, below), below


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
def test_a_zip_of_any_folder_gives_the_same_partition(tmp_path: Path, layout: str) -> None:
    records = LAYOUTS[layout]
    root = make(tmp_path / "tree", records)
    for number, below in enumerate(["", *folders(records)]):
        packed = shutil.make_archive(str(tmp_path / f"zips/archive{number}"), "zip", root / below)
        assert partition(open_recordings(packed)) == expected(records, below), below


def test_two_records_of_the_arrhythmia_database_are_one_man_wherever_they_lie(tmp_path: Path) -> None:
    for folder in ("patient3", "x/y"):
        for name in ("100", "201", "202"):
            (tmp_path / folder).mkdir(parents=True, exist_ok=True)
            wfdb_record(tmp_path / folder, name, rate=360)
        people = {one.record: one.subject for one in open_recordings(tmp_path / folder)}
        assert people == {"100": "100", "201": "201", "202": "201"}


def test_sessions_and_shelves_are_no_people(tmp_path: Path) -> None:
    make(tmp_path, dict.fromkeys(["P01/S1/a.edf", "P01/S2/a.edf", "P02/S1/a.edf"], ""))
    make(tmp_path / "n", dict.fromkeys(["2021/12345/scan_1.edf", "2021/12345/scan_2.edf", "2021/67890/scan_1.edf"], ""))
    assert len({one.subject for one in open_recordings(tmp_path / "P01")}) == 1
    assert len({one.subject for one in open_recordings(tmp_path / "n")}) == 2
    assert len({one.subject for one in open_recordings(tmp_path / "n/2021/12345")}) == 1


def test_a_folder_of_sessions_and_a_number_before_a_word_are_people(tmp_path: Path) -> None:
    make(tmp_path / "a", dict.fromkeys(["AB/session1/rec.edf", "AB/session2/rec.edf", "CD/session1/rec.edf"], ""))
    make(tmp_path / "b", dict.fromkeys(["lee/2020-01-01/x.edf", "lee/20200102/x.edf", "chan/2020-01-01/x.edf"], ""))
    make(tmp_path / "c", dict.fromkeys(["1001_pre/x.edf", "1001_post/x.edf", "1002_pre/x.edf"], ""))
    for folder, two in (("a", "AB"), ("b", "lee"), ("c", "1001")):
        people = sorted(one.subject for one in open_recordings(tmp_path / folder))
        assert len(set(people)) == 2
        assert people.count(two) == 2


def test_a_guess_is_said_and_travels(tmp_path: Path) -> None:
    make(tmp_path / "files", dict.fromkeys(["rest.edf", "task.edf"], ""))
    recordings = open_recordings(tmp_path / "files")
    assert {one.basis for one in recordings} == {"guess"}
    dataset = prepare(recordings, tmp_path / "out", Preparation(seconds=0.5, rate=128))
    assert dataset.info["counts"]["basis"] == {"guess": 2}
    assert any("each file counts as one" in sentence for sentence in dataset.info["warnings"])


def test_the_pattern_of_the_user_decides_and_says_what_it_misses(tmp_path: Path) -> None:
    make(tmp_path, dict.fromkeys(["anna_1.edf", "anna_2.edf", "bert_1.edf", "other.edf"], ""))
    recordings = open_recordings(tmp_path, subject_pattern=r"([a-z]+)_\d")
    told = {one.record: (one.subject, one.basis) for one in recordings}
    assert told["anna_1"] == told["anna_2"] == ("anna", "pattern")
    assert told["other"][1] == "guess"
    assert all("fits 3 of 4" in " ".join(one.warnings) for one in recordings)


@pytest.mark.parametrize(("pattern", "problem"), [("(", "no regular"), ("zzz", "fits no"), ("(a+)+b", "for ever")])
def test_a_pattern_that_cannot_work_is_refused(tmp_path: Path, pattern: str, problem: str) -> None:
    make(tmp_path, {"a.edf": ""})
    with pytest.raises(InvalidSetting, match=problem):
        open_recordings(tmp_path, subject_pattern=pattern)


@pytest.mark.parametrize(
    "code", ["", "X", "xxxx", "0", "000000", "ANONYMIZED", "Anonymous^Patient", "anon_17", "De-identified", "unknown",
             "REMOVED", "N/A", "Patient ID", "no name", "pseudonymised", "NOT AVAILABLE", "***", "DEID", "hidden"],
)  # fmt: skip
def test_placeholders_name_nobody(code: str) -> None:
    assert is_placeholder(code)


@pytest.mark.parametrize("code", ["aaaaaaac", "P001", "4711", "Manon", "CQ500-CT-0", "Shannon^Claude", "H-123/45"])
def test_codes_are_no_placeholders(code: str) -> None:
    assert not is_placeholder(code)


SLOW = [r"(a|aa)+$", r"(\w+\s?)*=", r"(x+x+)+y", r"(?:a?){40}a{40}$", r".*.*.*.*.*.*="]
PATHS = ["a" * 900, "records/" + "a" * 60 + "/b"]


@pytest.mark.parametrize("pattern", SLOW)
def test_a_pattern_that_never_ends_is_given_up(pattern: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns, "SECONDS", 0.3)
    with pytest.raises(InvalidSetting, match=r"too long|for ever"):
        people(pattern, PATHS)


def test_a_pattern_is_given_up_in_a_thread_of_a_server_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns, "SECONDS", 0.3)
    with ThreadPoolExecutor(1) as threads:
        assert isinstance(threads.submit(people, SLOW[0], PATHS).exception(), InvalidSetting)
        assert threads.submit(people, "/b$", PATHS).result().people == ("", "/b")


def test_a_preview_counts_people_and_what_does_not_match() -> None:
    preview = people(r"(?P<subject>p\d)_(\d)", ["p1_1.edf", "p1_2.edf", "p2_1.edf", "other.edf"])
    assert preview.people == ("p1", "p1", "p2", "")
    assert (preview.subjects, preview.missed) == (2, 1)
    assert people("p[0-9]", ["p7_x"]).people == ("p7",)


def test_warnings_that_differ_in_numbers_only_are_one_where_they_are_many(tmp_path: Path) -> None:
    make(tmp_path, dict.fromkeys([f"{i}.edf" for i in range(9)], ""))
    recordings = [replace(one, warnings=(f"Amplitude {i / 8}.",)) for i, one in enumerate(open_recordings(tmp_path))]
    assert distinct_warnings(recordings) == ["Amplitude 0.0."]
    assert distinct_warnings(recordings[:2]) == [
        "Amplitude 0.0. (1 of 2 recordings)", "Amplitude 0.125. (1 of 2 recordings)"
    ]  # fmt: skip
