"""What config.json of a model and of a run must hold before anything is built from it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from synth_core.errors import LONGEST, SpecMismatch
from synth_core.generators import REGISTRY
from synth_core.training.config import RunConfig
from synth_core.types import DataSpec

LARGEST_EXAMPLE = 2**26  # values; refuses a description that would make the machine run out of memory


def _known(name: str) -> str:
    if name not in REGISTRY:
        raise ValueError(f"no generator of this version is called {name[:60]!r}")
    return name


def _finite(content: Any) -> Any:
    """The same content, where every number within lists and dictionaries is finite."""
    for part in content.values() if isinstance(content, dict) else content if isinstance(content, list) else ():
        _finite(part)
    if isinstance(content, float) and not math.isfinite(content):
        raise ValueError("holds a value that is not finite; train it again")
    return content


class SpecFields(BaseModel):
    """The fields of a DataSpec, by type."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)

    modality: str
    shape: list[int] = Field(min_length=2, max_length=3)
    unit: str
    rate: float
    channels: list[str] = []
    classes: list[str] = []


def _spec(fields: SpecFields) -> SpecFields:
    if math.prod(fields.shape) > LARGEST_EXAMPLE:
        raise ValueError(f"examples of shape {fields.shape[:3]} are too large")
    try:
        DataSpec.from_dict(fields.model_dump())
    except SpecMismatch as error:
        raise ValueError(str(error)) from error
    return fields


class GeneratorDescription(BaseModel):
    """Enough to build a generator; its own settings are checked when it is built."""

    model_config = ConfigDict(strict=True, extra="allow", allow_inf_nan=False)

    generator: Annotated[str, AfterValidator(_known)]
    spec: Annotated[SpecFields, AfterValidator(_spec)]
    config: dict[str, Any] = {}
    scaling: Annotated[dict[str, Any] | None, AfterValidator(_finite)] = None


class Split(BaseModel):
    """The part of a dataset that is trained on."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)

    part: str
    fractions: tuple[float, float, float]
    by: str
    seed: int


class DatasetOfRun(BaseModel):
    """Where the data of a run are."""

    model_config = ConfigDict(strict=True)

    path: str = Field(min_length=1)
    name: str
    hash: str = ""
    part: Split | None = None


class RunDescription(GeneratorDescription):
    """A generator, the settings of its run, and its data."""

    run: RunConfig
    dataset: DatasetOfRun


def fault_of(error: ValidationError) -> str:
    """The first fault as a phrase that names the field: "`run.steps` should be a valid integer"."""
    first = error.errors(include_input=False, include_url=False)[0]
    where = ".".join(map(str, first["loc"]))
    said = first["msg"].removeprefix("Value error, ")
    said = "is missing" if first["type"] == "missing" else said.replace("Input should", "should", 1)
    return f"`{where}` {said}" if where else said


def sentence(file: Path, problem: str) -> str:
    """'run/status.json: problem', printable and of bounded length: damaged files are quoted."""
    said = f"{file.parent.name}/{file.name}: {problem}"
    printable = "".join(character if character.isprintable() else "?" for character in said)
    return printable if len(printable) <= LONGEST else f"{printable[: LONGEST - 1]}…"
