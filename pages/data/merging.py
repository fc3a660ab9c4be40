"""Prepared datasets joined into one, with a map from the class names of each to common ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from pages.shared import cache, jobs, panels, shell, state, words

_JOB = "merge-job"
DROPPED = ""  # what an emptied cell means


def show() -> None:
    """Choose datasets, give their classes common names, see the balance before and after, merge."""
    paths = cache.readable_datasets()
    if len(paths) < 2:
        st.info("Two prepared datasets of the same kind of example can be merged. Add data first.")
        return
    first = st.selectbox("Dataset", paths, format_func=lambda path: path.name, key="merge-first")
    alike = [path for path in paths if path != first and _kind(path) == _kind(first)]
    if not alike:
        st.info(
            f"No other dataset has examples like those of {words.plain(first.name)} ({words.plain(_in_words(first))}). "
            "Choose another dataset, or prepare other recordings alike under Add data."
        )
        return
    others = st.multiselect(
        "Merge it with", alike, default=alike[:1], format_func=lambda path: path.name, key=f"merge-with-{first.name}"
    )
    if not others:
        return
    chosen = [first, *others]
    st.markdown("**Class names**")
    st.caption("Give classes that mean the same one name. An empty name drops the class, and examples without any.")
    maps = [_names(path, column) for path, column in zip(chosen, st.columns(len(chosen), gap="large"), strict=True)]
    _balance(chosen, maps)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        suggested = "-".join(path.name for path in chosen)[:60]
        name = st.text_input("Name of the merged dataset", suggested, key=f"merge-name-{suggested}", width=360)
        if st.button("Merge", type="primary", icon=":material/merge:", key="merge-start"):
            _start(name, chosen, maps)
    _progress()


def _kind(path: Path) -> tuple[Any, ...]:
    spec = cache.dataset_info(path)["spec"]
    return spec["modality"], tuple(spec["shape"]), spec["rate"], tuple(spec["channels"])


def _in_words(path: Path) -> str:
    spec = cache.dataset_info(path)["spec"]
    return f"{words.MODALITY_TITLES[spec['modality']]}, {words.example(spec)}"


def _names(path: Path, column: Any) -> dict[str, str | None]:
    """An editable table of class names; the map it gives."""
    classes = cache.dataset_info(path)["spec"]["classes"]
    with column:
        if not classes:
            st.caption(f"{words.plain(path.name)} has no classes.")
            return {}
        table = pd.DataFrame({path.name: classes, "becomes": classes})
        edited = st.data_editor(
            table, hide_index=True, disabled=[path.name], key=f"merge-map-{path.name}", width="stretch"
        )
    return {old: (str(new or DROPPED).strip() or None) for old, new in zip(classes, edited["becomes"], strict=True)}


def _balance(paths: list[Path], maps: list[dict[str, str | None]]) -> None:
    """Examples per class and dataset, as they will be."""
    from synth_core.data.merge import class_counts, renamed

    rows: dict[str, dict[str, int]] = {}
    for path, mapping in zip(paths, maps, strict=True):
        for name, count in class_counts(renamed(cache.dataset(path).table["labels"], mapping)).items():
            rows.setdefault(name, {})[path.name] = count
    if rows:
        table = pd.DataFrame(rows).T.reindex(columns=[path.name for path in paths]).fillna(0).astype(int)
        table["together"] = table.sum(axis=1)
        st.markdown("**Examples per class**")
        st.dataframe(table.sort_values("together", ascending=False).rename_axis("class"))


def _start(name: str, paths: list[Path], maps: list[dict[str, str | None]]) -> None:
    from synth_core.data import merge

    out = cache.workspace().new_path("datasets", name)
    datasets = [cache.dataset(path) for path in paths]

    def work(progress: jobs.Progress) -> Path:
        merge(datasets, out, label_maps=maps, name=name, progress=progress)
        return out

    jobs.start(_key(), f"Merging into {out.name}", work)


def _progress() -> None:
    job = jobs.get(_key())
    if job is None:
        return
    if not job.ended:
        jobs.watch(_key())
    elif job.problem:
        st.error(words.plain(job.problem))
    else:
        state.current().dataset = job.result
        st.success(f"{words.plain(job.result.name)} is ready: {panels.dataset_line(job.result)}.")
        st.page_link(shell.script("train"), label="Train a generator on it", icon=":material/arrow_forward:")


def _key() -> str:
    return st.session_state.setdefault(_JOB, f"merge-{id(st.session_state)}")
