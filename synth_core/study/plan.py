"""A study as a file, YAML or JSON: its protocol, and where its real and synthetic examples come from."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from synth_core.errors import InvalidSetting
from synth_core.settings import checked
from synth_core.study.protocol import StudyProtocol

LARGEST = 2**20  # bytes of a plan


class _Source(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    places: ClassVar[tuple[str, ...]]  # fields of which exactly one is given

    @property
    def path(self) -> Path:
        """The one path that is given."""
        return Path(self._given()[0])

    def _given(self) -> list[str]:
        return [value for name in self.places if (value := getattr(self, name)) is not None]

    @model_validator(mode="after")
    def _one(self) -> Self:
        if len(self._given()) != 1:
            raise ValueError("name exactly one folder or file")
        return self


class RealSource(_Source):
    """Where real examples are from."""

    places = ("dataset", "npz")
    dataset: str | None = Field(default=None, description="a prepared dataset")
    npz: str | None = Field(default=None, description="an archive of examples")
    part: Literal["test", "validation", "train", "all"] = Field(
        default="test", description="of the dataset; only of test is it known that no generator has seen it"
    )


class SyntheticSource(_Source):
    """Where a share of the synthetic examples is from."""

    places = ("model", "npz")
    model: str | None = Field(default=None, description="a model or run")
    npz: str | None = Field(default=None, description="an archive of examples")
    name: str | None = Field(default=None, max_length=80, description="of the generator, in results; else the path's")

    @property
    def title(self) -> str:
        """How results name it."""
        return self.name or self.path.stem


class StudyPlan(BaseModel):
    """All that makes a study. Several synthetic sources share the items evenly, within each class."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    protocol: StudyProtocol
    real: RealSource
    synthetic: list[SyntheticSource] = Field(min_length=1)

    @model_validator(mode="after")
    def _told_apart(self) -> Self:
        titles = [source.title for source in self.synthetic]
        if len(set(titles)) < len(titles):
            raise ValueError("two synthetic sources have one name; give each a `name`")
        return self

    def sources(self) -> dict[str, Any]:
        """What is kept with the study beside the protocol."""
        return self.model_dump(mode="json", exclude={"protocol"}, exclude_none=True)


def read_plan(file: Path) -> StudyPlan:
    """A plan, its relative paths taken from the folder of the file.

    Raises
    ------
    InvalidSetting : when the file cannot be read, or says something else than a plan.
    """
    try:
        if file.stat().st_size > LARGEST:
            raise InvalidSetting(f"{file.name} is too large for a plan of a study ({LARGEST:,} bytes at most).")
        content = yaml.safe_load(file.read_text(encoding="utf-8"))  # JSON is YAML too
    except OSError as error:
        raise InvalidSetting(f"{file} cannot be read ({error.strerror}); name a YAML or JSON file.") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        where = getattr(error, "problem_mark", None)
        line = f" at line {where.line + 1}" if where else ""
        raise InvalidSetting(f"{file.name} is not valid YAML or JSON{line}; correct it there.") from error
    if not isinstance(content, dict):
        raise InvalidSetting(f"{file.name} holds no plan: it needs `protocol`, `real` and `synthetic`.")
    return _from(checked(StudyPlan, content, file.name), file.resolve().parent)


def _from(plan: StudyPlan, folder: Path) -> StudyPlan:
    def absolute(source: Any) -> Any:
        kind = next(name for name in ("dataset", "model", "npz") if getattr(source, name, None) is not None)
        return source.model_copy(update={kind: str(folder / getattr(source, kind))})

    return plan.model_copy(
        update={"real": absolute(plan.real), "synthetic": [absolute(source) for source in plan.synthetic]}
    )


def plan_text(protocol: StudyProtocol, sources: dict[str, Any] | None) -> str:
    """A plan that `read_plan` reads again."""
    content = {"protocol": protocol.model_dump(mode="json", exclude_none=True), **(sources or {})}
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)
