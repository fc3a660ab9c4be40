"""Measures of synthetic data: pure functions of arrays, each judged against real data at the same size."""

from synth_core.metrics.aperiodic import aperiodic_exponent
from synth_core.metrics.beats import Beats, beats
from synth_core.metrics.biomarkers import Association, als_panel, association
from synth_core.metrics.bootstrap import bootstrap, half_samples
from synth_core.metrics.classifier import ClassifierSettings, Recovery, class_recovery
from synth_core.metrics.connectivity import (
    amplitude_envelope_correlation,
    coherence,
    imaginary_coherence,
    phase_locking_value,
)
from synth_core.metrics.ct import ct_measures
from synth_core.metrics.delineation import Intervals, intervals
from synth_core.metrics.distribution import (
    closer_to_train,
    frechet_distance,
    kid,
    mmd,
    precision_recall_density_coverage,
)
from synth_core.metrics.features import Features, features_of, hjorth, signal_features, slice_features
from synth_core.metrics.lead_checks import einthoven_residual, lead_reversal_score
from synth_core.metrics.lesions import lesion_contrast, lesion_position, lesion_volume_mm3, mirror_dice, peak_hu
from synth_core.metrics.rhythm import heart_rate_variability, qt_corrected
from synth_core.metrics.score import Score
from synth_core.metrics.slices import ms_ssim, msssim_diversity, ssim
from synth_core.metrics.spectral import (
    band_powers,
    log_spectral_distance,
    power_spectral_density,
    radial_spectrum,
    spectral_wasserstein,
)
from synth_core.metrics.temporal import autocorrelation, slope_skewness, time_asymmetry
from synth_core.metrics.texture import (
    glcm_features,
    hu_histograms,
    noise_power_map,
    noise_power_spectrum,
    tissue_wasserstein,
)

__all__ = [
    "Association",
    "Beats",
    "ClassifierSettings",
    "Features",
    "Intervals",
    "Recovery",
    "Score",
    "als_panel",
    "amplitude_envelope_correlation",
    "aperiodic_exponent",
    "association",
    "autocorrelation",
    "band_powers",
    "beats",
    "bootstrap",
    "class_recovery",
    "closer_to_train",
    "coherence",
    "ct_measures",
    "einthoven_residual",
    "features_of",
    "frechet_distance",
    "glcm_features",
    "half_samples",
    "heart_rate_variability",
    "hjorth",
    "hu_histograms",
    "imaginary_coherence",
    "intervals",
    "kid",
    "lead_reversal_score",
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
    "phase_locking_value",
    "power_spectral_density",
    "precision_recall_density_coverage",
    "qt_corrected",
    "radial_spectrum",
    "signal_features",
    "slice_features",
    "slope_skewness",
    "spectral_wasserstein",
    "ssim",
    "time_asymmetry",
    "tissue_wasserstein",
]
