"""What a run says of itself in status.json, and how far that can be believed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field, TypeAdapter

from synth_core.training.config import MOST_STEPS

State = Literal["starting", "running", "cancelled", "finished", "failed"]
ENDED = ("cancelled", "finished", "failed")

Count = Annotated[int, Field(ge=0, le=MOST_STEPS)]
Seconds = Annotated[float, Field(ge=0, le=1e11)]


@dataclass(frozen=True)
class Status:
    """What a run says of itself.

    `heartbeat` and `started` are seconds since the epoch, by the clock of the worker; nothing is judged by them.
    `beat` counts what the worker wrote: it moves while the worker lives. `seconds` is how long it has worked, by a
    clock that nobody sets. `seconds_left` is None until it can be estimated. `message` is a sentence for the user,
    of a failure for example. `pid` and `host` are None and "" until a worker has taken the run up.
    """

    # what others may have written is held to this when it is read; fields of later versions are passed over
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(strict=True, extra="ignore", allow_inf_nan=False)

    state: State
    step: Count = 0
    steps: Count = 0
    heartbeat: Seconds = 0.0
    started: Seconds = 0.0
    device: Annotated[str, Field(max_length=200)] = ""
    examples_per_second: Annotated[float, Field(ge=0, le=1e15)] = 0.0
    seconds_left: Seconds | None = None
    message: Annotated[str, Field(max_length=2000)] = ""
    # never 1 or below: those are init, and groups of processes
    pid: Annotated[int, Field(ge=2, le=2**31 - 1)] | None = None
    host: Annotated[str, Field(max_length=255)] = ""
    beat: Annotated[int, Field(ge=0, le=2**53)] = 0
    seconds: Seconds = 0.0


STATUS = TypeAdapter(Status)
