"""A rater's session: instructions, one item after the other, pause, thanks. It never learns what an item is."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages.rate import answering, entering
from pages.shared import items, studies, viewers, words
from synth_core.study.store import StudyRecord, Task

SMALLEST, LARGEST = 320, 1200  # CSS pixels of the viewer
_WHOLE_WINDOW = """<style>
.stAppHeader { display: none; }
.stMainBlockContainer { padding-top: .5rem; padding-bottom: 6rem; }
.stMainBlockContainer > .stVerticalBlock { gap: .25rem; }
</style>"""


def show(code: str) -> bool:
    """What the rater with this participation code is to see now; whether that is an item, with nothing beside it."""
    store = studies.store()
    study = store.study_of(code)
    problem = st.session_state.pop("rate-problem", None)
    if problem:
        st.error(words.plain(problem))
    if study.closed_at is not None:
        st.info("This study is closed and takes no more answers. Thank you for taking part.")
        return False
    told = st.session_state.get("rate-told", {}).get(code)
    task = told or store.task(code)
    if task is None:
        _thanks(code)
    elif st.session_state.get("rate-started") != code:
        _instructions(code, study, task)
    else:
        _item(code, study, task, store.feedback(code, task.token) if told else None)
        return True
    return False


def _instructions(code: str, study: StudyRecord, task: Task) -> None:
    protocol = study.protocol
    with st.container(width=720):
        st.write(words.paragraphs(protocol.instructions))
        if task.practice:
            st.write(f"The first {task.total} examples are for practice: you are told what each was.")
        st.write(
            f"Press **1** to **{protocol.steps}** (or click) for your answer, **Enter** for the next example, "
            "**Backspace** to take the last answer back. You can pause or close the window at any time."
        )
        resuming = task.number > 1 or not (task.practice or protocol.practice == 0)
        if st.button("Go on" if resuming else "Start", type="primary", shortcut="Enter"):
            st.session_state["rate-started"] = code
            st.rerun()
        st.caption("Your participation code. Keep it to come back from another computer; this one remembers you.")
        st.code(code, language=None, width=360)
        if st.button("This is not me: forget it here"):
            entering.begin("")
    answering.measure_room()


def _item(code: str, study: StudyRecord, task: Task, feedback: str | None) -> None:
    st.html(_WHOLE_WINDOW)
    room = answering.bar(code, study.protocol, task, feedback)
    rendering, height = study.rendering, min(max(room, SMALLEST), LARGEST)
    shared: dict[str, Any] = {"key": "item", "height": height, "blind": True, "showing": task.token}
    shown = items.picture(rendering, rendering.read(task.payload))
    if isinstance(shown, viewers.Stack):
        viewers.slices([shown], **shared)
    else:
        viewers.waveforms([shown], modality=rendering.modality, **shared)


def _thanks(code: str) -> None:
    st.subheader("That was the last example. Thank you.", anchor=False)
    st.write("All your answers are kept. You can close this window.")
    st.button("Back to the last example", on_click=answering.take_back, args=(code,))
