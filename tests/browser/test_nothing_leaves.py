"""In a browser: names that are Markdown, pictures and links lead nowhere; every page works under the policy."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from benchmarks.raters import ROOT, serve
from synth_core.data import Preparation, prepare
from synth_core.experiments.base import DESCRIPTION
from synth_core.generators import build
from synth_core.training import RunConfig, Status, create_run, save_generator
from synth_core.workspace import Workspace
from tests.pages.conftest import Wave, wave

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

PAGES = ("", "data", "train", "compare", "evaluate", "study", "rate")
PICTURE = "![p](http:||evil.example|p.png)"  # | stands for the slash, which no file name holds
MARKUP = f"{PICTURE} :red[x] :material_home: $x$ <img src=http:||evil.example|i> www.evil.example"


def evil(place: Workspace) -> None:
    """A dataset, a model, a run, an experiment and a damaged dataset, all with such names."""
    name = MARKUP.replace("|", "/")
    out = place.folder("datasets") / MARKUP.replace("/", "|")
    waves = []
    for number in range(12):
        one = wave(number)
        labels = dict(zip((f"{name} a", f"{name} b"), one.labels.values(), strict=True))
        spec = type(one.spec).from_dict({**one.spec.to_dict(), "classes": list(labels)})
        waves.append(Wave(spec, f"{name}{number}", f"{name}{number}", labels, source=one.source, values=one.values))
    data = prepare(waves, out, Preparation(seconds=2.0), name=name)
    generator = build("flow", data.spec, dim=32, depth=1, heads=2, width=8, steps=2)
    generator.scaling.fit(data.batches(16))
    model = save_generator(generator, place.folder("models") / PICTURE)
    (model / "card.md").write_text(f"# {name}\n\n## Data\n- {name}\n<img src='http://evil.example/c.png'>\n")
    run = create_run(out, "flow", {"dim": 32, "heads": 2}, RunConfig(out=place.folder("runs") / PICTURE, steps=7))
    run.write_status(Status("failed", step=3, steps=7, message=name))
    experiment = place.folder("experiments") / PICTURE
    experiment.mkdir()
    (experiment / DESCRIPTION).write_text(json.dumps({"experiment": name, "config": {}, "dataset": {"name": name}}))
    damaged = place.folder("datasets") / f"damaged {PICTURE}"
    damaged.mkdir()
    (damaged / "dataset.json").write_text("{")


def visit(page: Page, host: str, name: str) -> None:
    page.goto(f"http://{host}/{name}")
    expect(page.locator("h1")).to_be_visible(timeout=120_000)
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0, timeout=120_000)
    page.wait_for_timeout(1500)


def test_names_lead_nowhere_and_every_page_works_under_the_policy(browser: Browser, tmp_path: Path) -> None:
    place = Workspace(tmp_path / "workspace")
    evil(place)
    upload = place.folder("uploads") / PICTURE
    upload.mkdir()
    (upload / f"{PICTURE}.csv").write_text("nothing")
    outside: list[str] = []
    refused: list[str] = []
    with serve(place.root) as (host, _):
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.on("request", lambda request: outside.append(request.url))
        page.on("console", lambda said: refused.append(said.text) if "Content Security" in said.text else None)
        for name in PAGES:
            visit(page, host, name)
            found = page.locator(".stMain img[src*=evil], .stMain a[href*=evil]")
            assert [one.evaluate("one => one.parentElement.outerHTML") for one in found.all()] == [], name
            assert page.get_by_text("for a reason that was not foreseen").count() == 0, name
            if pictures := os.environ.get("SCREENSHOTS"):
                page.screenshot(path=f"{pictures}/{name or 'home'}.png")
        visit(page, host, "")
        expect(page.locator(".stMain").get_by_text("![p](http:\u2060//evil.example/p.png)").first).to_be_visible()
        expect(
            page.locator(".stMain").get_by_text("Left out, because the description is damaged").first
        ).to_be_visible()
        visit(page, host, "compare")
        page.get_by_role("button", name="About the generator").click()
        expect(page.get_by_text("<img src='http:\u2060//evil.example/c.png'>")).to_be_visible()
        visit(page, host, "data")
        page.get_by_text("Add data", exact=True).click()
        field = page.get_by_role("textbox", name="File or folder on this machine")
        field.fill(str(upload))
        field.press("Enter")
        page.locator(".st-key-source-open button").click()
        expect(page.get_by_test_id("stAlert").first).to_be_visible(timeout=120_000)
        assert page.locator(".stMain img[src*=evil]").count() == 0
        for given in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}):
            assert _handshake(host, given) == 403
        assert _handshake(host, {"Origin": f"http://{host}"}) == 101
    assert [url for url in outside if not url.startswith((f"http://{host}/", "data:", "blob:"))] == []
    assert refused == []


def _handshake(host: str, headers: dict[str, str]) -> int:
    """Status of a raw handshake with exactly these headers."""
    lines = {
        "Host": host, "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol": "streamlit", **headers,
    }  # fmt: skip
    address, port = host.split(":")
    with socket.create_connection((address, int(port)), timeout=20) as connection:
        text = "GET /_stcore/stream HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        connection.sendall(f"{text}\r\n".encode())
        return int(connection.recv(100).split()[1])


@pytest.mark.parametrize("address", ["0.0.0.0", "::"])
@pytest.mark.parametrize("way", ["flag", "environment"])
def test_an_open_address_without_a_password_is_refused(tmp_path: Path, address: str, way: str) -> None:
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", "0"]
    environment = {**os.environ, "SYNTHSCOPE_WORKSPACE": str(tmp_path), "SYNTHSCOPE_PASSWORD": ""}
    if way == "flag":
        command += ["--server.address", address]
    else:
        environment["STREAMLIT_SERVER_ADDRESS"] = address
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 2
    assert "without a password: set SYNTHSCOPE_PASSWORD" in done.stderr
    assert "Traceback" not in done.stderr
