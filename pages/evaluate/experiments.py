"""Experiments: one question put to a dataset and its generators, kept as it goes, read when it is done."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.shared import cache, jobs, panels, shell, words

if TYPE_CHECKING:
    from synth_core.experiments import Experiment, Outcome

KEY = "experiment"
CHOSEN = "experiment-shown"
ALLOWED = "The dataset was drawn from a generator: the outcome will say that it says nothing about real recordings."
RUNNING = "experiment-begun"
STOPPED = "Stopped. What is done is kept; start it again with the same settings to go on."


def view() -> None:
    """Choose a question and its settings and start; below, the experiments that are kept."""
    from synth_core.experiments import EXPERIMENTS

    with st.container(horizontal=True, vertical_alignment="bottom"):
        dataset = panels.choose_dataset()
        if dataset is None:
            return
        name = st.selectbox(
            "Experiment", list(EXPERIMENTS), format_func=lambda key: EXPERIMENTS[key].title, key="experiment-name"
        )
    with shell.ErrorFrame():
        _controls(EXPERIMENTS[name], dataset)
    _follow()
    path = _choose()
    if path is not None:
        with shell.ErrorFrame():
            _show(path)


def _controls(kind: type[Experiment], dataset: Path) -> None:
    """The question, its settings, and the button."""
    st.markdown(f"**{kind.question}**")
    spec = cache.dataset_info(dataset)["spec"]
    settings = panels.form_for(
        kind.Config,
        None,
        f"experiment-{kind.name}-{spec['modality']}",
        shown=[name for name in ("sources", "source", "seeds", "n") if name in kind.Config.model_fields],
        choices={"sources": _sources(spec), "methods": ("network", "features")},
        extensible=("sources",),
    )
    if settings is None:
        return
    allowed = False
    if cache.dataset(dataset).synthetic:
        allowed = st.checkbox("Take synthetic examples as real", key="experiment-allow-synthetic", help=ALLOWED)
    running = _is_running()
    if st.button("Start", type="primary", icon=":material/play_arrow:", key="experiment-start", disabled=running):
        _start(kind, dataset, settings.model_dump(), allowed)
        st.rerun()


def _sources(spec: Mapping[str, Any]) -> list[str]:
    """Models of this kind of example by path, then generators that are trained within the experiment."""
    from synth_core.generators import REGISTRY

    models = [str(path) for path in panels.models_for(spec)]
    return [*models, *(name for name, kind in REGISTRY.items() if spec["modality"] in kind.modalities)]


def _start(kind: type[Experiment], dataset: Path, settings: dict[str, Any], allowed: bool) -> None:
    _begin(kind(cache.dataset(dataset), _folder(kind, dataset, settings), settings, allow_synthetic=allowed))


def _begin(experiment: Experiment) -> None:
    jobs.forget(KEY)

    def work(progress: jobs.Progress) -> Path:
        experiment.run(progress)
        return experiment.out

    jobs.start(KEY, experiment.title, work, STOPPED)
    st.session_state[CHOSEN] = st.session_state[RUNNING] = experiment.out


def _folder(kind: type[Experiment], dataset: Path, settings: dict[str, Any]) -> Path:
    """The directory of the same experiment where there is one, which is gone on with, else a new one."""

    wanted = json.loads(json.dumps(kind.Config.model_validate(settings).model_dump(mode="json")))
    for path in cache.readable_experiments():
        found = cache.experiment_info(path)
        same = (found.get("experiment"), found.get("config")) == (kind.name, wanted)
        if same and found.get("dataset", {}).get("hash") == cache.dataset_info(dataset)["hash"]:
            return path
    return cache.workspace().new_path("experiments", f"{kind.name}-{dataset.name}")


def _is_running() -> bool:
    job = jobs.get(KEY)
    return job is not None and not job.ended


def _follow() -> None:
    job = jobs.get(KEY)
    if job is None:
        return
    if not job.ended:
        jobs.watch(KEY)
    elif job.problem:
        st.info(STOPPED) if job.problem == STOPPED else st.error(words.plain(job.problem))
    else:
        st.session_state[CHOSEN] = job.result
        jobs.forget(KEY)


def _choose() -> Path | None:
    """A table of the experiments that are kept; the chosen one."""
    paths = cache.readable_experiments()
    if not paths:
        if not _is_running():
            st.caption(
                "No experiment is kept yet. Start one above: it goes on while you turn pages, and can be resumed."
            )
        return None
    st.subheader("Kept experiments", anchor=False)
    picked = panels.choose_row(
        [_row(path) for path in paths],
        paths,
        st.session_state.get(CHOSEN),
        f"experiments-{len(paths)}-{paths[0].name}",
    )
    st.session_state[CHOSEN] = picked
    return picked


def _row(path: Path) -> dict[str, Any]:
    from synth_core.experiments import EXPERIMENTS
    from synth_core.experiments.base import OUTCOME

    found = cache.experiment_info(path)
    done = sum(1 for folder in (path / "cells").glob("[!.]*"))
    state = "finished" if (path / OUTCOME).is_file() else f"{done} parts done"
    kind = EXPERIMENTS.get(str(found.get("experiment")))
    return {
        "experiment": kind.title if kind else found.get("experiment", ""),
        "dataset": found.get("dataset", {}).get("name", ""),
        "state": state,
        "folder": path.name,
    }


def _show(path: Path) -> None:
    """The outcome, or how far it is; and what can be done with it."""
    from synth_core.experiments import Outcome
    from synth_core.experiments.base import OUTCOME
    from synth_core.storage import read_json

    if not (path / OUTCOME).is_file():
        _unfinished(path)
        return
    outcome = Outcome.from_dict(read_json(path / OUTCOME))
    st.subheader(words.plain(outcome.title), anchor=False)
    for sentence in outcome.sentences:
        st.markdown(f"- {words.plain(sentence)}")
    _charts(outcome)
    for number, table in enumerate(outcome.tables):
        with st.expander(words.plain(table.title), expanded=number == 0):
            rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
            st.dataframe(rows, hide_index=True)
    with st.container(horizontal=True):
        for label, content, ending in (
            ("Result (JSON)", (path / OUTCOME).read_text(encoding="utf-8"), "json"),
            ("Result (Markdown)", outcome.to_markdown(), "md"),
        ):
            st.download_button(label, content, f"{path.name}.{ending}", icon=":material/download:", on_click="ignore")
        _removal(path)


def _unfinished(path: Path) -> None:
    """How to go on with an experiment that was stopped."""
    running = _is_running()
    if running and st.session_state.get(RUNNING) == path:
        st.caption("At work; what is done is kept.")
        return
    dataset = _dataset_of(path)
    gone = "" if dataset else " Its dataset is no longer in the workspace."
    st.caption(f"Not finished; what is done is kept.{gone}")
    with st.container(horizontal=True):
        if st.button("Go on", icon=":material/play_arrow:", key="experiment-on", disabled=running or dataset is None):
            assert dataset is not None
            _go_on(path, dataset)
            st.rerun()
        _removal(path)


def _dataset_of(path: Path) -> Path | None:
    """The dataset of the workspace that an experiment was begun on."""

    wanted = cache.experiment_info(path).get("dataset", {}).get("hash")
    return next((found for found in cache.readable_datasets() if cache.dataset_info(found)["hash"] == wanted), None)


def _go_on(path: Path, dataset: Path) -> None:
    from synth_core.experiments import EXPERIMENTS

    found = cache.experiment_info(path)
    _begin(
        EXPERIMENTS[found["experiment"]](
            cache.dataset(dataset), path, found["config"], allow_synthetic=bool(found.get("allow_synthetic"))
        )
    )


def _charts(outcome: Outcome) -> None:
    from synth_core.figures import interval_chart

    charts = [chart for chart in outcome.charts if any(math.isfinite(point.value) for point in chart.points)]
    for column, chart in zip(st.columns(max(1, len(charts))), charts, strict=False):
        with column:
            st.markdown(f"**{words.plain(chart.title)}**")
            alike = [point for other in charts if other.axis == chart.axis for point in other.points]
            figure = interval_chart(
                chart.points,
                chart.axis,
                reference=chart.reference,
                reference_name=chart.reference_name,
                beside=alike,
                dark=st.context.theme.type == "dark",
            )
            st.plotly_chart(figure, key=f"experiment-chart-{chart.title}")


def _removal(path: Path) -> None:
    with st.popover("Remove", icon=":material/delete:"):
        st.write("Its results are deleted, with generators that were trained for it; data and models stay.")
        if st.button("Remove this experiment", key="experiment-remove", disabled=_is_running()):
            if path.parent == cache.workspace().folder("experiments"):
                shutil.rmtree(path, ignore_errors=True)
            st.session_state.pop(CHOSEN, None)
            st.rerun()
