"""Settings are pydantic models; a value that one refuses becomes one sentence."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from synth_core.errors import InvalidSetting

Settings = TypeVar("Settings", bound=BaseModel)


def checked(model: type[Settings], values: dict[str, Any], owner: str) -> Settings:
    """An instance of `model`; InvalidSetting names the setting, its `owner` and the fault."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        setting = ".".join(map(str, first["loc"])) or "combination"
        raise InvalidSetting(f"The `{setting}` setting of {owner} was refused: {first['msg']}.") from error
