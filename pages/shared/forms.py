"""Forms drawn from pydantic models: one widget per field, with its unit, bounds and reason."""

from __future__ import annotations

import math
import types
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import streamlit as st
from annotated_types import Ge, Le
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from pages.shared import words

Settings = TypeVar("Settings", bound=BaseModel)
_COLUMNS = 3


def form_for(
    model_class: type[Settings],
    defaults: Mapping[str, Any] | BaseModel | None,
    key: str,
    *,
    shown: Sequence[str] | None = None,
    hidden: Sequence[str] = (),
    choices: Mapping[str, Sequence[str]] | None = None,
    extensible: Sequence[str] = (),
    rest_title: str = "More settings",
) -> Settings | None:
    """Draw widgets for the fields of a pydantic model.

    Parameters
    ----------
    model_class : its fields give type, bounds, `description` (the help) and `json_schema_extra["unit"]`.
    defaults : starting values; the fields' own defaults stand in for what is missing.
    key : unique on the page; widget keys are made from it.
    shown : fields in sight, in this order; the others go below `rest_title`. All when None.
    hidden : fields that are not offered and keep their default.
    choices : options for fields that hold several names.
    extensible : those of them to which other names can be added by typing.

    Returns
    -------
    The validated settings, or None after saying in one sentence what was refused.
    """
    start = defaults.model_dump() if isinstance(defaults, BaseModel) else dict(defaults or {})
    fields = {name: field for name, field in model_class.model_fields.items() if name not in hidden}
    first = [name for name in (shown if shown is not None else fields) if name in fields]
    rest = [name for name in fields if name not in first]
    values = {name: start[name] for name in hidden if name in start}

    def draw(names: Sequence[str]) -> None:
        for position, name in enumerate(names):
            if position % _COLUMNS == 0:
                columns = st.columns(_COLUMNS, vertical_alignment="bottom")
            value = start.get(name, fields[name].get_default(call_default_factory=True))
            with columns[position % _COLUMNS]:
                options = (choices or {}).get(name)
                if options is not None:
                    values[name] = _several(name, fields[name], value, f"{key}-{name}", options, name in extensible)
                else:
                    values[name] = _widget(name, fields[name], value, f"{key}-{name}")

    if first:
        draw(first)
    if rest:
        with st.expander(rest_title):
            draw(rest)
    try:
        return model_class.model_validate(values)
    except ValidationError as error:
        st.error(words.plain(refusal(error)))
        return None


def refusal(error: ValidationError) -> str:
    """The first thing that a pydantic model refused, as a sentence."""
    first = error.errors()[0]
    name = ".".join(map(str, first["loc"]))
    return f"{_title(name) or 'These settings'}: {first['msg'].removeprefix('Value error, ')}."


def _several(
    name: str, field: FieldInfo, value: Sequence[str] | None, key: str, options: Sequence[str], extensible: bool
) -> Sequence[str] | None:
    chosen = list(value or ())
    offered = [*options, *(one for one in chosen if one not in options)]
    picked = st.multiselect(
        label_of(name, field),
        offered,
        chosen,
        key=key,
        help=field.description,
        placeholder="all",
        accept_new_options=extensible,
    )
    return picked or None


def _widget(name: str, field: FieldInfo, value: Any, key: str) -> Any:
    kind, optional = _kind(field.annotation)
    label, reason = label_of(name, field), field.description
    if kind is bool:
        return st.checkbox(label, bool(value), key=key, help=reason)
    if get_origin(kind) is Literal:
        options = [*([None] if optional else []), *get_args(kind)]
        index = options.index(value) if value in options else 0
        return st.selectbox(label, options, index, key=key, help=reason, format_func=_option)
    if kind in (int, float):
        return _number(label, field, value, key, reason, whole=kind is int, optional=optional)
    if get_origin(kind) in (tuple, list):
        text = st.text_input(label, ", ".join(map(str, value or ())), key=key, help=reason, placeholder="all")
        return tuple(part.strip() for part in text.split(",") if part.strip()) or (None if optional else ())
    text = st.text_input(label, "" if value is None else str(value), key=key, help=reason)
    return text or None if optional else text


def _number(
    label: str, field: FieldInfo, value: Any, key: str, reason: str | None, *, whole: bool, optional: bool
) -> float | int | None:
    cast: Any = int if whole else float
    low: Any = next((cast(bound.ge) for bound in field.metadata if isinstance(bound, Ge)), None)
    high: Any = next((cast(bound.le) for bound in field.metadata if isinstance(bound, Le)), None)
    start: Any = None if value is None else cast(value)
    step: Any = 1 if whole else _step(value)
    return st.number_input(
        label,
        min_value=low,
        max_value=high,
        value=start,
        step=step,
        format="%d" if whole else "%.6g",
        key=key,
        help=reason,
        placeholder="not set" if optional else None,
    )


def _step(value: float | None) -> float:
    """A tenth of the order of magnitude, so that one press is a small change."""
    return 0.1 if not value else 10.0 ** (math.floor(math.log10(abs(value))) - 1)


def _kind(annotation: Any) -> tuple[Any, bool]:
    """The type inside `X | None`, and whether None is allowed."""
    if get_origin(annotation) in (Union, types.UnionType):
        inner = [part for part in get_args(annotation) if part is not type(None)]
        return inner[0], len(inner) < len(get_args(annotation))
    return annotation, False


def label_of(name: str, field: FieldInfo) -> str:
    """What a form calls a field: its title, with the unit behind it."""
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    unit = extra.get("unit")
    return f"{field.title or _title(name)}" + (f" ({words.unit(str(unit))})" if unit else "")


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _option(value: Any) -> str:
    return "not set" if value is None else str(value)
