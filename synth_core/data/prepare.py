"""Recordings → a dataset directory: reconciled, filtered, cut, judged, written as a stream."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from synth_core.data.dataset import FORMAT, Dataset
from synth_core.data.event_notes import notes
from synth_core.data.example import (
    BOUNDARY,
    DAMAGED,
    FLAT,
    IMPOSSIBLE,
    LESION_CUT,
    MISSING,
    NEAR_END,
    NO_SPAN,
    OUT_OF_RANGE,
    OVERLAPS,
    SHORT,
    Example,
)
from synth_core.data.identity import basis_counts, distinct_warnings
from synth_core.data.marks import spelt_out
from synth_core.data.plausible import impossible
from synth_core.data.preparation import Preparation
from synth_core.data.reconcile import reconcile
from synth_core.data.recording import Recording, Source
from synth_core.data.shards import ShardWriter
from synth_core.data.slices import head_slices
from synth_core.data.windows import signal_windows
from synth_core.errors import DataError, InvalidSetting
from synth_core.storage import publish_directory, write_json_atomic
from synth_core.types import DataSpec

Progress = Callable[[int, int, str], None]
REMEDIES = {
    MISSING: "export the recordings again, they hold NaN where samples should be",
    FLAT: "check that the electrodes were connected, or choose other channels",
    SHORT: "choose a shorter window",
    NEAR_END: "choose a shorter stretch before and after the events",
    OVERLAPS: "choose shorter windows, or keep those that overlap",
    BOUNDARY: "choose shorter windows, or a smaller share that a span must cover",
    NO_SPAN: "name other spans, or the class of what lies outside them",
    LESION_CUT: "choose a larger field",
    OUT_OF_RANGE: "check the unit of the recordings or allow larger values",
}
MOST_SAID = 3  # warnings beside the reason why nothing is left
MOST_PROBLEMS = 20  # sentences about damaged recordings that dataset.json keeps


@dataclass
class _Tally:
    """What was kept and what was not."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    first_problem: DataError | None = None

    def damaged(self, error: DataError, reason: str = DAMAGED) -> None:
        self.left_out[reason] += 1
        self.problems.append(str(error))
        self.first_problem = self.first_problem or error


def prepare(
    recordings: Sequence[Recording],
    out: Path | str,
    preparation: Preparation,
    *,
    name: str | None = None,
    progress: Progress | None = None,
) -> Dataset:
    """Write a dataset directory and open it.

    Parameters
    ----------
    recordings : of one modality; those of the most frequent modality are taken. Channels are those that all have;
        rates are brought to one.
    out : a path that does not exist yet. It appears when all is written; a failed or cancelled preparation
        leaves nothing behind.
    preparation : what to do; `Preparation.suggested(recordings)` where in doubt.
    name : for display; the name of `out` by default.
    progress : called with (recordings done, all, record name) after each; what it raises cancels.

    Raises
    ------
    InvalidSetting : when `out` exists, or a filter does not fit the rate.
    DataError : when nothing is left; the message says why.
    """
    out = Path(out)
    if out.exists():
        raise InvalidSetting(f"{out.name} exists already; choose another name or remove it first.")
    if not recordings:
        raise InvalidSetting("There are no recordings to prepare.")
    tally = _Tally()
    preparation = spelt_out(preparation, recordings)
    chosen, spec = reconcile(recordings, preparation, tally.left_out)
    with publish_directory(out) as folder:
        digest = _write(chosen, spec, preparation, folder, tally, progress)
        if not tally.rows:
            raise _nothing_left(out, recordings, tally)
        pd.DataFrame(tally.rows).to_parquet(folder / "examples.parquet", index=False)
        info = {
            "format": FORMAT,
            "name": name or out.name,
            "spec": spec.to_dict(),
            "preparation": preparation.model_dump(mode="json"),
            "source": asdict(Source.joined(recording.source for recording in chosen)),
            "hash": digest,
            "counts": _counts(tally, spec) | {"basis": basis_counts(chosen)},
            "warnings": [*distinct_warnings(chosen), *notes(chosen, spec, preparation)],
            "problems": tally.problems[:MOST_PROBLEMS],
        }
        write_json_atomic(folder / "dataset.json", info)
    return Dataset.open(out)


def _write(
    recordings: Sequence[Recording],
    spec: DataSpec,
    preparation: Preparation,
    folder: Path,
    tally: _Tally,
    progress: Progress | None,
) -> str:
    """Examples to shards, rows to the tally; returns the SHA-256 of all values."""
    digest = hashlib.sha256()
    with ExitStack() as stack:
        values = stack.enter_context(ShardWriter(folder, "values", spec.shape, np.float32))
        masks = None
        if spec.is_image and _has_masks(recordings, preparation):
            masks = stack.enter_context(ShardWriter(folder, "mask", (1, *spec.shape[1:]), np.float16))
        for number, recording in enumerate(recordings):
            question = impossible(recording) if recording.evidence is not None else ""
            if question:
                tally.damaged(DataError(recording.record, question), IMPOSSIBLE)
            try:
                for example in () if question else _examples(recording, spec, preparation):
                    if example.values is None:
                        tally.left_out[example.reason] += 1
                        continue
                    digest.update(values.append(example.values))
                    if masks is not None and example.mask is not None:
                        digest.update(masks.append(example.mask))
                    tally.rows.append(_row(recording, example))
            except DataError as error:
                tally.damaged(error)
            if progress is not None:
                progress(number + 1, len(recordings), recording.record)
    return digest.hexdigest()


def _has_masks(recordings: Sequence[Recording], preparation: Preparation) -> bool:
    """Whether every example will have one: candidates can be found in any slice, known lesions only where known."""
    if preparation.lesions == "mask":
        return all(_knows_lesions(recording) for recording in recordings)
    return preparation.lesions == "candidates"


def _knows_lesions(recording: Recording) -> bool:
    try:
        return recording.lesion_mask(0, 1) is not None
    except DataError:
        return True  # said when the recording is read


def _examples(recording: Recording, spec: DataSpec, preparation: Preparation) -> Iterator[Example]:
    if spec.is_image:
        return head_slices(recording, preparation)
    return signal_windows(recording, spec, preparation)


def _row(recording: Recording, example: Example) -> dict[str, Any]:
    severity = recording.severity if example.severity is None else example.severity
    return {
        "record": recording.record,
        "subject": recording.subject,
        "start": example.start,
        "labels": list(_labels(recording) if example.labels is None else example.labels),
        "severity": np.nan if severity is None else float(severity),
        "quality": example.quality,
    }


def _labels(recording: Recording) -> list[str]:
    return [name for name, value in recording.labels.items() if value]


def _counts(tally: _Tally, spec: DataSpec) -> dict[str, Any]:
    return {
        "recordings": len({row["record"] for row in tally.rows}),
        "subjects": len({row["subject"] for row in tally.rows}),
        "examples": len(tally.rows),
        "classes": {name: sum(name in row["labels"] for row in tally.rows) for name in spec.classes},
        "left_out": dict(tally.left_out),
    }


def _nothing_left(out: Path, recordings: Sequence[Recording], tally: _Tally) -> DataError:
    """Why, naming the recording when there is one, and what to do."""
    if tally.first_problem is not None and len(tally.left_out) == 1:
        return tally.first_problem
    at_fault = recordings[0].record if len(recordings) == 1 else f"{len(recordings)} recordings"
    reasons = ", ".join(f"{count} × {reason}" for reason, count in tally.left_out.most_common())
    said = distinct_warnings(recordings)[:MOST_SAID]  # the cause is often what a reader has warned of
    problem = f"nothing is left of {at_fault} ({reasons}); {_remedy(tally)}."
    return DataError(out, " ".join([problem, *(["When the files were opened it was said:"] if said else []), *said]))


def _remedy(tally: _Tally) -> str:
    """What to do about the most frequent reason."""
    return REMEDIES.get(tally.left_out.most_common(1)[0][0], "choose other recordings or wider limits")
