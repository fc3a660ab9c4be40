"""Checkpoints: safetensors and JSON, published as a whole or not at all."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from synth_core.errors import ModelError
from synth_core.storage import publish_directory, read_json, write_json_atomic

KEPT = 2  # the newest, and one before it should a disk fault hit the newest


def save_weights(module: nn.Module, path: Path) -> None:
    """Parameters and persistent buffers."""
    save_file({name: value.detach().cpu().contiguous() for name, value in module.state_dict().items()}, path)


def load_weights(module: nn.Module, path: Path) -> None:
    """Names and shapes are compared before anything is read; ModelError names the first that does not fit."""
    own = module.state_dict()
    try:
        with safe_open(path, framework="pt") as file:
            found = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
            _compare({name: tuple(value.shape) for name, value in own.items()}, found, path)
            weights = {name: file.get_tensor(name) for name in found}
            _check_values(own, weights, path)
            module.load_state_dict(weights)
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path.parent.name}/{path.name} could not be read: {error}.") from error


def _compare(expected: dict[str, tuple[int, ...]], found: dict[str, tuple[int, ...]], path: Path) -> None:
    for name in sorted(expected.keys() ^ found.keys()):
        fault = "lacks" if name in expected else "has an unknown"
        raise ModelError(
            f"{path.parent.name}/{path.name} {fault} tensor {name!r}; it belongs to another configuration."
        )
    for name, shape in expected.items():
        if found[name] != shape:
            raise ModelError(
                f"{path.parent.name}/{path.name}: {name} must have shape {shape}. Got {found[name]} instead."
            )


def _check_values(expected: dict[str, Tensor], found: dict[str, Tensor], path: Path) -> None:
    """ModelError for weights of another type, or that are not finite: such a model would only make more of it."""
    for name, value in found.items():
        if value.dtype != expected[name].dtype:
            kinds = f"of type {str(expected[name].dtype)[6:]}. Got {str(value.dtype)[6:]} instead"
            raise ModelError(f"{path.parent.name}/{path.name}: {name} must be {kinds}.")
        if value.is_floating_point() and not bool(value.isfinite().all()):
            raise ModelError(
                f"{path.parent.name}/{path.name}: {name} holds values that are not finite; train it again."
            )


def save_checkpoint(
    folder: Path, step: int, generator: nn.Module, average: nn.Module, optimizers: dict[str, torch.optim.Optimizer]
) -> None:
    """Write `folder`/<step>; older ones than the last `KEPT` are removed."""
    tensors: dict[str, Tensor] = {}
    states: dict[str, Any] = {}
    for phase, optimizer in optimizers.items():
        content = optimizer.state_dict()
        states[phase] = content["param_groups"]
        for index, values in content["state"].items():
            tensors |= {f"{phase}/{index}/{name}": torch.as_tensor(value).cpu() for name, value in values.items()}
    target = folder / str(step)
    if target.exists():
        return
    with publish_directory(target) as temporary:
        save_weights(generator, temporary / "weights.safetensors")
        save_weights(average, temporary / "average.safetensors")
        save_file(tensors, temporary / "optimizer.safetensors")
        # all randomness of a step follows from seed and step, so the step is the random state
        write_json_atomic(temporary / "state.json", {"step": step, "param_groups": states})
    for old in sorted(int(path.name) for path in folder.iterdir() if path.name.isdigit())[:-KEPT]:
        shutil.rmtree(folder / str(old))


def load_checkpoint(
    path: Path, generator: nn.Module, average: nn.Module, optimizers: dict[str, torch.optim.Optimizer]
) -> int:
    """Restore everything; returns the step after which the checkpoint was written."""
    load_weights(generator, path / "weights.safetensors")
    load_weights(average, path / "average.safetensors")
    state = read_json(path / "state.json")
    with safe_open(path / "optimizer.safetensors", framework="pt") as file:
        entries = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    for phase, optimizer in optimizers.items():
        values: dict[int, dict[str, Tensor]] = {}
        for name, value in entries.items():
            owner, index, key = name.split("/")
            if owner == phase:
                values.setdefault(int(index), {})[key] = value
        optimizer.load_state_dict({"state": values, "param_groups": state["param_groups"][phase]})
    return int(state["step"])
