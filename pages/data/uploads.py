"""Uploads that go to disk as they arrive: tickets that a page hands out, and the route that takes the bytes."""

from __future__ import annotations

import secrets
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from synth_core.storage import unused
from synth_core.workspace import Workspace, safe_name

LARGEST = 2 * 10**9  # bytes of one upload; what is larger is read from a folder of this machine
MOST_FILES = 20_000
ROOM = 2**30  # bytes of the disk that are left alone
STALE = 24 * 3600.0  # seconds after which an upload that nobody finished is removed
_BLOCK = 4 * 2**20
PREFIX = ".incoming-"


@dataclass
class _Ticket:
    """One upload on its way: where its files lie until it is complete, and how much has come."""

    folder: Path
    arrived: dict[str, int] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return sum(self.arrived.values())


_tickets: dict[str, _Ticket] = {}


def issue(workspace: Workspace) -> str:
    """A ticket for one upload of any number of files. Only who holds it can send, and only below its own folder."""
    uploads = workspace.folder("uploads")
    _remove_stale(uploads)
    name = secrets.token_urlsafe(24)
    _tickets[name] = _Ticket(uploads / f"{PREFIX}{secrets.token_hex(8)}")
    return name


def known(name: str) -> bool:
    """Whether a ticket is of this server and not used up."""
    return name in _tickets


def finish(name: str, target: Path) -> Path | None:
    """Move what has arrived to `target`, and forget the ticket.

    Returns
    -------
    The folder, or the file when there is only one; None when nothing has arrived.
    """
    ticket = _tickets.pop(name, None)
    if ticket is None or not ticket.arrived:
        return None
    ticket.folder.rename(target)
    files = [path for path in target.rglob("*") if path.is_file()]
    return files[0] if len(files) == 1 else target


def discard(name: str) -> None:
    """Remove what has arrived; the ticket stays good."""
    ticket = _tickets.get(name)
    if ticket is not None:
        shutil.rmtree(ticket.folder, ignore_errors=True)
        ticket.arrived.clear()


def is_upload(workspace: Workspace, path: Path) -> bool:
    """Whether a file or folder was uploaded."""
    return workspace.folder("uploads") in path.resolve().parents


def remove(workspace: Workspace, path: Path) -> None:
    """Remove the upload that a file or folder is of."""
    root = workspace.folder("uploads")
    shutil.rmtree(root / path.resolve().relative_to(root).parts[0], ignore_errors=True)


async def receive(request: Request) -> Response:
    """PUT one file, its name below the uploaded folder in `path`; a file that does not arrive whole leaves nothing."""
    ticket = _tickets.get(request.path_params["ticket"])
    if ticket is None:
        return _refused(404, "This page is from before the server started; reload it and upload again.")
    target = _place(ticket.folder, request.query_params.get("path", ""))
    try:
        expected = int(request.headers.get("content-length", 0))
    except ValueError:
        return _refused(400, f"{target.name}: the browser sent no size; upload it again.")
    if ticket.size + expected > LARGEST:
        return _refused(413, too_large(target.name))
    if len(ticket.arrived) >= MOST_FILES:
        return _refused(413, f"An upload holds at most {MOST_FILES:,} files; zip them, or give the folder.")
    if shutil.disk_usage(ticket.folder.parent).free - ROOM < expected:
        return _refused(507, f"{target.name}: the disk of this machine is full; make room and upload it again.")
    problem = await _write(request, ticket, target)
    return _refused(413, problem) if problem else Response(status_code=204)


async def forget(request: Request) -> Response:
    """DELETE what has arrived of an upload that was cancelled."""
    discard(request.path_params["ticket"])
    return Response(status_code=204)


ROUTES = [
    Route("/upload/{ticket}", receive, methods=["PUT"]),
    Route("/upload/{ticket}", forget, methods=["DELETE"]),
]


def too_large(name: str) -> str:
    """Why, and what to do instead."""
    limit = LARGEST // 10**9
    return f"{name}: an upload has at most {limit} GB; copy it to this machine and give its folder on the left."


async def _write(request: Request, ticket: _Ticket, target: Path) -> str:
    """Stream the body to disk; returns why not, or ""."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name[:200]}.part")
    before, written, waiting = ticket.size, 0, bytearray()
    try:
        with partial.open("wb") as file:
            async for chunk in request.stream():
                waiting += chunk
                written += len(chunk)
                if before + written > LARGEST:  # whatever the header promised
                    return too_large(target.name)
                if len(waiting) >= _BLOCK:
                    await run_in_threadpool(file.write, bytes(waiting))
                    waiting.clear()
            await run_in_threadpool(file.write, bytes(waiting))
        partial.rename(target)
        ticket.arrived[str(target)] = written
        return ""
    except ClientDisconnect:
        return f"{target.name}: the connection ended; upload it again."
    finally:
        partial.unlink(missing_ok=True)


def _place(folder: Path, path: str) -> Path:
    """A path below `folder`, of safe names, that is not taken."""
    parts = [safe_name(part) for part in PurePosixPath(path.replace("\\", "/")).parts if part not in ("/", ".", "..")]
    return unused(folder.joinpath(*(parts[-8:] or ["unnamed"])))


def _remove_stale(uploads: Path) -> None:
    kept = {ticket.folder for ticket in _tickets.values()}
    for folder in uploads.glob(f"{PREFIX}*"):
        if folder not in kept and time.time() - folder.stat().st_mtime > STALE:
            shutil.rmtree(folder, ignore_errors=True)


def _refused(status: int, problem: str) -> Response:
    return JSONResponse({"problem": problem}, status_code=status)
