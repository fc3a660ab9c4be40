"""Which entries of a folder are files that may be read: regular ones inside it, never pipes, devices or ways out.

git-annex (DataLad) keeps a link to its store `.git/annex/objects`, or a line of text, in the place of a file; git-lfs
keeps three lines. Such a file may be opened when it was fetched, and says how to fetch it when it was not.
"""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Iterator
from pathlib import Path

from synth_core.errors import DataError, UnrecognisedData

MOST_FILES = 500_000  # in one folder tree: PTB-XL complete has 87,000
POINTER = 1024  # bytes that a pointer file has at most
ANNEX, LFS = b"/annex/objects/", b"version https://git-lfs.github.com/spec/v1"
LEFT_OUT = {  # kind → what is said of the first one; `others` says how many more there are
    "special": "is a pipe, a device or a socket{others}; only regular files are read.",
    "link out": "is a link that leads out of the folder{others}; copy what it leads to into the folder.",
    "dangling": "is a link to nothing{others}; copy the file that it should lead to.",
    "annex": "is not downloaded{others}; fetch it with `datalad get {name}` or `git annex get {name}`.",
    "lfs": "is not downloaded{others}; fetch it with `git lfs pull`.",
    "unreadable": "may not be opened by this user{others}; change its permissions.",
}
NAMED = 3  # that a sentence names


class Listing:
    """The files below a path, and what was left out on the way."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.root = path.resolve()
        self.left_out: dict[str, list[Path]] = {}

    def files(self) -> Iterator[Path]:
        """Visible regular files in order of name; DataError beyond MOST_FILES."""
        if not self.path.is_dir():
            yield from self._kept(self.path, self.root)  # whoever names a link has chosen what it leads to
            return
        seen = 0
        for folder, subfolders, names in os.walk(self.path, onerror=self._unreadable):
            subfolders[:] = sorted(name for name in subfolders if not name.startswith((".", "__MACOSX")))
            for linked in [Path(folder, name) for name in subfolders if os.path.islink(Path(folder, name))]:
                if not linked.resolve().is_relative_to(self.root):
                    self._leave_out("link out", linked)
            for name in sorted(names):
                seen += 1
                if seen > MOST_FILES:
                    raise DataError(self.path, f"holds more than {MOST_FILES:,} files; point at one collection inside.")
                if not name.startswith("."):
                    yield from self._kept(Path(folder, name), self.root)

    def problems(self) -> list[DataError]:
        """One sentence for each kind that was left out."""
        return [_said(kind, paths, self.path) for kind, paths in self.left_out.items()]

    def _kept(self, file: Path, root: Path) -> Iterator[Path]:
        kind = kind_left_out(file, root)
        if kind:
            self._leave_out(kind, file)
        else:
            yield file

    def _leave_out(self, kind: str, path: Path) -> None:
        self.left_out.setdefault(kind, []).append(path)

    def _unreadable(self, error: OSError) -> None:
        self._leave_out("unreadable", Path(error.filename))


def kind_left_out(file: Path, root: Path) -> str:
    """Why a file is not read, a key of LEFT_OUT; "" where it is, or is not there. `root`: where links may lead."""
    try:
        state = os.lstat(file)
    except OSError:
        return ""
    if stat.S_ISLNK(state.st_mode):
        target = os.readlink(file).encode(errors="replace")
        try:
            state, real = file.stat(), file.resolve(strict=True)
        except (OSError, RuntimeError):
            return "annex" if ANNEX in target else "dangling"
        if not real.is_relative_to(root) and not _is_in_annex(real, root):
            return "link out"
    if not stat.S_ISREG(state.st_mode):
        return "special"
    return _pointer(file) if state.st_size <= POINTER else ""


def _is_in_annex(real: Path, root: Path) -> bool:
    """Whether a file lies in the store of git-annex of a repository around the root."""
    return any(
        real.is_relative_to(around / ".git") and ("annex", "objects") in zip(real.parts, real.parts[1:], strict=False)
        for around in (root, *root.parents)
    )


def _pointer(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            start = opened.read(POINTER)
    except OSError:
        return ""
    return "annex" if start.startswith(ANNEX) else "lfs" if start.startswith(LFS) else ""


def _said(kind: str, paths: list[Path], root: Path) -> DataError:
    first, *more = paths
    names = ", ".join(path.name for path in more[:NAMED])
    are = "are" if len(more) > 1 else "is"
    others = f", and so {are} {len(more):,} more ({names}{', …' if len(more) > NAMED else ''})" if more else ""
    return DataError(first, LEFT_OUT[kind].format(others=others, name=shlex.quote(str(root if more else first))))


def nothing_in(folder: Path) -> DataError:
    """What to say of a folder without files: a data set of DataLad inside another one is empty until it is fetched."""
    inside = any((above / name).exists() for above in folder.resolve().parents for name in (".datalad", ".gitmodules"))
    if inside:
        return DataError(folder, f"is empty: not downloaded? Fetch it with `datalad get {shlex.quote(str(folder))}`.")
    return UnrecognisedData(folder, "holds no files; choose a folder with recordings in it.")
