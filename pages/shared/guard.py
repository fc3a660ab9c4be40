"""What stands before every route of the server: hosts and origins that may ask, and headers that let nothing out.

A page of another site can point its own name at 127.0.0.1 (DNS rebinding) and would then be of the same origin as this
server; only the name in Host and Origin tells it apart. So names that were not given are refused, whatever the route.
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import streamlit
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

HOSTS = "SYNTHSCOPE_HOSTS"  # names under which the server may be reached beside loopback, separated by commas
PASSWORD = "SYNTHSCOPE_PASSWORD"
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
# Streamlit's own upload keeps bytes in memory for whoever holds a session, raters too; no page uses it
_CLOSED = "/_stcore/upload_file"


def is_loopback(name: str) -> bool:
    """Whether a host name or address is this machine as it sees itself; an empty one means all addresses."""
    bare = name.strip("[]").lower().rstrip(".")
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        return bare == "localhost"
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def named_hosts() -> list[str]:
    """The names in SYNTHSCOPE_HOSTS, without ports."""
    given = (host.strip().lower().rstrip(".") for host in os.environ.get(HOSTS, "").split(","))
    return sorted({host for host in given if host})


def is_allowed(authority: str) -> bool:
    """Whether `host` or `host:port` is of loopback or named in SYNTHSCOPE_HOSTS."""
    try:
        parts = urlsplit(f"//{authority}")
        name, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if not name or parts.netloc != authority or "@" in authority:
        return False
    return is_loopback(name) or name.lower().rstrip(".") in named_hosts()


def refusal(scope: Scope) -> tuple[int, str]:
    """Status and sentence for a request that may not pass; (0, "") for one that may."""
    headers = Headers(scope=scope)
    hosts, origins = headers.getlist("host"), headers.getlist("origin")
    if len(hosts) != 1 or not is_allowed(hosts[0]):
        return 421, f"This server is not known by that name; name it in {HOSTS} before the start to reach it so."
    changes = scope["type"] == "websocket" or scope["method"] not in _READING
    if changes and not all(_is_allowed_origin(origin) for origin in origins):
        return 403, f"Pages of that site may not use this server; name it in {HOSTS} before the start to let them."
    server = scope.get("server")
    if server and _is_outside(server[0]) and not os.environ.get(PASSWORD):
        return 403, open_to_all(server[0])
    if scope["path"].startswith(_CLOSED):
        return 404, "Uploads go through the Data page."
    return 0, ""


def open_to_all(address: str) -> str:
    """Why a server without a password does not listen on this address, and what to do."""
    where = f"the address {address}" if address else "all addresses of this machine"
    return (
        f"SynthScope does not open on {where} without a password: set {PASSWORD}, and {HOSTS} to the names under "
        "which it is reached, or leave server.address at 127.0.0.1."
    )


def _is_outside(address: str) -> bool:
    """Whether the address at which a request arrived is one that other machines reach."""
    try:
        ipaddress.ip_address(address)
    except ValueError:  # a name or a socket: not an address of the network
        return False
    return not is_loopback(address)


def _is_allowed_origin(origin: str) -> bool:
    scheme, _, authority = origin.partition("://")
    return scheme in ("http", "https") and is_allowed(authority)


def _inline_scripts() -> str:
    """Hashes of the scripts within Streamlit's page, which the policy admits one by one."""
    page = (Path(streamlit.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
    found = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digests = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in found)
    return " ".join(f"'sha256-{digest}'" for digest in digests)


POLICY = "; ".join(
    (
        "default-src 'none'",
        f"script-src 'self' blob: {_inline_scripts()}",  # components come as blobs
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "media-src 'self' data: blob:",
        "connect-src 'self' data: blob:",
        "worker-src 'self' blob:",
        "manifest-src 'self'",
        "frame-src 'none'",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Guard:
    """ASGI middleware: refuses by `refusal`, and puts `HEADERS` on every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        status, problem = refusal(scope)
        if not status:
            await self.app(scope, receive, guarded)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": problem[:100]})
        else:
            await PlainTextResponse(problem, status)(scope, receive, guarded)
