"""Cohorts whose truth is known: 12-lead ECG, 19-channel EEG and head CT, and real head CT with implanted lesions."""

from collections.abc import Callable

from synth_core.data.recording import Recording
from synth_core.simulate.ct import ct_cohort
from synth_core.simulate.ecg import ecg_cohort
from synth_core.simulate.eeg import eeg_cohort
from synth_core.simulate.implant import ImplantedRecording, implant, implant_cohort
from synth_core.simulate.recording import SimulatedRecording

COHORTS: dict[str, Callable[..., list[Recording]]] = {"ecg": ecg_cohort, "eeg": eeg_cohort, "ct": ct_cohort}

__all__ = [
    "COHORTS",
    "ImplantedRecording",
    "SimulatedRecording",
    "ct_cohort",
    "ecg_cohort",
    "eeg_cohort",
    "implant",
    "implant_cohort",
]
