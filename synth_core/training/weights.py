"""Weights as safetensors: copied from the file with its bounds checked, never mapped and never unpickled."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from synth_core.errors import DataError, ModelError
from synth_core.regular_file import read_bytes
from synth_core.storage import write_bytes_synced

SLACK = 2**26  # bytes that a file may have beyond its values: names, shapes, a few values too many
LONGEST_HEADER = 2**24


def serialised(tensors: dict[str, Tensor]) -> bytes:
    """The content of a safetensors file."""
    return save({name: value.detach().cpu().contiguous() for name, value in tensors.items()})


def save_weights(module: nn.Module, path: Path) -> None:
    """Parameters and persistent buffers."""
    write_bytes_synced(path, serialised(module.state_dict()))


def size_of(module: nn.Module) -> int:
    """Bytes that a file with its weights has at most."""
    return sum(value.nbytes for value in module.state_dict().values()) + SLACK


def load_weights(module: nn.Module, path: Path) -> None:
    """Names and shapes are compared before anything is read; ModelError names the first that does not fit."""
    try:
        content = read_bytes(path, size_of(module), "train the model again, or copy it again.")
    except DataError as error:
        raise ModelError(f"{path.parent.name}/{error}") from error
    put_weights(module, content, path)


def put_weights(module: nn.Module, content: bytes, path: Path) -> None:
    """The same from the content of a file that was read already."""
    own = module.state_dict()
    _compare({name: tuple(value.shape) for name, value in own.items()}, _shapes(content, path), path)
    weights = tensors_of(content, path)
    _check_values(own, weights, path)
    module.load_state_dict(weights)


def tensors_of(content: bytes, path: Path) -> dict[str, Tensor]:
    """Every tensor by its name; ModelError for what is no safetensors file."""
    try:
        return load(content)
    except (SafetensorError, LookupError, TypeError, ValueError, AssertionError) as error:
        raise ModelError(f"{path.parent.name}/{path.name} is damaged: {str(error)[:200]}.") from error


def _shapes(content: bytes, path: Path) -> dict[str, tuple[int, ...]]:
    """Of every tensor, from the header alone."""
    length = int.from_bytes(content[:8], "little")
    try:
        if not 2 <= length <= min(LONGEST_HEADER, len(content) - 8):
            raise ValueError("it is cut short")
        header = json.loads(content[8 : 8 + length])
        return {name: tuple(map(int, one["shape"])) for name, one in header.items() if name != "__metadata__"}
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ModelError(f"{path.parent.name}/{path.name} is damaged: its header cannot be read.") from error


def _compare(expected: dict[str, tuple[int, ...]], found: dict[str, tuple[int, ...]], path: Path) -> None:
    for name in sorted(expected.keys() ^ found.keys()):
        fault = "lacks" if name in expected else "has an unknown"
        raise ModelError(
            f"{path.parent.name}/{path.name} {fault} tensor {name[:80]!r}; it belongs to another configuration."
        )
    for name, shape in expected.items():
        if found[name] != shape:
            raise ModelError(
                f"{path.parent.name}/{path.name}: {name} must have shape {shape}. Got {found[name][:8]} instead."
            )


def _check_values(expected: dict[str, Tensor], found: dict[str, Tensor], path: Path) -> None:
    """ModelError for weights of another type, or that are not finite: such a model would only make more of it."""
    for name, value in found.items():
        if value.dtype != expected[name].dtype:
            kinds = f"of type {str(expected[name].dtype)[6:]}. Got {str(value.dtype)[6:]} instead"
            raise ModelError(f"{path.parent.name}/{path.name}: {name} must be {kinds}.")
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise ModelError(
                f"{path.parent.name}/{path.name}: {name} holds values that are not finite; train it again."
            )
