"""Noise power in closed form, co-occurrence against scikit-image, HU per tissue against SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.stats import wasserstein_distance
from skimage.feature import graycomatrix, graycoprops

from synth_core.errors import InvalidSetting, SpecMismatch
from synth_core.metrics import (
    glcm_features,
    hu_histograms,
    noise_power_map,
    noise_power_spectrum,
    tissue_wasserstein,
)
from synth_core.metrics.features import TISSUES

ANGLES = [0, np.pi / 4, np.pi / 2, 3 * np.pi / 4]


def test_white_noise_has_the_power_of_its_variance_at_every_frequency() -> None:
    rois = 40 + np.random.default_rng(0).normal(0, 6, (400, 32, 32))
    freqs, power = noise_power_spectrum(rois, 0.5)
    np.testing.assert_allclose(power[1:], 36 * 0.25, rtol=0.05)
    assert freqs[-1] == pytest.approx(1.0)  # Nyquist of 0.5 mm
    assert freqs[0] == pytest.approx(1 / 16)


def test_the_integral_over_all_frequencies_is_the_variance() -> None:
    rois = gaussian_filter(np.random.default_rng(0).normal(0, 6, (5, 24, 32)), (0, 1, 1))
    rows, columns, power = noise_power_map(rois, 0.7)
    assert rows.shape + columns.shape == (24, 32)
    without_plane = rois - np.stack([plane(roi) for roi in rois])
    np.testing.assert_allclose(power.sum((1, 2)) * rows[1] * columns[1], without_plane.var((1, 2)), rtol=1e-9)


def plane(roi: np.ndarray) -> np.ndarray:
    rows, columns = np.indices(roi.shape)
    design = np.stack([np.ones(roi.size), rows.ravel(), columns.ravel()], 1)
    return (design @ np.linalg.lstsq(design, roi.ravel(), rcond=None)[0]).reshape(roi.shape)


def test_a_slope_is_no_noise_and_a_wave_sits_at_its_frequency() -> None:
    rows, columns = np.indices((32, 32))
    assert noise_power_spectrum(3.0 * rows - columns, 1.0)[1].max() < 1e-18
    freqs, power = noise_power_spectrum(np.sin(2 * np.pi * columns / 8), 1.0)
    assert freqs[power.argmax()] == pytest.approx(1 / 8)


@pytest.mark.parametrize("distance", [1, 2, 3])
def test_co_occurrence_agrees_with_scikit_image(distance: int) -> None:
    image = np.random.default_rng(0).normal(40, 25, (20, 27))
    binned = np.minimum(np.clip(image / 80 * 16, 0, None).astype(int), 15).astype(np.uint8)
    matrix = graycomatrix(binned, [distance], ANGLES, 16, symmetric=True, normed=True)
    features = glcm_features(image, 16, distance=distance)
    for name in ("contrast", "homogeneity", "energy", "correlation", "entropy"):
        assert features[name] == pytest.approx(graycoprops(matrix, name).mean(), rel=1e-9), name


def test_a_flat_and_a_striped_slice_in_closed_form() -> None:
    flat = glcm_features(np.full((9, 9), 41.0), 32)
    assert flat == {"contrast": 0, "homogeneity": 1, "energy": 1, "correlation": 1, "entropy": 0}
    stripes = np.tile([1.0, 79.0], (8, 4))  # two levels 31 apart: every pair but the vertical ones differs
    assert glcm_features(stripes, 32)["contrast"] == pytest.approx(31**2 * 3 / 4)


def test_the_mask_hides_what_lies_outside_and_an_empty_one_gives_nan() -> None:
    rng = np.random.default_rng(0)
    a, mask = rng.normal(40, 10, (2, 16, 16)), np.zeros((2, 16, 16), bool)
    mask[0, 4:12, 3:9] = True
    b = np.where(mask, a, 1000.0)
    one, other = (glcm_features(x, mask=mask)["contrast"] for x in (a, b))
    assert one[0] == other[0] == pytest.approx(glcm_features(a[0, 4:12, 3:9])["contrast"])
    assert np.isnan(one[1])


def test_tissue_distances_add_up_to_the_distance_of_all_values() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(30, 40, 3000), rng.normal(45, 60, 3000)
    parts = tissue_wasserstein(a, b)
    assert set(parts) == set(TISSUES)
    assert sum(parts.values()) == pytest.approx(wasserstein_distance(a, b), rel=0.01)
    within = tissue_wasserstein(rng.uniform(25, 30, 500), rng.uniform(35, 40, 500))
    assert within["brain"] == pytest.approx(10, abs=0.5)
    assert within["fluid"] == within["bone"] == 0


def test_histograms_hold_the_share_of_pixels_in_each_window() -> None:
    images = np.random.default_rng(0).uniform(-1000, 1500, (3, 12, 12))
    histograms = hu_histograms(images)
    np.testing.assert_allclose(sum(shares.sum(1) for _, shares in histograms.values()), 1)
    edges, shares = histograms["bone"]
    np.testing.assert_allclose(shares[0], np.histogram(images[0], edges)[0] / 144)
    assert np.isnan(hu_histograms(images, mask=images > 9999)["brain"][1]).all()


def test_misuse_is_a_sentence() -> None:
    with pytest.raises(SpecMismatch, match="at least 4"):
        noise_power_spectrum(np.zeros((3, 3)), 1.0)
    with pytest.raises(InvalidSetting, match="positive"):
        noise_power_spectrum(np.zeros((8, 8)), 0)
    with pytest.raises(InvalidSetting, match="2 levels"):
        glcm_features(np.zeros((8, 8)), 1)
