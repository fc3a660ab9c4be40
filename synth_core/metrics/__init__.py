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
from synth_core.metrics.rhythm import heart_rate_variability, qt_corrected
from synth_core.metrics.score import Score
from synth_core.metrics.spectral import (
    band_powers,
    log_spectral_distance,
    power_spectral_density,
    radial_spectrum,
    spectral_wasserstein,
)
from synth_core.metrics.temporal import autocorrelation, slope_skewness, time_asymmetry

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
    "einthoven_residual",
    "features_of",
    "frechet_distance",
    "half_samples",
    "heart_rate_variability",
    "hjorth",
    "imaginary_coherence",
    "intervals",
    "kid",
    "lead_reversal_score",
    "log_spectral_distance",
    "mmd",
    "phase_locking_value",
    "power_spectral_density",
    "precision_recall_density_coverage",
    "qt_corrected",
    "radial_spectrum",
    "signal_features",
    "slice_features",
    "slope_skewness",
    "spectral_wasserstein",
    "time_asymmetry",
]
