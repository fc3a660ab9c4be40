"""Training: the loop, run directories, models, launching."""

from synth_core.training.config import RunConfig
from synth_core.training.launch import check_same, create_run, keep, resume, start, work
from synth_core.training.loop import StepRecord, train
from synth_core.training.model import load_generator, record_evaluation, save_generator
from synth_core.training.run import Preview, RunDirectory, Status

__all__ = [
    "Preview",
    "RunConfig",
    "RunDirectory",
    "Status",
    "StepRecord",
    "check_same",
    "create_run",
    "keep",
    "load_generator",
    "record_evaluation",
    "resume",
    "save_generator",
    "start",
    "train",
    "work",
]
