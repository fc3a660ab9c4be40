"""Pieces that several pages draw: choosing a dataset or a generator, the demo, empty states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.shared import cache, jobs, shell, state, words
from pages.shared.forms import form_for

if TYPE_CHECKING:
    from synth_core.data import Dataset
    from synth_core.training import RunDirectory, Status

__all__ = [
    "build_demo_button",
    "choose_dataset",
    "choose_model",
    "choose_row",
    "dataset_line",
    "demo_missing",
    "form_for",
    "indices_of_class",
    "models_for",
    "nothing_yet",
    "run_state",
    "runs_for",
]

DEMO = "demo"
ROWS_AT_ONCE, TABLE_HEIGHT = 6, 236  # rows of a table to choose from; of a longer one, pixels
DEMO_NAMES = ("demo-ecg", "demo-eeg", "demo-ct")


def choose_dataset(*, label: str = "Dataset") -> Path | None:
    """A choice among the datasets of the workspace, shared by all pages; an empty state when there is none."""
    options = cache.readable_datasets()
    if not options:
        nothing_yet("There is no dataset yet.")
        return None
    chosen = state.current()
    if chosen.dataset not in options:
        chosen.dataset = options[0]
        st.rerun()  # the header above has already been drawn
    return _choice(label, options, "dataset", _dataset_label)


def choose_model(spec: Mapping[str, Any], *, label: str = "Generator") -> Path | None:
    """A choice among the models and runs that make what `spec` describes; None, with the next step, when none does."""
    options = [*models_for(spec), *runs_for(spec)]
    if not options:
        st.info(f"No generator makes this yet ({words.example(spec)}).", icon=":material/info:")
        st.page_link(shell.script("train"), label="Train one on this dataset", icon=":material/arrow_forward:")
        return None
    chosen = state.current()
    if chosen.model not in options:
        chosen.model = options[0]
        st.rerun()  # the header above has already been drawn
    return _choice(label, options, "model", _model_label)


def models_for(spec: Mapping[str, Any]) -> list[Path]:
    """Models that make the same kind of example; flows first, which papers' models stand beside."""
    models = [path for path in cache.readable_models() if words.same_kind(cache.model_info(path)["spec"], spec)]
    return sorted(models, key=lambda path: cache.model_info(path)["generator"] != "flow")


def runs_for(spec: Mapping[str, Any]) -> list[Path]:
    """Runs with a checkpoint, whose generator makes the same kind of example."""
    from synth_core.training import RunDirectory

    runs = [path for path in cache.workspace().runs() if RunDirectory(path).checkpoints()]
    return [path for path in runs if cache.is_described(path) and words.same_kind(cache.model_info(path)["spec"], spec)]


def indices_of_class(data: Dataset, name: str) -> list[int]:
    """Positions of the examples whose labels have this class."""
    return [position for position, labels in enumerate(data.table["labels"]) if name in labels]


def choose_row(rows: Sequence[Mapping[str, Any]], paths: Sequence[Path], chosen: Path | None, key: str) -> Path:
    """A table with one row for each path; the row that is picked, at first the one of `chosen`, else the first."""
    position = paths.index(chosen) if chosen in paths else 0
    event = st.dataframe(
        list(rows),
        hide_index=True,
        height="content" if len(rows) <= ROWS_AT_ONCE else TABLE_HEIGHT,
        on_select="rerun",
        selection_mode="single-row",
        selection_default={"selection": {"rows": [position], "columns": []}},
        key=key,
    )
    picked = event["selection"]["rows"]
    return paths[picked[0]] if picked and picked[0] < len(paths) else paths[position]


def nothing_yet(message: str) -> None:
    """An empty state: what is missing, and the two ways on."""
    with st.container(border=True):
        st.write(
            f"**{message}** Prepare your own recordings on the Data page, or begin with the simulated demo cohorts."
        )
        with st.container(horizontal=True):
            build_demo_button()
            st.page_link(shell.script("data"), label="Add your own data", icon=":material/arrow_forward:")


def demo_missing() -> bool:
    """Whether a demo cohort is not there, or not yet."""
    there = {path.name for path in cache.workspace().datasets()}
    return not there.issuperset(DEMO_NAMES)


def run_state(run: RunDirectory, status: Status) -> str:
    """The state of a run, and whether a worker that should be there has gone silent."""
    return "stopped without a word" if cache.watch().liveness(run, status) == "silent" else status.state


def build_demo_button() -> None:
    """Start, or watch, the making of the demo cohorts."""
    job = jobs.get(DEMO)
    if job is not None and not job.ended:
        jobs.watch(DEMO)
        return
    if job is not None and job.problem:
        st.error(words.plain(job.problem))
    if st.button("Make the demo cohorts", type="primary", icon=":material/science:", key="make-demo"):
        jobs.start(DEMO, "Making the demo cohorts", _build_demo)
        st.rerun()


def dataset_line(path: Path) -> str:
    """'640 examples, 40 subjects; 12 leads × 10 s at 100 Hz, mV'."""
    info = cache.dataset_info(path)
    counts = info["counts"]
    people = f"{words.counted(counts['examples'], 'example')}, {words.counted(counts['subjects'], 'subject')}"
    return f"{people} · {words.example(info['spec'])}"


def _build_demo(progress: jobs.Progress) -> list[Path]:
    from synth_core.demo import build_demo

    folder = cache.workspace().folder("datasets")
    build_demo(folder, progress)
    return cache.workspace().datasets()


def _choice(label: str, options: Sequence[Path], field: str, describe: Any) -> Path:
    """A selectbox that shows and sets one field of the session state."""
    chosen, key = state.current(), f"choose-{field}"
    st.session_state[key] = getattr(chosen, field)
    st.selectbox(label, options, key=key, format_func=describe, on_change=_remember, args=(field, key))
    return getattr(chosen, field)


def _remember(field: str, key: str) -> None:
    setattr(state.current(), field, st.session_state[key])


def _dataset_label(path: Path) -> str:
    if not cache.is_prepared(path):  # it broke while it was offered
        return path.name
    info = cache.dataset_info(path)
    return info.get("name", path.name) + kind_of(info["source"])


def _model_label(path: Path) -> str:
    return path.name + (" (run)" if path.parent == cache.workspace().folder("runs") else "")


def kind_of(source: Mapping[str, Any]) -> str:
    """' (simulated)', ' (synthetic)' or both, for a name; nothing for plain recordings."""
    kinds = [name for name in ("simulated", "synthetic") if source.get(name)]
    return f" ({', '.join(kinds)})" if kinds else ""
