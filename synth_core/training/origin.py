"""Which generator drew examples, so that a file of them says it wherever it goes."""

from __future__ import annotations

import platform
from hashlib import file_digest
from importlib.metadata import version
from pathlib import Path
from typing import Any

from synth_core.generators import Generator
from synth_core.training.model import weights_of

PACKAGES = ("torch", "numpy")


def origin_of(generator: Generator, path: Path, seed: int) -> dict[str, Any]:
    """Of what `generator`, loaded from the model or run at `path`, draws with a seed; plain JSON types.

    Returns
    -------
    synthetic (true), generator, name, weights (SHA-256 of their file), dataset (name and hash), seed, versions.
    """
    from synth_core import __version__

    with weights_of(path).open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
    learned = generator.provenance.get("dataset") or {}
    return {
        "synthetic": True,
        "generator": generator.name,
        "name": path.resolve().name,
        "weights": digest,
        "dataset": {"name": learned.get("name", ""), "hash": learned.get("hash", "")},
        "seed": seed,
        "versions": {
            "synthscope": __version__,
            "python": platform.python_version(),
            **{name: version(name) for name in PACKAGES},
        },
    }
