"""The frame around every page: password gate, heading, what is chosen, and errors as sentences."""

from __future__ import annotations

import logging
import os
import time
import uuid
from collections.abc import Mapping
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType
from typing import Any

import streamlit as st

from pages.shared import cache, gate, guard, state, visitor, words
from synth_core.errors import SynthScopeError

DISCLAIMER = "Not a medical device; for research and teaching."
PAGES = Path(__file__).resolve().parents[1]
LOGO = PAGES.parent / "assets" / "logo.svg"
_STYLE = """<style>
.stMain, .stSidebar { font-variant-numeric: tabular-nums; }
.stMainBlockContainer { padding-left: 2.2rem; padding-right: 2.2rem; }
.st-key-heading { border-bottom: 1px solid var(--st-border-color); padding-bottom: .5rem; }
.st-key-heading h1 { padding: 0 0 .1rem 0; }
.st-key-heading [data-testid="stMarkdownContainer"], .st-key-heading [data-testid="stCaptionContainer"] {
  margin-bottom: 0; }
.st-key-heading p { margin-bottom: 0; }
[data-testid="stBaseButton-segmented_controlActive"] { color: var(--st-link-color); }
</style>"""


class ErrorFrame:
    """A context in which an error becomes one sentence on the page; what was not foreseen also goes to the log."""

    def __enter__(self) -> ErrorFrame:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, Exception):  # Streamlit's own stop and rerun signals are BaseExceptions
            return False
        st.error(words.plain(sentence(error)))
        return True


def sentence(error: Exception) -> str:
    """What to tell the user; an unforeseen error is logged with a mark by which it can be found."""
    if isinstance(error, SynthScopeError):
        return words.as_in_form(error)
    mark = uuid.uuid4().hex[:6]
    _log().error("unforeseen error %s", mark, exc_info=error)
    return f"This did not work, for a reason that was not foreseen. The log of the workspace has it under {mark}."


def page(title: str, purpose: str, *, neutral: bool = False) -> ErrorFrame:
    """Open a page: gate, then heading and what is chosen.

    Parameters
    ----------
    title, purpose : a word, and one line that says what the page is for.
    neutral : for raters: no dataset, generator or run is named, and the invitation replaces the password.

    Returns
    -------
    A frame; `with page(...):` turns errors in the block into sentences (app.py does so for the whole page).
    """
    if not neutral:
        _gate()
    with st.container(key="heading", horizontal=True, vertical_alignment="bottom", gap="large"):
        with st.container(gap=None):
            st.title(title, anchor=False)
            st.caption(purpose)
        if not neutral:
            _chosen()
    if not neutral and (left_out := cache.damaged()):
        st.caption(words.plain(left_out))
    return ErrorFrame()


def script(name: str) -> str:
    """The script of a page, for st.Page, st.page_link and st.switch_page."""
    return str(PAGES / name / "page.py")


def shows_navigation() -> bool:
    """Whether the way to the other pages is shown: to those who may go there, while they are not rating."""
    path = (st.context.url or "").split("?")[0].rstrip("/")
    return visitor.principal() is not None and not path.endswith("/rate")


def style() -> None:
    """The few rules that the theme cannot express."""
    st.html(_STYLE)


def footer() -> None:
    """What stands quietly at the foot of the sidebar."""
    st.sidebar.caption(DISCLAIMER)


def simulated_badge() -> None:
    """Says that what is shown comes from a simulation and from no patient."""
    st.badge(
        "simulated", color="gray", icon=":material/science:", help="Made by a simulation with known truth; no patient."
    )


def synthetic_badge(origin: str = "") -> None:
    """Says that what is shown was drawn from a generator, and from which."""
    made = f" ({words.plain(origin)})" if origin else ""
    st.badge("synthetic", color="orange", icon=":material/auto_awesome:", help=f"Drawn from a generator{made}.")


def origin_badges(source: Mapping[str, Any]) -> None:
    """What `dataset.json` says of its source, where it is no plain recording."""
    if source.get("simulated"):
        simulated_badge()
    if source.get("synthetic"):
        synthetic_badge(str(source.get("origin", "")))


def _chosen() -> None:
    chosen = state.current()
    with st.container(horizontal=True, width="content", gap="small"):
        if chosen.dataset is not None:
            _badge(chosen.dataset, ":material/database:", "The chosen dataset")
            if cache.is_prepared(chosen.dataset):
                origin_badges(cache.dataset_info(chosen.dataset).get("source", {}))
        if chosen.model is not None:
            _badge(chosen.model, ":material/model_training:", "The chosen generator")
        if chosen.run not in (None, chosen.model):
            _badge(chosen.run, ":material/play_circle:", "The run being watched")


def _badge(path: Path, icon: str, reason: str) -> None:
    st.badge(words.in_badge(path.name), icon=icon, color="gray", help=reason)


def _gate() -> None:
    if visitor.principal() is not None:
        return
    password = os.environ.get(guard.PASSWORD, "")
    st.title("SynthScope", anchor=False)
    if not password:
        st.error(
            f"Without a password only those who sit at this machine may enter, at 127.0.0.1. Set {guard.PASSWORD} "
            "before the start to enter from elsewhere or through a proxy."
        )
        st.stop()
    with st.form("password", width=360):
        given = st.text_input("Password of this workspace", type="password")
        if st.form_submit_button("Enter", type="primary"):
            _try(given, password)
    st.stop()


def _try(given: str, password: str) -> None:
    """Admit, or say why not; both take equally long."""
    client, begun = st.context.ip_address or "", time.monotonic()
    state.current().admitted = gate.ATTEMPTS.admit(given, password, client, begun)
    time.sleep(max(0.0, begun + gate.DELAY - time.monotonic()))
    if state.current().admitted:
        st.rerun()
    wait = gate.ATTEMPTS.wait(client, time.monotonic())
    again = f" Too many were tried: wait {words.duration(wait)}." if wait else ""
    st.error(f"That is not the password of this workspace.{again}")


def _log() -> logging.Logger:
    logger = logging.getLogger("synthscope.pages")
    path = cache.workspace().root / "log.txt"
    if not any(getattr(handler, "baseFilename", "") == str(path) for handler in logger.handlers):
        handler = RotatingFileHandler(path, maxBytes=2**20, backupCount=1, delay=True)
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        logger.handlers = [handler]
    return logger
