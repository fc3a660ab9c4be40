"""Forms drawn from pydantic models."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest


def script() -> None:
    from typing import Literal

    import streamlit as st
    from pydantic import BaseModel, Field

    from pages.shared.forms import form_for

    class Settings(BaseModel):
        steps: int = Field(10, ge=1, le=20, description="More is slower.")
        rate: float | None = Field(None, gt=0, json_schema_extra={"unit": "Hz"})
        kind: Literal["a", "b"] = "a"
        channels: tuple[str, ...] | None = None
        careful: bool = False

    made = form_for(Settings, {"steps": 5}, "form", shown=("steps", "rate"), choices={"channels": ("I", "II")})
    st.session_state["made"] = None if made is None else made.model_dump()


def test_a_form_has_one_widget_per_field_with_unit_bounds_and_reason() -> None:
    app = AppTest.from_function(script).run()
    steps, rate = app.number_input
    assert (steps.value, steps.min, steps.max, steps.help) == (5, 1, 20, "More is slower.")
    assert rate.label == "Rate (Hz)"
    assert app.session_state["made"] == {"steps": 5, "rate": None, "kind": "a", "channels": None, "careful": False}


def test_what_is_entered_comes_back_validated() -> None:
    app = AppTest.from_function(script).run()
    app.number_input(key="form-rate").set_value(50.0)
    app.selectbox(key="form-kind").set_value("b")
    app.multiselect(key="form-channels").set_value(["II"])
    app.checkbox(key="form-careful").check().run()
    assert app.session_state["made"] == {"steps": 5, "rate": 50.0, "kind": "b", "channels": ("II",), "careful": True}


def test_a_refused_value_is_explained_in_a_sentence() -> None:
    app = AppTest.from_function(script).run()
    app.number_input(key="form-rate").set_value(-1.0).run()
    assert [error.value for error in app.error] == ["Rate: Input should be greater than 0."]
    assert app.session_state["made"] is None
