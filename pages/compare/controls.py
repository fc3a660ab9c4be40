"""What is compared: dataset, generator, class, number, and how the generator draws."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.shared import cache, panels
from synth_core.errors import InvalidSetting

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from synth_core.types import Batch

ALL = "as in the data"
MOST = 512  # examples a side; more belongs to Evaluate


@dataclass(frozen=True)
class Chosen:
    """The two sides of a comparison.

    Parameters
    ----------
    dataset, model : directories of the real side and of the generator.
    part : the part of the split that real examples come from.
    class_name : only this class; None takes what comes.
    n, seed, steps, guidance : of the draw.
    """

    dataset: Path
    model: Path
    part: str
    class_name: str | None
    n: int
    seed: int
    steps: int | None
    guidance: float | None


def choose(row: DeltaGenerator) -> Chosen | None:
    """Draw the controls in `row`; None, after saying the next step, while something is missing."""
    with row:
        dataset = panels.choose_dataset()
        if dataset is None:
            return None
        spec = cache.dataset_info(dataset)["spec"]
        model = panels.choose_model(spec)
        if model is None:
            return None
        wanted = st.selectbox("Class", (ALL, *spec["classes"]), key=f"compare-class-{dataset.name}")
        if st.button("New draw", icon=":material/casino:", key="compare-again", type="primary"):
            st.session_state["compare-seed"] = st.session_state.get("compare-seed", 0) + 1
        with st.popover("Settings", icon=":material/tune:"):
            reason = "The test part has subjects that training never saw."
            part = st.selectbox("Real examples from", ("test", "validation", "train"), key="compare-part", help=reason)
            n = int(st.number_input("Examples each side", 1, MOST, 32, key="compare-n"))
            seed, steps, guidance = _sampler(model)
        _about(model)
    return Chosen(dataset, model, part, None if wanted == ALL else wanted, n, seed, steps, guidance)


def _about(model: Path) -> None:
    """The card of a model; a run has none yet."""
    card = cache.model_card(model)
    if card:
        with st.popover("About the generator", icon=":material/id_card:"):
            st.markdown(card)


def _sampler(model: Path) -> tuple[int, int | None, float | None]:
    """Seed for every generator; steps and guidance where its config has them."""
    config = cache.model_info(model).get("config", {})
    st.session_state.setdefault("compare-seed", 0)
    seed = st.number_input("Seed", 0, 2**31 - 1, key="compare-seed", help="The same seed gives the same examples.")
    steps, guidance = config.get("steps"), config.get("guidance")
    if steps is not None:
        reason = "More steps follow the learned flow more closely, and take longer."
        steps = int(
            st.number_input("Sampler steps", 1, 500, int(steps), key=f"compare-steps-{model.name}", help=reason)
        )
    if guidance is not None:
        reason = "1 follows the data; more makes classes clearer and less varied."
        given = st.number_input(
            "Guidance", 0.0, 20.0, float(guidance), 0.5, key=f"compare-guidance-{model.name}", help=reason
        )
        guidance = float(given)
    return int(seed), steps, guidance


def real(chosen: Chosen) -> Batch:
    """Real examples of the class from the part, drawn with the same seed."""
    data = cache.parts(chosen.dataset)[chosen.part]
    name = chosen.class_name
    rows = np.arange(len(data)) if name is None else np.array(panels.indices_of_class(data, name), dtype=int)
    if not len(rows):
        raise InvalidSetting(f"The {chosen.part} part has no example of class {name}; choose another part or class.")
    return data.batch(np.random.default_rng(chosen.seed).permutation(rows)[: chosen.n].tolist())


def synthetic(chosen: Chosen, beside: Batch) -> Batch:
    """Synthetic examples with the classes of the real ones beside them, one for one."""
    labels = beside.condition.labels
    rows = None if labels is None else tuple(map(tuple, labels.tolist()))
    return cache.sample(chosen.model, cache.Draw(len(beside), chosen.seed, rows, chosen.steps, chosen.guidance))
