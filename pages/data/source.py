"""Where recordings come from: a folder of this machine, or an upload that goes to disk as it arrives."""

from __future__ import annotations

import os
import time
from pathlib import Path

import streamlit as st

from pages.data import uploads
from pages.shared import cache, state, words
from synth_core.errors import DataError

_PATH, _ENTRY, _TICKET = "source-path", "source-entry", "upload-ticket"
ASSETS = Path(__file__).resolve().parents[2] / "assets"
LISTED = 500  # entries of a folder that are offered
OFFSET_HELP = "What is added to values of more than 8 bits to make them Hounsfield units, such as -1024."
WINDOW_HELP = "HU at black and at white of 8-bit grey values."
UNITS = ("uV", "mV", "V", "nV")
COLUMNS = ("label_column", "subject_column", "time_column", "labels_from", "severity_from")

_uploader = st.components.v2.component(
    "uploader",
    html="<div class='uploader'></div>",
    css=(ASSETS / "upload.css").read_text(encoding="utf-8"),
    js="\n".join((ASSETS / name).read_text(encoding="utf-8") for name in ("element.js", "upload.js")),
)


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
    st.selectbox(
        "Browse",
        _entries(path),
        index=None,
        key=_ENTRY,
        placeholder="Go into a folder, or choose a file",
        on_change=_go,
        args=(path,),
    )
    with st.container(horizontal=True):
        if st.button("Open", type="primary", icon=":material/folder_open:", key="source-open"):
            _open(path)
        with st.popover("What files do not say", icon=":material/help_center:"):
            _told()


def _told() -> None:
    """Rate, unit and columns for arrays and tables, which rarely name them; applied at once."""
    st.caption(
        "For arrays, tables, images and trees with a table of participants. What a file says itself wins, but for "
        "an impossible unit."
    )
    left, right = st.columns(2)
    with left:
        rate = st.number_input(words.TOLD["rate"], 0.0, 50_000.0, None, key="told-rate", placeholder="as in the files")
        unit = st.selectbox(
            words.TOLD["unit"], UNITS, None, key="told-unit", placeholder="as in the files", format_func=words.unit
        )
        modality = st.selectbox(
            words.TOLD["modality"], words.MODALITY_TITLES, None, key="told-modality", placeholder="as in the files",
            format_func=words.MODALITY_TITLES.__getitem__,
        )  # fmt: skip
        channels = st.text_input(words.TOLD["channels"], key="told-channels", placeholder="Fp1, Fp2, …")
    with right:
        columns = {name: st.text_input(words.TOLD[name], key=f"told-{name}") for name in COLUMNS}
        offset = st.number_input(
            words.TOLD["hu_offset"],
            -40_000.0,
            40_000.0,
            None,
            key="told-hu",
            placeholder="in HU already",
            help=OFFSET_HELP,
        )
        window = st.text_input(words.TOLD["window"], key="told-window", placeholder="0, 80", help=WINDOW_HELP)
        pixel = st.number_input(
            words.TOLD["pixel_mm"], 0.0, 20.0, None, key="told-pixel", placeholder="as in the files"
        )
    names = tuple(part.strip() for part in channels.split(",") if part.strip())
    told = {
        "subject_pattern": state.current().told.get("subject_pattern"),  # given where it is tried out, see `whose`
        "rate": rate or None,
        "unit": unit,
        "modality": modality,
        "channels": names or None,
        **columns,
    }
    told |= {"pixel_mm": pixel or None}
    state.current().told = {name: value for name, value in told.items() if value}
    if offset is not None:
        state.current().told["hu_offset"] = offset
    if window.strip():
        _told_window(window)


def _told_window(text: str) -> None:
    """Two numbers become the window; anything else is said and left out."""
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        st.error("The window is two numbers of HU with a comma between, black and white, such as 0, 80.")
        return
    state.current().told["window"] = (low, high)


def _entries(path: Path) -> list[str]:
    """'..', folders with a trailing slash, then files; hidden ones are left out."""
    folder = path if path.is_dir() else path.parent
    try:
        found = [entry for entry in folder.iterdir() if _is_offered(entry)]
        names = sorted((f"{entry.name}/" if entry.is_dir() else entry.name for entry in found), key=_folders_first)
    except OSError:
        return [".."]
    return ["..", *names[:LISTED]]


def _is_offered(entry: Path) -> bool:
    """A folder or regular file that is in sight and lies here: no pipe, no device, no link that leads out."""
    inside = not entry.is_symlink() or Path(os.path.realpath(entry)).is_relative_to(os.path.realpath(entry.parent))
    readable = entry.name == entry.name.encode(errors="replace").decode()  # else no browser could name it
    return not entry.name.startswith(".") and readable and inside and (entry.is_dir() or entry.is_file())


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
    if not path.is_file() and not path.is_dir():
        state.current().source = None
        raise DataError(path, "is neither a file nor a folder; choose one of these.")
    cache.recordings.clear()
    if path != state.current().source:  # a pattern is of the paths of one collection
        state.current().told.pop("subject_pattern", None)
        st.session_state.pop("whose-pattern", None)
    state.current().source = path


def _upload() -> None:
    st.markdown("Or upload", help="What is uploaded goes to the disk of this machine as it arrives, and nowhere else.")
    opened = upload()
    if opened is not None:
        _open(opened)
        st.rerun()


def upload() -> Path | None:
    """The uploader; the file or folder that has just arrived whole, else None."""
    ticket = st.session_state.get(_TICKET, "")
    if not uploads.known(ticket):
        ticket = st.session_state[_TICKET] = uploads.issue(cache.workspace())
    data = {"address": f"upload/{ticket}", "limit": uploads.LARGEST, "tooLarge": uploads.too_large("{name}")}
    result = _uploader(key="uploader", data=data, on_finished_change=lambda: None)
    if not result.finished:
        return None
    opened = uploads.finish(ticket, cache.workspace().new_path("uploads", time.strftime("%Y%m%d-%H%M%S")))
    if opened is None:
        st.rerun()
    return opened
