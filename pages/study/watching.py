"""An open study: its invitations and how far each rater is, without a word of who is right."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from pages.shared import studies, words
from pages.study import inviting
from synth_core.errors import BlindingError
from synth_core.study.design import lock_study
from synth_core.study.invitations import invitations
from synth_core.study.store import StudyRecord

INVITE = "The study is locked and takes raters. Make an invitation for each of them above."
SEND = (
    "Nobody has joined yet. Send the invitations. To see what raters see, make one for yourself: it counts as a rater."
)


def choose(known: Sequence[StudyRecord]) -> StudyRecord:
    """A choice among the studies, the newest first."""
    records = {study.id: study for study in known}
    kept = st.session_state.get("study-chosen")
    st.session_state["study-chosen"] = kept if kept in records else known[0].id  # set, or a browser keeps an old label
    chosen = st.selectbox(
        "Study", list(records), key="study-chosen", format_func=lambda key: _label(records[key]), width=640
    )
    return records[chosen]


def _label(study: StudyRecord) -> str:
    state = "draft" if study.locked_at is None else "open" if study.closed_at is None else "closed"
    return f"{study.protocol.title} ({study.created_at:%Y-%m-%d %H:%M} UTC, {state})"


def show(study: StudyRecord) -> None:
    """What is shown to raters, the link to send them, and their progress."""
    protocol, rendering = study.protocol, study.rendering
    facts = [
        f"{protocol.per_side} real and {protocol.per_side} synthetic items",
        words.counted(protocol.practice, "practice item"),
        words.counted(protocol.repeated, "hidden repeat"),
        f"answers in {protocol.steps} steps",
        f"{rendering.modality.upper()} in steps of {rendering.step:.3g} {words.unit(rendering.unit)}",
    ]
    st.caption(words.plain(" · ".join(facts)))
    if study.locked_at is not None and study.closed_at is None:
        inviting.show(study)
        _progress(study)


def lock(study: StudyRecord) -> None:
    """The owner's step from a draft to a study that takes raters."""
    st.write(
        "This is a draft. Locking seals protocol, items and key, and draws the orders; raters are invited after it."
    )
    leaking = st.session_state.get("study-lock-leaks") == study.id
    despite = st.text_input("Reason to go on nevertheless", max_chars=400, key="study-despite") if leaking else ""
    if st.button("Lock", type="primary", icon=":material/lock:", key="study-lock"):
        try:
            lock_study(studies.store(), study.id, studies.now(), despite=despite)
        except BlindingError as error:
            st.session_state["study-lock-leaks"] = study.id
            st.error(words.plain(error))
        else:
            st.rerun()


@st.fragment(run_every=5.0)
def _progress(study: StudyRecord) -> None:
    raters = studies.store().progress(study.id)
    if not raters:
        invited = invitations(studies.store(), study.id)
        st.info(SEND if invited else INVITE, width=640)
        return
    table = pd.DataFrame(
        {
            "Rater": [rater.name for rater in raters],
            "Specialty": [rater.specialty for rater in raters],
            "Years": [rater.years for rater in raters],
            "Answered": [rater.answered for rater in raters],
            "Of": [rater.total for rater in raters],
            "Last answer (UTC)": [rater.last_answer for rater in raters],
            "Progress": [rater.answered / rater.total for rater in raters],
        }
    )
    columns = {
        "Progress": st.column_config.ProgressColumn(format="percent"),
        "Last answer (UTC)": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm"),
    }
    st.dataframe(table, hide_index=True, column_config=columns, key="study-progress")
