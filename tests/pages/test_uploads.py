"""The route that takes uploads: to disk as they arrive, under safe names, within bounds, whole or not at all."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from starlette.applications import Starlette

from pages.data import uploads
from synth_core.workspace import Workspace

APP = Starlette(routes=uploads.ROUTES)


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    yield Workspace(tmp_path)
    uploads._tickets.clear()


def send(method: str, ticket: str, path: str = "", chunks: tuple[bytes, ...] = (), **more: Any) -> tuple[int, str]:
    """Status and problem of one request; `breaks` ends the connection before the body is complete."""
    size = more.get("size", sum(map(len, chunks)))
    scope = {
        "type": "http", "method": method, "path": f"/upload/{ticket}", "raw_path": b"", "root_path": "",
        "query_string": urlencode({"path": path}).encode(), "headers": [(b"content-length", str(size).encode())],
    }  # fmt: skip
    messages = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    end = {"type": "http.disconnect"} if more.get("breaks") else {"type": "http.request", "body": b""}
    answers: list[Any] = []

    async def receive() -> Any:
        return messages.pop(0) if messages else end

    async def answer(message: Any) -> None:
        answers.append(message)

    asyncio.run(APP(scope, receive, answer))
    body = b"".join(message.get("body", b"") for message in answers[1:])
    return answers[0]["status"], json.loads(body)["problem"] if body else ""


def files_of(workspace: Workspace) -> list[str]:
    root = workspace.folder("uploads")
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def test_a_file_arrives_whole(workspace: Workspace) -> None:
    ticket = uploads.issue(workspace)
    assert send("PUT", ticket, "a.edf", (b"one", b"two"))[0] == 204
    opened = uploads.finish(ticket, workspace.new_path("uploads", "now"))
    assert opened is not None
    assert opened.name == "a.edf"
    assert opened.read_bytes() == b"onetwo"
    assert not uploads.known(ticket)


def test_a_folder_keeps_its_shape(workspace: Workspace) -> None:
    ticket = uploads.issue(workspace)
    for path in ("series/1.dcm", "series/2.dcm", "notes.txt"):
        send("PUT", ticket, path, (b"x",))
    opened = uploads.finish(ticket, workspace.new_path("uploads", "now"))
    assert opened == workspace.folder("uploads") / "now"
    assert files_of(workspace) == ["now/notes.txt", "now/series/1.dcm", "now/series/2.dcm"]


@pytest.mark.parametrize(
    "path", ["../../evil", "/etc/evil", "a\\..\\..\\evil", "../../.evil", "x" * 5000 + "/evil", ""]
)
def test_names_stay_in_the_folder_of_the_ticket(workspace: Workspace, path: str) -> None:
    ticket = uploads.issue(workspace)
    assert send("PUT", ticket, path, (b"x",))[0] == 204
    assert len(files_of(workspace)) == 1
    assert files_of(workspace)[0].startswith(uploads.PREFIX)


def test_the_same_name_twice_gives_two_files(workspace: Workspace) -> None:
    ticket = uploads.issue(workspace)
    for _ in range(2):
        send("PUT", ticket, "a b.dat", (b"x",))
    assert [Path(name).name for name in files_of(workspace)] == ["2-a-b.dat", "a-b.dat"]


def test_what_is_announced_too_large_is_refused_before_it_is_read(workspace: Workspace) -> None:
    status, problem = send("PUT", uploads.issue(workspace), "huge.edf", size=3 * 2**30)
    assert status == 413
    assert problem == "huge.edf: an upload has at most 2 GB; copy it to this machine and give its folder on the left."
    assert files_of(workspace) == []


def test_what_turns_out_too_large_leaves_nothing(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "LARGEST", 10)
    status, problem = send("PUT", uploads.issue(workspace), "liar.edf", (b"123456", b"789012"), size=3)
    assert status == 413
    assert "liar.edf" in problem
    assert files_of(workspace) == []


def test_all_files_of_an_upload_count_together(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "LARGEST", 10)
    ticket = uploads.issue(workspace)
    assert send("PUT", ticket, "a", (b"123456",))[0] == 204
    assert send("PUT", ticket, "b", (b"123456",))[0] == 413


def test_a_connection_that_ends_leaves_nothing(workspace: Workspace) -> None:
    ticket = uploads.issue(workspace)
    send("PUT", ticket, "a.edf", (b"half",), size=8, breaks=True)
    assert files_of(workspace) == []
    assert uploads.finish(ticket, workspace.new_path("uploads", "now")) is None


def test_a_cancelled_upload_leaves_nothing_and_can_be_tried_again(workspace: Workspace) -> None:
    ticket = uploads.issue(workspace)
    send("PUT", ticket, "a.edf", (b"x",))
    assert send("DELETE", ticket)[0] == 204
    assert files_of(workspace) == []
    assert send("PUT", ticket, "a.edf", (b"x",))[0] == 204


def test_nothing_is_taken_without_a_ticket(workspace: Workspace) -> None:
    status, problem = send("PUT", "made-up", "a.edf", (b"x",))
    assert status == 404
    assert "reload" in problem
    assert files_of(workspace) == []


def test_an_upload_is_removed_whole_and_nothing_else(workspace: Workspace) -> None:
    kept = workspace.new_path("uploads", "other")
    kept.mkdir()
    ticket = uploads.issue(workspace)
    send("PUT", ticket, "series/1.dcm", (b"x",))
    opened = uploads.finish(ticket, workspace.new_path("uploads", "now"))
    assert opened is not None
    assert uploads.is_upload(workspace, opened)
    assert not uploads.is_upload(workspace, workspace.root / "datasets" / "x")
    uploads.remove(workspace, opened)
    assert [path.name for path in workspace.folder("uploads").iterdir()] == ["other"]
