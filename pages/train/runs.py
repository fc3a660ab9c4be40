"""The runs of the workspace, with their state, to choose one from."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import streamlit as st

from pages.shared import cache, panels, state, words
from pages.train.new_run import described

SHOWN = 200  # runs listed, the newest first


def choose() -> Path | None:
    """A table of runs; the chosen one, which is the newest at first."""
    paths = cache.workspace().runs()[:SHOWN]
    if not paths:
        st.info("No run yet: start one under New run.", icon=":material/info:")
        return None
    return panels.choose_row([row(path) for path in paths], paths, state.current().run, "runs")


def any_alive() -> bool:
    """Whether a worker is at work."""
    from synth_core.training import RunDirectory

    now = time.time()
    return any(RunDirectory(path).liveness(now) == "alive" for path in cache.workspace().runs()[:SHOWN])


def row(path: Path) -> dict[str, Any]:
    """One run in words."""
    from synth_core.training import RunDirectory

    run = RunDirectory(path)
    status = run.status()
    left = words.duration(status.seconds_left) if status.seconds_left and status.state == "running" else ""
    return {
        "run": path.name,
        "state": panels.run_state(run, time.time()),
        "step": f"{words.number(status.step)} of {words.number(status.steps)}",
        "time left": left,
        "what": described(path),
    }
