"""Who may ask, and what every answer carries: hosts, origins, addresses, headers."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from pages.data import uploads
from pages.shared import guard

LOCAL = ("127.0.0.1", "127.0.0.1:8501", "localhost:1", "LOCALHOST", "[::1]:8501", "[::1]", "localhost.")
EVIL = (
    "evil.example", "evil.example:8501", "127.0.0.1.evil.example", "localhost.evil.example", "192.168.1.2", "[::2]",
    "0.0.0.0", "127.0.0.1@evil.example", "evil.example#127.0.0.1", "127.0.0.1:x", "", "127.0.0.1/x", "2130706433",
)  # fmt: skip


async def _hello(_: Any) -> PlainTextResponse:
    return PlainTextResponse("hello")


async def _stream(socket: WebSocket) -> None:
    await socket.accept()
    await socket.close()


@pytest.fixture
def client() -> TestClient:
    routes = [Route("/", _hello), WebSocketRoute("/stream", _stream), *uploads.ROUTES]
    return TestClient(Starlette(routes=routes, middleware=[Middleware(guard.Guard)]), base_url="http://127.0.0.1")


@pytest.mark.parametrize("host", LOCAL)
def test_loopback_is_let_in(client: TestClient, host: str) -> None:
    assert client.get("/", headers={"host": host}).text == "hello"


@pytest.mark.parametrize("host", EVIL)
@pytest.mark.parametrize("path", ["/", "/nowhere", "/upload/x"])
def test_no_route_answers_to_a_name_that_was_not_given(client: TestClient, host: str, path: str) -> None:
    assert client.get(path, headers={"host": host}).status_code == 421


@pytest.mark.parametrize(
    ("host", "origin"),
    [("evil.example", "http://evil.example"), ("127.0.0.1", "http://evil.example"), ("127.0.0.1", "null"),
     ("127.0.0.1", "file://127.0.0.1"), ("evil.example", None)],
)  # fmt: skip
def test_no_websocket_from_elsewhere(client: TestClient, host: str, origin: str | None) -> None:
    headers = {"host": host, **({"origin": origin} if origin else {})}
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/stream", headers=headers):
        pass


def test_a_websocket_of_this_page_opens(client: TestClient) -> None:
    with client.websocket_connect("/stream", headers={"host": "127.0.0.1:1", "origin": "http://127.0.0.1:1"}):
        pass


@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST"])
def test_a_page_of_another_site_changes_nothing(client: TestClient, method: str) -> None:
    assert client.request(method, "/upload/x", headers={"origin": "http://evil.example"}).status_code == 403


def test_a_named_host_is_let_in(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(guard.HOSTS, "workbench.example.org, other.example")
    assert client.get("/", headers={"host": "workbench.example.org:443"}).status_code == 200
    assert client.get("/", headers={"host": "a.workbench.example.org"}).status_code == 421


def test_an_upload_without_a_ticket_is_refused(client: TestClient) -> None:
    assert client.put("/upload/guessed?path=a.edf", content=b"x").status_code == 404
    assert client.put("/_stcore/upload_file/a/b", content=b"x").status_code == 404


@pytest.mark.parametrize(("path", "host"), [("/", "127.0.0.1"), ("/nowhere", "127.0.0.1"), ("/", "evil.example")])
def test_every_answer_keeps_the_browser_here(client: TestClient, path: str, host: str) -> None:
    headers = client.get(path, headers={"host": host}).headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == policy["frame-ancestors"] == "'none'"
    assert not any("http" in sources or "*" in sources or "'unsafe-eval'" in sources for sources in policy.values())
    assert "'unsafe-inline'" not in policy["script-src"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(("address", "status"), [("192.168.1.2", 403), ("127.0.0.1", 0), ("::ffff:127.0.0.1", 0)])
def test_an_address_that_others_reach_needs_a_password(
    monkeypatch: pytest.MonkeyPatch, address: str, status: int
) -> None:
    scope = {"type": "http", "method": "GET", "path": "/", "headers": [(b"host", b"localhost")], "server": (address, 1)}
    assert guard.refusal(scope)[0] == status
    monkeypatch.setenv(guard.PASSWORD, "open sesame")
    assert guard.refusal(scope)[0] == 0


@pytest.mark.parametrize("address", ["", "0.0.0.0", "::", "192.168.1.2", "host.example", "::ffff:10.0.0.1"])
def test_addresses_that_are_not_loopback(address: str) -> None:
    assert not guard.is_loopback(address)
