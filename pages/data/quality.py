"""What is wrong with opened recordings, on request: it reads a minute of each."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from pages.shared import jobs, words

if TYPE_CHECKING:
    from synth_core.data import Recording
    from synth_core.data.quality import Flag

ROWS = 2000  # flags listed; more are counted
OF_SIGNALS = (
    "Looks at up to a minute of each recording: flat or clipped channels, mains hum, missing values and leads, the "
    "same content twice, the same subject in two folders."
)
OF_SLICES = (
    "Looks at one slice of each recording: whether it can be read, the same content twice, the same subject in two "
    "folders."
)


def show(path: Path, recordings: list[Recording]) -> None:
    """The button, the work with its progress, and what was found."""
    job = jobs.get(_key(path))
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Check the quality", icon=":material/rule:", key="quality-start", disabled=_busy(job)):
            _start(path, recordings)
            st.rerun()
        if job is None:
            st.caption(OF_SLICES if recordings[0].spec.is_image else OF_SIGNALS)
    if job is None:
        return
    if not job.ended:
        jobs.watch(_key(path))
    elif job.problem:
        st.error(words.plain(job.problem))
    else:
        _found(job.result, len(recordings))


def _start(path: Path, recordings: list[Recording]) -> None:
    from synth_core.data.guarded import check_guarded

    jobs.forget(_key(path))
    title = f"Looking at {words.counted(len(recordings), 'recording')}"
    jobs.start(_key(path), title, lambda progress: check_guarded(recordings, path, progress=progress))


def _found(flags: list[Flag], recordings: int) -> None:
    if not flags:
        st.success(f"Nothing was found in {words.counted(recordings, 'recording')}.")
        return
    counts = Counter(flag.kind for flag in flags)
    st.warning(
        f"{words.counted(len(flags), 'fault')} in {words.counted(len({flag.record for flag in flags}), 'recording')}: "
        + ", ".join(f"{words.number(n)} {words.plain(kind)}" for kind, n in counts.most_common())
        + ". Preparation leaves out flat, clipped and incomplete windows, and counts them."
    )
    rows = [{"record": flag.record, "fault": flag.kind, "what was found": flag.detail} for flag in flags[:ROWS]]
    st.dataframe(rows, hide_index=True, height=min(300, 36 * (len(rows) + 1) + 2))
    if len(flags) > ROWS:
        st.caption(f"The first {words.number(ROWS)} of {words.number(len(flags))} are listed.")


def _busy(job: jobs.Job | None) -> bool:
    return job is not None and not job.ended


def _key(path: Path) -> str:
    return f"quality-{id(st.session_state)}-{path}"
