"""Archives fetched from a local server with the tree of PhysioNet: licence, resuming, checksums."""

from __future__ import annotations

import hashlib
import http.server
import io
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from synth_core.errors import DataError, InvalidSetting
from synth_core.fetch import ARCHIVES, fetch

FILES = {"100.hea": b"100 2 360 10\n", "100.dat": bytes(range(256)) * 40, "x/RECORDS": b"100\n"}


class Mirror:
    """Serves `files` with ranges; remembers what was asked for, and can break off a file once."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.asked: list[tuple[str, str]] = []
        self.broken: set[str] = set()
        mirror = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name, wanted = self.path.lstrip("/"), self.headers.get("Range", "")
                mirror.asked.append((name, wanted))
                if name not in mirror.files:
                    self.send_error(404)
                    return
                content = mirror.files[name]
                start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
                self.send_response(206 if wanted else 200)
                self.send_header("Content-Length", str(len(content) - start))
                self.end_headers()
                if name in mirror.broken:
                    mirror.broken.remove(name)
                    self.wfile.write(content[start : start + 1000])
                    self.wfile.flush()
                    self.connection.close()
                    return
                self.wfile.write(content[start:])

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/"


def sums(files: dict[str, bytes]) -> bytes:
    return "".join(f"{hashlib.sha256(content).hexdigest()} {name}\n" for name, content in files.items()).encode()


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    monkeypatch.setattr("synth_core.fetch.TRIES", 2)
    made = Mirror({**FILES, "SHA256SUMS.txt": sums(FILES)})
    yield made
    made.server.shutdown()


def accepted(_: Any) -> bool:
    return True


def test_every_file_arrives_where_the_archive_has_it(mirror: Mirror, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    fetch("mitdb", tmp_path, accept=accepted, address=mirror.address, progress=lambda k, n, _: seen.append((k, n)))
    found = {path.relative_to(tmp_path).as_posix(): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert found == FILES
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_nothing_is_asked_for_before_the_licence_is_accepted(mirror: Mirror, tmp_path: Path) -> None:
    shown = []
    with pytest.raises(InvalidSetting, match=r"ODC-By 1\.0\) was not accepted"):
        fetch("mitdb", tmp_path, accept=lambda archive: bool(shown.append(archive.licence)), address=mirror.address)
    assert shown == ["ODC-By 1.0"]
    assert not mirror.asked
    assert not list(tmp_path.iterdir())


def test_a_second_run_asks_only_for_what_is_missing(mirror: Mirror, tmp_path: Path) -> None:
    fetch("mitdb", tmp_path, accept=accepted, address=mirror.address)
    (tmp_path / "100.dat").unlink()
    mirror.asked.clear()
    fetch("mitdb", tmp_path, accept=accepted, address=mirror.address)
    assert [name for name, _ in mirror.asked] == ["SHA256SUMS.txt", "100.dat"]


def test_a_file_that_was_cut_short_is_continued(mirror: Mirror, tmp_path: Path) -> None:
    (tmp_path / "100.dat.part").write_bytes(FILES["100.dat"][:4000])
    fetch("mitdb", tmp_path, accept=accepted, address=mirror.address)
    assert ("100.dat", "bytes=4000-") in mirror.asked
    assert (tmp_path / "100.dat").read_bytes() == FILES["100.dat"]


def test_a_connection_that_breaks_is_taken_up_again(mirror: Mirror, tmp_path: Path) -> None:
    mirror.broken.add("100.dat")
    fetch("mitdb", tmp_path, accept=accepted, address=mirror.address)
    assert (tmp_path / "100.dat").read_bytes() == FILES["100.dat"]
    assert next(wanted for name, wanted in mirror.asked if name == "100.dat") == ""


def test_a_damaged_part_is_begun_again(mirror: Mirror, tmp_path: Path) -> None:
    (tmp_path / "100.dat.part").write_bytes(b"?" * 4000)
    fetch("mitdb", tmp_path, accept=accepted, address=mirror.address)
    assert (tmp_path / "100.dat").read_bytes() == FILES["100.dat"]


def test_a_file_that_contradicts_its_checksum_is_not_kept(mirror: Mirror, tmp_path: Path) -> None:
    mirror.files["100.dat"] = b"something else"
    with pytest.raises(DataError, match=r"100\.dat: does not match its checksum"):
        fetch("mitdb", tmp_path, accept=accepted, address=mirror.address)
    assert not list(tmp_path.glob("100.dat*"))


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a\\evil"])
def test_names_of_the_list_stay_in_the_folder(mirror: Mirror, tmp_path: Path, name: str) -> None:
    mirror.files["SHA256SUMS.txt"] = sums({name: b"x"})
    with pytest.raises(DataError, match="outside the archive"):
        fetch("mitdb", tmp_path / "out", accept=accepted, address=mirror.address)
    assert not list((tmp_path / "out").iterdir())


def test_only_the_part_that_is_wanted_is_fetched(mirror: Mirror, tmp_path: Path) -> None:
    files = {"training/cpsc_2018/g1/A0001.hea": b"A", "training/ptb/s1.hea": b"B"}
    mirror.files = {**files, "SHA256SUMS.txt": sums(files)}
    fetch("cpsc", tmp_path, accept=accepted, address=mirror.address)
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.hea")] == ["g1/A0001.hea"]


def test_zips_without_a_list_are_tested_by_size_and_content(
    mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("z/Z/Z001.txt", "1\r\n" * 4097)
    bonn = ARCHIVES["bonn"]
    small = type(bonn)(**{**vars(bonn), "files": (("1/z.zip", len(buffer.getvalue())),)})
    monkeypatch.setitem(ARCHIVES, "bonn", small)
    mirror.files["1/z.zip"] = buffer.getvalue()
    fetch("bonn", tmp_path, accept=accepted, address=mirror.address)
    assert (tmp_path / "z.zip").read_bytes() == buffer.getvalue()
    mirror.files["1/z.zip"] = buffer.getvalue()[:-9] + b"?" * 9
    (tmp_path / "z.zip").unlink()
    with pytest.raises(DataError, match="does not match"):
        fetch("bonn", tmp_path, accept=accepted, address=mirror.address)


def test_what_cannot_be_reached_or_is_not_there_is_a_sentence(mirror: Mirror, tmp_path: Path) -> None:
    mirror.files.clear()
    with pytest.raises(DataError, match=r"status 404.*try again later\.$"):
        fetch("mitdb", tmp_path, accept=accepted, address=mirror.address)
    with pytest.raises(DataError, match="cannot be reached"):
        fetch("mitdb", tmp_path, accept=accepted, address="http://127.0.0.1:9/")
    with pytest.raises(InvalidSetting, match="Known are bonn, chapman"):
        fetch("nonesuch", tmp_path, accept=accepted)
    with pytest.raises(InvalidSetting, match="PHYSIONET_USER"):
        fetch("ct-ich", tmp_path, accept=accepted)


def test_progress_can_cancel_and_what_is_complete_stays(mirror: Mirror, tmp_path: Path) -> None:
    def cancel(*_: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch("mitdb", tmp_path, accept=accepted, address=mirror.address, progress=cancel)
    mirror.asked.clear()
    fetch("mitdb", tmp_path, accept=accepted, address=mirror.address)
    assert len(mirror.asked) <= 3
