"""The runs of the workspace, with their state, to choose one from."""

from __future__ import annotations

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
    rows, chosen = [row(path) for path in paths], state.current().run
    if chosen not in paths:
        chosen = next((path for path in paths if not cache.listed_run(path).problem), None)
    return panels.choose_row(rows, paths, chosen, "runs")


def any_alive() -> bool:
    """Whether a worker is at work."""
    from synth_core.training import RunDirectory

    found = [cache.listed_run(path) for path in cache.workspace().runs()[:SHOWN]]
    return any(one.status and cache.watch().liveness(RunDirectory(one.path), one.status) == "alive" for one in found)


def row(path: Path) -> dict[str, Any]:
    """One run in words; a damaged one by what is wrong with it."""
    from synth_core.training import RunDirectory

    found = cache.listed_run(path)
    status, description = found.status, found.description
    if status is None or description is None:
        return {"run": path.name, "state": "damaged", "step": "", "time left": "", "what": found.problem}
    left = words.duration(status.seconds_left) if status.seconds_left and status.state == "running" else ""
    return {
        "run": path.name,
        "state": panels.run_state(RunDirectory(path), status),
        "step": f"{words.number(status.step)} of {words.number(status.steps)}",
        "time left": left,
        "what": described(description),
    }
