"""experiment."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from synth_core.commands.console import Progress, directory_to_fill, new_file, show
from synth_core.errors import InvalidSetting
from synth_core.settings import parsed


def experiment(
    name: Annotated[
        str, typer.Argument(help="planted-faults, methods, augmentation, severity, privacy, or a paper's preset.")
    ],
    dataset: Annotated[Path, typer.Argument(help="A prepared dataset; it is split by subject.")],
    out: Annotated[
        Path | None, typer.Option(help="Where results are kept; one that was stopped goes on. Default: the workspace.")
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="A setting of the experiment, name=value; repeatable.")
    ] = None,
    markdown: Annotated[Path | None, typer.Option(help="Also write sentences and tables as Markdown.")] = None,
    record: Annotated[
        bool, typer.Option(help="Planted faults: let measures that reacted into the verdicts of this modality.")
    ] = False,
    allow_synthetic: Annotated[
        bool,
        typer.Option("--allow-synthetic", help="Take a dataset of synthetic examples as real; the outcome says so."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Put one question to a dataset and its generators: which measure reacts, does a classifier gain, who was copied.

    Example: python -m synth_core experiment planted-faults workspace/datasets/demo-ecg
    """
    from synth_core.data import Dataset
    from synth_core.experiments import EXPERIMENTS
    from synth_core.experiments.planted_faults import keep_record
    from synth_core.workspace import Workspace, safe_name

    if name not in EXPERIMENTS:
        raise InvalidSetting(f"There is no experiment {name!r}. Known are {', '.join(EXPERIMENTS)}.")
    if record and name != "planted-faults":
        raise InvalidSetting("Only planted-faults has something to record.")
    opened = Dataset.open(dataset)
    folder = out or Workspace().folder("experiments") / safe_name(f"{name}-{opened.name}")
    directory_to_fill(folder)
    if markdown is not None:
        new_file(markdown, ".md", ".markdown", option="--markdown")
    made = EXPERIMENTS[name](opened, folder, parsed(settings or []), allow_synthetic=allow_synthetic)
    outcome = made.run(Progress())
    if markdown is not None:
        markdown.write_text(outcome.to_markdown(), encoding="utf-8")
    if record:
        keep_record(outcome)
    show(outcome.to_dict(), as_json, outcome.to_markdown())
