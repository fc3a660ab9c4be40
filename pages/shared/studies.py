"""The study store of this workspace, opened once per server, and the clock that its pages use."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import streamlit as st

from pages.shared import cache, visitor
from synth_core.study.database import open_store
from synth_core.study.store import Store


def store() -> Store:
    """The store behind the workspace's database URL, on behalf of the visitor."""
    return for_nobody().acting(visitor.principal())


def for_nobody() -> Store:
    """The same without a visitor: for raters, who show a code."""
    workspace = cache.workspace()
    return _store(workspace.database_url, workspace.folder("study-items"))


@st.cache_resource(max_entries=4, show_spinner=False)
def _store(url: str, items: Path) -> Store:
    return open_store(url, items)


def now() -> datetime:
    """The time of the server, aware."""
    return datetime.now(UTC)
