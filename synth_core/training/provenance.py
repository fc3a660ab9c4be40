"""Where a model comes from, as its provenance.json says it."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import torch

from synth_core.data import Dataset
from synth_core.training.config import RunConfig
from synth_core.training.status import Status

PACKAGES = ("torch", "numpy", "scipy", "pandas", "lightning", "safetensors")


def provenance_of(dataset: Dataset, config: RunConfig, status: Status, step: int) -> dict[str, Any]:
    """Dataset and hash, split, seed, steps, device, threads, versions; privacy is null: nothing private was done."""
    return {
        "dataset": {
            "name": dataset.name,
            "hash": dataset.info["hash"],
            "examples": len(dataset),
            "subjects": int(dataset.table["subject"].nunique()),
            "part": dataset.part,
            "source": dataset.info["source"],
            "preparation": dataset.info["preparation"],
            "basis": dataset.info.get("counts", {}).get("basis", {}),
            "warnings": dataset.info.get("warnings", []),
        },
        "run": config.model_dump(mode="json", exclude={"out"}),
        "step": step,
        "device": status.device,
        "seconds": status.seconds or round(max(0.0, status.heartbeat - status.started), 1),  # older: by the wall clock
        "threads": torch.get_num_threads(),
        "versions": versions(),
        "privacy": None,
    }


def versions() -> dict[str, str]:
    """Of Python and of the packages that decide what the same seed gives."""
    return {"python": platform.python_version()} | {name: _version(name) for name in PACKAGES}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"
