"""Lesions in closed form, and the skull they lie in."""

from __future__ import annotations

import numpy as np
import pytest

from synth_core.errors import InvalidSetting, SpecMismatch
from synth_core.metrics import lesion_contrast, lesion_position, lesion_volume_mm3, mirror_dice, peak_hu
from synth_core.metrics.skull import brain_of, calcified, cranial_cavity


def square(rows: slice, columns: slice, shape: tuple[int, int] = (20, 30)) -> np.ndarray:
    mask = np.zeros(shape)
    mask[rows, columns] = 1
    return mask


def head(side: int = 64, rate: float = 0.3) -> np.ndarray:
    """A ring of bone around brain of 30 HU, in air."""
    radius = np.hypot(*(np.indices((side, side)) - (side - 1) / 2)) / rate
    image = np.where(radius < 80, 30.0, -1000.0)
    return np.where((radius >= 68) & (radius < 80), 1000.0, image)


def test_a_box_has_its_volume_and_half_a_pixel_counts_half() -> None:
    box = np.zeros((4, 10, 10))
    box[1:3, 2:5, 2:7] = 1
    assert lesion_volume_mm3(box, (5.0, 0.5, 0.4)) == pytest.approx(30 * 5 * 0.5 * 0.4)
    assert lesion_volume_mm3(box / 2, 2.0) == pytest.approx(15 * 8)
    assert lesion_volume_mm3(box[1], (5.0, 1.0, 1.0)) == 75


def test_mirror_dice_is_one_for_both_sides_zero_for_one_and_unknown_for_none() -> None:
    left, right = square(slice(5, 9), slice(4, 8)), square(slice(5, 9), slice(22, 26))
    assert mirror_dice(left + right) == 1
    assert mirror_dice(left) == 0
    dice = mirror_dice(np.stack([left + right, left, 0 * left, left + square(slice(7, 11), slice(22, 26))]))
    np.testing.assert_allclose(dice, [1, 0, np.nan, 0.5])


def test_the_midline_can_be_another_column() -> None:
    pair = square(slice(5, 9), slice(4, 8)) + square(slice(5, 9), slice(10, 14))
    assert mirror_dice(pair) == 0
    assert mirror_dice(pair, midline=8.5) == 1


def test_the_position_of_a_bilateral_lesion_is_off_the_midline() -> None:
    pair = square(slice(4, 5), slice(4, 5)) + square(slice(4, 5), slice(25, 26))
    np.testing.assert_allclose(lesion_position(pair, (2.0, 3.0)), [10.5 * 3, 5.5 * 2])
    np.testing.assert_allclose(lesion_position(pair[:, ::-1], (2.0, 3.0)), [31.5, 11])
    assert np.isnan(lesion_position(np.zeros((2, 9, 9)), 1.0)).all()
    volume = np.stack([pair * 0, pair * 0, pair])
    np.testing.assert_allclose(lesion_position(volume, (5.0, 2.0, 3.0)), [31.5, 11, 5])


def test_peak_and_contrast_look_where_the_mask_is() -> None:
    mask = square(slice(5, 9), slice(4, 9))
    image = np.where(mask > 0, 180.0, 30.0)
    image[6, 6], image[15, 15] = 220, 900
    assert peak_hu(image, mask) == 220
    assert np.isnan(peak_hu(image, 0 * mask))
    assert lesion_contrast(image[None], mask[None])[0] == pytest.approx(152)
    assert np.isnan(lesion_contrast(image[None], 0 * mask[None])[0])


def test_misuse_is_a_sentence() -> None:
    mask = np.zeros((4, 4))
    with pytest.raises(SpecMismatch, match=r"in \[0, 1\]"):
        mirror_dice(mask + 2)
    with pytest.raises(SpecMismatch, match="one shape"):
        peak_hu(np.zeros((5, 5)), mask)
    with pytest.raises(InvalidSetting, match="positive"):
        lesion_volume_mm3(mask, (1.0, 1.0))


def test_the_brain_is_what_the_skull_encloses() -> None:
    image = head()
    cavity = cranial_cavity(image[None], 0.3)[0]
    np.testing.assert_array_equal(cavity, image == 30)
    assert 0 < brain_of(cavity[None], 0.3).sum() < cavity.sum()


def test_an_open_skull_is_bridged_when_brain_lies_within_and_no_skull_gives_nothing() -> None:
    gap, blank = head(), np.where(head() > 100, -1000.0, head())
    gap[31:36, :20] = np.where(gap[31:36, :20] > 100, 40.0, gap[31:36, :20])
    inside = cranial_cavity(np.stack([gap, blank, np.zeros_like(gap)]), 0.3)
    assert inside[0].sum() == pytest.approx((head() == 30).sum(), rel=0.1)
    assert not inside[1:].any()


def test_calcifications_keep_away_from_bone_and_slices_do_not_touch_one_another() -> None:
    one, two = head(), head()
    one[30:32, 25:27] = 150.0  # in the brain
    two[32, 11:18] = 150.0  # a spur of the skull
    images = np.stack([one, two, one])
    found = calcified(images, cranial_cavity(images, 0.3), 0.3)
    assert found.sum((1, 2)).tolist() == [4, 0, 4]
