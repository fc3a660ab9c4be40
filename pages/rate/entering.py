"""How a browser is remembered: by a cookie that no script reads, so that no address holds the participation code."""

from __future__ import annotations

import json
from pathlib import Path

import streamlit as st
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pages.shared import studies, visitor
from synth_core.errors import StudyError

ASSETS = Path(__file__).resolve().parents[2] / "assets"
REMEMBERED = 180 * 24 * 3600  # seconds
LARGEST = 500  # bytes of a request
_DUE = "rate-enter"

_door = st.components.v2.component(
    "door",
    html="<div class='door' role='status'></div>",
    js=(ASSETS / "enter.js").read_text(encoding="utf-8"),
)


def begin(code: str) -> None:
    """Let the browser remember a code, or with "" forget it, and load the page anew under its plain address."""
    st.session_state[_DUE] = code
    st.rerun()


def is_due() -> bool:
    """Whether the browser is about to be told."""
    return _DUE in st.session_state


def show() -> None:
    """What is there for the moment until the page loads anew."""
    _door(key="door", data={"code": st.session_state[_DUE]})


async def enter(request: Request) -> Response:
    """POST {"code": …}: set the cookie for a code that is known here; an empty one removes it."""
    try:
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > LARGEST:
                return _refused(413, "That is no participation code.")
        code = str(json.loads(body)["code"])
        if code:
            await run_in_threadpool(_check, code)
    except (ValueError, KeyError, TypeError):
        return _refused(400, "That is no participation code.")
    except StudyError as error:
        return _refused(403, str(error))
    answer = Response(status_code=204, headers={"Cache-Control": "no-store"})
    secure = request.scope.get("scheme") == "https" or request.headers.get("x-forwarded-proto") == "https"
    answer.set_cookie(
        visitor.COOKIE,
        code,
        max_age=REMEMBERED if code else 0,
        httponly=True,
        samesite="strict",
        secure=secure,
    )
    return answer


def _check(code: str) -> None:
    studies.for_nobody().study_of(code)


ROUTES = [Route("/rate/enter", enter, methods=["POST"])]


def _refused(status: int, problem: str) -> Response:
    return JSONResponse({"problem": problem}, status_code=status)
