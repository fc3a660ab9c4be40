"""Experiments: one question put to a dataset and its generators, kept as it goes, read when it is done."""

from __future__ import annotations

import json
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
STOPPED = "Stopped. What is done is kept; start it again with the same settings to go on."
TALLEST = 420  # pixels of a table


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
    )
    if settings is None:
        return
    running = _is_running()
    if st.button("Start", type="primary", icon=":material/play_arrow:", key="experiment-start", disabled=running):
        _start(kind, dataset, settings.model_dump())
        st.rerun()


def _sources(spec: Mapping[str, Any]) -> list[str]:
    """Models of this kind of example by path, then generators that are trained within the experiment."""
    from synth_core.generators import REGISTRY

    models = [str(path) for path in panels.models_for(spec)]
    return [*models, *(name for name, kind in REGISTRY.items() if spec["modality"] in kind.modalities)]


def _start(kind: type[Experiment], dataset: Path, settings: dict[str, Any]) -> None:
    experiment = kind(cache.dataset(dataset), _folder(kind, dataset, settings), settings)
    jobs.forget(KEY)

    def work(progress: jobs.Progress) -> Path:
        experiment.run(progress)
        return experiment.out

    jobs.start(KEY, kind.title, work, STOPPED)
    st.session_state[CHOSEN] = experiment.out


def _folder(kind: type[Experiment], dataset: Path, settings: dict[str, Any]) -> Path:
    """The directory of the same experiment where there is one, which is gone on with, else a new one."""
    from synth_core.experiments.base import DESCRIPTION
    from synth_core.storage import read_json

    wanted = json.loads(json.dumps(kind.Config.model_validate(settings).model_dump(mode="json")))
    for path in cache.workspace().experiments():
        found = read_json(path / DESCRIPTION)
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
        st.info(job.problem) if job.problem == STOPPED else st.error(job.problem)
    else:
        st.session_state[CHOSEN] = job.result
        jobs.forget(KEY)


def _choose() -> Path | None:
    """A table of the experiments that are kept; the chosen one."""
    paths = cache.workspace().experiments()
    if not paths:
        if not _is_running():
            st.caption(
                "No experiment is kept yet. Start one above: it goes on while you turn pages, and can be resumed."
            )
        return None
    chosen = st.session_state.get(CHOSEN)
    position = paths.index(chosen) if chosen in paths else 0
    st.subheader("Kept experiments", anchor=False)
    event = st.dataframe(
        [_row(path) for path in paths],
        hide_index=True,
        height=min(38 + 35 * len(paths), 180),
        on_select="rerun",
        selection_mode="single-row",
        selection_default={"selection": {"rows": [position], "columns": []}},
        key=f"experiments-{len(paths)}-{paths[0].name}",
    )
    rows = event["selection"]["rows"]
    picked = paths[rows[0]] if rows and rows[0] < len(paths) else paths[position]
    st.session_state[CHOSEN] = picked
    return picked


def _row(path: Path) -> dict[str, Any]:
    from synth_core.experiments.base import DESCRIPTION, OUTCOME
    from synth_core.storage import read_json

    found = read_json(path / DESCRIPTION)
    done = sum(1 for folder in (path / "cells").glob("[!.]*"))
    state = "finished" if (path / OUTCOME).is_file() else f"{done} parts done"
    return {
        "experiment": found.get("experiment", ""),
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
        st.caption("Not finished: start it with the same settings to go on where it was.")
        _removal(path)
        return
    outcome = Outcome.from_dict(read_json(path / OUTCOME))
    st.subheader(words.plain(outcome.title), anchor=False)
    for sentence in outcome.sentences:
        st.markdown(f"- {words.plain(sentence)}")
    _charts(outcome)
    for number, table in enumerate(outcome.tables):
        with st.expander(words.plain(table.title), expanded=number == 0):
            rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
            st.dataframe(rows, hide_index=True, height=min(38 + 35 * max(1, len(rows)), TALLEST))
    with st.container(horizontal=True):
        for label, content, ending in (
            ("Result (JSON)", (path / OUTCOME).read_text(encoding="utf-8"), "json"),
            ("Result (Markdown)", outcome.to_markdown(), "md"),
        ):
            st.download_button(label, content, f"{path.name}.{ending}", icon=":material/download:", on_click="ignore")
        _removal(path)


def _charts(outcome: Outcome) -> None:
    from synth_core.figures import interval_chart

    for column, chart in zip(st.columns(max(1, len(outcome.charts))), outcome.charts, strict=False):
        with column:
            st.markdown(f"**{words.plain(chart.title)}**")
            figure = interval_chart(
                chart.points,
                chart.axis,
                reference=chart.reference,
                reference_name=chart.reference_name,
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
