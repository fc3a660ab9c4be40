"""A dataset as a card and a training run as a line, for the home page."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages.shared import cache, panels, shell, state, words


def cohort_card(path: Path) -> None:
    """What a dataset holds, its generators, and the way to Compare or Train."""
    info = cache.dataset_info(path)
    spec, counts = info["spec"], info["counts"]
    models = panels.models_for(spec)
    with st.container(border=True, height="stretch"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(
                f"**{words.MODALITY_TITLES[spec['modality']]}** · {words.plain(info.get('name', path.name))}",
                width="stretch",
            )
            shell.origin_badges(info.get("source", {}))
        st.markdown(
            f"{words.counted(counts['examples'], 'example')} from {words.counted(counts['subjects'], 'subject')}  \n"
            f"{words.example(spec)}"
        )
        st.caption(words.plain(", ".join(spec["classes"])) or "no classes")
        st.caption(f"Generators: {words.plain(', '.join(model.name for model in models)) or 'none yet'}")
        label, page = ("Compare", "compare") if models else ("Train a generator", "train")
        if st.button(label, key=f"open-{path.name}", icon=":material/arrow_forward:"):
            chosen = state.current()
            chosen.dataset, chosen.model = path, models[0] if models else None
            st.switch_page(shell.script(page))


def run_line(path: Path) -> None:
    """State of one run, or what is damaged in it, in one row, with the way to its page."""
    from synth_core.training import RunDirectory

    found = cache.listed_run(path)
    if found.problem or found.status is None:
        said = found.problem
    else:
        status = found.status
        done = f"step {words.number(status.step)} of {words.number(status.steps)}"
        said = f"{panels.run_state(RunDirectory(path), status)}, {done}"
    line, way = st.columns([6, 1], vertical_alignment="center")  # a long line wraps beside its button
    line.markdown(f"**{words.plain(path.name)}** · {words.plain(said)}")
    if way.button("Look" if found.problem else "Watch", key=f"watch-{path.name}", width="stretch"):
        state.current().run = path
        st.switch_page(shell.script("train"))
