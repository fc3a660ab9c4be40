"""A run's newest checkpoint, kept as a model."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from pages.shared import cache, state

if TYPE_CHECKING:
    from synth_core.training import RunDirectory


def form(run: RunDirectory) -> None:
    """Ask for a name; save, and choose the new model."""
    name = st.text_input("Name of the model", run.name, key="keep-name")
    if st.button("Save", type="primary", key="keep-save"):
        with st.spinner("Saving …"):
            model = save(run, cache.workspace().new_path("models", name))
        state.current().model = model
        st.toast(f"{model.name} is saved and can be chosen on every page.")


def save(run: RunDirectory, out: Path) -> Path:
    """Averaged weights of the newest checkpoint, with where they come from, as a model directory."""
    from synth_core.training import RunConfig, load_generator, save_generator
    from synth_core.training.provenance import provenance_of

    config = run.config()
    where = config["dataset"]
    generator = load_generator(run.path, device="cpu")
    training = cache.parts(Path(where["path"]))["train"]
    settings = RunConfig.model_validate(config["run"])
    generator.provenance = provenance_of(training, settings, run.status(), time.time())
    return save_generator(generator, out)
