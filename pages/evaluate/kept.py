"""The reports of the workspace: one is chosen, and can be removed."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import streamlit as st

from pages.evaluate.running import CHOSEN
from pages.shared import cache, panels

SHOWN = 200  # reports listed, the newest first
_ANSWERED = {"realism": "real enough", "usefulness": "useful", "safety": "safe", "certainty": "sure"}


def choose() -> Path | None:
    """A table of reports; the chosen one, which is the newest at first. None, with the next step, without any."""
    paths = cache.readable_evaluations()[:SHOWN]
    if not paths:
        return None
    st.subheader("Reports", anchor=False)
    picked = panels.choose_row(
        [row(path) for path in paths],
        paths,
        st.session_state.get(CHOSEN),
        f"evaluate-reports-{len(paths)}-{paths[0].name}",
    )
    st.session_state[CHOSEN] = picked
    return picked


def row(path: Path) -> dict[str, Any]:
    """One report in words."""
    found = cache.evaluation_info(path)
    about = found.get("about", {})
    made = str(about.get("made", ""))[:16].replace("T", " ")
    answers = {verdict["question"]: verdict["answer"] for verdict in found.get("verdicts", ())}
    named = {title: answers.get(question, "–") for question, title in _ANSWERED.items()}
    return {"made (UTC)": made, "dataset": about.get("dataset", ""), "synthetic": about.get("synthetic", "")} | named


def removal(path: Path) -> None:
    """Ask, then delete a report of the workspace."""
    with st.popover("Remove", icon=":material/delete:"):
        st.write("Its files are deleted; the data and the generator stay.")
        if st.button("Remove this report", key="evaluate-remove"):
            _remove(path)
            st.rerun()


def _remove(path: Path) -> None:
    if path.parent == cache.workspace().folder("evaluations"):
        shutil.rmtree(path, ignore_errors=True)
    st.session_state.pop(CHOSEN, None)
