"""The viewers in headless Chromium: they paint, and keys, wheel and drag do what they say."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
# Number of different colours in a canvas: one when it is blank.
COLOURS = """canvas => new Set(new Uint32Array(
    canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.buffer)).size"""
MIDDLE = "canvas => canvas.getContext('2d').getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data[0]"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def server():
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", str(Path(__file__).with_name("viewer_app.py"))]
    options = [f"--server.port={port}", "--server.headless=true", "--server.fileWatcherType=none"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen([*command, *options], env=environment, cwd=ROOT)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(timeout=20)


@pytest.fixture(scope="module")
def page(server, browser):
    page = browser.new_page(viewport={"width": 1024, "height": 768})
    page.wait_for_timeout(1000)
    for _ in range(60):
        try:
            page.goto(server)
            break
        except Exception:
            page.wait_for_timeout(500)
    page.locator(".stage canvas").nth(3).wait_for(timeout=60_000)
    yield page
    page.close()


def corner(page: Page, name: str, pane: int = 0):
    return page.locator(f"[data-corner={name}]").nth(pane)


def test_every_canvas_is_painted(page):
    expect(corner(page, "slice")).to_contain_text("Slice 3 / 5")
    for index in range(4):
        assert page.locator(".stage canvas").nth(index).evaluate(COLOURS) > 3


def test_number_keys_change_the_window_of_both_viewports(page):
    canvas = page.locator(".stage canvas").first
    canvas.click()
    for key, window in (("4", "W 2500 L 500"), ("2", "W 200 L 80"), ("1", "W 80 L 40")):
        page.keyboard.press(key)
        for pane in (0, 1):
            expect(corner(page, "window", pane)).to_have_text(window)


def test_the_grey_follows_the_window_and_the_slice(page):
    canvas = page.locator(".stage canvas").first
    canvas.dblclick()
    page.keyboard.press("End")  # 40 HU: the level of the brain window
    expect(corner(page, "slice")).to_contain_text("Slice 5 / 5")
    page.wait_for_timeout(100)
    assert canvas.evaluate(MIDDLE) == pytest.approx(128, abs=1)
    page.keyboard.press("Home")  # 0 HU: its lower end
    expect(corner(page, "slice")).to_contain_text("Slice 1 / 5")
    page.wait_for_timeout(100)
    assert canvas.evaluate(MIDDLE) == 0


def test_the_wheel_scrolls_both_viewports_and_hover_tells_the_value(page):
    page.locator(".stage canvas").first.dblclick()
    page.mouse.wheel(0, 100)
    for pane in (0, 1):
        expect(corner(page, "slice", pane)).to_contain_text("Slice 4 / 5")
    expect(corner(page, "value")).to_have_text("30 HU")


def test_dragging_changes_the_window(page):
    canvas = page.locator(".stage canvas").first
    canvas.dblclick()
    page.mouse.down()
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2 + 30, box["y"] + box["height"] / 2, steps=3)
    page.mouse.up()
    expect(corner(page, "window")).to_have_text("W 110 L 40")


def test_waveforms_scroll_and_change_gain_by_keyboard_and_wheel(page):
    canvas = page.locator(".stage canvas").nth(2)
    canvas.click()
    gain = page.get_by_label("Gain", exact=True)
    page.keyboard.press("+")
    expect(gain).to_have_value("3")
    reading = page.locator(".reading").first
    expect(reading).to_contain_text("mV")
    before = reading.inner_text()
    page.mouse.wheel(0, 100)
    expect(reading).not_to_have_text(before)
    page.keyboard.press("ArrowRight")
    canvas.dblclick()
    expect(gain).to_have_value("2")
    expect(reading).to_have_text(before)


def test_the_twelve_leads_can_be_arranged_three_by_four(page):
    canvas = page.locator(".stage canvas").nth(2)
    before = canvas.screenshot()
    page.get_by_label("Layout", exact=True).select_option("1")
    page.wait_for_timeout(200)
    assert canvas.screenshot() != before
