"""Experiments: the protocols that answer a question about generated data, on any dataset, with any generator."""

from synth_core.experiments.augmentation import Augmentation
from synth_core.experiments.base import Experiment, ExperimentConfig
from synth_core.experiments.methods import Methods
from synth_core.experiments.outcome import Chart, Outcome, Point, Table
from synth_core.experiments.planted_faults import PlantedFaults
from synth_core.experiments.presets import PRESETS
from synth_core.experiments.privacy import Privacy
from synth_core.experiments.severity import Severity

_OWN: tuple[type[Experiment], ...] = (PlantedFaults, Methods, Augmentation, Severity, Privacy)

EXPERIMENTS: dict[str, type[Experiment]] = {experiment.name: experiment for experiment in (*_OWN, *PRESETS)}

__all__ = ["EXPERIMENTS", "Chart", "Experiment", "ExperimentConfig", "Outcome", "Point", "Table"]
