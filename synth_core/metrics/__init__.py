"""Measures of synthetic data: pure functions of arrays, each judged against real data at the same size."""

from synth_core.metrics.bootstrap import bootstrap, half_samples
from synth_core.metrics.classifier import ClassifierSettings, Recovery, class_recovery
from synth_core.metrics.copies import Copies, find_copies
from synth_core.metrics.distribution import frechet_distance, kid, mmd, mmd_test
from synth_core.metrics.features import Features, features_of, hjorth, signal_features, slice_features
from synth_core.metrics.membership import MembershipInference, membership_inference
from synth_core.metrics.neighbourhoods import (
    alpha_precision_beta_recall_authenticity,
    precision_recall_density_coverage,
)
from synth_core.metrics.privacy import closer_to_train, identifiability, nearest_neighbour_privacy
from synth_core.metrics.score import Score
from synth_core.metrics.spectral import (
    band_powers,
    log_spectral_distance,
    power_spectral_density,
    radial_spectrum,
    spectral_wasserstein,
)
from synth_core.metrics.two_sample import TwoSampleTest, c2st
from synth_core.metrics.warping import dtw, nearest_neighbour_dtw

__all__ = [
    "ClassifierSettings",
    "Copies",
    "Features",
    "MembershipInference",
    "Recovery",
    "Score",
    "TwoSampleTest",
    "alpha_precision_beta_recall_authenticity",
    "band_powers",
    "bootstrap",
    "c2st",
    "class_recovery",
    "closer_to_train",
    "dtw",
    "features_of",
    "find_copies",
    "frechet_distance",
    "half_samples",
    "hjorth",
    "identifiability",
    "kid",
    "log_spectral_distance",
    "membership_inference",
    "mmd",
    "mmd_test",
    "nearest_neighbour_dtw",
    "nearest_neighbour_privacy",
    "power_spectral_density",
    "precision_recall_density_coverage",
    "radial_spectrum",
    "signal_features",
    "slice_features",
    "spectral_wasserstein",
]
