"""Settings are pydantic models; a value that one refuses becomes one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar, cast

from pydantic import BaseModel, ValidationError

from synth_core.errors import InvalidSetting

Settings = TypeVar("Settings", bound=BaseModel)


def idle_fields(model: type[BaseModel], modality: str) -> list[str]:
    """Fields that mean nothing for a modality, by their `json_schema_extra["modalities"]`: forms leave them out."""
    extras = {name: field.json_schema_extra for name, field in model.model_fields.items()}
    return [
        name
        for name, extra in extras.items()
        if isinstance(extra, dict) and modality not in cast(Sequence[str], extra.get("modalities", (modality,)))
    ]


def checked(model: type[Settings], values: dict[str, Any], owner: str) -> Settings:
    """An instance of `model`; InvalidSetting names the setting, its `owner` and the fault."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        setting = ".".join(map(str, first["loc"])) or "combination"
        raise InvalidSetting(f"The `{setting}` setting of {owner} was refused: {first['msg']}.") from error
