"""The bar of answers at the foot of the window: keys, buttons, progress; one round trip per answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from pages.shared import studies
from synth_core.errors import SynthScopeError
from synth_core.study.protocol import StudyProtocol
from synth_core.study.store import Task
from synth_core.study.timing import Timing

ASSETS = Path(__file__).resolve().parents[2] / "assets"
DEFAULT_ROOM = 560  # CSS pixels, until the browser has said how much there is
KEY = "answers"

_bar = st.components.v2.component(
    "answer_bar",
    html="<div class='bar'></div>",
    css=(ASSETS / "rate.css").read_text(encoding="utf-8"),
    js="\n".join((ASSETS / name).read_text(encoding="utf-8") for name in ("element.js", "rate.js")),
)


def bar(code: str, protocol: StudyProtocol, task: Task, feedback: str | None) -> int:
    """Show the answers for one task, or the feedback on it, and take what the rater does.

    Returns
    -------
    Height in CSS pixels that the window leaves for the item.
    """
    data = {
        "mode": "answer" if feedback is None else "feedback",
        "trial": task.token,
        "answers": protocol.answers,
        "practice": task.practice,
        "number": task.number,
        "total": task.total,
        "told": "" if feedback is None else f"This one was {feedback}.",
        "canUndo": task.can_undo,
    }
    return _mount(data, code, task)


def measure_room() -> None:
    """Mount the bar unseen, so that the first item comes in its final size."""
    _mount({"mode": "idle"}, "", None)


def _mount(data: dict[str, Any], code: str, task: Task | None) -> int:
    result = _bar(
        key=KEY,
        data=data,
        default={"room": DEFAULT_ROOM},
        on_room_change=lambda: None,
        on_answered_change=lambda: _answered(code, task),
        on_continued_change=_continued,
        on_undone_change=lambda: take_back(code),
        on_paused_change=_paused,
    )
    return int(result.room or DEFAULT_ROOM)


def _answered(code: str, task: Task | None) -> None:
    """Keep the answer that the browser sent; after a practice item its feedback comes before the next one."""
    given = st.session_state.get(KEY, {}).get("answered")
    if task is None or given is None:
        return
    try:
        value, timing = int(given["value"]), Timing.read(given)
        studies.store().answer(code, str(given["trial"]), value, timing, studies.now())
    except (KeyError, TypeError, ValueError):
        st.session_state["rate-problem"] = "The answer did not arrive whole; please give it again."
    except SynthScopeError as error:
        st.session_state["rate-problem"] = str(error)
    else:
        if task.practice and task.token == given["trial"]:
            st.session_state["rate-told"] = {code: task}


def _continued() -> None:
    st.session_state.pop("rate-told", None)


def _paused() -> None:
    st.session_state.pop("rate-started", None)


def take_back(code: str) -> None:
    """Go one answer back."""
    try:
        studies.store().undo(code, studies.now())
    except SynthScopeError as error:
        st.session_state["rate-problem"] = str(error)
