"""The door for raters: the cookie that it sets, and who is taken for the owner."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
import streamlit as st
from starlette.applications import Starlette
from streamlit import config

from pages.rate import entering
from pages.shared import visitor
from synth_core.study.store import Store
from tests.pages.test_rate_page import code, invitation, store, study

__all__ = ["code", "invitation", "store", "study"]  # fixtures

APP = Starlette(routes=entering.ROUTES)


def post(body: bytes, method: str = "POST", scheme: str = "http", **headers: str) -> tuple[int, str]:
    """Status and the cookie that is set."""
    scope = {
        "type": "http", "method": method, "path": "/rate/enter", "raw_path": b"", "root_path": "", "query_string": b"",
        "scheme": scheme,
        "headers": [(name.replace("_", "-").encode(), text.encode()) for name, text in headers.items()],
    }  # fmt: skip
    answers: list[Any] = []
    pending = [{"type": "http.request", "body": body}]

    async def receive() -> Any:
        return pending.pop() if pending else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        answers.append(message)

    asyncio.run(APP(scope, receive, send))
    cookies = [value.decode() for name, value in answers[0]["headers"] if name == b"set-cookie"]
    return answers[0]["status"], "".join(cookies)


def test_a_known_code_becomes_a_cookie_that_no_script_and_no_other_site_has(store: Store, code: str) -> None:
    status, cookie = post(json.dumps({"code": code}).encode())
    assert status == 204
    assert cookie.startswith(f"{visitor.COOKIE}={code}; ")
    assert {"HttpOnly", "Path=/", "SameSite=strict"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    assert "Secure" in post(json.dumps({"code": code}).encode(), scheme="https")[1]
    assert "Secure" in post(json.dumps({"code": code}).encode(), x_forwarded_proto="https")[1]


def test_an_empty_code_takes_the_cookie_away(store: Store) -> None:
    status, cookie = post(b'{"code": ""}')
    assert status == 204
    assert "Max-Age=0" in cookie


@pytest.mark.parametrize(
    "body", [b"", b"x", b"[]", b"{}", b'{"code": "' + b"0" * 32 + b'"}', b'{"code": "' + b"0" * 600 + b'"}']
)
def test_anything_else_sets_no_cookie(store: Store, study: str, body: bytes) -> None:
    status, cookie = post(body)
    assert status in (400, 403, 413)
    assert cookie == ""


def test_an_address_alone_does_nothing(store: Store, code: str) -> None:
    assert post(b"", method="GET") == (405, "")


LOCAL = {"Host": "127.0.0.1:8501"}
single_user = visitor.is_single_user  # before the fixture of all pages replaces it


@pytest.mark.parametrize(
    ("address", "headers", "alone"),
    [
        ("127.0.0.1", LOCAL, True),
        ("localhost", {"Host": "localhost"}, True),
        ("127.0.0.1", {"Host": "[::1]:8501"}, True),
        ("0.0.0.0", LOCAL, False),
        ("", LOCAL, False),
        ("127.0.0.1", {"Host": "study.example.org"}, False),
        ("127.0.0.1", {}, False),
        ("127.0.0.1", LOCAL | {"X-Forwarded-For": "10.0.0.1"}, False),
        ("127.0.0.1", LOCAL | {"Forwarded": "for=10.0.0.1"}, False),
    ],
)
def test_only_who_sits_at_the_machine_is_its_owner_without_a_password(
    address: str, headers: dict[str, str], alone: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config, "get_option", lambda _: address)
    monkeypatch.setattr(type(st.context), "headers", headers)
    assert single_user() is alone
