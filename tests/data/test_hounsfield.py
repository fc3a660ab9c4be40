"""What values of CT mean, whatever file keeps them: lost signs, offsets, grey, no numbers, labels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from synth_core.data import Preparation, open_recordings, prepare
from synth_core.errors import DataError, InvalidSetting
from tests.data.fuzz_ct import dicom_dataset, metaimage, nifti, nrrd

Volume = NDArray[Any]
WRAPPED = "stored without their sign"
RADIUS = np.hypot(*np.meshgrid(np.linspace(-1, 1, 48), np.linspace(-1, 1, 48)))


def scan(slices: int = 5) -> Volume:
    """(slices, 48, 48) HU with noise: brain of 35 in bone of 900, air around."""
    image = np.where(RADIUS < 0.6, 35, np.where(RADIUS < 0.75, 900, -1000))
    return np.round(image + np.random.default_rng(0).normal(0, 6, (slices, 48, 48)))


def dicom(folder: Path, stored: Volume, **changes: Any) -> None:
    for number, values in enumerate(stored):
        data = dicom_dataset(np.zeros(values.shape, np.int16), number, BitsStored=16, HighBit=15, **changes)
        data.PixelData = (values.astype(np.int64) & 0xFFFF).astype("<u2").tobytes()
        data.save_as(folder / f"{number}.dcm", enforce_file_format=True)


def tiff(folder: Path, stored: Volume) -> None:
    tifffile.imwrite(folder / "a.tif", stored, photometric="minisblack")


WRITERS: dict[str, Callable[[Path, Volume], None]] = {
    "nifti": lambda folder, values: nifti(folder / "a.nii", values),
    "nifti gzip": lambda folder, values: nifti(folder / "a.nii.gz", values),
    "metaimage": lambda folder, values: metaimage(folder / "a.mha", values),
    "metaimage packed": lambda folder, values: metaimage(folder / "a.mha", values, packed=True),
    "nrrd": lambda folder, values: nrrd(folder / "a.nrrd", values),
    "numpy": lambda folder, values: np.save(folder / "a.npy", values),
    "numpy packed": lambda folder, values: np.savez_compressed(folder / "a.npz", ct=values),
    "tiff": tiff,
    "dicom": lambda folder, values: dicom(folder, values, RescaleIntercept=0),
}


def read(folder: Path, **told: Any) -> tuple[Volume, str]:
    """All slices in order, and what is said."""
    recordings = open_recordings(folder, **{"modality": "ct", **told})
    return np.concatenate([one.read() for one in recordings]), " ".join(recordings[0].warnings)


@pytest.mark.parametrize("write", WRITERS)
def test_a_lost_sign_is_restored_and_said(tmp_path: Path, write: str) -> None:
    WRITERS[write](tmp_path, scan().astype(np.int16).view(np.uint16))
    values, said = read(tmp_path)
    np.testing.assert_array_equal(values, np.maximum(scan(), -1024))
    assert WRAPPED in said


@pytest.mark.parametrize(("kind", "wrap"), [("i4", 2**16), ("f4", 2**16), ("u4", 2**32), ("i2", 2**12), ("f8", 2**12)])
def test_a_sign_lost_before_another_type_is_restored_too(tmp_path: Path, kind: str, wrap: int) -> None:
    nifti(tmp_path / "a.nii", np.where(scan() < 0, scan() + wrap, scan()).astype(kind))
    values, said = read(tmp_path)
    np.testing.assert_array_equal(values, np.maximum(scan(), -1024))
    assert WRAPPED in said


@pytest.mark.parametrize("write", [name for name in WRITERS if name != "tiff"])
def test_an_offset_is_warned_of_and_taken_off_once_told(tmp_path: Path, write: str) -> None:
    WRITERS[write](tmp_path, (scan() + 1024).astype(np.uint16 if write != "metaimage" else np.int16).clip(0))
    assert "`hu_offset` takes off" in read(tmp_path)[1]
    values, said = read(tmp_path, hu_offset=-1024)
    np.testing.assert_array_equal(values, np.maximum(scan(), -1024))
    assert "offset" not in said


@pytest.mark.parametrize("write", ["nifti", "nifti gzip", "metaimage", "nrrd", "numpy", "tiff"])
def test_values_that_no_ct_has_are_asked_about(tmp_path: Path, write: str) -> None:
    WRITERS[write](tmp_path, (scan() + 32768).astype(np.uint16))  # DeepLesion keeps its slices so
    with pytest.raises(DataError, match="`hu_offset`"):
        read(tmp_path)
    np.testing.assert_array_equal(read(tmp_path, hu_offset=-32768)[0], np.maximum(scan(), -1024))


def test_an_offset_that_is_not_needed_is_not_added(tmp_path: Path) -> None:
    nifti(tmp_path / "a.nii", scan().astype(np.int16))
    values, said = read(tmp_path, hu_offset=-1024)
    np.testing.assert_array_equal(values, np.maximum(scan(), -1024))
    assert "was not added" in said


@pytest.mark.parametrize("outside", [np.nan, 0])
def test_an_offset_is_not_added_where_it_would_make_air_of_the_brain(tmp_path: Path, outside: float) -> None:
    values = np.where(RADIUS < 0.6, scan().clip(1), outside).astype(np.float32)
    nifti(tmp_path / "a.nii", values)
    read_, said = read(tmp_path, hu_offset=-1024)
    np.testing.assert_array_equal(read_[:, RADIUS < 0.6], values[:, RADIUS < 0.6])
    assert "was not added" in said


@pytest.mark.parametrize("kind", ["u1", "i2", "f4"])
def test_grey_asks_for_its_window(tmp_path: Path, kind: str) -> None:
    grey = np.clip((scan() + 100) / 2, 0, 255).round().astype(kind)
    nifti(tmp_path / "a.nii", grey)
    with pytest.raises(DataError, match="state the `window`"):
        read(tmp_path)
    values, said = read(tmp_path, window=(-100, 410))
    np.testing.assert_allclose(values[grey > 5], grey[grey > 5] * 2.0 - 100, atol=1e-3)
    assert values[0, 0, 0] == -1024  # black around the head is air
    assert "approximate" in said


def test_values_from_0_to_1_are_read_once_their_window_is_told(tmp_path: Path) -> None:
    nifti(tmp_path / "a.nii", ((scan().clip(-1000, 1000) + 1000) / 2000).astype(np.float32))
    with pytest.raises(DataError, match="`window`, HU at 0 and at 1"):
        read(tmp_path)
    inside = RADIUS < 0.7
    np.testing.assert_allclose(read(tmp_path, window=(-1000, 1000))[0][:, inside], scan()[:, inside], atol=0.1)


@pytest.mark.parametrize("ending", ["nii", "nii.gz"])
def test_no_number_outside_is_air_and_inside_stays_unknown(tmp_path: Path, ending: str) -> None:
    values = scan().astype(np.float32)
    values[:, RADIUS > 0.9] = np.nan
    values[2, 20:24, 20:24] = np.nan
    nifti(tmp_path / f"a.{ending}", values)
    read_, said = read(tmp_path)
    assert (read_[:, RADIUS > 0.9] == -1024).all()
    assert np.isnan(read_[2, 20:24, 20:24]).all()
    assert np.isnan(read_).sum() == 16
    assert "taken as air" in said
    assert "there is no air" not in said
    dataset = prepare(open_recordings(tmp_path), tmp_path / "out", Preparation(min_head=0))
    assert len(dataset) == 4
    assert sum(dataset.info["counts"]["left_out"].values()) == 1


def test_a_volume_without_a_number_is_refused(tmp_path: Path) -> None:
    nifti(tmp_path / "a.nii.gz", np.full((4, 8, 8), np.nan, np.float32))
    with pytest.raises(DataError, match="only NaN"):
        read(tmp_path)


def stripes(labels: int) -> Volume:
    """A map of as many labels, side by side within the head."""
    across = np.linspace(0, labels + 1, 48, endpoint=False).astype(int)
    return np.where(RADIUS < 0.75, across[None, :], 0) * np.ones((5, 1, 1), int)


@pytest.mark.parametrize("kind", ["u1", "i2", "i4", "f4", "f8"])
@pytest.mark.parametrize("labels", [1, 2, 20, 40])
def test_label_maps_are_masks_whatever_their_type(tmp_path: Path, kind: str, labels: int) -> None:
    nifti(tmp_path / "case1_ct.nii.gz", scan().astype(np.int16))
    nifti(tmp_path / "case1_seg.nii.gz", stripes(labels).astype(kind))
    (recording,) = open_recordings(tmp_path)
    np.testing.assert_array_equal(recording.lesion_mask(), stripes(labels) > 0)
    assert ("several labels" in " ".join(recording.warnings)) == (labels > 1)


@pytest.mark.parametrize("labels", [2, 20, 40])
@pytest.mark.parametrize("write", ["nifti", "nifti gzip", "metaimage", "nrrd", "numpy", "dicom"])
def test_label_maps_alone_are_never_ct(tmp_path: Path, write: str, labels: int) -> None:
    WRITERS[write](tmp_path, stripes(labels).astype(np.int16))
    with pytest.raises(DataError, match=r"mask|label map"):
        read(tmp_path)


def test_labels_of_freesurfer_are_labels_and_random_ones_are_no_ct(tmp_path: Path) -> None:
    parts = stripes(40)
    nifti(tmp_path / "a.nii.gz", np.where(parts > 20, parts + 1000, parts).astype(np.int32))
    with pytest.raises(DataError, match="is a mask"):
        read(tmp_path)
    nifti(tmp_path / "a.nii.gz", np.random.default_rng(0).integers(0, 40, (5, 48, 48)).astype(np.int16))
    with pytest.raises(DataError, match="neither a CT with air and bone"):
        read(tmp_path)


def test_a_map_of_many_labels_needs_a_name_that_says_whose_it_is(tmp_path: Path) -> None:
    nifti(tmp_path / "case1.nii.gz", scan().astype(np.int16))
    nifti(tmp_path / "atlas.nii.gz", stripes(20).astype(np.uint8))
    skipped: list[DataError] = []
    (recording,) = open_recordings(tmp_path, skipped=skipped)
    assert recording.lesion_mask() is None
    assert "atlas.nii.gz: is a mask or a label map that could belong to" in str(skipped[0])


def test_masks_of_nnunet_belong_to_their_cases(tmp_path: Path) -> None:
    for folder in ("imagesTr", "labelsTr"):
        (tmp_path / folder).mkdir()
    for number in (1, 2):
        nifti(tmp_path / f"imagesTr/head_00{number}_0000.nii.gz", scan().astype(np.int16))
        nifti(tmp_path / f"labelsTr/head_00{number}.nii.gz", (stripes(number) > 0).astype(np.uint8))
    skipped: list[DataError] = []
    recordings = open_recordings(tmp_path, skipped=skipped)
    assert not skipped
    assert [one.record for one in recordings] == ["imagesTr/head_001_0000", "imagesTr/head_002_0000"]
    np.testing.assert_array_equal(recordings[1].lesion_mask(), stripes(2) > 0)


def test_a_brain_that_was_cut_out_is_read_with_a_warning(tmp_path: Path) -> None:
    nifti(tmp_path / "a.nii.gz", np.where(RADIUS < 0.6, scan(), 0).astype(np.float32).clip(0))
    assert "the brain was cut out" in read(tmp_path)[1]


@pytest.mark.parametrize("told", [{"pixel_mm": 0}, {"pixel_mm": 100}, {"hu_offset": np.nan}, {"window": (0, np.inf)}])
def test_what_is_told_is_checked(tmp_path: Path, told: dict[str, Any]) -> None:
    with pytest.raises(InvalidSetting, match=next(iter(told))):
        read(tmp_path, **told)


def test_a_large_packed_volume_is_read_to_its_end(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(-1024, 1000, (20, 256, 256)).astype(np.int16)  # 2.6 MB
    nifti(tmp_path / "a.nii.gz", values)
    np.testing.assert_array_equal(read(tmp_path)[0], values)


def test_values_that_no_sample_showed_are_refused_when_they_are_read(tmp_path: Path) -> None:
    values = scan(40).astype(np.int16).view(np.uint16)
    values[5] = 40_000  # neither positive nor a negative one without its sign
    nifti(tmp_path / "a.nii", values)
    with pytest.raises(DataError, match="not Hounsfield units"):
        read(tmp_path)


@pytest.mark.parametrize(("low", "high"), [(0, 80), (0, 200)])
def test_an_image_that_was_cut_off_is_no_label_map(tmp_path: Path, low: int, high: int) -> None:
    nifti(tmp_path / "a.nii.gz", scan().clip(low, high).astype(np.int16))
    values, said = read(tmp_path)
    np.testing.assert_array_equal(values, scan().clip(low, high))
    assert "there is no air" in said


def test_where_nothing_is_left_what_was_said_at_opening_is_said_again(tmp_path: Path) -> None:
    nifti(tmp_path / "a.nii", (scan() + 1024).astype(np.uint16))
    with pytest.raises(DataError, match=r"too little head.*it was said: .*`hu_offset` takes off"):
        prepare(open_recordings(tmp_path), tmp_path / "out", Preparation())
