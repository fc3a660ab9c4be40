"""CT in the shape of public reports, each with its right reading (../shared/cases/README.md), and siblings of them."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from synth_core.__main__ import main
from synth_core.data import Dataset, Preparation, Recording, open_recordings, prepare
from synth_core.errors import DataError
from synth_core.generators import build
from synth_core.training import RunConfig
from synth_core.training.card import model_card
from synth_core.training.provenance import provenance_of
from synth_core.training.run import Status
from tests import conftest

CASES = conftest.CASES / "ct"
pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason="no ../shared/cases here")
GUESSED = "Nothing names the person"


def opened(case: str, **told: Any) -> tuple[list[Recording], list[str]]:
    skipped: list[DataError] = []
    recordings = open_recordings(CASES / case, skipped=skipped, **told)
    return recordings, [str(error) for error in skipped]


def said(recordings: list[Recording]) -> str:
    return " ".join(sentence for one in recordings for sentence in one.warnings)


def run(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr(sys, "argv", ["synth_core", *map(str, words)])
    with pytest.raises(SystemExit) as stopped:
        main()
    return int(stopped.value.code or 0)


# case → recordings, slices of each, least and greatest HU, what is told, what is said of it
VOLUMES: dict[str, tuple[int, int, float, float, dict[str, Any], str]] = {
    "n_4d1": (1, 6, -1000, 900, {}, "64 × 64 × 1 × 6 values"),
    "n_float_nan": (1, 6, -1024, 913, {}, "taken as air"),
    "n_wrap": (1, 6, -1016, 913, {}, "65,536 was taken off"),
    "mhd_hs": (1, 6, -1000, 900, {}, ""),
    "mhd_list": (1, 6, -1000, 900, {}, ""),
    "i_stack": (1, 6, -1000, 900, {"hu_offset": -1024}, "250 mm"),
    "i_16": (4, 1, -1000, 900, {"hu_offset": -1024}, "250 mm"),
    "i_miniswhite": (4, 1, -1000, 900, {"hu_offset": -1024}, "250 mm"),
    "arr/nhw": (6, 1, -1000, 900, {"modality": "ct"}, "images, height and width"),
    "arr/n1hw": (6, 1, -1000, 900, {"modality": "ct"}, "250 mm"),
    "arr/nhw1": (6, 1, -1000, 900, {"modality": "ct"}, "250 mm"),
    "arr/vol4": (2, 6, -1000, 900, {"modality": "ct"}, "images, slices, height and width"),
    "arr/u8": (6, 1, -1024, 80, {"modality": "ct", "window": (0, 80)}, "approximate"),
    "nopreamble": (1, 6, -1000, 900, {}, ""),
    "no_modality": (1, 6, -1000, 900, {}, ""),
    "uid_const": (2, 6, -1000, 900, {}, ""),
    "phases_uid": (2, 6, -1000, 900, {}, ""),
    "two_stacks": (2, 6, -1000, 900, {}, ""),
}


@pytest.mark.parametrize("case", VOLUMES)
def test_values_are_hounsfield_units(case: str) -> None:
    count, slices, low, high, told, sentence = VOLUMES[case]
    recordings, skipped = opened(case, **told)
    assert not skipped
    assert [one.slices for one in recordings] == [slices] * count
    for one in recordings:
        values = one.read()
        assert values.shape == (slices, 64, 64)
        assert (values.min(), values.max()) == (low, high)
        np.testing.assert_array_equal(one.read(0, 1), values[:1])
        assert sentence in " ".join(one.warnings)


@pytest.mark.parametrize("case", ["uid_const", "phases_uid", "two_stacks"])
def test_volumes_are_never_mixed(case: str) -> None:
    tissue = [
        float(np.median(values[(values > 0) & (values < 300)])) for values in (one.read() for one in opened(case)[0])
    ]
    assert sorted(tissue) == [35, 135]


def test_two_patients_under_one_series_are_two_people() -> None:
    assert len({one.subject for one in opened("uid_const")[0]}) == 2


def test_a_derived_slice_is_left_out_and_said() -> None:
    recordings, skipped = opened("derived_in")
    assert [one.slices for one in recordings] == [6]
    assert len(skipped) == 1
    assert "perf: is derived from other images" in skipped[0]


def test_a_label_map_is_a_mask_of_its_ct() -> None:
    (recording,), skipped = opened("n_seg20")
    assert not skipped
    assert recording.record == "case1_ct"
    mask = recording.lesion_mask()
    assert mask is not None
    assert set(np.unique(mask)) == {0, 1}
    assert "has several labels; all of them count as lesion" in said([recording])


def test_a_label_map_alone_is_no_ct(tmp_path: Path) -> None:
    shutil.copy(CASES / "n_seg20/case1_seg.nii.gz", tmp_path / "volume.nii.gz")  # whatever it is called
    with pytest.raises(DataError, match="is a mask, and no image here has its grid"):
        open_recordings(tmp_path)


@pytest.mark.parametrize(
    ("case", "told", "option"),
    [
        ("i_16", {}, "hu_offset"),
        ("i_stack", {}, "hu_offset"),
        ("i_miniswhite", {}, "hu_offset"),
        ("arr/u8", {"modality": "ct"}, "window"),
        ("arr/nhw", {}, "modality"),
    ],
)
def test_what_is_asked_for_is_an_option_of_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: Any, tmp_path: Path, case: str, told: dict[str, str], option: str
) -> None:
    stated = {"modality": "ct", "hu_offset": "-1024", "window": "-160,240", "pixel_mm": "3"}
    options = [part for name, value in told.items() for part in (f"--{name.replace('_', '-')}", value)]
    assert run(monkeypatch, "inspect", CASES / case, *options) == 2
    assert f"`{option}`" in capsys.readouterr().err
    every = [part for name, value in stated.items() for part in (f"--{name.replace('_', '-')}", value)]
    assert run(monkeypatch, "inspect", CASES / case, *every, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["modality"], found["unit"], found["rate"]) == ("ct", "HU", [1 / 3])
    assert "250 mm" not in " ".join(found["warnings"])
    out = tmp_path / "out"
    assert run(monkeypatch, "prepare", CASES / case, "--out", out, *every, "--set", "min_head=0", "--json") == 0
    made = json.loads(capsys.readouterr().out)
    assert made["examples"] == found["slices"]


def test_a_picture_is_turned_as_exif_says() -> None:
    recordings, _ = opened("i_exif")
    stored = np.asarray(Image.open(CASES / "i_exif/0.jpg"))
    values = recordings[0].read()[0]
    shown = np.rot90(stored, -1).astype(float)  # orientation 6: the first row is on the right
    np.testing.assert_allclose(values[shown > 20], shown[shown > 20] * 80 / 255, atol=1e-3)
    assert (values[shown == 0] == -1024).mean() > 0.99


def test_the_missing_rescale_is_said_from_opening_to_the_card(
    monkeypatch: pytest.MonkeyPatch, capsys: Any, tmp_path: Path
) -> None:
    sentence = "The header gives no rescale: stored values are taken as Hounsfield units."
    assert run(monkeypatch, "inspect", CASES / "norescale", "--json") == 0
    assert sentence in json.loads(capsys.readouterr().out)["warnings"]
    words = ("prepare", CASES / "norescale", "--out", tmp_path / "data", "--set", "min_head=0", "--json")
    assert run(monkeypatch, *words) == 0
    assert sentence in json.loads(capsys.readouterr().out)["warnings"]
    assert sentence in json.loads((tmp_path / "data/dataset.json").read_text())["warnings"]
    assert sentence in card_of(tmp_path / "data")


def test_an_assumed_pixel_size_reaches_the_card(tmp_path: Path) -> None:
    prepare(open_recordings(CASES / "i_exif"), tmp_path / "data", Preparation(min_head=0))
    assert "Pixel size is not known: the longer side is taken as 250 mm." in card_of(tmp_path / "data")


@pytest.mark.parametrize(
    ("case", "people"),
    [("anon", 3), ("anonid", 3), ("n_patfolders", 2), ("n_csv", 2), ("ctich", 3), ("i_codes", 2), ("i_nanlab", 5)],
)
def test_people_are_counted(case: str, people: int) -> None:
    recordings, skipped = opened(case)
    assert not skipped
    assert len({one.subject for one in recordings}) == people


def test_codes_are_three_classes_and_a_blank_label_is_missing() -> None:
    assert [sum(one.labels.values()) for one in opened("i_codes")[0]] == [1, 1, 1, 1]
    assert sorted(opened("i_codes")[0][0].labels) == ["grade 0", "grade 1", "grade 2"]
    assert [bool(one.labels) for one in opened("i_nanlab")[0]] == [True, True, False, True, True]


def card_of(dataset: Path) -> str:
    """What the card of a model of this dataset says."""
    opened = Dataset.open(dataset)
    generator = build("memorise", opened.spec)
    status = Status("finished", step=1, steps=1)
    generator.provenance = provenance_of(opened, RunConfig(out=dataset.parent / "run", steps=1), status, 1)
    return model_card(generator, "model")
