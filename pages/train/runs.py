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
    chosen = state.current().run
    position = paths.index(chosen) if chosen in paths else 0
    event = st.dataframe(
        [row(path) for path in paths],
        hide_index=True,
        height=min(38 + 35 * len(paths), 180),
        on_select="rerun",
        selection_mode="single-row",
        selection_default={"selection": {"rows": [position], "columns": []}},
        key="runs",
    )
    rows = event["selection"]["rows"]
    return paths[rows[0]] if rows and rows[0] < len(paths) else paths[position]


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
