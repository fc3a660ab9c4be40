"""inspect, prepare, simulate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from synth_core.commands.console import Progress, directory_to_fill, new_directory, show, table
from synth_core.errors import DataError, InvalidSetting
from synth_core.settings import parsed

if TYPE_CHECKING:
    from synth_core.data import Recording

TEXTS = 30  # of annotations that a table lists

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Rate = Annotated[
    float | None, typer.Option(help="Hz, where the files keep several rates (PTB-XL) or do not say theirs.")
]
Unit = Annotated[
    str | None, typer.Option(help="uV, mV, V or nV, where the files do not say theirs or state an impossible one.")
]
Kind = Annotated[
    str | None, typer.Option("--modality", help="eeg, ecg or ct, where the files do not say; else only it.")
]
Channels = Annotated[str | None, typer.Option(help="Names of channels with commas between, where arrays have none.")]
LabelsFrom = Annotated[str | None, typer.Option(help="Column of the table of participants that gives the classes.")]
SeverityFrom = Annotated[str | None, typer.Option(help="Column of the table of participants that gives the severity.")]
LabelColumn = Annotated[str | None, typer.Option(help="Column of a table of samples that gives the classes.")]
SubjectColumn = Annotated[str | None, typer.Option(help="Column of a table of samples that names the person.")]
TimeColumn = Annotated[str | None, typer.Option(help="Column of a table of samples with the time in seconds.")]
Pattern = Annotated[
    str | None,
    typer.Option(
        "--subject-pattern",
        help="A regular expression that finds the person in the path of a file, such as '(P[0-9]+)_'; its first group.",
    ),
]
Offset = Annotated[
    float | None, typer.Option(help="What is added to values of more than 8 bits to make them HU, such as -1024.")
]
Window = Annotated[str | None, typer.Option(help="HU at black and at white of 8-bit grey, such as 0,80.")]
Pixel = Annotated[float | None, typer.Option(help="mm between the pixels of images and arrays that do not say theirs.")]
Around = Annotated[
    list[str],
    typer.Option(help="Put windows around the events of this text, or 'beats'; repeatable: each is a class."),
]
Spans = Annotated[
    list[str],
    typer.Option(
        "--span", help="A window has the class of the span that covers it, such as 'Sleep stage *'; repeatable."
    ),
]
Classes = Annotated[
    list[str], typer.Option("--class", help="Name the class of an event or span, TEXT=CLASS; repeatable.")
]
Outside = Annotated[
    str | None, typer.Option("--outside", help="Class of windows that no span covers; without it they are left out.")
]
Settings = Annotated[list[str], typer.Option("--set", help="A setting of the preparation, name=value; repeatable.")]


def inspect(
    path: Annotated[Path, typer.Argument(help="A file or folder of recordings.")],
    rate: Rate = None,
    unit: Unit = None,
    modality: Kind = None,
    channels: Channels = None,
    labels_from: LabelsFrom = None,
    severity_from: SeverityFrom = None,
    label_column: LabelColumn = None,
    subject_column: SubjectColumn = None,
    time_column: TimeColumn = None,
    subject_pattern: Pattern = None,
    hu_offset: Offset = None,
    window: Window = None,
    pixel_mm: Pixel = None,
    as_json: Json = False,
) -> None:
    """Say what is in a file or folder, without preparing anything.

    Example: python -m synth_core inspect ~/ptb-xl
    """
    from synth_core.data import open_recordings
    from synth_core.data.identity import basis_counts, distinct_warnings

    skipped: list[DataError] = []
    answers = _answers(
        rate=rate,
        unit=unit,
        modality=modality,
        channels=channels,
        labels_from=labels_from,
        severity_from=severity_from,
        label_column=label_column,
        subject_column=subject_column,
        time_column=time_column,
        subject_pattern=subject_pattern,
        hu_offset=hu_offset,
        window=window,
        pixel_mm=pixel_mm,
    )
    recordings = open_recordings(path, skipped=skipped, **answers)
    first = recordings[0].spec
    classes = Counter(name for recording in recordings for name, given in recording.labels.items() if given)
    amount = sum(recording.duration for recording in recordings)
    result = {
        "source": recordings[0].source.name,
        "licence": recordings[0].source.licence,
        "synthetic": _drawn(recordings),
        "modality": first.modality,
        "unit": first.unit,
        "recordings": len(recordings),
        "subjects": len({recording.subject for recording in recordings}),
        "basis": basis_counts(recordings),
        "slices" if first.is_image else "seconds": round(amount, 1),
        "rate": sorted({recording.spec.rate for recording in recordings}),
        "channels": list(first.channels),
        "classes": dict(classes.most_common()),
        "annotations": _annotations(recordings) if as_json else _annotated(recordings),
        "warnings": distinct_warnings(recordings),
        "left_out": [str(error) for error in skipped],
    }
    lines = [[key, _plain(value)] for key, value in result.items()]
    show(result, as_json, table(lines, ["what", "value"]))


def _annotations(recordings: Sequence[Recording]) -> list[dict[str, Any]]:
    from synth_core.data.marks import listed

    return [{**asdict(one), "channels": list(one.channels)} for one in listed(recordings)]


def _annotated(recordings: Sequence[Recording]) -> dict[str, str]:
    """The texts that `--around` and `--span` take, with how many there are and how long they last."""
    from synth_core.data.marks import listed

    found = listed(recordings)
    more = {"…": f"and {len(found) - TEXTS} more"} if len(found) > TEXTS else {}
    return {repr(one.text): one.described for one in found[:TEXTS]} | more


def _answers(*, channels: str | None, window: str | None, **given: Any) -> dict[str, Any]:
    """What `open_recordings` is told, from the options."""
    names = None if channels is None else [name.strip() for name in channels.split(",") if name.strip()]
    return {**given, "channels": names, "window": _pair(window)}


def _pair(text: str | None) -> tuple[float, float] | None:
    if text is None:
        return None
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError as error:
        raise InvalidSetting(f"`window` is two numbers of HU, such as 0,80. Got {text!r} instead.") from error
    return low, high


def _drawn(recordings: Sequence[Recording]) -> str:
    """ "no", or what drew the synthetic ones."""
    drawn = [one.source for one in recordings if one.source.synthetic]
    if not drawn:
        return "no"
    origins = "; ".join(dict.fromkeys(source.origin for source in drawn if source.origin))
    return f"{len(drawn)} of {len(recordings)}, {origins or 'by a generator that is not named'}"


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {count}" for name, count in value.items()) or "none"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return str(value)


def prepare(
    paths: Annotated[list[Path], typer.Argument(help="Files or folders of recordings.")],
    out: Annotated[Path, typer.Option(help="The dataset directory to write.")],
    settings: Settings = [],  # noqa: B006 - typer reads the default, it is never changed
    around: Around = [],  # noqa: B006
    spans: Spans = [],  # noqa: B006
    classes: Classes = [],  # noqa: B006
    outside: Outside = None,
    rate: Rate = None,
    unit: Unit = None,
    modality: Kind = None,
    channels: Channels = None,
    labels_from: LabelsFrom = None,
    severity_from: SeverityFrom = None,
    label_column: LabelColumn = None,
    subject_column: SubjectColumn = None,
    time_column: TimeColumn = None,
    subject_pattern: Pattern = None,
    hu_offset: Offset = None,
    window: Window = None,
    pixel_mm: Pixel = None,
    as_json: Json = False,
) -> None:
    """Filter, resample, window and label recordings into a dataset directory; `inspect` lists the events they have.

    Example: python -m synth_core prepare ~/ptb-xl --out workspace/datasets/ptb-xl --set rate=100 --set seconds=10
    """
    from synth_core.data import Preparation, open_recordings
    from synth_core.data import prepare as prepare_recordings

    new_directory(out)
    skipped: list[DataError] = []
    answers = _answers(
        rate=rate,
        unit=unit,
        modality=modality,
        channels=channels,
        labels_from=labels_from,
        severity_from=severity_from,
        label_column=label_column,
        subject_column=subject_column,
        time_column=time_column,
        subject_pattern=subject_pattern,
        hu_offset=hu_offset,
        window=window,
        pixel_mm=pixel_mm,
    )
    recordings = [recording for path in paths for recording in open_recordings(path, skipped=skipped, **answers)]
    suggested = Preparation.suggested(recordings).model_dump()
    marks = _marks(around, spans, classes, outside)
    preparation = Preparation.checked(suggested | parsed(settings) | marks)
    dataset = prepare_recordings(recordings, out, preparation, progress=Progress())
    _show_dataset(dataset, as_json, [str(error) for error in skipped])


def _marks(around: list[str], spans: list[str], classes: list[str], outside: str | None) -> dict[str, Any]:
    """The settings that say which events or spans give windows and classes; only what was given."""
    names: dict[str, str] = {}
    for given in classes:
        text, equals, name = given.rpartition("=")
        if not equals or not text.strip() or not name.strip():
            raise InvalidSetting(f"A class of events is TEXT=CLASS, such as T1=left. Got {given!r} instead.")
        names[text] = name.strip()
    given_marks = {"around": around, "spans": spans, "event_classes": names, "outside_spans": outside}
    return {name: value for name, value in given_marks.items() if value}


def merge(
    datasets: Annotated[list[Path], typer.Argument(help="Two or more dataset directories.")],
    out: Annotated[Path, typer.Option(help="The dataset directory to write.")],
    labels: Annotated[
        list[str],
        typer.Option("--label", help="Rename a class, DATASET:OLD=NEW, or drop it, DATASET:OLD=; repeatable."),
    ] = [],  # noqa: B006 - typer reads the default, it is never changed
    keep_unlabelled: Annotated[bool, typer.Option(help="Keep examples whose classes were all dropped.")] = False,
    as_json: Json = False,
) -> None:
    """Join prepared datasets of one shape under common class names.

    Example: python -m synth_core merge data/ptbxl data/cpsc --out data/both --label ptbxl:NORM=normal
    """
    from synth_core.data import Dataset
    from synth_core.data import merge as merge_datasets

    new_directory(out)
    opened = [Dataset.open(path) for path in datasets]
    maps = _label_maps([dataset.path.name for dataset in opened], labels)
    made = merge_datasets(opened, out, label_maps=maps, keep_unlabelled=keep_unlabelled, progress=Progress())
    _show_dataset(made, as_json, [])


def _label_maps(names: list[str], labels: list[str]) -> list[dict[str, str | None]]:
    """One map per dataset from DATASET:OLD=NEW."""
    maps: list[dict[str, str | None]] = [{} for _ in names]
    for text in labels:
        name, colon, rule = text.partition(":")
        old, equals, new = rule.partition("=")
        if not colon or not equals or name not in names:
            raise InvalidSetting(f"A label is DATASET:OLD=NEW with a dataset of {', '.join(names)}. Got {text!r}.")
        maps[names.index(name)][old] = new or None
    return maps


def simulate(
    cohort: Annotated[
        str,
        typer.Argument(
            help="ecg, eeg, ct, demo for the three that the app opens with, or implant: calcifications in real CT."
        ),
    ],
    out: Annotated[
        Path, typer.Option(help="The dataset directory to write; for demo, the folder that gets all three.")
    ],
    path: Annotated[Path | None, typer.Argument(help="For implant: a file or folder of real head CT.")] = None,
    subjects: Annotated[int, typer.Option(min=3, max=10_000, help="Number of simulated people.")] = 40,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same cohort.")] = 0,
    share: Annotated[float, typer.Option(min=0, max=1, help="For implant: share of people who get lesions.")] = 0.5,
    as_json: Json = False,
) -> None:
    """Make a cohort whose truth is known, as a dataset directory; `implant PATH` puts calcifications into real CT.

    Example: python -m synth_core simulate ecg --subjects 30 --out workspace/datasets/simulated-ecg
    """
    from synth_core.data import Preparation
    from synth_core.data import prepare as prepare_recordings
    from synth_core.demo import build_demo
    from synth_core.simulate import COHORTS

    if cohort == "demo":
        directory_to_fill(out)
        made = build_demo(out, progress=Progress())
        show([str(path) for path in made], as_json, "\n".join(map(str, made)))
        return
    new_directory(out)
    skipped: list[DataError] = []
    if cohort == "implant":
        recordings = _implanted(path, seed, share, skipped)
    elif cohort in COHORTS:
        recordings = COHORTS[cohort](subjects, seed, progress=Progress())
    else:
        known = ", ".join(sorted(COHORTS))
        raise InvalidSetting(f"There is no cohort {cohort!r}. Known are {known}, demo and implant.")
    dataset = prepare_recordings(recordings, out, Preparation.suggested(recordings), progress=Progress())
    _show_dataset(dataset, as_json, [str(error) for error in skipped])


def _implanted(path: Path | None, seed: int, share: float, skipped: list[DataError]) -> list[Recording]:
    from synth_core.data import open_recordings
    from synth_core.simulate import implant_cohort

    if path is None:
        raise InvalidSetting("An implant needs real head CT: name its file or folder after `implant`.")
    recordings = [one for one in open_recordings(path, skipped=skipped) if one.spec.is_image]
    return implant_cohort(recordings, seed, share)


def _show_dataset(dataset: Any, as_json: bool, left_out: list[str]) -> None:
    result = {"path": str(dataset.path), "spec": dataset.spec.to_dict(), **dataset.info["counts"]}
    result |= {"warnings": dataset.info.get("warnings", []), "damaged": left_out}
    dropped = ", ".join(f"{count} {reason}" for reason, count in dataset.info["counts"]["left_out"].items())
    drawn = " The examples are synthetic." if dataset.synthetic else ""
    text = (
        f"{dataset.path}: {len(dataset)} examples of {dataset.info['counts']['subjects']} subjects, "
        f"{' × '.join(map(str, dataset.spec.shape))} {dataset.spec.unit}. Left out: {dropped or 'none'}.{drawn}"
    )
    show(result, as_json, "\n".join([text, *dataset.info.get("warnings", []), *left_out]))
