"""Where datasets, runs, models and studies live on this machine."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

from synth_core.errors import InvalidSetting

SHIPPED_MODELS = Path(__file__).resolve().parent.parent / "models"
OF_A_RUN = ("config.json", "status.json", "metrics.jsonl", "checkpoints", "previews")  # a damaged one may lack some
KINDS = ("datasets", "runs", "models", "uploads", "evaluations", "experiments", "study-items")


def safe_name(name: str) -> str:
    """Letters, digits, '.', '_' and '-' of a name, at most 80; never empty, hidden or a path."""
    cleaned = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip(".-")[:80]
    return cleaned or "unnamed"


def make_private(path: Path) -> None:
    """Take all rights on a file or folder from everyone but its owner, where the disk can and the owner is who asks."""
    with suppress(OSError):
        mode = path.stat().st_mode & 0o777
        if mode & 0o077:
            path.chmod(mode & 0o700)


class Workspace:
    """A folder with one place for each kind of thing; made on first use."""

    def __init__(self, root: Path | str | None = None) -> None:
        self.root = Path(root or os.environ.get("SYNTHSCOPE_WORKSPACE", "workspace")).resolve()
        for folder in (self.root, *(self.root / kind for kind in KINDS)):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not folder.is_symlink():  # what a link leads to may be shared on purpose
                make_private(folder)

    @property
    def database_url(self) -> str:
        """Of the study database: SYNTHSCOPE_DATABASE where set, else an SQLite file here."""
        return os.environ.get("SYNTHSCOPE_DATABASE", f"sqlite:///{self.root / 'study.db'}")

    def folder(self, kind: str) -> Path:
        """The folder of one kind of thing."""
        if kind not in KINDS:
            raise InvalidSetting(f"A workspace keeps {', '.join(KINDS)}. Got {kind!r} instead.")
        return self.root / kind

    def datasets(self) -> list[Path]:
        """Prepared datasets, by name."""
        return _holding(self.folder("datasets"), "dataset.json")

    def runs(self) -> list[Path]:
        """Training runs, the newest first."""
        return _newest_first(_holding(self.folder("runs"), *OF_A_RUN), "config.json")

    def models(self) -> list[Path]:
        """Models that can be loaded: the user's first, then the shipped ones."""
        return _holding(self.folder("models"), "weights.safetensors") + _holding(SHIPPED_MODELS, "weights.safetensors")

    def evaluations(self) -> list[Path]:
        """Kept evaluations, the newest first."""
        return _newest_first(_holding(self.folder("evaluations"), "report.json"), "report.json")

    def experiments(self) -> list[Path]:
        """Experiments, begun or finished, the newest first."""
        return _newest_first(_holding(self.folder("experiments"), "experiment.json"), "experiment.json")

    def new_path(self, kind: str, name: str) -> Path:
        """An unused path for a new thing; a number is added where the name is taken."""
        stem = safe_name(name)
        candidate, number = self.folder(kind) / stem, 2
        while candidate.exists():
            candidate, number = self.folder(kind) / f"{stem}-{number}", number + 1
        return candidate


def _holding(folder: Path, *markers: str) -> list[Path]:
    """Folders with one of the names in them, whatever it is there, and those that nobody may look into.

    Reading them says what is wrong; a list without them would not.
    """
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if not path.name.startswith(".") and _has(path, markers))


def _has(folder: Path, markers: tuple[str, ...]) -> bool:
    try:
        names = set(os.listdir(folder))
    except PermissionError:
        return True
    except OSError:  # a file, or gone meanwhile
        return False
    return not names.isdisjoint(markers)


def _newest_first(paths: list[Path], marker: str) -> list[Path]:
    return sorted(paths, key=lambda path: _changed(path / marker), reverse=True)


def _changed(file: Path) -> float:
    try:
        return file.lstat().st_mtime
    except OSError:
        return 0.0
