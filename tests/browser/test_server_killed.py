"""The server is killed while a run goes on: the run does not notice, and the next server's page finds it."""

import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from benchmarks.raters import serve
from synth_core.data import Preparation, prepare
from synth_core.simulate import ecg_cohort
from synth_core.training import RunDirectory
from synth_core.workspace import Workspace

pytestmark = pytest.mark.timeout(900)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    place = Workspace(tmp_path)
    cohort = ecg_cohort(5, seconds=8, rate=100)
    prepare(cohort, place.new_path("datasets", "few-ecgs"), Preparation(seconds=2, rate=100))
    return place


def visit(browser: Browser, host: str) -> Page:
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(f"http://{host}/train")
    return page


def shown(page: Page, state: str) -> Locator:
    """The state in large; the table of runs has it in a hidden cell too."""
    return page.get_by_test_id("stMetricValue").filter(has_text=state)


def step_reached(run: RunDirectory, step: int, seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while run.status().step < step:
        assert time.monotonic() < end, f"the run stands at step {run.status().step} of {step}: {run.log(5)}"
        time.sleep(0.2)


def test_a_run_outlives_the_server_and_is_found_again(browser: Browser, workspace: Workspace) -> None:
    with serve(workspace.root) as (host, process):
        page = visit(browser, host)
        steps = page.get_by_role("spinbutton", name="Training steps")
        steps.fill("1000000", timeout=300_000)
        steps.press("Enter")
        page.wait_for_timeout(1000)  # the script runs with the new number: a press during that run can be lost
        for _ in range(3):
            page.get_by_role("button", name="Start").click()
            page.wait_for_timeout(5000)
            if workspace.runs():
                break
        expect(shown(page, "running")).to_be_visible(timeout=300_000)
        run = RunDirectory(workspace.runs()[0])
        step_reached(run, 2)
        process.kill()
        page.close()
    step = run.status().step
    step_reached(run, step + 3)
    with serve(workspace.root) as (host, _):
        page = visit(browser, host)
        expect(shown(page, "running")).to_be_visible(timeout=300_000)
        page.get_by_role("button", name="Cancel").click()
        expect(shown(page, "cancelled")).to_be_visible(timeout=300_000)
        expect(page.get_by_role("button", name="Resume")).to_be_visible()
    steps = run.metrics()["step"].tolist()
    assert steps == list(range(1, len(steps) + 1))
