"""How a rater takes part: by an invitation, with consent, or again by participation code."""

from __future__ import annotations

import streamlit as st

from pages.shared import studies
from synth_core.errors import StudyError
from synth_core.study.store import Profile

CONSENT = (
    "I take part of my own will. I agree that my answers, with the name or pseudonym, specialty and years given here, "
    "are kept and analysed. I can stop at any time."
)


def invited(invitation: str) -> None:
    """The form of a new rater; those who took part before come back below it."""
    study = studies.store().study(invitation)
    if study.closed_at is not None:
        st.info("This study is closed. Thank you for your interest.")
        return
    with st.form("join", width=560):
        st.subheader("Take part", anchor=False)
        name = st.text_input("Name or pseudonym", max_chars=80)
        left, right = st.columns([3, 2])
        specialty = left.text_input("Specialty", max_chars=80, placeholder="for example cardiology")
        years = right.number_input("Years of experience in it", 0, 80, 0)
        consent = st.checkbox(CONSENT)
        if st.form_submit_button("Take part", type="primary"):
            _join(invitation, name, specialty, int(years), consent)
    with st.expander("I took part before and want to go on", width=560):
        returning()


def _join(invitation: str, name: str, specialty: str, years: int, consent: bool) -> None:
    if not consent:
        raise StudyError("Please tick the box to agree, or close this page.")
    code = studies.store().join(invitation, Profile(name, specialty, years), studies.now())
    _go_on(code)


def returning() -> None:
    """The participation code brings back the next item that is not answered."""
    with st.form("return", width=560, border=False):
        code = st.text_input("Participation code", help="You were given it when you joined; it is also in your link.")
        if st.form_submit_button("Go on"):
            studies.store().study_of(code.strip())
            _go_on(code.strip())


def _go_on(code: str) -> None:
    st.query_params.from_dict({"code": code})
    st.rerun()
