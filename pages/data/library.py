"""The prepared datasets of the workspace: what each holds, how it splits, and its examples."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.shared import cache, examples, forms, panels, shell, words
from synth_core.settings import idle_fields

if TYPE_CHECKING:
    from synth_core.data import Dataset

LOOK = 20  # examples shown of a dataset
OF = {"before_seconds": "around", "after_seconds": "around", "span_share": "spans"}  # settings that belong to others


def show() -> None:
    """Choose a dataset and look into it."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        path = panels.choose_dataset()
        if path is None:
            return
        info = cache.dataset_info(path)
        wanted = _class(path, info["spec"]["classes"])
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(panels.dataset_line(path), width="content")
        shell.origin_badges(info.get("source", {}))
    st.caption(words.plain(_credit(info) + " " + left_out(path)))
    for sentence in info.get("warnings", []):
        st.caption(words.plain(f"Beware: {sentence}"))
    _examples(cache.dataset(path), wanted)
    left, right = st.columns(2, gap="large")
    with left, shell.ErrorFrame():  # few subjects cannot be split; the rest of the page is still of use
        _split(path)
    with right:
        st.markdown("**How it was prepared**")
        st.dataframe(_settings(info), hide_index=True, height=240)


def left_out(path: Path) -> str:
    """'14 examples were left out: 12 flat, 2 not finite.'"""
    reasons: dict[str, int] = {key: n for key, n in cache.dataset_info(path)["counts"].get("left_out", {}).items() if n}
    if not reasons:
        return "Nothing was left out."
    total = sum(reasons.values())
    verb = "was" if total == 1 else "were"
    return (
        f"{words.number(total)} {verb} left out: {', '.join(f'{words.number(n)} {why}' for why, n in reasons.items())}."
    )


def _credit(info: dict[str, Any]) -> str:
    source = info.get("source", {})
    return f"Source: {source.get('name', 'not stated')}, licence: {source.get('licence', 'not stated')}."


def _class(path: Path, classes: list[str]) -> str | None:
    """The class whose examples are shown; None is all."""
    if not classes:
        return None
    options = [*classes, None]
    return st.selectbox(
        "Class", options, key=f"library-class-{path.name}", format_func=lambda name: name or "all classes"
    )


def _examples(data: Dataset, wanted: str | None) -> None:
    rows = range(len(data)) if wanted is None else panels.indices_of_class(data, wanted)
    if not len(rows):
        st.info(f"No example has the class {words.plain(wanted)}.")
        return
    step = max(1, len(rows) // LOOK)
    chosen = [int(rows[k]) for k in range(0, len(rows), step)][:LOOK]
    title = f"{data.name} · {len(chosen)} of {words.number(len(rows))}"
    examples.show([examples.Side(data.batch(chosen), title, "real")], key="library-examples")


def _split(path: Path) -> None:
    st.markdown("**Split by subject**")
    st.caption("Nobody is in two parts: a generator or classifier that has met a subject would look better than it is.")
    rows = []
    for part, data in cache.parts(path).items():
        row: dict[str, Any] = {"part": part, "subjects": data.table["subject"].nunique(), "examples": len(data)}
        rows.append(row | {name: len(panels.indices_of_class(data, name)) for name in data.spec.classes})
    st.dataframe(rows, hide_index=True)


def _settings(info: dict[str, Any]) -> list[dict[str, str]]:
    from synth_core.data import Preparation

    fields, idle = Preparation.model_fields, idle_fields(Preparation, info["spec"]["modality"])
    return [
        {"setting": forms.label_of(name, fields[name]) if name in fields else name, "value": _in_words(value)}
        for name, value in info.get("preparation", {}).items()
        if value not in (None, {}, [], False) and info["preparation"].get(OF.get(name, name)) and name not in idle
    ]


def _in_words(value: Any) -> str:
    """T1, T2 for a list, T1 → left for a map."""
    if isinstance(value, dict):
        return ", ".join(f"{text} → {name}" for text, name in value.items())
    if value is True:
        return "yes"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
