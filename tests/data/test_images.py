"""CT slices that are only pictures: labels by name, approximate Hounsfield units, honest about both."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from synth_core.data import Preparation, open_recordings, prepare
from synth_core.errors import DamagedFile, DataError, InvalidSetting, UnrecognisedData
from tests.data.fuzz_ct import head, images


def test_labels_are_found_by_the_number_in_the_name(tmp_path: Path) -> None:
    images(tmp_path)
    recordings = open_recordings(tmp_path)
    assert [one.labels for one in recordings] == [{"hemorrhage": 0}, {"hemorrhage": 1}, {"hemorrhage": 0}]
    assert len({one.subject for one in recordings}) == 3
    assert "each file counts as one" in " ".join(recordings[0].warnings)


def test_grey_is_stretched_over_the_window_and_the_surroundings_are_air(tmp_path: Path) -> None:
    images(tmp_path)
    values = open_recordings(tmp_path)[0].read()[0]
    inside = np.hypot(*np.meshgrid(np.linspace(-1, 1, 32), np.linspace(-1, 1, 32))) < 0.6
    inside[32 // 3, 32 // 4] = False
    np.testing.assert_allclose(values[inside], 35, atol=80 / 255)
    assert values[0, 0] == -1024
    wide = open_recordings(tmp_path, window=(-160, 240))[0]
    assert wide.read()[0].max() == 240
    assert "-160 … 240 HU: approximate" in " ".join(wide.warnings)


def test_sixteen_bits_need_the_offset(tmp_path: Path) -> None:
    for number, values in enumerate(head()):
        Image.fromarray((values + 1024).astype(np.uint16)).save(tmp_path / f"{number}.png")
    with pytest.raises(DataError, match="hu_offset"):
        open_recordings(tmp_path)
    recordings = open_recordings(tmp_path, hu_offset=-1024)
    np.testing.assert_array_equal(np.concatenate([one.read() for one in recordings]), head())


def test_masks_in_a_folder_beside_or_by_name(tmp_path: Path) -> None:
    images(tmp_path, masks=True)
    none, one, _ = open_recordings(tmp_path)
    np.testing.assert_array_equal(one.lesion_mask()[0], head(32)[1] > 200)
    assert none.lesion_mask().max() == 0  # the table says that it has no lesion
    (tmp_path / "masks" / "001.png").rename(tmp_path / "001_mask.png")
    assert open_recordings(tmp_path)[1].lesion_mask().sum() == (head(32)[1] > 200).sum()


def test_a_column_of_patients_keeps_them_together(tmp_path: Path) -> None:
    images(tmp_path)
    (tmp_path / "labels.csv").write_text("file,Patient ID,diagnosis\n000.png,A,bleed\n001.png,A,none\n002.png,B,none\n")
    recordings = open_recordings(tmp_path)
    assert recordings[0].subject == recordings[1].subject != recordings[2].subject
    assert recordings[0].labels == {"bleed": 1, "none": 0}
    assert "counts as one" not in " ".join(recordings[0].warnings)


def test_pictures_beside_something_else_are_left_alone(tmp_path: Path) -> None:
    colours = np.random.default_rng(0).integers(0, 255, (20, 20, 3)).astype(np.uint8)
    for number in range(4):
        Image.fromarray(colours).save(tmp_path / f"figure{number}.png")
    with pytest.raises(UnrecognisedData):
        open_recordings(tmp_path)


def test_a_cut_image_is_a_sentence(tmp_path: Path) -> None:
    images(tmp_path)
    content = (tmp_path / "000.png").read_bytes()
    (tmp_path / "000.png").write_bytes(content[: len(content) - 40])
    with pytest.raises(DamagedFile, match=r"000\.png: is cut short"):
        open_recordings(tmp_path)[0].read()


def test_an_empty_window_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting, match="window"):
        open_recordings(tmp_path, window=(80, 0))


def test_pages_are_slices_of_one_recording(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "scan.tif", head() + 1024, photometric="minisblack", compression="zlib")
    (recording,) = open_recordings(tmp_path, hu_offset=-1024, pixel_mm=0.5)
    np.testing.assert_array_equal(recording.read(), head())
    np.testing.assert_array_equal(recording.read(1, 3), head()[1:3])
    assert (recording.slices, recording.spec.rate) == (3, 2.0)
    assert "distance between its pages is not known" in " ".join(recording.warnings)
    assert "250 mm" not in " ".join(recording.warnings)


def test_grey_pages_are_mapped_and_get_air(tmp_path: Path) -> None:
    grey = np.clip(head(32) * 255.0 / 80, 0, 255).astype(np.uint8)
    tifffile.imwrite(tmp_path / "scan.tif", grey, photometric="minisblack")
    (recording,) = open_recordings(tmp_path)
    assert recording.read()[2, 0, 0] == -1024
    assert recording.read().max() == 80


@pytest.mark.parametrize("kind", [np.int16, np.float32])
def test_signed_values_with_air_are_hounsfield_units_as_they_are(tmp_path: Path, kind: type) -> None:
    for number, values in enumerate(head()):
        tifffile.imwrite(tmp_path / f"{number}.tif", values.astype(kind), photometric="minisblack")
    recordings = open_recordings(tmp_path)
    np.testing.assert_array_equal(np.concatenate([one.read() for one in recordings]), head())


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_white_is_zero_is_inverted(tmp_path: Path, kind: type) -> None:
    top = np.iinfo(kind).max
    stored = np.clip(head(32) + 1024 if kind is np.uint16 else head(32) * 255.0 / 80, 0, top).astype(kind)
    for number, values in enumerate(stored):
        tifffile.imwrite(tmp_path / f"{number}.tif", top - values, photometric="miniswhite")
    values = open_recordings(tmp_path, hu_offset=-1024)[1].read()[0]
    expected = head(32)[1] if kind is np.uint16 else np.where(head(32)[1] < 0, -1024, stored[1] * (80 / 255))
    np.testing.assert_allclose(values, expected, atol=1e-3)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", ["png", "jpg", "tif"])
def test_pictures_are_turned_as_they_say(tmp_path: Path, orientation: int, ending: str) -> None:
    upright = np.kron(np.arange(12, dtype=np.uint8).reshape(3, 4) * 15 + 40, np.ones((16, 16), np.uint8))
    backwards = {1: lambda v: v, 2: np.fliplr, 3: lambda v: np.rot90(v, 2), 4: np.flipud, 5: np.transpose,
                 6: np.rot90, 7: lambda v: np.rot90(v, 2).T, 8: lambda v: np.rot90(v, -1)}[orientation]  # fmt: skip
    exif = Image.Exif()
    exif[274] = orientation
    for number in range(3):
        Image.fromarray(backwards(upright)).save(tmp_path / f"{number}.{ending}", exif=exif)
    recording = open_recordings(tmp_path, window=(0, 255))[0]
    assert recording.spec.shape == (1, 48, 64)
    np.testing.assert_allclose(recording.read()[0], upright, atol=6)  # JPEG loses a little


def test_values_with_a_wrong_offset_are_refused(tmp_path: Path) -> None:
    for number, values in enumerate(head()):
        Image.fromarray((values.astype(int) + 32768).astype(np.uint16)).save(tmp_path / f"{number}.png")
    with pytest.raises(DataError, match="no soft tissue"):
        open_recordings(tmp_path, hu_offset=-1024)


@pytest.mark.parametrize(("images_", "masks"), [("images", "masks"), ("CT", "GT"), ("scans", "drawn by hand")])
@pytest.mark.parametrize("ending", ["png", "jpg"])
@pytest.mark.parametrize("white", [255, 1])
def test_masks_are_found_by_name_or_by_value(tmp_path: Path, images_: str, masks: str, ending: str, white: int) -> None:
    if ending == "jpg" and white == 1:
        pytest.skip("JPEG keeps no label of 1")
    for folder in (images_, masks):
        (tmp_path / folder).mkdir()
    lesion = np.zeros((32, 32), np.uint8)
    lesion[8:16, 8:16] = white
    for number, values in enumerate(head(32)):
        grey = np.clip(values * 255.0 / 80, 0, 255).astype(np.uint8)
        Image.fromarray(grey).save(tmp_path / images_ / f"{number}.png")
        Image.fromarray(lesion * (number != 1)).save(tmp_path / masks / f"{number}.{ending}")
    skipped: list[DataError] = []
    recordings = open_recordings(tmp_path, skipped=skipped)
    assert not skipped
    assert [one.record for one in recordings] == [f"{images_}/{number}" for number in range(3)]
    found = [one.lesion_mask()[0] for one in recordings]
    np.testing.assert_array_equal(found[0], lesion > 0)
    assert found[1].max() == 0


def test_masks_of_nothing_here_are_said_and_no_ct(tmp_path: Path) -> None:
    lesion = np.zeros((32, 32), np.uint8)
    lesion[8:16, 8:16] = 255
    for number in range(4):
        Image.fromarray(lesion).save(tmp_path / f"{number}.png")
    with pytest.raises(DataError, match="holds 4 masks, by their names or values, and no image here"):
        open_recordings(tmp_path)


@pytest.mark.data
def test_the_hemorrhage_set_opens_whole(shared_data: Path, tmp_path: Path) -> None:
    skipped: list[DataError] = []
    recordings = open_recordings(shared_data / "ct/head_ct_hemorrhage", skipped=skipped)
    assert not skipped
    assert len(recordings) == len({one.subject for one in recordings}) == 160
    assert sum(one.labels["hemorrhage"] for one in recordings) == 80
    for one in recordings[::40]:
        with Image.open(shared_data / "ct/head_ct_hemorrhage" / f"{one.record}.png") as image:
            grey = np.asarray(image.convert("RGB"))[..., 0]
        values = one.read()[0]
        head_ = values > -1024
        np.testing.assert_allclose(values[head_], grey[head_] * np.float32(80 / 255), atol=1e-3)
    dataset = prepare(recordings[::8], tmp_path / "d", Preparation.suggested(recordings))
    assert len(dataset) >= 18
