"""A small workspace, and the app on it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from numpy.typing import NDArray
from streamlit.testing.v1 import AppTest

from synth_core.data import Preparation, Recording, Source, prepare
from synth_core.generators import build
from synth_core.training import save_generator
from synth_core.types import DataSpec
from synth_core.workspace import Workspace

SCRIPT = Path(__file__).resolve().parents[2] / "pages" / "navigation.py"
CLASSES = ("slow", "fast")


@dataclass
class Wave(Recording):
    """Two leads of noise."""

    values: NDArray[np.float32] = field(default_factory=lambda: np.zeros((2, 1), np.float32))

    def read(self, start: int | None = None, stop: int | None = None) -> NDArray[np.float32]:
        return self.values[:, start:stop]


def wave(subject: int) -> Wave:
    spec = DataSpec("ecg", (2, 400), "mV", 50.0, ("I", "II"), CLASSES)
    values = np.random.default_rng(subject).normal(size=(2, 400)).astype(np.float32)
    labels = {name: int(k == subject % 2) for k, name in enumerate(CLASSES)}
    return Wave(spec, f"s{subject}", f"r{subject}", labels, source=Source("noise", simulated=True), values=values)


@pytest.fixture(autouse=True)
def at_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """AppTest has no request whose host could be looked at: the visitor sits at this machine."""
    monkeypatch.setattr("pages.shared.visitor.is_single_user", lambda: True)


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """An empty workspace that the app uses; no shipped models."""
    monkeypatch.setenv("SYNTHSCOPE_WORKSPACE", str(tmp_path))
    monkeypatch.setattr("synth_core.workspace.SHIPPED_MODELS", tmp_path / "none")
    st.cache_data.clear()
    st.cache_resource.clear()
    return Workspace(tmp_path)


@pytest.fixture
def dataset(workspace: Workspace) -> Path:
    """Twelve subjects, four examples each."""
    out = workspace.folder("datasets") / "noise"
    prepare([wave(k) for k in range(12)], out, Preparation(seconds=2.0))
    return out


@pytest.fixture
def others(workspace: Workspace) -> Path:
    """A dataset of other people, alike."""
    out = workspace.folder("datasets") / "others"
    prepare([wave(k) for k in range(100, 110)], out, Preparation(seconds=2.0))
    return out


@pytest.fixture
def model(workspace: Workspace, dataset: Path) -> Path:
    """An untrained flow that makes what the dataset holds."""
    from synth_core.data import Dataset

    data = Dataset.open(dataset)
    generator = build("flow", data.spec, dim=32, depth=1, heads=2, width=8, steps=2)
    generator.scaling.fit(data.batches(16))
    return save_generator(generator, workspace.folder("models") / "tiny")


@pytest.fixture
def app(workspace: Workspace) -> AppTest:
    """The app after its first run, on Home."""
    return AppTest.from_file(str(SCRIPT), default_timeout=60).run()


def open_page(app: AppTest, name: str) -> AppTest:
    """Go to a page."""
    return app.switch_page(f"{name}/page.py").run()


def until(condition: Callable[[], object]) -> None:
    """Wait for a condition; the time limit of the test itself ends what never comes."""
    while not condition():
        time.sleep(0.05)


def text(app: AppTest) -> str:
    """All that is said on the page."""
    parts = [*app.markdown, *app.caption, *app.title, *app.subheader, *app.info, *app.error, *app.success, *app.warning]
    return "\n".join(str(part.value) for part in parts)
