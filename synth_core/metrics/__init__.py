"""Measures of synthetic data: pure functions of arrays, each judged against real data at the same size."""

from synth_core.metrics.bootstrap import bootstrap, half_samples
from synth_core.metrics.classifier import ClassifierSettings, Recovery, class_recovery
from synth_core.metrics.distribution import (
    closer_to_train,
    frechet_distance,
    kid,
    mmd,
    precision_recall_density_coverage,
)
from synth_core.metrics.features import Features, features_of, hjorth, signal_features, slice_features
from synth_core.metrics.score import Score
from synth_core.metrics.spectral import (
    band_powers,
    log_spectral_distance,
    power_spectral_density,
    radial_spectrum,
    spectral_wasserstein,
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
    "features_of",
    "frechet_distance",
    "half_samples",
    "hjorth",
    "kid",
    "log_spectral_distance",
    "mmd",
    "power_spectral_density",
    "precision_recall_density_coverage",
    "radial_spectrum",
    "signal_features",
    "slice_features",
    "spectral_wasserstein",
]
