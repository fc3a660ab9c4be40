"""How a rater takes part: by an invitation, with consent, or again by participation code."""

from __future__ import annotations

import streamlit as st

from pages.rate import entering
from pages.shared import studies
from synth_core.errors import StudyError
from synth_core.study.store import Profile

CONSENT = (
    "I take part of my own will. I agree that my answers, with the name or pseudonym, specialty and years given here, "
    "are kept and analysed. I can stop at any time."
)


def invited(invitation: str) -> None:
    """The form of a new rater; those who took part before come back below it."""
    study = studies.store().invited(invitation)
    if study.closed_at is not None:
        st.info("This study is closed. Thank you for your interest.")
        return
    with st.form("join", width=560):
        st.subheader("Take part", anchor=False)
        name = st.text_input("Name or pseudonym", max_chars=80)
        left, right = st.columns([3, 2])
        specialty = left.text_input("Specialty", max_chars=80, placeholder="for example cardiology")
        years = right.number_input("Years of experience in it", 0, 80, None, placeholder="0 if none")
        consent = st.checkbox(CONSENT)
        if st.form_submit_button("Take part", type="primary"):
            _join(invitation, name, specialty, years, consent)
    with st.expander("I took part before and want to go on", width=560):
        returning()


def _join(invitation: str, name: str, specialty: str, years: int | None, consent: bool) -> None:
    if not consent:
        raise StudyError("Please tick the box to agree, or close this page.")
    if years is None:
        raise StudyError("Please say how many years of experience in it you have, 0 if none.")
    code = studies.store().join(invitation, Profile(name, specialty, years), studies.now())
    entering.begin(code)


def is_known(code: str) -> bool:
    """Whether a participation code, of a cookie for instance, is one of this server."""
    try:
        return bool(code) and studies.store().study_of(code) is not None
    except StudyError:
        return False


def is_used(invitation: str) -> bool:
    """Whether nobody can join by an invitation any more, so that who joined by it goes on instead."""
    try:
        studies.store().invited(invitation)
    except StudyError:
        return True
    return False


def returning() -> None:
    """The participation code brings back the next item that is not answered, on any device."""
    with st.form("return", width=560, border=False):
        code = st.text_input(
            "Participation code", help="You were given it when you joined. This browser must accept cookies."
        )
        if st.form_submit_button("Go on"):
            studies.store().study_of(code.strip())
            entering.begin(code.strip())
