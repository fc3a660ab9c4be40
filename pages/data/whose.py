"""Who is who: a pattern of the user is shown on the paths while it is typed, before anything is opened or prepared."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.shared import cache, state, words
from synth_core.errors import InvalidSetting

if TYPE_CHECKING:
    from synth_core.data import Recording
    from synth_core.data.patterns import Preview

ROWS = 200  # recordings listed; all are counted
PATTERN, TYPED = "subject_pattern", "whose-pattern"


def show(path: Path, recordings: Sequence[Recording]) -> None:
    """The field, the table of recording → subject and the counts; `recordings` are those opened with what is told."""
    told = state.current().told
    is_guess = len(recordings) > 1 and any(recording.basis == "guess" for recording in recordings)
    with st.expander("Who is who", icon=":material/person_search:", expanded=is_guess or PATTERN in told):
        _panel(path)


@st.fragment
def _panel(path: Path) -> None:
    told = state.current().told
    plain = {name: value for name, value in told.items() if name != PATTERN}
    recordings, _ = cache.recordings(path, cache.stamp(path), plain)
    st.session_state.setdefault(TYPED, told.get(PATTERN, ""))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        typed = st.text_input(
            "Subject pattern",
            key=TYPED,
            live=True,
            placeholder=r"(P\d+)_",
            help="A regular expression that finds the person in the path of a recording: its group “subject”, else its "
            "first group (…), else all that it matches.",
            width=420,
        ).strip()
        preview, problem = _previewed(typed, recordings)
        fits = preview is not None and preview.subjects > 0
        if st.button("Use this pattern", key="whose-use", disabled=not fits or typed == told.get(PATTERN)):
            _apply(typed)
        if PATTERN in told and st.button("Remove the pattern", key="whose-remove"):
            _apply("")
    if problem:
        st.error(words.plain(problem))
    elif preview is not None:
        st.markdown(preview_counts(preview, typed == told.get(PATTERN)))
    else:
        subjects = len({recording.subject for recording in recordings})
        st.caption(
            f"{words.counted(len(recordings), 'recording')}, {words.counted(subjects, 'subject')} as it is now. "
            r"To change that, say where the person stands in the path: `(P\d+)_` finds P012 in study/P012_rest.edf."
        )
    rows = _rows(recordings, preview)
    st.dataframe(rows, hide_index=True, height=min(300, 35 * (len(rows) + 1) + 3))
    if len(recordings) > ROWS:
        st.caption(f"The first {ROWS} of {words.number(len(recordings))} are listed; those without a match come first.")


def _previewed(typed: str, recordings: Sequence[Recording]) -> tuple[Preview | None, str]:
    """What the pattern would find, or why it cannot."""
    from synth_core.data.identity import path_of
    from synth_core.data.patterns import people

    if not typed:
        return None, ""
    try:
        return people(typed, [path_of(recording) for recording in recordings]), ""
    except InvalidSetting as error:
        return None, str(error)


def preview_counts(preview: Preview, applied: bool) -> str:
    """ "12 recordings → 3 subjects, 2 without a match · in use"."""
    all_of_them = words.counted(len(preview.people), "recording")
    missed = f"{words.number(preview.missed)} without a match" if preview.missed else "every one matches"
    subjects = words.counted(preview.subjects, "subject")
    note = " · in use" if applied else " · not in use yet"
    return f"**{all_of_them} → {subjects}**, {missed}{note if preview.subjects else ''}"


def _rows(recordings: Sequence[Recording], preview: Preview | None) -> list[dict[str, Any]]:
    """Path, subject as it is, and subject by the pattern; what the pattern misses comes first."""
    from synth_core.data.identity import path_of

    people = preview.people if preview is not None else ("",) * len(recordings)
    order = sorted(range(len(recordings)), key=lambda i: bool(people[i])) if preview else range(len(recordings))
    rows: list[dict[str, Any]] = []
    for i in list(order)[:ROWS]:
        row = {"path": path_of(recordings[i]), "subject now": recordings[i].subject}
        rows.append(row | ({"subject by the pattern": people[i] or "no match"} if preview is not None else {}))
    return rows


def _apply(pattern: str) -> None:
    told = {name: value for name, value in state.current().told.items() if name != PATTERN}
    state.current().told = told | ({PATTERN: pattern} if pattern else {})
    if not pattern:
        del st.session_state[TYPED]
    st.rerun(scope="app")
