"""Model directories: weights.safetensors, config.json, provenance.json, card.md. Nothing is ever unpickled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError

from synth_core.errors import DataError, ModelError, SynthScopeError
from synth_core.generators import REGISTRY, Generator
from synth_core.storage import publish_directory, read_json, write_json_atomic, write_text_atomic
from synth_core.training.card import model_card
from synth_core.training.checkpoint import newest_good
from synth_core.training.description import GeneratorDescription, fault_of, sentence
from synth_core.training.faults import in_words
from synth_core.training.run import RunDirectory
from synth_core.training.weights import load_weights, save_weights


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
    """A generator ready to sample, from a model directory or from a run (its newest good checkpoint, averaged weights).

    Parameters
    ----------
    path : a model or run directory.
    device : "auto" (CUDA where there is one), "cpu", "cuda" or "mps".

    Raises
    ------
    ModelError : something is missing, damaged, or does not belong together; the message says which file.
    """
    folder = Path(path)
    generator = _described(folder)
    if (folder / "weights.safetensors").exists():
        load_weights(generator, folder / "weights.safetensors")
    else:
        newest_good(_checkpoints(folder), lambda checkpoint: checkpoint.put_average(generator))
    if (folder / "provenance.json").exists():
        generator.provenance = _provenance(folder)
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    return generator.to(device).eval()


def load_from_run(path: Path) -> tuple[Generator, int]:
    """The generator of a run's newest good checkpoint, averaged weights, and the step it was written after."""
    generator = _described(path)
    found, _, _ = newest_good(_checkpoints(path), lambda checkpoint: checkpoint.put_average(generator))
    return generator.eval(), int(found.name)


def weights_of(path: Path) -> Path:
    """The file that `load_generator` takes the weights of a model or run from."""
    if (path / "weights.safetensors").exists():
        return path / "weights.safetensors"
    generator = _described(path)
    found, _, _ = newest_good(_checkpoints(path), lambda checkpoint: checkpoint.put_average(generator))
    return found / "average.safetensors"


def _checkpoints(folder: Path) -> list[Path]:
    checkpoints = RunDirectory(folder).checkpoints()
    if not checkpoints:
        raise ModelError(f"{folder.name} holds neither a model nor a run with a checkpoint; wait for the first one.")
    return checkpoints


def _provenance(folder: Path) -> dict[str, Any]:
    try:
        found = read_json(folder / "provenance.json")
    except DataError as error:
        raise ModelError(f"{folder.name}/{error}") from error
    if not isinstance(found, dict):
        raise ModelError(f"{folder.name}/provenance.json does not say where a model comes from; copy it again.")
    return found


def described(folder: Path) -> dict[str, Any]:
    """What config.json of a model or run says of its generator; ModelError where it describes none."""
    try:
        content = read_json(folder / "config.json")
        return GeneratorDescription.model_validate(content).model_dump(mode="json")
    except DataError as error:
        raise ModelError(f"{folder.name} cannot be loaded: {error}") from error
    except ValidationError as error:
        problem = f"does not describe a generator of this version ({fault_of(error)})."
        raise ModelError(sentence(folder / "config.json", problem)) from error


def _described(folder: Path) -> Generator:
    description = described(folder)
    if description["scaling"] is None:
        raise ModelError(f"{folder.name} has no scaling yet; wait for the first checkpoint.")
    try:
        return REGISTRY[description["generator"]].from_description(description)
    except SynthScopeError:
        raise
    except Exception as error:  # torch raises whatever settings that contradict one another led it to
        said = in_words(error, folder.name) or str(error)[:200]
        raise ModelError(sentence(folder / "config.json", f"does not lead to a generator ({said}).")) from error
