"""What one person has chosen, kept across pages: a single typed object per browser session."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import streamlit as st

_KEY = "session"


@dataclass
class SessionState:
    """The choices that all pages share.

    Parameters
    ----------
    dataset : directory of the chosen prepared dataset.
    model : directory of the chosen generator: a model, or a training run whose latest checkpoint is meant.
    run : directory of the training run being watched.
    source : file or folder being looked at on the Data page, before it is prepared.
    told : what the user says about files that do not say it themselves, such as rate and unit: for `open_recordings`.
    admitted : the shared password was given, or none is set.
    """

    dataset: Path | None = None
    model: Path | None = None
    run: Path | None = None
    source: Path | None = None
    told: dict[str, Any] = field(default_factory=dict)
    admitted: bool = False


def current() -> SessionState:
    """The state of this browser session; choices whose directory is gone are forgotten."""
    state = st.session_state.setdefault(_KEY, SessionState())
    for name in ("dataset", "model", "run"):
        path = getattr(state, name)
        if path is not None and not path.is_dir():
            setattr(state, name, None)
    return state
