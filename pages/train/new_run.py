"""A new run: dataset, generator, settings, start."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import streamlit as st

from pages.shared import cache, panels, state, words
from synth_core.settings import idle_fields

Preset = Literal["paper", "modern"]
PRESETS: dict[Preset, str] = {"modern": "Modern", "paper": "As in the paper"}


def show() -> None:
    """Draw the choices; start a detached run on request."""
    from synth_core.generators import REGISTRY
    from synth_core.training import RunConfig

    left, right = st.columns([2, 3], gap="large")
    with left:
        dataset = panels.choose_dataset()
        if dataset is None:
            return
        st.caption(panels.dataset_line(dataset) + ". Training uses the training part of a split by subject.")
        modality = cache.dataset_info(dataset)["spec"]["modality"]
        fitting = [name for name, kind in REGISTRY.items() if modality in kind.modalities]
        name = st.selectbox("Generator", fitting, key="new-generator", format_func=lambda key: REGISTRY[key].title)
        st.caption(REGISTRY[name].reference)
        if REGISTRY[name].warning:
            st.caption(f":material/warning: {REGISTRY[name].warning}")
        preset = _choose_preset(name)
        title = st.text_input(
            "Name of the run", _title(dataset, name, preset), key=f"new-name-{dataset.name}-{name}-{preset}"
        )
    with right:
        run = panels.form_for(
            RunConfig,
            None,
            "new-run",
            shown=("steps", "batch_size", "seed"),
            hidden=("out",),
            rest_title="More settings of the run",
        )
        settings = REGISTRY[name].Config
        config = panels.form_for(
            settings,
            settings.model_validate({"preset": preset}),
            f"new-{name}-{preset}",
            shown=(),
            hidden=["preset", *idle_fields(settings, modality)],
            rest_title="Settings of the generator",
        )
    if st.button("Start", type="primary", icon=":material/play_arrow:", key="new-start") and run and config:
        _start(dataset, name, config.model_dump(), run, title)


def _choose_preset(name: str) -> Preset:
    """The settings of the paper or today's, where they differ."""
    from synth_core.generators import REGISTRY

    if not REGISTRY[name].Config.PRESETS:
        return "modern"
    return st.segmented_control(
        "Settings",
        list(PRESETS),
        default="modern",
        required=True,
        format_func=PRESETS.__getitem__,
        key=f"new-preset-{name}",
        help="As in the paper: the method as its authors meant it. Modern: what trains better today.",
    )


def _title(dataset: Path, name: str, preset: Preset) -> str:
    return "-".join([dataset.name, name, *([preset] if preset == "paper" else [])])


def _start(dataset: Path, generator: str, config: dict[str, Any], run: Any, title: str) -> None:
    from synth_core.training import start

    out = cache.workspace().new_path("runs", title)
    state.current().run = start(dataset, generator, config, run.model_copy(update={"out": out})).path
    st.session_state["train-go-to-runs"] = True
    st.rerun()


def described(config: Mapping[str, Any]) -> str:
    """'flow on demo-ecg, 4 000 steps of 32', by what config.json of a run says."""
    settings = config["run"]
    return (
        f"{config['generator']} on {config['dataset']['name']}, "
        f"{words.counted(settings['steps'], 'step')} of {words.counted(settings['batch_size'], 'example')}"
    )
