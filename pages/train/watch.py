"""One run as it goes: state, loss curves, samples as they grow, log. Everything is read from the run directory."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.shared import cache, examples, panels, shell, state, words
from pages.train import keep, runs

if TYPE_CHECKING:
    from synth_core.training import RunDirectory, Status
    from synth_core.training.record import Metrics

REFRESH = 2.0  # seconds


def show() -> None:
    """Draw the runs and the chosen one; they refresh themselves while a worker is alive."""
    alive = runs.any_alive()
    st.fragment(_live, run_every=REFRESH if alive else None)(alive)


def _live(was_alive: bool) -> None:
    from synth_core.training import RunDirectory

    with shell.ErrorFrame():
        path = runs.choose()
        if was_alive != runs.any_alive() or path != state.current().run:
            state.current().run = path
            st.rerun()  # the whole page: the header names the run, and refreshing begins or ends
        if path is None:
            return
        run, found = RunDirectory(path), cache.listed_run(path)
        if found.problem:
            st.error(words.plain(found.problem))
        if found.status is not None:
            _numbers(run, found.status)
        if found.description is not None:
            _actions(run, found.status)
        curves, samples = st.columns([2, 3], gap="medium")
        with curves, shell.ErrorFrame():  # what is damaged in a run is said in its place
            _curves(run)
        with samples, shell.ErrorFrame():
            if found.description is not None:
                _previews(run)
        with st.expander("Log"), shell.ErrorFrame():
            st.code(run.log(40) or "The log is empty.", language=None, height=240)


def _numbers(run: RunDirectory, status: Status) -> None:
    left = words.duration(status.seconds_left) if status.seconds_left else "–"
    shown = (
        ("State", words.plain(panels.run_state(run, status))),
        ("Step", f"{words.number(status.step)} of {words.number(status.steps)}"),
        ("Speed (examples/s)", words.number(round(status.examples_per_second, 1))),
        ("Time left", left),
        ("Device", words.plain(status.device or "–")),
    )
    for column, (label, value) in zip(st.columns(len(shown)), shown, strict=True):
        column.metric(label, value)
    st.progress(min(status.step / status.steps, 1.0) if status.steps else 0.0)
    if cache.watch().liveness(run, status) == "silent":
        st.warning("The worker stopped without a word. The log may say why; Resume goes on from the last checkpoint.")
    if status.message:
        (st.error if status.state == "failed" else st.info)(words.plain(status.message))


def _actions(run: RunDirectory, status: Status | None) -> None:
    """What can be done with a run; a status that cannot be read is written anew by a worker that resumes."""
    from synth_core.training import resume

    alive = status is not None and cache.watch().liveness(run, status) == "alive"
    finished = status is not None and status.state == "finished"
    with st.container(horizontal=True):
        if alive and st.button("Cancel", icon=":material/stop:", key="run-cancel", disabled=run.cancel_requested):
            run.cancel()
            st.toast("The run stops after its step and keeps a checkpoint.")
        if not alive and not finished and st.button("Resume", icon=":material/play_arrow:", key="run-resume"):
            resume(run.path)
            st.rerun()
        if run.checkpoints():
            if st.button("Open in Compare", icon=":material/compare:", key="run-compare"):
                _choose_for_compare(run)
            with st.popover("Save as model", icon=":material/save:"):
                keep.form(run)


def _choose_for_compare(run: RunDirectory) -> None:
    chosen, dataset = state.current(), Path(run.config()["dataset"]["path"])
    chosen.model = run.path
    chosen.dataset = dataset if dataset.is_dir() else chosen.dataset
    st.switch_page(shell.script("compare"))


def _curves(run: RunDirectory) -> None:
    from synth_core.figures import loss_curves

    recorded = _recorded(run.path, _coarse(run.path / "metrics.jsonl"))
    if recorded.problem:
        st.warning(words.plain(f"metrics.jsonl: {recorded.problem}"))
    frame = recorded.table
    if len(frame) < 2:
        st.caption("The loss curves begin with the second step.")
        return
    scales = ("linear", "log")
    scale = st.segmented_control(
        "Scale", scales, default="linear", required=True, key="run-scale", label_visibility="collapsed"
    )
    figure = loss_curves(frame.drop(columns="seconds", errors="ignore"))
    figure.update_layout(height=380)
    if scale == "log":
        figure.update_yaxes(type="log")
    st.plotly_chart(figure, key="run-curves")


@st.cache_data(max_entries=4, show_spinner=False)
def _recorded(path: Path, changed: int) -> Metrics:
    from synth_core.training import RunDirectory

    return RunDirectory(path).recorded()


def _coarse(path: Path) -> int:
    """Changes with the file, but the more seldom the larger it is, since all of it is read again."""
    if not path.is_file():
        return 0
    size = path.stat().st_size
    seconds = 2 if size < 2**20 else 10 if size < 2**23 else 60
    return cache.stamp(path) // (seconds * 10**9)


def _previews(run: RunDirectory) -> None:
    found = run.previews()
    if not found:
        st.caption("The first samples come with the first steps.")
        return
    steps = ["newest", *(str(int(path.stem)) for path in found)]
    row = st.container(horizontal=True, vertical_alignment="bottom")
    wanted = row.selectbox("Samples at step", steps, key="run-preview", width=200)
    path = found[-1] if wanted not in steps[1:] else found[steps.index(wanted) - 1]
    preview = run.preview(path)
    title = f"Samples at step {words.number(preview.step)}, n = {len(preview.values)}"
    examples.show([examples.Side(_batch(run, preview), title, "synthetic")], key="run-samples", height=420, beside=row)


def _batch(run: RunDirectory, preview: Any) -> Any:
    import torch

    from synth_core.types import Batch, Condition, DataSpec

    labels = None if preview.labels is None else torch.from_numpy(preview.labels)
    return Batch(torch.from_numpy(preview.values), DataSpec.from_dict(run.config()["spec"]), Condition(labels=labels))
