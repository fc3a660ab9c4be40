"""Checkpoints: safetensors and JSON, published as a whole or not at all, with a manifest of checksums."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, TypeVar

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import Tensor, nn

from synth_core.errors import DataError, ModelError, SynthScopeError
from synth_core.regular_file import read_bytes
from synth_core.storage import publish_directory, read_json, write_bytes_synced, write_json_atomic
from synth_core.training.weights import put_weights, serialised, size_of, tensors_of

KEPT = 2  # the newest, and one before it should a disk fault hit the newest
MANIFEST = "manifest.json"
ASIDE = "damaged-"  # before the step of a checkpoint that could not be read
REMEDY = "an older checkpoint may still be good."

log = logging.getLogger(__name__)
Made = TypeVar("Made")


class _Stored(BaseModel):
    model_config = ConfigDict(strict=True)

    bytes: int = Field(ge=0)
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class _Manifest(BaseModel):
    """Every file of a checkpoint but this one."""

    model_config = ConfigDict(strict=True)

    step: int
    files: dict[str, _Stored]


class _State(BaseModel):
    """state.json; all randomness of a step follows from seed and step, so the step is the random state."""

    model_config = ConfigDict(strict=True)

    step: int = Field(ge=1)
    param_groups: dict[str, list[dict[str, Any]]]


class Checkpoint:
    """One folder `checkpoints/<step>`, read with its checksums compared.

    Raises
    ------
    ModelError : by every reading, where a file is missing, cut, changed or none of ours; the message says which.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def content(self, name: str, limit: int) -> bytes:
        """Of one file of at most `limit` bytes."""
        file = self.path / name
        try:
            content = read_bytes(file, limit, REMEDY)
        except DataError as error:
            raise ModelError(f"{self.path.name}/{error}") from error
        known = self._manifest()
        if known is not None:
            told = known.files.get(name)
            if told is None or told.bytes != len(content) or told.sha256 != sha256(content).hexdigest():
                raise ModelError(f"{self.path.name}/{name} is not what was written, by its checksum; {REMEDY}")
        return content

    def _manifest(self) -> _Manifest | None:
        """None for a checkpoint of a version before there were any."""
        if not (self.path / MANIFEST).exists():
            log.info("Checkpoint %s has no checksums; it is of an earlier version.", self.path.name)
            return None
        try:
            return _Manifest.model_validate(read_json(self.path / MANIFEST))
        except (DataError, ValidationError) as error:
            raise ModelError(f"{self.path.name}/{MANIFEST} is damaged; {REMEDY}") from error

    def put_average(self, module: nn.Module) -> None:
        """The averaged weights, which samples are drawn from."""
        name = "average.safetensors"
        put_weights(module, self.content(name, size_of(module)), self.path / name)

    def restore(self, generator: nn.Module, average: nn.Module, optimizers: dict[str, torch.optim.Optimizer]) -> int:
        """Everything; returns the step after which the checkpoint was written."""
        room = size_of(generator)
        contents = {name: self.content(name, 4 * room) for name in ("optimizer.safetensors", "state.json")}
        weights = self.content("weights.safetensors", room)
        state = self._state(contents["state.json"])
        entries = tensors_of(contents["optimizer.safetensors"], self.path / "optimizer.safetensors")
        put_weights(generator, weights, self.path / "weights.safetensors")
        self.put_average(average)
        try:
            for phase, optimizer in optimizers.items():
                groups = state.param_groups[phase]
                optimizer.load_state_dict({"state": _of_phase(entries, phase), "param_groups": groups})
        except (KeyError, ValueError, TypeError) as error:
            raise ModelError(f"{self.path.name}/optimizer.safetensors does not fit this run; {REMEDY}") from error
        return state.step

    def _state(self, content: bytes) -> _State:
        try:
            state = _State.model_validate_json(content)
        except ValidationError as error:
            raise ModelError(f"{self.path.name}/state.json is damaged; {REMEDY}") from error
        if str(state.step) != self.path.name:
            raise ModelError(f"{self.path.name}/state.json is of step {state.step}; {REMEDY}")
        return state


def _of_phase(entries: dict[str, Tensor], phase: str) -> dict[int, dict[str, Tensor]]:
    values: dict[int, dict[str, Tensor]] = {}
    for name, value in entries.items():
        owner, index, key = name.split("/")
        if owner == phase:
            values.setdefault(int(index), {})[key] = value
    return values


def newest_good(paths: Sequence[Path], read: Callable[[Checkpoint], Made]) -> tuple[Path, Made, list[str]]:
    """The newest of some checkpoints, the oldest first, that `read` gets along with.

    Returns
    -------
    Its path, what `read` made of it, and a phrase for each newer one that is damaged.

    Raises
    ------
    ModelError : all are damaged; the message says how.
    """
    faults: list[str] = []
    for path in reversed(paths):
        try:
            return path, read(Checkpoint(path)), faults
        except SynthScopeError as error:
            faults.append(str(error))
            log.warning("Checkpoint %s cannot be used: %s", path.name, error)
    raise ModelError(f"None of {len(paths)} checkpoints can be read. {' '.join(faults)[:300]}")


def set_aside(path: Path) -> None:
    """Take a damaged checkpoint out of the way of the one that will be written in its place."""
    target = path.with_name(f"{ASIDE}{path.name}")
    shutil.rmtree(target, ignore_errors=True)
    path.rename(target)


def save_checkpoint(
    folder: Path, step: int, generator: nn.Module, average: nn.Module, optimizers: dict[str, torch.optim.Optimizer]
) -> None:
    """Write `folder`/<step>; then those older than the last `KEPT`, and what was set aside, are removed."""
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
    files: dict[str, dict[str, Any]] = {}
    with publish_directory(target) as temporary:
        for name, make in (
            ("weights.safetensors", lambda: serialised(generator.state_dict())),
            ("average.safetensors", lambda: serialised(average.state_dict())),
            ("optimizer.safetensors", lambda: serialised(tensors)),
            ("state.json", lambda: json.dumps({"step": step, "param_groups": states}).encode()),
        ):
            made = make()
            write_bytes_synced(temporary / name, made)
            files[name] = {"bytes": len(made), "sha256": sha256(made).hexdigest()}
        write_json_atomic(temporary / MANIFEST, {"step": step, "files": files})
    _remove_old(folder)


def _remove_old(folder: Path) -> None:
    for old in steps_in(folder)[:-KEPT]:
        shutil.rmtree(old)
    with suppress(OSError):
        for aside in folder.glob(f"{ASIDE}*"):
            shutil.rmtree(aside, ignore_errors=True)


def steps_in(folder: Path) -> list[Path]:
    """The checkpoints in a folder, the oldest first."""
    try:
        found = [path for path in folder.iterdir() if path.name.isascii() and path.name.isdecimal()]
    except OSError:
        return []
    return sorted((path for path in found if len(path.name) < 10), key=lambda path: int(path.name))
