"""Uploads through the page: a recording is opened, a file of 3 GB is refused in a sentence, and nothing is left."""

from pathlib import Path

import numpy as np
import pytest
import wfdb
from playwright.sync_api import Browser, expect

from benchmarks.raters import serve
from synth_core.workspace import Workspace

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]


def test_uploads_go_to_disk_and_too_large_ones_are_refused(browser: Browser, tmp_path: Path) -> None:
    place = Workspace(tmp_path / "workspace")
    values = np.random.default_rng(0).normal(size=(1000, 2))
    options = {"fs": 100, "units": ["mV", "mV"], "sig_name": ["I", "II"], "fmt": ["16", "16"]}
    wfdb.wrsamp("rec", p_signal=values, write_dir=str(tmp_path), **options)
    with (tmp_path / "huge.edf").open("wb") as file:
        file.truncate(3 * 2**30)  # a hole: no disk is used
    with serve(place.root) as (host, _):
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(f"http://{host}/data")
        page.get_by_text("Add data", exact=True).click(timeout=120_000)
        chooser = page.locator("input[type=file][data-kind=files]")
        chooser.set_input_files(tmp_path / "huge.edf", timeout=120_000)
        expect(page.get_by_role("alert").filter(has_text="huge.edf: an upload has at most 2 GB")).to_be_visible()
        assert not any(place.folder("uploads").iterdir())
        chooser.set_input_files([tmp_path / "rec.hea", tmp_path / "rec.dat"])
        expect(page.get_by_text("2 channels at 100 Hz").first).to_be_visible(timeout=120_000)
        folders = list(place.folder("uploads").iterdir())
        assert len(folders) == 1
        assert sorted(file.name for file in folders[0].iterdir()) == ["rec.dat", "rec.hea"]
