"""What the workspace holds is for its owner alone, new or from before."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from pages.data import source
from synth_core.study.access import OWNER
from synth_core.study.database import open_store
from synth_core.workspace import KINDS, Workspace


def rights(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_folders_and_the_study_are_closed_to_others(tmp_path: Path) -> None:
    root = tmp_path / "workspace"
    for folder in (root, root / "runs"):
        folder.mkdir(mode=0o755)
    place = Workspace(root)
    assert {rights(folder) for folder in (root, *(root / kind for kind in KINDS))} == {0o700}
    (root / "study.db").touch(0o644)
    (root / "study.db").chmod(0o644)
    store = open_store(place.database_url, place.folder("study-items")).acting(OWNER)
    assert store.studies() == []
    found = sorted(root.glob("study.db*"))
    assert found
    assert {rights(path) for path in found} == {0o600}


def test_a_folder_behind_a_link_keeps_its_rights(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir(mode=0o755)
    shared.chmod(0o755)
    (tmp_path / "workspace").mkdir()
    (tmp_path / "workspace" / "datasets").symlink_to(shared)
    Workspace(tmp_path / "workspace")
    assert rights(shared) == 0o755


def test_rights_that_cannot_be_changed_are_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    (tmp_path / "runs").mkdir(mode=0o755)
    monkeypatch.setattr(Path, "chmod", refuse)
    assert Workspace(tmp_path).folder("runs").is_dir()


def test_only_regular_files_inside_are_offered(tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "folder"
    outside.mkdir()
    (outside / "secret.edf").touch()
    folder.mkdir()
    (folder / "a.edf").touch()
    (folder / "deep").mkdir()
    os.mkfifo(folder / "pipe")
    (folder / "out").symlink_to(outside)
    (folder / "secret.edf").symlink_to(outside / "secret.edf")
    (folder / "loop").symlink_to(folder / "loop")
    (folder / "within.edf").symlink_to(folder / "a.edf")
    assert source._entries(folder) == ["..", "deep/", "a.edf", "within.edf"]
