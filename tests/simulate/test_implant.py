"""Implanted calcifications: of the volume, density and symmetry that were asked for, in the brain and nowhere else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from synth_core.data import Recording, open_recordings
from synth_core.data.lesions import brain_mask
from synth_core.errors import DataError, InvalidSetting
from synth_core.simulate import ct_cohort, implant, implant_cohort
from synth_core.simulate.implant import _coordinates

pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def head(shared_data: Path) -> Recording:
    return open_recordings(shared_data / "ct/ge_head_dicom")[0]


@pytest.fixture(scope="module")
def slabs(head: Recording) -> tuple[np.ndarray, tuple[float, float, float]]:
    return head.read(13, 20), (4.0, 1 / head.spec.rate, 1 / head.spec.rate)


@pytest.mark.parametrize(("volume", "peak"), [(400, 180), (4000, 350)])
def test_volume_and_peak_are_those_asked_for(slabs, volume: float, peak: float) -> None:
    before, spacing = slabs
    after, part, severity = implant(
        before, spacing, volume_mm3=volume, peak_hu=peak, symmetry=0.8, rng=np.random.default_rng(1)
    )
    assert part.sum() * np.prod(spacing) == pytest.approx(volume, rel=0.1)
    core = after[part > 0.99]
    noise = 15  # HU of this scan, and its finest detail
    assert peak - noise < core.max() < peak + 4 * noise
    assert severity == pytest.approx(volume / (volume + 1000))


def test_skull_and_surroundings_are_untouched(slabs) -> None:
    before, spacing = slabs
    after, part, _ = implant(before, spacing, volume_mm3=9000, peak_hu=300, symmetry=0.5, rng=np.random.default_rng(2))
    np.testing.assert_array_equal(after[part == 0], before[part == 0])
    for values, inside in zip(before, part, strict=True):
        assert not inside[~brain_mask(values, 1 / spacing[1])].any()


def mirror_dice(part: np.ndarray, before: np.ndarray, spacing: tuple[float, float, float]) -> float:
    """Overlap of the lesion of the fullest slice with its mirror image about the midline of the brain."""
    number = int(part.sum((1, 2)).argmax())
    across, along = _coordinates(brain_mask(before[number], 1 / spacing[1]), spacing)
    rows, columns = np.nonzero(part[number] > 0.5)
    sides = np.stack([across[rows, columns], along[rows, columns]], 1)
    bins = np.arange(-60, 61, 2.0)
    one = np.histogram2d(sides[:, 0], sides[:, 1], (bins, bins))[0] > 0
    other = np.histogram2d(-sides[:, 0], sides[:, 1], (bins, bins))[0] > 0
    return float(2 * (one & other).sum() / (one.sum() + other.sum()))


def test_symmetry_is_as_asked(slabs) -> None:
    before, spacing = slabs
    dice = []
    for symmetry in (1.0, 0.0):
        _, part, _ = implant(
            before[2:5], spacing, volume_mm3=3000, peak_hu=300, symmetry=symmetry, rng=np.random.default_rng(3)
        )
        dice.append(mirror_dice(part, before[2:5], spacing))
    assert dice[0] > 0.8
    assert dice[1] < dice[0] - 0.15


def test_one_slice_is_enough(slabs) -> None:
    before, spacing = slabs
    after, part, _ = implant(before[3], spacing, volume_mm3=500, peak_hu=250, symmetry=1, rng=np.random.default_rng(4))
    assert after.shape == part.shape == before[3].shape
    assert part.sum() * np.prod(spacing) == pytest.approx(500, rel=0.1)


def test_what_does_not_fit_is_refused(slabs) -> None:
    before, spacing = slabs
    rng = np.random.default_rng(5)
    with pytest.raises(InvalidSetting, match="does not fit"):
        implant(before[3], spacing, volume_mm3=60_000, peak_hu=250, symmetry=1, rng=rng)
    with pytest.raises(InvalidSetting, match="no closed outline"):
        implant(np.full((64, 64), -1000, np.float32), spacing, volume_mm3=500, peak_hu=250, symmetry=1, rng=rng)
    with pytest.raises(InvalidSetting, match="peak_hu"):
        implant(before[3], spacing, volume_mm3=500, peak_hu=50, symmetry=1, rng=rng)


def test_a_cohort_is_labelled_as_implanted_and_reads_in_pieces(head: Recording) -> None:
    one = implant_cohort([head], seed=1, share=1.0)[0]
    assert one.source.simulated
    assert one.source.name.endswith("calcifications implanted")
    assert (one.labels, one.subject) == ({"calcification": 1}, head.subject)
    mask = one.lesion_mask(14, 19)
    assert mask is not None
    assert mask.any()
    np.testing.assert_array_equal(one.read(16, 17)[0], one.read(14, 19)[2])
    changed = one.read(14, 19) != head.read(14, 19)
    assert not changed[mask == 0].any()
    asked = one.metadata["implanted"]["volume_mm3"]
    whole = one.lesion_mask()
    assert whole is not None
    assert whole.sum() / head.spec.rate**2 * 4.0 == pytest.approx(asked, rel=0.1)


def test_the_share_counts_people_and_the_rest_stay_as_they_are() -> None:
    originals = ct_cohort(6, seed=2, size=64, slices=2)
    cohort = implant_cohort(originals, seed=3)
    assert [one.labels["calcification"] for one in cohort].count(1) == 3
    for one, original in zip(cohort, originals, strict=True):
        if not one.labels["calcification"]:
            np.testing.assert_array_equal(one.read(), original.read())
            assert not one.lesion_mask().any()
            assert one.severity == 0
    with pytest.raises(InvalidSetting, match="share"):
        implant_cohort(originals, 0, share=2)


def test_a_recording_without_brain_is_a_sentence() -> None:
    original = ct_cohort(1, seed=2, size=64, slices=2)[0]
    original.values[:] = -1000
    with pytest.raises(DataError, match=r"cannot take an implant.*Leave it out"):
        implant_cohort([original], 0, share=1.0)[0].read()
