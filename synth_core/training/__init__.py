"""Training: the loop, run directories, models, launching."""

from synth_core.training.config import RunConfig
from synth_core.training.launch import create_run, keep, resume, start, work
from synth_core.training.listing import Listed, listed
from synth_core.training.liveness import Liveness, Watch
from synth_core.training.loop import StepRecord, train
from synth_core.training.model import load_generator, record_evaluation, save_generator
from synth_core.training.preview import Preview
from synth_core.training.run import RunDirectory
from synth_core.training.same import check_same
from synth_core.training.status import Status

__all__ = [
    "Listed",
    "Liveness",
    "Preview",
    "RunConfig",
    "RunDirectory",
    "Status",
    "StepRecord",
    "Watch",
    "check_same",
    "create_run",
    "keep",
    "listed",
    "load_generator",
    "record_evaluation",
    "resume",
    "save_generator",
    "start",
    "train",
    "work",
]
