"""An evaluation that is cancelled in the browser stops, leaves nothing, and can be begun again."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from benchmarks.raters import serve
from synth_core.data import Dataset, Preparation, prepare
from synth_core.generators import build
from synth_core.simulate import ecg_cohort
from synth_core.training import save_generator
from synth_core.workspace import Workspace

pytestmark = pytest.mark.timeout(900)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    place = Workspace(tmp_path)
    prepare(ecg_cohort(60, seconds=40, rate=100), place.new_path("datasets", "ecgs"), Preparation(seconds=2, rate=100))
    data = Dataset.open(place.folder("datasets") / "ecgs")
    generator = build("flow", data.spec, dim=32, depth=1, width=8, steps=2)
    generator.scaling.fit(data.batches(64))
    save_generator(generator, place.folder("models") / "untrained")
    return place


def test_a_cancelled_evaluation_stops_and_leaves_nothing(browser: Browser, workspace: Workspace) -> None:
    with serve(workspace.root) as (host, _):
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(f"http://{host}/evaluate")
        begin = page.get_by_role("button", name="Evaluate", exact=True)
        expect(begin).to_be_enabled(timeout=300_000)
        begin.click()
        page.get_by_role("button", name="Cancel").click(timeout=300_000)
        expect(page.get_by_text("Cancelled; nothing was kept.")).to_be_visible(timeout=300_000)
        expect(begin).to_be_enabled(timeout=300_000)
    assert workspace.evaluations() == []
