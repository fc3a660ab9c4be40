"""Datasets joined: values untouched, classes mapped, people kept apart, nothing lost without a count."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from synth_core.data import Dataset, Preparation, merge, open_recordings, prepare
from synth_core.errors import InvalidSetting, SpecMismatch
from synth_core.simulate import ct_cohort, ecg_cohort


def dataset(folder: Path, name: str, *, seed: int = 0, subjects: int = 5, seconds: float = 2.0) -> Dataset:
    cohort = ecg_cohort(subjects, seed, seconds=6, rate=100)
    return prepare(cohort, folder / name, Preparation(seconds=seconds, rate=100))


def test_values_labels_and_people_come_through(tmp_path: Path) -> None:
    one, two = dataset(tmp_path, "one"), dataset(tmp_path, "two", seed=1)
    joined = merge([one, two], tmp_path / "joined")
    assert len(joined) == len(one) + len(two)
    assert torch.equal(joined.batch(range(len(one))).values, one.batch(range(len(one))).values)
    assert torch.equal(joined.batch(range(len(one), len(joined))).values, two.batch(range(len(two))).values)
    assert joined.spec.classes == one.spec.classes
    assert joined.table["source"].value_counts().to_dict() == {"one": len(one), "two": len(two)}
    assert joined.simulated


def test_classes_are_renamed_joined_and_dropped(tmp_path: Path) -> None:
    one, two = dataset(tmp_path, "one"), dataset(tmp_path, "two", seed=1)
    slow_or_fast = {"bradycardia": "rate", "tachycardia": "rate", "ST elevation": None}
    joined = merge([one, two], tmp_path / "joined", label_maps=[slow_or_fast, {"normal": "NORM"}])
    assert joined.spec.classes[:4] == ("normal", "rate", "atrial fibrillation", "NORM")
    assert joined.spec.classes[4:] == ("bradycardia", "tachycardia", "ST elevation")
    first, second = joined.info["merged"]
    assert first["before"]["bradycardia"] == 3
    assert first["after"] == {"rate": 6, "normal": 3, "atrial fibrillation": 3}
    assert second["after"]["NORM"] == 3
    assert joined.info["counts"]["left_out"] == {"no class left": 3}
    assert len(merge([one, two], tmp_path / "all", label_maps=[slow_or_fast, {}], keep_unlabelled=True)) == 30


def test_the_same_patient_prepared_twice_stays_one_and_namesakes_stay_two(tmp_path: Path) -> None:
    one, again = dataset(tmp_path, "one"), dataset(tmp_path, "again")
    assert len(merge([one, again], tmp_path / "joined").subjects) == 5
    other = dataset(tmp_path, "other", seed=1)
    other.info["source"]["name"] = "another hospital"
    joined = merge([one, other], tmp_path / "two hospitals")
    assert len(joined.subjects) == 10
    parts = joined.split()
    people = [set(part.subjects) for part in parts.values()]
    assert sum(map(len, people)) == 10


def test_lesion_masks_come_along(tmp_path: Path) -> None:
    made = [prepare(ct_cohort(3, seed, size=64, slices=2), tmp_path / f"{seed}", Preparation()) for seed in (0, 1)]
    joined = merge(made, tmp_path / "joined")
    mask = joined.batch([0, len(made[0])]).condition.mask
    assert mask is not None
    expected = [one.batch([0]).condition.mask for one in made]
    assert torch.equal(mask, torch.cat([one for one in expected if one is not None]))


def test_what_does_not_fit_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    one, longer = dataset(tmp_path, "one"), dataset(tmp_path, "longer", seconds=3.0)
    with pytest.raises(SpecMismatch, match=r"one and longer differ in shape: 12, 200 and 12, 300; prepare them again"):
        merge([one, longer], tmp_path / "joined")
    with pytest.raises(InvalidSetting, match="one has no class 'AF'; its classes are normal"):
        merge([one, one], tmp_path / "joined", label_maps=[{"AF": "x"}, {}])
    with pytest.raises(InvalidSetting, match="at least two"):
        merge([one], tmp_path / "joined")
    everything = dict.fromkeys(one.spec.classes)
    with pytest.raises(InvalidSetting, match="No example is left"):
        merge([one, one], tmp_path / "joined", label_maps=[everything, everything])

    def cancel(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        merge([one, one], tmp_path / "joined", progress=cancel)
    assert not (tmp_path / "joined").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["longer", "one"]


def test_cpsc_and_ptbxl_become_one(shared_data: Path, tmp_path: Path) -> None:
    settings = Preparation(seconds=10, rate=100, highpass=0.5)
    ptbxl = prepare(open_recordings(shared_data / "ecg/ptbxl")[:40], tmp_path / "ptbxl", settings)
    cpsc = prepare(open_recordings(shared_data / "ecg/cpsc2018")[:20], tmp_path / "cpsc", settings)
    normal = next(name for name in cpsc.spec.classes if name.lower().startswith(("normal", "sinus rhythm", "nsr")))
    joined = merge([ptbxl, cpsc], tmp_path / "joined", label_maps=[{"NORM": "normal"}, {normal: "normal"}])
    assert "normal" in joined.spec.classes
    assert joined.spec.shape == (12, 1000)
    assert len(joined.subjects) == len(ptbxl.subjects) + len(cpsc.subjects)
    assert joined.info["source"]["licence"].startswith("CC BY 4.0")
    assert np.isfinite(joined.batch(range(len(joined))).values.numpy()).all()
