"""Where recordings come from: a folder of this machine, or an upload that goes to disk at once."""

from __future__ import annotations

import time
from pathlib import Path

import streamlit as st

from pages.data.spool import spool
from pages.shared import cache, state
from synth_core.errors import DataError

_PATH, _ENTRY = "source-path", "source-entry"
LISTED = 500  # entries of a folder that are offered


def choose() -> None:
    """Both ways to recordings; what is opened goes to the session state."""
    left, right = st.columns([3, 2], gap="large")
    with left:
        _server_path()
    with right:
        _upload()


def _server_path() -> None:
    st.session_state.setdefault(_PATH, str(state.current().source or Path.home()))
    typed = st.text_input(
        "File or folder on this machine",
        key=_PATH,
        help="Read where it is, and never changed. Sub-folders are searched.",
    )
    path = Path(typed).expanduser()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            "Browse",
            _entries(path),
            index=None,
            key=_ENTRY,
            placeholder="Go into a folder, or choose a file",
            on_change=_go,
            args=(path,),
        )
        if st.button("Open", type="primary", icon=":material/folder_open:", key="source-open"):
            _open(path)


def _entries(path: Path) -> list[str]:
    """'..', folders with a trailing slash, then files; hidden ones are left out."""
    folder = path if path.is_dir() else path.parent
    try:
        found = [entry for entry in folder.iterdir() if not entry.name.startswith(".")]
        names = sorted((f"{entry.name}/" if entry.is_dir() else entry.name for entry in found), key=_folders_first)
    except OSError:
        return [".."]
    return ["..", *names[:LISTED]]


def _folders_first(name: str) -> tuple[bool, str]:
    return not name.endswith("/"), name.lower()


def _go(path: Path) -> None:
    entry = st.session_state[_ENTRY]
    folder = path if path.is_dir() else path.parent
    if entry:
        st.session_state[_PATH] = str(folder.parent if entry == ".." else folder / entry.rstrip("/"))
        st.session_state[_ENTRY] = None


def _open(path: Path) -> None:
    if not path.exists():
        state.current().source = None
        raise DataError(path, "is not on this machine; check the spelling, or browse to it.")
    cache.recordings.clear()
    state.current().source = path


def _upload() -> None:
    turn = st.session_state.setdefault("upload-turn", 0)
    files = st.file_uploader(
        "Or upload files",
        accept_multiple_files=True,
        key=f"upload-{turn}",
        help="All files of one recording together (.hea with .dat), or a zip. Larger ones: copy them to this machine "
        "and give the folder.",
    )
    if files and st.button(f"Open {len(files)} uploaded", key="upload-open"):
        folder = cache.workspace().new_path("uploads", time.strftime("%Y%m%d-%H%M%S"))
        opened = spool(files, folder)
        st.session_state["upload-turn"] = turn + 1  # a new uploader: the old one would keep the files in memory
        _open(opened)
        st.rerun()
