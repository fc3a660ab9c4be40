"""Settings are pydantic models; a value that one refuses becomes one sentence."""

from __future__ import annotations

import json
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


def parsed(pairs: Sequence[str]) -> dict[str, Any]:
    """["dim=64", "patch=8"] to {"dim": 64, "patch": 8}; values are JSON where they can be, else text."""
    settings: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise InvalidSetting(f"A setting is written name=value. Got {pair!r} instead.")
        try:
            settings[name.replace("-", "_")] = json.loads(value)
        except ValueError:
            settings[name.replace("-", "_")] = value
    return settings
