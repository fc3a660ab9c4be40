"""Measures of synthetic data: pure functions of arrays, each judged against real data at the same size."""

from synth_core.beats import Beats, beats
from synth_core.metrics.aperiodic import aperiodic_exponent
from synth_core.metrics.biomarkers import Association, als_panel, association
from synth_core.metrics.bootstrap import bootstrap, half_samples
from synth_core.metrics.classifier import ClassifierSettings, Recovery, class_recovery
from synth_core.metrics.connectivity import (
    amplitude_envelope_correlation,
    coherence,
    imaginary_coherence,
    phase_locking_value,
)
from synth_core.metrics.copies import Copies, find_copies
from synth_core.metrics.ct import ct_measures
from synth_core.metrics.delineation import Intervals, intervals
from synth_core.metrics.distribution import frechet_distance, kid, mmd, mmd_test
from synth_core.metrics.features import Features, features_of, hjorth, signal_features, slice_features
from synth_core.metrics.lead_checks import einthoven_residual, lead_reversal_score
from synth_core.metrics.lesions import lesion_contrast, lesion_position, lesion_volume_mm3, mirror_dice, peak_hu
from synth_core.metrics.membership import MembershipInference, membership_inference
from synth_core.metrics.neighbourhoods import (
    alpha_precision_beta_recall_authenticity,
    precision_recall_density_coverage,
)
from synth_core.metrics.privacy import closer_to_train, identifiability, nearest_neighbour_privacy
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
from synth_core.metrics.two_sample import TwoSampleTest, c2st
from synth_core.metrics.warping import dtw, nearest_neighbour_dtw

__all__ = [
    "Association",
    "Beats",
    "ClassifierSettings",
    "Copies",
    "Features",
    "Intervals",
    "MembershipInference",
    "Recovery",
    "Score",
    "TwoSampleTest",
    "alpha_precision_beta_recall_authenticity",
    "als_panel",
    "amplitude_envelope_correlation",
    "aperiodic_exponent",
    "association",
    "autocorrelation",
    "band_powers",
    "beats",
    "bootstrap",
    "c2st",
    "class_recovery",
    "closer_to_train",
    "coherence",
    "ct_measures",
    "dtw",
    "einthoven_residual",
    "features_of",
    "find_copies",
    "frechet_distance",
    "glcm_features",
    "half_samples",
    "heart_rate_variability",
    "hjorth",
    "hu_histograms",
    "identifiability",
    "imaginary_coherence",
    "intervals",
    "kid",
    "lead_reversal_score",
    "lesion_contrast",
    "lesion_position",
    "lesion_volume_mm3",
    "log_spectral_distance",
    "membership_inference",
    "mirror_dice",
    "mmd",
    "mmd_test",
    "ms_ssim",
    "msssim_diversity",
    "nearest_neighbour_dtw",
    "nearest_neighbour_privacy",
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
