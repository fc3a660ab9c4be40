"""train, sample, models."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from synth_core.commands.console import Progress, directory_to_fill, new_directory, new_file, show, table
from synth_core.errors import InvalidSetting, ModelError, RunError
from synth_core.settings import checked, parsed

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Settings = Annotated[list[str], typer.Option("--set", help="A setting of the generator, name=value; repeatable.")]


def train(
    dataset: Annotated[Path | None, typer.Argument(help="A dataset directory; not needed with --resume.")] = None,
    out: Annotated[Path | None, typer.Option(help="The run directory.")] = None,
    generator: Annotated[
        str | None, typer.Option(help="Name in the registry, see `models`; flow where none is given.")
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Training steps.")] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Examples per step.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of everything random; 0 where none is given.")] = None,
    accelerator: Annotated[str | None, typer.Option(help="auto, cpu, cuda or mps.")] = None,
    settings: Settings = [],  # noqa: B006 - typer reads the default, it is never changed
    model: Annotated[Path | None, typer.Option(help="Keep the finished generator as a model directory here.")] = None,
    allow_synthetic: Annotated[
        bool, typer.Option("--allow-synthetic", help="Train on synthetic examples; the model's card says so.")
    ] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint of --out.")] = False,
    as_json: Json = False,
) -> None:
    """Train a generator on the training part of a dataset (split by subject), in this process.

    Example: python -m synth_core train workspace/datasets/bonn --generator flow --out workspace/runs/bonn --steps 4000
    """
    from synth_core.training import RunConfig, RunDirectory, check_same, create_run, keep, work

    if out is None:
        raise RunError("A run needs a folder: add --out.")
    given = {"steps": steps, "batch_size": batch_size, "seed": seed, "accelerator": accelerator}
    chosen: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if model is not None:
        new_directory(model, "--model")
    if resume:
        if allow_synthetic:
            chosen["allow_synthetic"] = True
        run = RunDirectory(out)
        named = {"dataset": dataset, "generator": generator}
        asked = chosen | {name: value for name, value in named.items() if value is not None}
        check_same(run, asked, parsed(settings))
    elif dataset is None:
        raise RunError("Training needs a dataset directory; name one, or add --resume to go on with a run.")
    else:
        directory_to_fill(out)
        run_config = checked(RunConfig, {"out": out, "allow_synthetic": allow_synthetic} | chosen, "the run")
        run = create_run(dataset, generator or "flow", parsed(settings), run_config)
    progress = Progress()
    total = int(run.config()["run"]["steps"])
    for record in work(run):
        progress(record.step, total, "  ".join(f"{name} {value:.4f}" for name, value in record.terms.items()))
    status = run.status()
    if model is not None and status.state == "finished":
        keep(run, model)
    result = {"run": str(run.path), "state": status.state, "step": status.step, "device": status.device}
    show(result, as_json, f"{run.path}: {status.state} at step {status.step} of {status.steps} on {status.device}.")


def sample(
    model: Annotated[Path, typer.Argument(help="A model or run directory.")],
    n: Annotated[int, typer.Option("--n", min=1, max=1_000_000, help="Number of examples.")],
    out: Annotated[Path, typer.Option(help="The file to write.")],
    file_format: Annotated[str, typer.Option("--format", help="npz.")] = "npz",
    class_name: Annotated[str | None, typer.Option("--class", help="Only this class; else as in training.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, max=500, help="Sampler steps.")] = None,
    guidance: Annotated[float | None, typer.Option(min=0, help="Strength of guidance.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same examples.")] = 0,
    batch_size: Annotated[int, typer.Option(min=1, help="Examples drawn at a time.")] = 64,
    as_json: Json = False,
) -> None:
    """Draw synthetic examples, in physical units.

    Example: python -m synth_core sample models/demo-ecg --n 100 --class "atrial fibrillation" --out synthetic.npz
    """
    from synth_core.export import write_npz
    from synth_core.training import load_generator
    from synth_core.training.origin import origin_of
    from synth_core.training.sampling import draw

    if file_format != "npz":
        raise InvalidSetting(f"Samples are written as npz. Got {file_format!r} instead.")
    new_file(out, ".npz")
    generator = load_generator(model)
    batch = draw(
        generator,
        n,
        class_name=class_name,
        seed=seed,
        steps=steps,
        guidance=guidance,
        batch_size=batch_size,
        progress=Progress(),
    )
    origin = origin_of(generator, model, seed)
    write_npz(replace(batch, origin=origin), out)
    low, high = float(batch.values.min()), float(batch.values.max())
    result = {
        "path": str(out),
        "n": len(batch),
        "spec": batch.spec.to_dict(),
        "lowest": low,
        "highest": high,
        "origin": origin,
    }
    show(result, as_json, f"{out}: {n} examples, {low:.4g} … {high:.4g} {batch.spec.unit}.")


def models(as_json: Json = False) -> None:
    """List the generators that can be trained and the models that can be loaded.

    Example: python -m synth_core models
    """
    from synth_core.generators import REGISTRY
    from synth_core.training.model import described
    from synth_core.workspace import Workspace

    kinds: list[dict[str, Any]] = [
        {"name": kind.name, "title": kind.title, "modalities": sorted(kind.modalities), "reference": kind.reference}
        for kind in REGISTRY.values()
    ]
    found: list[dict[str, Any]] = []
    damaged: list[dict[str, str]] = []
    for path in Workspace().models():
        try:
            config = described(path)
            found.append({"path": str(path), "generator": config["generator"], "spec": config["spec"]})
        except ModelError as error:
            damaged.append({"path": str(path), "problem": str(error)})
    rows = [[kind["name"], "generator", ", ".join(kind["modalities"]), str(kind["title"])] for kind in kinds]
    rows += [[Path(m["path"]).name, m["generator"], m["spec"]["modality"], m["path"]] for m in found]
    rows += [[Path(m["path"]).name, "damaged", "", m["problem"]] for m in damaged]
    show(
        {"generators": kinds, "models": found, "damaged": damaged},
        as_json,
        table(rows, ["name", "kind", "for", "what or where"]),
    )
