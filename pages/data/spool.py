"""Uploads, from memory to disk: safe names, bounded sizes."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from synth_core.storage import publish_directory
from synth_core.workspace import safe_name

_BLOCK = 2**20


class Upload(Protocol):
    """What Streamlit hands over: a name from the browser, and bytes."""

    name: str

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes."""


def spool(files: Sequence[Upload], folder: Path) -> Path:
    """Write uploads into `folder`; a failed one leaves nothing.

    Returns
    -------
    What to open: the folder, or the file when there is only one.
    """
    with publish_directory(folder) as temporary:
        for upload in files:
            with (temporary / _unused(temporary, upload.name)).open("wb") as out:
                shutil.copyfileobj(upload, out, _BLOCK)
    written = list(folder.iterdir())
    return written[0] if len(written) == 1 else folder


def _unused(folder: Path, name: str) -> str:
    stem, number = safe_name(name), 2
    candidate = stem
    while (folder / candidate).exists():
        candidate, number = f"{number}-{stem}", number + 1
    return candidate
