"""Lesions on their way into a dataset: found inside the brain only, never cut, counted where they do not fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from synth_core.data import Preparation, open_recordings, prepare
from synth_core.data.lesions import brain_mask, candidate_mask, ganglia_prior, severity_of_volume
from synth_core.errors import DataError, InvalidSetting
from tests.data.memory import InMemory, head_series


def slice_with(spots: list[tuple[float, float, float, float]], size: int = 256, seed: int = 0) -> np.ndarray:
    """A head of 1 mm pixels: brain of 35 ± 5 HU within 65 × 80 mm, bone; spots of (right, front, radius, HU)."""
    y, x = np.meshgrid(size / 2 - np.arange(size), np.arange(size) - size / 2, indexing="ij")
    radius = np.hypot(x / 65, y / 80)
    image = np.where(radius < 1, 35.0, np.where(radius < 1.1, 1100.0, np.where(radius < 1.2, 40.0, -1000.0)))
    for right, front, reach, hu in spots:
        image[np.hypot(x - right, y - front) < reach] = hu
    return (image + np.random.default_rng(seed).normal(0, 5, image.shape)).astype(np.float32)


def test_the_brain_is_inside_the_skull_without_its_rim() -> None:
    y, x = np.meshgrid(128 - np.arange(256), np.arange(256) - 128, indexing="ij")
    radius = np.hypot(x / 65, y / 80)
    brain = brain_mask(slice_with([(20, 0, 6, 500)]), 1.0)
    assert not brain[radius > 0.98].any()
    assert brain[radius < 0.9].all()  # the dense spot too


def test_an_open_skull_still_holds_its_brain_but_a_face_does_not() -> None:
    image = slice_with([])
    y, x = np.meshgrid(128 - np.arange(256), np.arange(256) - 128, indexing="ij")
    gap = (np.abs(np.arctan2(y, x)) < 0.3) & (np.hypot(x / 65, y / 80) < 1.15)
    image[gap] = 35
    assert brain_mask(image, 1.0)[np.hypot(x / 65, y / 80) < 0.8].all()
    image[(np.abs(x) < 25) & (y > 0) & gap | (np.hypot(x, y - 20) < 30)] = -900
    assert not brain_mask(image, 1.0).any()


def test_candidates_are_dense_pieces_of_the_brain_alone() -> None:
    spots = [(20, 5, 4, 200), (-22, 5, 0.9, 200), (62, 0, 4, 300), (0, -60, 6, 200)]
    found = candidate_mask(slice_with(spots), 1.0, 5.0, smallest=30)
    rows, columns = np.nonzero(found)
    assert found[128 - 5, 128 + 20]
    assert not found[128 - 5, 128 - 22]  # too small
    assert columns.max() < 128 + 55  # what touches the skull is bone
    assert rows.max() > 128 + 50  # the one far back
    central = candidate_mask(slice_with(spots), 1.0, 5.0, smallest=30, region="basal ganglia")
    assert central[128 - 5, 128 + 20]
    assert not central[128 + 20 :].any()


def test_the_prior_is_on_both_sides() -> None:
    prior = ganglia_prior(brain_mask(slice_with([]), 1.0))
    left, right = prior[:, :128].sum(), prior[:, 128:].sum()
    assert left == pytest.approx(right, rel=0.1)
    assert prior[128 - 5, 128 + 22]
    assert prior[128 - 5, 128 - 22]
    assert not prior[:, 128].any()


def series(spots: list[tuple[float, float, float, float]], *, known: bool = False, size: int = 256) -> InMemory:
    volume = np.stack([slice_with(spots, size, seed) for seed in range(3)])
    template = head_series()
    y, x = np.meshgrid(size / 2 - np.arange(size), np.arange(size) - size / 2, indexing="ij")
    mask = np.zeros(volume.shape, np.float32)
    for right, front, reach, _ in spots:
        mask[:, np.hypot(x - right, y - front) < reach] = 1
    spec = type(template.spec)("ct", (1, size, size), "HU", 1.0)
    return InMemory(
        spec=spec, subject="s", record="r", slices=3, values=volume, mask=mask if known else None,
        metadata={"slice gaps (mm)": [5.0]},
    )  # fmt: skip


def test_candidates_become_masks_and_severity(tmp_path: Path) -> None:
    preparation = Preparation(lesions="candidates", severity_from_volume=True, image_size=128)
    one = series([(20, 5, 5, 200), (-20, 5, 5, 200)])
    square_mm = float((one.values[0, 90:170, 90:170] > 150).sum())
    dataset = prepare([one], tmp_path / "d", preparation)
    batch = dataset.batch(range(3))
    assert batch.condition.mask is not None
    area = float(batch.condition.mask[0].sum()) * (250 / 128) ** 2
    assert area == pytest.approx(square_mm, rel=0.1)
    expected = severity_of_volume(3 * 5 * square_mm)
    assert float(batch.condition.severity[0]) == pytest.approx(expected, rel=0.01)


def test_known_masks_stay_and_none_means_none(tmp_path: Path) -> None:
    known = prepare([series([(20, 5, 5, 60)], known=True)], tmp_path / "a", Preparation(lesions="candidates"))
    assert float(known.batch([0]).condition.mask.sum()) > 0  # of 60 HU: from the source, not by density
    without = prepare([series([(20, 5, 5, 60)], known=True)], tmp_path / "b", Preparation(lesions="none"))
    assert without.batch([0]).condition.mask is None


def test_the_square_moves_so_that_no_lesion_is_cut(tmp_path: Path) -> None:
    """A square of 100 mm around the middle would end at 50 mm; the lesion reaches 56 mm to the right."""
    one = series([(50, 0, 6, 200)], known=True)
    dataset = prepare([one], tmp_path / "a", Preparation(field_mm=100, image_size=64))
    assert dataset.info["counts"]["left_out"] == {}
    area = float(dataset.batch([0]).condition.mask.sum()) * (100 / 64) ** 2
    assert area == pytest.approx(float(one.mask[0].sum()), rel=0.02)


def test_what_cannot_fit_is_left_out_and_counted(tmp_path: Path) -> None:
    wide = series([(50, 0, 6, 200), (-50, 0, 6, 200)], known=True)
    with pytest.raises(DataError, match=r"lesion outside the square.*larger field"):
        prepare([wide], tmp_path / "a", Preparation(field_mm=80, image_size=64))


def test_values_are_cut_only_where_asked(tmp_path: Path) -> None:
    one = series([(20, 5, 8, 400)], known=True)
    plain = prepare([one], tmp_path / "a", Preparation(image_size=128)).batch(range(3)).values
    cut = prepare([one], tmp_path / "b", Preparation(image_size=128, hu_low=-100, hu_high=300)).batch(range(3)).values
    assert plain.max() > 800
    assert (cut.min(), cut.max()) == (-100, 300)
    np.testing.assert_array_equal(cut, plain.clamp(-100, 300))


@pytest.mark.parametrize(
    "settings",
    [
        {"hu_low": 100, "hu_high": 0},
        {"lesions": "candidates", "hu_high": 80},
        {"lesion_smallest": 9000.0, "lesion_largest": 10.0},
    ],
)
def test_settings_that_contradict_are_refused(settings: dict) -> None:
    with pytest.raises(InvalidSetting, match=r"must be|would cut"):
        Preparation.checked(settings)


@pytest.mark.data
def test_the_brain_of_a_real_head(shared_data: Path) -> None:
    """Slice 16 shows calcified choroid plexus; none of the skull, which is far denser, may be found."""
    head = open_recordings(shared_data / "ct/ge_head_dicom")[0]
    values = head.read(16, 17)[0]
    brain = brain_mask(values, head.spec.rate)
    assert 12_000 < brain.sum() / head.spec.rate**2 < 20_000  # mm²
    assert values[brain].max() < 1000
    found = candidate_mask(values, head.spec.rate, 4.0)
    assert 5 <= found.sum() / head.spec.rate**2 * 4.0 < 1500
