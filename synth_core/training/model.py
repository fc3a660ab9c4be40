"""Model directories: weights.safetensors, config.json, provenance.json, card.md. Nothing is ever unpickled."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch

from synth_core.errors import DataError, ModelError
from synth_core.generators import REGISTRY, Generator
from synth_core.storage import publish_directory, read_json, write_json_atomic, write_text_atomic
from synth_core.training.card import model_card
from synth_core.training.checkpoint import load_weights, save_weights
from synth_core.training.run import RunDirectory

LARGEST_EXAMPLE = 2**26  # values; refuses a description that would make the machine run out of memory


def save_generator(generator: Generator, path: Path | str) -> Path:
    """Write a model directory; ModelError when something is there already."""
    target = Path(path)
    if target.exists():
        raise ModelError(f"{target.name} exists already; choose another name or remove it first.")
    with publish_directory(target) as folder:
        save_weights(generator, folder / "weights.safetensors")
        write_json_atomic(folder / "config.json", {"format": 1} | generator.describe())
        write_json_atomic(folder / "provenance.json", generator.provenance)
        (folder / "card.md").write_text(model_card(generator, target.name), encoding="utf-8")
    return target


def record_evaluation(generator: Generator, path: Path | str, evaluation: dict[str, Any]) -> None:
    """Put what was measured onto the card of the model it was loaded from, in place of what stood there."""
    folder = Path(path)
    generator.provenance = generator.provenance | {"evaluation": evaluation}
    card = model_card(generator, folder.name)
    write_json_atomic(folder / "provenance.json", generator.provenance)
    write_text_atomic(folder / "card.md", card)


def load_generator(path: Path | str, device: str = "auto") -> Generator:
    """A generator ready to sample, from a model directory or from a run (its newest checkpoint, averaged weights).

    Parameters
    ----------
    path : a model or run directory.
    device : "auto" (CUDA where there is one), "cpu", "cuda" or "mps".

    Raises
    ------
    ModelError : something is missing, damaged, or does not belong together; the message says which file.
    """
    folder = Path(path)
    weights = folder / "weights.safetensors"
    if not weights.exists():
        weights = _checkpoint_weights(folder)
    generator = _described(folder)
    load_weights(generator, weights)
    if (folder / "provenance.json").exists():
        generator.provenance = read_json(folder / "provenance.json")
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    return generator.to(device).eval()


def _checkpoint_weights(folder: Path) -> Path:
    checkpoints = RunDirectory(folder).checkpoints()
    if not checkpoints:
        raise ModelError(f"{folder.name} holds neither a model nor a run with a checkpoint; wait for the first one.")
    return checkpoints[-1] / "average.safetensors"


def _finite(content: Any) -> bool:
    """Whether every number within lists and dictionaries is finite."""
    if isinstance(content, dict):
        return all(map(_finite, content.values()))
    if isinstance(content, list):
        return all(map(_finite, content))
    return not isinstance(content, float) or math.isfinite(content)


def _described(folder: Path) -> Generator:
    try:
        description: dict[str, Any] = read_json(folder / "config.json")
        kind = REGISTRY[description["generator"]]
        shape = description["spec"]["shape"]
        size = 1
        for length in shape:
            size *= int(length)
        if not 0 < size <= LARGEST_EXAMPLE:
            raise ModelError(f"{folder.name} makes examples of shape {shape}, which is too large to load.")
        if not _finite(description.get("scaling")):
            raise ModelError(f"{folder.name} has a scaling that is not finite; train it again.")
        return kind.from_description(description)
    except DataError as error:
        raise ModelError(f"{folder.name} cannot be loaded: {error}") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise ModelError(
            f"{folder.name}/config.json does not describe a generator of this version ({error})."
        ) from error
