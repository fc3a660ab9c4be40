"""Folders with what is no file, or leads elsewhere: left out and said, never opened."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from synth_core.data import Recording, open_recordings
from synth_core.errors import DataError
from tests.data.test_bad_input import edf, wfdb_record

KEY = "MD5E-s12--0123456789abcdef0123456789abcdef.edf"


def device(folder: Path) -> None:
    try:
        os.mknod(folder / "x.edf", 0o20644, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("devices cannot be made here")


def linked_folder(folder: Path) -> None:
    outside = folder.parent / "outside"
    outside.mkdir()
    edf(outside / "secret.edf")
    (folder / "x").symlink_to(outside, target_is_directory=True)


def annexed(folder: Path, *, fetched: bool) -> None:
    """A clone of a DataLad dataset around the folder."""
    store = folder.parent / ".git" / "annex" / "objects" / "aa" / KEY
    if fetched:
        store.mkdir(parents=True)
        edf(store / KEY)
    (folder / "x.edf").symlink_to(Path("..") / ".git" / "annex" / "objects" / "aa" / KEY / KEY)


LEFT_OUT: dict[str, tuple[Callable[[Path], object], str]] = {
    "pipe": (lambda folder: os.mkfifo(folder / "x.edf"), r"x\.edf: is a pipe, a device"),
    "device": (device, r"x\.edf: is a pipe, a device"),
    "link out": (lambda folder: (folder / "x.edf").symlink_to("/etc/passwd"), r"x\.edf: is a link that leads out"),
    "linked folder": (linked_folder, "x: is a link that leads out"),
    "link to nothing": (lambda folder: (folder / "x.edf").symlink_to("gone.edf"), r"x\.edf: is a link to nothing"),
    "circle": (lambda folder: (folder / "x.edf").symlink_to("x.edf"), r"x\.edf: is a link to nothing"),
    "annex, not fetched": (lambda folder: annexed(folder, fetched=False), r"x\.edf: is not downloaded.*datalad get"),
    "annex, unlocked": (
        lambda folder: (folder / "x.edf").write_text(f"/annex/objects/{KEY}\n"),
        r"x\.edf: is not downloaded.*git annex get",
    ),
    "lfs": (
        lambda folder: (folder / "x.edf").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n"),
        r"x\.edf: is not downloaded.*git lfs pull",
    ),
}  # fmt: skip


def opened(folder: Path) -> tuple[list[Recording], list[str]]:
    skipped: list[DataError] = []
    recordings = open_recordings(folder, skipped=skipped)
    return recordings, list(map(str, skipped))


@pytest.mark.parametrize("kind", LEFT_OUT)
def test_what_is_no_file_of_the_folder_is_left_out_and_said(tmp_path: Path, kind: str) -> None:
    make, expected = LEFT_OUT[kind]
    folder = tmp_path / "folder"
    folder.mkdir()
    make(folder)
    with pytest.raises(DataError, match=expected):
        open_recordings(folder)
    edf(folder / "good.edf")
    recordings, skipped = opened(folder)
    assert [one.record for one in recordings] == ["good"]
    assert len(skipped) == 1


def test_many_of_a_kind_are_one_sentence(tmp_path: Path) -> None:
    edf(tmp_path / "good.edf")
    for number in range(9):
        os.mkfifo(tmp_path / f"pipe{number}.dat")
    _, (said,) = opened(tmp_path)
    assert said.startswith("pipe0.dat: is a pipe")
    assert "8 more (pipe1.dat, pipe2.dat, pipe3.dat, …)" in said


def test_what_git_annex_has_fetched_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "sub-01"
    folder.mkdir()
    annexed(folder, fetched=True)
    (recording,), skipped = opened(folder)
    assert recording.record == "x"
    assert not skipped
    assert recording.read().shape == (1, 1000)


def test_a_link_within_the_folder_and_the_link_that_was_named_are_read(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    edf(tmp_path / "real" / "a.edf")
    (tmp_path / "real" / "b.edf").symlink_to("a.edf")
    (tmp_path / "named").symlink_to("real")
    (tmp_path / "alone.edf").symlink_to("real/a.edf")
    assert [one.record for one in opened(tmp_path / "named")[0]] == ["a", "b"]
    assert len(opened(tmp_path / "alone.edf")[0]) == 1


@pytest.mark.parametrize("make", [lambda path: path.symlink_to("/etc/passwd"), os.mkfifo])
def test_a_header_does_not_lead_to_what_was_left_out(tmp_path: Path, make: Callable[[Path], object]) -> None:
    signals = wfdb_record(tmp_path).with_suffix(".dat")
    signals.unlink()
    make(signals)
    with pytest.raises(DataError, match=r"r1\.dat: is a (link|pipe)"):
        open_recordings(tmp_path)
