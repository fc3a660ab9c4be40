"""The engine of SynthScope: data, generators, training, metrics and blinded studies of synthetic EEG, ECG and CT.

Names are imported on first use, so that a command that needs no torch does not wait for it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synth_core.data import Dataset, Preparation, open_recordings, prepare
    from synth_core.generators import REGISTRY, build
    from synth_core.metrics.evaluate import evaluate
    from synth_core.training import RunConfig, load_generator, save_generator, train
    from synth_core.types import Batch, Condition, DataSpec

__version__ = "0.1.0"

_HOMES = {
    "synth_core.data": ("Dataset", "Preparation", "open_recordings", "prepare"),
    "synth_core.generators": ("REGISTRY", "build"),
    "synth_core.metrics.evaluate": ("evaluate",),
    "synth_core.training": ("RunConfig", "load_generator", "save_generator", "train"),
    "synth_core.types": ("Batch", "Condition", "DataSpec"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "REGISTRY",
    "Batch",
    "Condition",
    "DataSpec",
    "Dataset",
    "Preparation",
    "RunConfig",
    "build",
    "evaluate",
    "load_generator",
    "open_recordings",
    "prepare",
    "save_generator",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'synth_core' has no attribute {name!r}")
    value = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value
