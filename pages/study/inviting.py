"""Invitations: made here, shown once, each for one rater; and the mark by which the owner can prove the study later."""

from __future__ import annotations

from urllib.parse import urlsplit

import pandas as pd
import streamlit as st

from pages.shared import guard, studies, words
from synth_core.study.invitations import invitations, invite
from synth_core.study.store import StudyRecord

_FRESH = "study-invitations"
HERE_ONLY = (
    "These addresses open on this machine alone. For raters elsewhere, start the server with `--server.address` at an "
    f"address that they reach, a password in `{guard.PASSWORD}` and the server's name in `{guard.HOSTS}`, and send the "
    "invitations under that name."
)


def show(study: StudyRecord) -> None:
    """Make invitations, and see which were used."""
    with st.form("invite", width=640), st.container(horizontal=True, vertical_alignment="bottom"):
        n = st.number_input("Raters", 1, 50, 1, key="study-invite-n", width=120)
        note = st.text_input("Note", max_chars=200, key="study-invite-note", help="For you: whom they are for.")
        if st.form_submit_button("Make invitations"):
            made = invite(studies.store(), study.id, int(n), note, now=studies.now())
            st.session_state[_FRESH] = {study.id: made}
    fresh = st.session_state.get(_FRESH, {}).get(study.id)
    if fresh:
        st.caption("One address for one rater, used up by joining. They are shown only now: send or copy them.")
        if guard.is_loopback(urlsplit(_base()).hostname or ""):
            st.warning(HERE_ONLY, width=760)
        st.code("\n".join(f"{_base()}/rate?invitation={token}" for token in fresh), language=None, width=760)
    _places(study)
    with st.expander("Proof for later: the mark of the log", width=640):
        st.caption(
            "Keep it outside this machine, for instance in the registration of the study: `study verify --commitment` "
            "shows later that nothing before it was changed or cut off."
        )
        st.code(studies.store().commitment(study.id), language=None)


def _base() -> str:
    return (st.context.url or "").split("?")[0].rstrip("/").rsplit("/study", 1)[0]


def _places(study: StudyRecord) -> None:
    places = invitations(studies.store(), study.id)
    if not places:
        return
    used = sum(place.used_at is not None for place in places)
    with st.expander(f"{words.counted(len(places), 'invitation')}, {used:d} used", width=640):
        table = pd.DataFrame(
            {
                "Made (UTC)": [place.made_at for place in places],
                "Note": [place.note for place in places],
                "Used (UTC)": [place.used_at for place in places],
                "Rater": [place.rater or "" for place in places],
            }
        )
        dates = st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm")
        configured = {"Made (UTC)": dates, "Used (UTC)": dates}
        st.dataframe(table, hide_index=True, column_config=configured, key="study-places")
