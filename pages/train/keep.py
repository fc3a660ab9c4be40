"""A run's newest checkpoint, kept as a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.shared import cache, state, words

if TYPE_CHECKING:
    from synth_core.training import RunDirectory


def form(run: RunDirectory) -> None:
    """Ask for a name; save, and choose the new model."""
    name = st.text_input("Name of the model", run.name, key="keep-name")
    if st.button("Save", type="primary", key="keep-save"):
        with st.spinner("Saving …"):
            from synth_core.training import keep

            model = keep(run, cache.workspace().new_path("models", name))
        state.current().model = model
        step = words.number(cache.generator(model).provenance["step"])
        st.toast(f"{words.plain(model.name)} is saved as of step {step} and can be chosen on every page.")
