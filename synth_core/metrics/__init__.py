"""Measures of synthetic data: pure functions of arrays, each judged against real data at the same size."""

from synth_core.metrics.bootstrap import bootstrap, half_samples
from synth_core.metrics.classifier import ClassifierSettings, Recovery, class_recovery
from synth_core.metrics.ct import ct_measures
from synth_core.metrics.distribution import (
    closer_to_train,
    frechet_distance,
    kid,
    mmd,
    precision_recall_density_coverage,
)
from synth_core.metrics.features import Features, features_of, hjorth, signal_features, slice_features
from synth_core.metrics.lesions import lesion_contrast, lesion_position, lesion_volume_mm3, mirror_dice, peak_hu
from synth_core.metrics.score import Score
from synth_core.metrics.slices import ms_ssim, msssim_diversity, ssim
from synth_core.metrics.spectral import (
    band_powers,
    log_spectral_distance,
    power_spectral_density,
    radial_spectrum,
    spectral_wasserstein,
)
from synth_core.metrics.texture import (
    glcm_features,
    hu_histograms,
    noise_power_map,
    noise_power_spectrum,
    tissue_wasserstein,
)

__all__ = [
    "ClassifierSettings",
    "Features",
    "Recovery",
    "Score",
    "band_powers",
    "bootstrap",
    "class_recovery",
    "closer_to_train",
    "ct_measures",
    "features_of",
    "frechet_distance",
    "glcm_features",
    "half_samples",
    "hjorth",
    "hu_histograms",
    "kid",
    "lesion_contrast",
    "lesion_position",
    "lesion_volume_mm3",
    "log_spectral_distance",
    "mirror_dice",
    "mmd",
    "ms_ssim",
    "msssim_diversity",
    "noise_power_map",
    "noise_power_spectrum",
    "peak_hu",
    "power_spectral_density",
    "precision_recall_density_coverage",
    "radial_spectrum",
    "signal_features",
    "slice_features",
    "spectral_wasserstein",
    "ssim",
    "tissue_wasserstein",
]
