"""NIfTI, MetaImage and NRRD volumes: one orientation, Hounsfield units, masks on the grid of an image."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest

from synth_core.data import open_recordings
from synth_core.data.readers import unpacking
from synth_core.errors import DamagedFile, DataError
from tests.data.fuzz_ct import AFFINE, head, metaimage, nifti, nrrd, stored


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "b"])
def test_nifti_is_read_front_up_and_right_on_the_left(tmp_path: Path, name: str) -> None:
    nifti(tmp_path / ("a.nii" if name == "b" else name))
    if name == "b":
        (tmp_path / "a.nii").rename(tmp_path / "b")
    volume = open_recordings(tmp_path)[0]
    np.testing.assert_array_equal(volume.read(), head())
    np.testing.assert_array_equal(volume.read(1, 2), head()[1:2])
    assert (volume.spec.rate, volume.metadata["slice gaps (mm)"], volume.slices) == (1.0, [5.0], 3)


@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, 1, -1), (1, -1, 1)])
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_every_way_to_store_a_volume_gives_the_same_slices(tmp_path: Path, signs: tuple, order: tuple) -> None:
    """nibabel's own reorientation to left, posterior, superior is the reference."""
    volume = head()
    image = nibabel.Nifti1Image(stored(volume), AFFINE)
    wanted = [[axis, sign] for axis, sign in zip(order, signs, strict=True)]
    turned = image.as_reoriented(np.array(wanted))
    turned.to_filename(tmp_path / "a.nii.gz")
    np.testing.assert_array_equal(open_recordings(tmp_path)[0].read(), volume)


def test_values_are_those_of_nibabel_with_slope_and_intercept(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(stored(head() + 1024).astype(np.uint16), AFFINE)
    image.header.set_slope_inter(0.5, -1024)
    image.to_filename(tmp_path / "a.nii")
    expected = nibabel.load(tmp_path / "a.nii").get_fdata().transpose(2, 1, 0)
    np.testing.assert_allclose(open_recordings(tmp_path)[0].read(), np.maximum(expected, -1024), atol=1e-3)


def test_a_mask_belongs_to_the_image_of_its_grid(tmp_path: Path) -> None:
    for subject in ("sub-1", "sub-2"):
        (tmp_path / subject).mkdir()
        nifti(tmp_path / subject / f"{subject}_ct.nii.gz")
    nifti(tmp_path / "sub-2" / "sub-2_label-lesion_mask.nii.gz", (head() > 200).astype(np.uint8))
    one, two = open_recordings(tmp_path)
    assert one.lesion_mask() is None
    np.testing.assert_array_equal(two.lesion_mask(1, 3), (head() > 200)[1:3])
    assert (one.subject, two.subject) == ("sub-1", "sub-2")


def test_a_mask_without_its_image_is_told(tmp_path: Path) -> None:
    nifti(tmp_path / "a.nii")
    nifti(tmp_path / "b_mask.nii", (head(32) > 200).astype(np.uint8))
    nifti(tmp_path / "a_brain_mask.nii", (head() > 0).astype(np.uint8))
    skipped: list[DataError] = []
    assert open_recordings(tmp_path, skipped=skipped)[0].lesion_mask() is None
    messages = " ".join(map(str, skipped))
    assert "no image here has its grid" in messages
    assert "something else than lesions" in messages


def test_magnetic_resonance_is_not_taken_for_ct(tmp_path: Path) -> None:
    nifti(tmp_path / "sub-1_T1w.nii", head() + 1024)
    with pytest.raises(DataError, match="magnetic resonance"):
        open_recordings(tmp_path)


def test_a_mask_that_could_be_of_several_images_is_not_guessed(tmp_path: Path) -> None:
    for name in ("one.nii", "two.nii"):
        nifti(tmp_path / name)
    nifti(tmp_path / "lesion.nii", (head() > 200).astype(np.uint8))
    skipped: list[DataError] = []
    assert all(one.lesion_mask() is None for one in open_recordings(tmp_path, skipped=skipped))
    assert "could belong to 2 images" in str(skipped[0])


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ((head() / 2000 + 0.5).astype(np.float32), "before normalising"),
        ((head(slices=9) % 80).astype(np.uint8), "8-bit grey"),
        ((head() * 1e6).astype(np.float32), "not Hounsfield units"),
    ],
)
def test_what_cannot_be_hounsfield_units_is_refused(tmp_path: Path, values: np.ndarray, sentence: str) -> None:
    nifti(tmp_path / "a.nii", values)
    with pytest.raises(DataError, match=sentence):
        open_recordings(tmp_path)


def test_a_volume_without_air_is_warned_of(tmp_path: Path) -> None:
    nifti(tmp_path / "a.nii", (head() + 1024).astype(np.int16))
    assert "offset of 1024" in " ".join(open_recordings(tmp_path)[0].warnings)


def test_oblique_and_four_dimensional_volumes_are_refused(tmp_path: Path) -> None:
    angle = np.deg2rad(50)
    turn = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    affine = AFFINE.copy()
    affine[:3, :3] = turn
    nifti(tmp_path / "a.nii", head(), affine)
    nibabel.Nifti1Image(np.zeros((4, 4, 4, 3), np.int16), AFFINE).to_filename(tmp_path / "b.nii")
    with pytest.raises(DataError, match="along the axes of the head"):
        open_recordings(tmp_path / "a.nii")
    with pytest.raises(DataError, match="one volume of three axes"):
        open_recordings(tmp_path / "b.nii")


def test_absurd_and_short_files_are_sentences(tmp_path: Path) -> None:
    nifti(tmp_path / "a.nii")
    content = bytearray((tmp_path / "a.nii").read_bytes())
    content[42:48] = b"\xff\x7f" * 3
    (tmp_path / "a.nii").write_bytes(content)
    with pytest.raises(DamagedFile, match=r"at most|is cut short"):
        open_recordings(tmp_path)
    nifti(tmp_path / "a.nii.gz")
    content = (tmp_path / "a.nii.gz").read_bytes()
    (tmp_path / "a.nii").write_bytes(content[: len(content) // 2])
    (tmp_path / "a.nii.gz").unlink()
    with pytest.raises(DamagedFile, match="is cut short"):
        open_recordings(tmp_path)


def test_of_large_packed_volumes_two_stay_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "KEPT", 0)
    for name in ("a", "b", "c"):
        nifti(tmp_path / f"{name}.nii.gz")
    for one in open_recordings(tmp_path):
        one.read()
    assert [key[0].name for key in unpacking._kept] == ["b.nii.gz", "c.nii.gz"]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", ["a.mha", "a.mhd", "a.nrrd"])
def test_raw_volumes_with_a_text_header(tmp_path: Path, name: str, packed: bool) -> None:
    write = nrrd if name.endswith("nrrd") else metaimage
    write(tmp_path / name, packed=packed)
    skipped: list[DataError] = []
    volume = open_recordings(tmp_path, skipped=skipped)[0]
    np.testing.assert_array_equal(volume.read(), head())
    assert not skipped
    assert volume.metadata["slice gaps (mm)"] == [5.0]


def test_voxels_elsewhere_are_not_read(tmp_path: Path) -> None:
    nrrd(tmp_path / "a.nrrd", data_file="data file: ../../etc/passwd\n")
    with pytest.raises(DamagedFile, match="outside its own folder"):
        open_recordings(tmp_path)


def test_masks_in_metaimage(tmp_path: Path) -> None:
    metaimage(tmp_path / "a.mha")
    metaimage(tmp_path / "a_seg.mha", (head() > 200).astype(np.uint8))
    np.testing.assert_array_equal(open_recordings(tmp_path)[0].lesion_mask(), head() > 200)


def test_a_text_with_an_equals_sign_is_left_alone(tmp_path: Path) -> None:
    metaimage(tmp_path / "a.mha")
    (tmp_path / "notes.txt").write_text("Comment = nothing here\nmore words\n")
    skipped: list[DataError] = []
    assert len(open_recordings(tmp_path, skipped=skipped)) == 1
    assert not skipped
