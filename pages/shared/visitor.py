"""Who the visitor of a page is, by what the server itself knows: never by an address or another word of the browser."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

import streamlit as st
from streamlit import config

from pages.shared import guard, state
from synth_core.study.access import OWNER, Principal

COOKIE = "synthscope-participation"
_RELAYED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip")


def principal() -> Principal | None:
    """On whose behalf pages act: the owner who gave the password or sits at this machine; None for everyone else."""
    if os.environ.get(guard.PASSWORD):
        return OWNER if state.current().admitted else None
    return OWNER if is_single_user() else None


def is_single_user() -> bool:
    """Whether the server listens on this machine alone and was asked from here, under a name of this machine.

    A proxy on this machine would let strangers in; it asks under another name, or says for whom it asks.
    """
    headers = st.context.headers
    host = urlsplit(f"//{headers.get('Host', '')}").hostname or ""
    listens = guard.is_loopback(config.get_option("server.address") or "")
    return listens and guard.is_loopback(host) and not any(name in headers for name in _RELAYED)


def participation() -> str:
    """The participation code in the visitor's cookie, "" where there is none; the store says what it is worth."""
    code = st.context.cookies.get(COOKIE)
    return code if isinstance(code, str) else ""
