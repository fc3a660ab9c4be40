"""Who may ask, and what every answer carries: hosts, origins, addresses, headers."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

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


ROUTES = [Route("/", _hello), WebSocketRoute("/stream", _stream), *uploads.ROUTES]
APP = Starlette(routes=ROUTES, middleware=[Middleware(guard.Guard)])


def ask(path: str, *, method: str = "GET", kind: str = "http", **headers: str) -> tuple[Any, Headers]:
    """Status and headers of one request; of a websocket the type of the answer."""
    given = {"host": "127.0.0.1", **headers}
    scope = {
        "type": kind, "method": method, "path": path, "raw_path": b"", "root_path": "", "query_string": b"",
        "scheme": "http", "server": ("127.0.0.1", 1), "subprotocols": [],
        "headers": [(name.encode(), value.encode()) for name, value in given.items()],
    }  # fmt: skip
    answers: list[Any] = []
    begun = {"http": {"type": "http.request", "body": b""}, "websocket": {"type": "websocket.connect"}}

    async def receive() -> Any:
        return begun[kind]

    async def send(message: Any) -> None:
        answers.append(message)

    asyncio.run(APP(scope, receive, send))
    return answers[0].get("status", answers[0]["type"]), Headers(raw=answers[0].get("headers", []))


@pytest.mark.parametrize("host", LOCAL)
def test_loopback_is_let_in(host: str) -> None:
    assert ask("/", host=host)[0] == 200


@pytest.mark.parametrize("host", EVIL)
@pytest.mark.parametrize("path", ["/", "/nowhere", "/upload/x"])
def test_no_route_answers_to_a_name_that_was_not_given(host: str, path: str) -> None:
    assert ask(path, host=host)[0] == 421


@pytest.mark.parametrize(
    ("host", "origin"),
    [("evil.example", "http://evil.example"), ("127.0.0.1", "http://evil.example"), ("127.0.0.1", "null"),
     ("127.0.0.1", "file://127.0.0.1"), ("evil.example", None)],
)  # fmt: skip
def test_no_websocket_from_elsewhere(host: str, origin: str | None) -> None:
    headers = {"host": host, **({"origin": origin} if origin else {})}
    assert ask("/stream", kind="websocket", **headers)[0] == "websocket.close"


def test_a_websocket_of_this_page_opens() -> None:
    answer, _ = ask("/stream", kind="websocket", host="127.0.0.1:1", origin="http://127.0.0.1:1")
    assert answer == "websocket.accept"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST"])
def test_a_page_of_another_site_changes_nothing(method: str) -> None:
    assert ask("/upload/x", method=method, origin="http://evil.example")[0] == 403


def test_a_named_host_is_let_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(guard.HOSTS, "workbench.example.org, other.example")
    assert ask("/", host="workbench.example.org:443")[0] == 200
    assert ask("/", host="a.workbench.example.org")[0] == 421


def test_an_upload_without_a_ticket_is_refused() -> None:
    assert ask("/upload/guessed", method="PUT")[0] == 404
    assert ask("/_stcore/upload_file/a/b", method="PUT")[0] == 404


@pytest.mark.parametrize(("path", "host"), [("/", "127.0.0.1"), ("/nowhere", "127.0.0.1"), ("/", "evil.example")])
def test_every_answer_keeps_the_browser_here(path: str, host: str) -> None:
    _, headers = ask(path, host=host)
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
