"""evaluate."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from synth_core.commands.console import Progress, new_file, table
from synth_core.errors import InvalidSetting, SpecMismatch

if TYPE_CHECKING:
    from synth_core.export import About
    from synth_core.metrics.report import Report


def evaluate(
    train: Annotated[Path, typer.Option(help="The dataset that the generator was trained on.")],
    holdout: Annotated[Path, typer.Option(help="Real examples of other subjects; the same dataset: its test part.")],
    synthetic: Annotated[Path, typer.Option(help="A dataset directory, or an NPZ file that `sample` wrote.")],
    out: Annotated[Path | None, typer.Option(help="Write the report as one HTML file.")] = None,
    as_json: Annotated[Path | None, typer.Option("--json", help="Write the report as JSON.")] = None,
    card: Annotated[
        Path | None, typer.Option(help="The model that drew the examples: its card shows what was measured.")
    ] = None,
    allow_synthetic: Annotated[
        bool, typer.Option("--allow-synthetic", help="Take synthetic examples as real ones; the report says so.")
    ] = False,
    classifier: Annotated[bool, typer.Option(help="Also train classifiers on real and on synthetic.")] = True,
    seed: Annotated[int, typer.Option(min=0, help="Seed of every random choice.")] = 0,
) -> None:
    """Measure synthetic examples against real ones of other subjects, each number with its interval and floor.

    Where --train and --holdout name the same dataset, its training and its test part are compared (split by subject).

    Example: python -m synth_core evaluate --train data/bonn --holdout data/bonn --synthetic bonn.npz --out report.html
    """
    from synth_core.export import report_document, report_page
    from synth_core.metrics.evaluate import evaluate as measured
    from synth_core.storage import write_json_atomic

    if out is not None:
        new_file(out, ".html", ".htm")
    if as_json is not None:
        new_file(as_json, ".json", option="--json")
    if train.resolve() == holdout.resolve():
        parts = _split(train)
        real, unseen = parts["train"], parts["test"]
    else:
        real, unseen = _examples(train), _examples(holdout)
    drawn = _examples(synthetic)
    drew = None if card is None else _drew(card, drawn)
    report = measured(
        real, unseen, drawn, seed=seed, classifier=classifier, allow_synthetic=allow_synthetic, progress=Progress()
    )
    options = [f"--seed {seed}", "--classifier" if classifier else "--no-classifier"]
    options += ["--allow-synthetic"] if allow_synthetic else []
    about = _about(train, holdout, synthetic, " ".join(options))
    if as_json is not None:
        write_json_atomic(as_json, report_document(report, about))
    if out is not None:
        out.write_text(report_page(report, about), encoding="utf-8")
    if card is not None:
        _put_on_card(card, drew, report, about)
    frame = report.table()
    rows = [[_cell(value) for value in row] for row in frame.itertuples(index=False)]
    typer.echo(table(rows, [str(column) for column in frame.columns]))
    typer.echo("\n".join(["", *report.sentences]))


def _drew(model: Path, drawn: Any) -> Any:
    """The generator of the model; SpecMismatch when the examples cannot be its own."""
    from synth_core.training import load_generator

    generator = load_generator(model, device="cpu")
    if generator.spec != drawn.spec:
        raise SpecMismatch(f"{model.name} makes another kind of example than the synthetic ones that were given.")
    return generator


def _put_on_card(model: Path, generator: Any, report: Report, about: About) -> None:
    """The headline measures; the command without the folders of this machine."""
    from synth_core import __version__
    from synth_core.metrics.reactions import reacts_to
    from synth_core.training import record_evaluation
    from synth_core.training.card import headline, worst_clinical

    command = " ".join(Path(word).name if "/" in word else word for word in shlex.split(about.commands[0]))
    evaluation = {
        "holdout": about.holdout,
        "synthetic": report.settings["synthetic examples"],
        "worst": worst_clinical(
            measure.to_dict() for measure in report.measures if reacts_to(report.settings["modality"], measure.name)
        ),
        "distinct": report.settings["distinct synthetic examples"],
        "compared": report.settings["examples per side in distances"],
        "measures": headline(measure.to_dict() for measure in report.measures),
        "command": command,
        "seconds": _seconds_each(generator),
        "version": __version__,
        "made": about.made,
    }
    record_evaluation(generator, model, evaluation)


def _seconds_each(generator: Any) -> float:
    """CPU seconds of one example, from eight at once."""
    import time

    import torch

    n = 8
    began = time.process_time()
    generator.sample(n, rng=torch.Generator().manual_seed(0))
    return (time.process_time() - began) / n


def _about(train: Path, holdout: Path, synthetic: Path, options: str) -> About:
    """What was compared, in words, and the command that does it again."""
    from datetime import UTC, datetime

    from synth_core.export import About

    own = train.resolve() == holdout.resolve()
    paths = {"--train": train, "--holdout": holdout, "--synthetic": synthetic}
    given = " ".join(f"{name} {shlex.quote(str(path))}" for name, path in paths.items())
    return About(
        name=synthetic.stem,
        dataset=train.name,
        train=f"train part of {train.name}" if own else f"all of {train.name}",
        holdout=f"test part of {holdout.name}" if own else f"all of {holdout.name}",
        synthetic=synthetic.name,
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        commands=(f"python -m synth_core evaluate {given} {options} --out report.html",),
    )


def _split(path: Path) -> dict[str, Any]:
    from synth_core.data import Dataset
    from synth_core.training.launch import SPLIT

    return Dataset.open(path).split(**SPLIT)


def _examples(path: Path) -> Any:
    from synth_core.data import Dataset
    from synth_core.export import read_npz

    if path.is_dir():
        return Dataset.open(path)
    if path.suffix == ".npz":
        return read_npz(path)
    raise InvalidSetting(f"{path.name} is neither a dataset directory nor an .npz file.")


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
