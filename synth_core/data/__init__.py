"""Files → recordings → a prepared dataset: reading, windows, splits by subject."""

from synth_core.data.dataset import Dataset
from synth_core.data.merge import merge
from synth_core.data.opening import open_recordings
from synth_core.data.preparation import Preparation
from synth_core.data.prepare import prepare
from synth_core.data.recording import Annotation, Recording, Source

__all__ = [
    "Annotation",
    "Dataset",
    "Preparation",
    "Recording",
    "Source",
    "merge",
    "open_recordings",
    "prepare",
]
