"""The simulated CT has the Hounsfield units of its tissues, the noise of its photons, and lesions where it says."""

import numpy as np
import pytest
from skimage.transform import radon

from synth_core.errors import InvalidSetting
from synth_core.simulate import COHORTS, ct_cohort
from synth_core.simulate.ct import FIELD_OF_VIEW, draw_slices
from synth_core.simulate.tomography import scan, system_matrix

SIZE = 96
PIXEL = FIELD_OF_VIEW / SIZE


@pytest.fixture(scope="module")
def cohort():
    return ct_cohort(6, seed=2, size=SIZE, slices=3)


def disc(hu: float, size: int = SIZE) -> np.ndarray:
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    return np.where(np.hypot(x, y) < size * 0.35, hu, -1000.0).astype(np.float32)[None]


def test_a_subject_is_the_same_in_every_cohort(cohort):
    again = ct_cohort(2, seed=2, size=SIZE, slices=3)
    assert all(np.array_equal(a.read(), b.read()) for a, b in zip(cohort, again, strict=False))


def test_projection_agrees_with_scikit_image():
    size, views = 64, 8
    image = disc(0, size)[0] + 1000
    image[20:30, 34:44] += 500
    ours = (system_matrix(size, views) @ image.ravel()).reshape(views, -1)
    theirs = radon(image, theta=(np.arange(views) + 0.5) * 180 / views, circle=True)
    assert np.allclose(ours.sum(1), image.sum(), rtol=1e-4)
    for view in range(views):  # scikit-image turns and orders detectors otherwise; profiles must agree up to mirroring
        profile = ours[view, 1:-1]
        best = max(np.corrcoef(profile, each)[0, 1] for each in (*theirs.T, *theirs[::-1].T))
        assert best > 0.99


@pytest.mark.parametrize("hu", [0.0, 35.0, 300.0])
def test_reconstruction_without_noise_gives_the_hu_back(hu):
    found = scan(disc(hu), PIXEL, np.inf, np.random.default_rng(0))[0]
    middle = slice(SIZE // 2 - 15, SIZE // 2 + 15)
    assert found[middle, middle].mean() == pytest.approx(hu, abs=4)
    assert found[middle, middle].std() < 2


def test_noise_falls_with_the_root_of_the_photons():
    def noise(photons: float) -> float:
        found = scan(disc(0), PIXEL, photons, np.random.default_rng(0))[0]
        return float(found[SIZE // 2 - 10 : SIZE // 2 + 10, SIZE // 2 - 10 : SIZE // 2 + 10].std())

    assert noise(2.5e5) / noise(4e6) == pytest.approx(4, rel=0.3)


def test_tissues_survive_the_scanner():
    rng = np.random.default_rng(5)
    tissue, _ = draw_slices(rng, 0.0, np.array([4.0]), 128, symmetric=False)
    found = scan(tissue, FIELD_OF_VIEW / 128, np.inf, rng)[0]
    brain = (tissue[0] > 25) & (tissue[0] < 42)
    brain[:30], brain[-30:], brain[:, :40], brain[:, -40:] = False, False, False, False
    assert found[brain].mean() == pytest.approx(tissue[0][brain].mean(), abs=5)
    assert found[:5].mean() < -950
    assert 700 < found.max() < 2000


def test_masks_belong_to_the_class_and_to_dense_tissue(cohort):
    for recording in cohort:
        mask, values = recording.lesion_mask(), recording.read()
        assert mask.shape == values.shape
        if recording.labels["calcification"]:
            assert (mask.reshape(len(mask), -1).max(1) > 0.9).all()
            assert values[mask > 0.9].mean() > 90
            assert recording.severity > 0
        else:
            assert mask.max() == 0 == recording.severity


def test_lesions_are_denser_than_tissue_wherever_they_are():
    rng_with, rng_without = np.random.default_rng(9), np.random.default_rng(9)
    levels = np.array([0.0, 6.0])
    with_lesion, mask = draw_slices(rng_with, 0.8, levels, SIZE, symmetric=True)
    assert (with_lesion[mask > 0.95] >= 95).all()
    healthy, none = draw_slices(rng_without, 0.0, levels, SIZE, symmetric=True)
    assert none.max() == 0
    assert np.array_equal(with_lesion[mask == 0], healthy[mask == 0])


def test_symmetric_lesions_are_mirror_images_in_the_head(monkeypatch):
    monkeypatch.setattr("synth_core.simulate.ct._head_grid", _centred_grid)
    _, mask = draw_slices(np.random.default_rng(0), 1.0, np.array([4.0]), SIZE, symmetric=True)
    assert np.allclose(mask, mask[..., ::-1], atol=1e-5)
    _, uneven = draw_slices(np.random.default_rng(0), 1.0, np.array([4.0]), SIZE, symmetric=False)
    assert not np.allclose(uneven, uneven[..., ::-1], atol=0.2)


def _centred_grid(size: int, turn: float, shift: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    centres = (np.arange(size) + 0.5) / size * FIELD_OF_VIEW - FIELD_OF_VIEW / 2
    return tuple(np.meshgrid(centres, -centres))


def test_impossible_cohorts_are_refused():
    with pytest.raises(InvalidSetting, match="size"):
        ct_cohort(1, size=16)


@pytest.mark.parametrize("name", sorted(COHORTS))
def test_every_cohort_is_simulated_and_reads_in_parts(name):
    recording = COHORTS[name](1, 0)[0]
    whole = recording.read()
    part = recording.read(1, 3)
    assert recording.source.simulated
    assert np.array_equal(part, whole[1:3] if recording.spec.is_image else whole[:, 1:3])
    assert recording.spec.modality == name
