"""EEG trees of the Brain Imaging Data Structure: Pernet et al. 2019, Scientific Data 6:103.

`sub-<label>/[ses-<label>/]eeg/*_eeg.edf|bdf|vhdr|set` below a `dataset_description.json`. The tables beside a recording
decide over its header: types of channels, events. A table or JSON file further up holds for all recordings below
whose names have all of its entities (the inheritance principle). Derivatives of the same recordings are left out.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from synth_core.data.readers import brainvision, edf, eeglab
from synth_core.data.readers.base import Opening
from synth_core.data.readers.edf_header import is_edf
from synth_core.data.readers.files import Files, read_bounded
from synth_core.data.readers.matlab import VERSION_5, VERSION_7
from synth_core.data.readers.names import electrode_name
from synth_core.data.readers.participants import read_participants, read_table, with_participants
from synth_core.data.readers.units import volts
from synth_core.data.recording import Annotation, Recording, Source
from synth_core.errors import DamagedFile, DataError

DESCRIPTION = "dataset_description.json"
ENDINGS = ("_eeg.edf", "_eeg.bdf", "_eeg.vhdr", "_eeg.set")
KINDS = {"EEG": "eeg", "ECG": "ecg"}
LIMIT = 64 * 2**20  # bytes of a table or a JSON file
MOST_EVENTS = 200_000


@dataclass(frozen=True)
class Tree:
    """One collection: its folder, what lies in each folder below, and what names it where there are several."""

    root: Path
    inside: Mapping[Path, list[Path]]
    prefix: str = ""

    def beside(self, recording: Path, ending: str) -> Iterator[Path]:
        """The files that hold for a recording and end so, the nearest first."""
        entities = set(recording.stem.split("_"))
        for folder in recording.parents:
            for file in self.inside.get(folder, ()):
                own = file.name.removesuffix(ending)
                if own != file.name and set(own.split("_")) <= entities:
                    yield file
            if folder == self.root:
                return


def read(files: Files, opening: Opening) -> list[Recording]:
    """The recordings of every tree; the subject is the `sub-` label."""
    roots = sorted({file.parent for file in files.named(DESCRIPTION)}, key=lambda folder: len(folder.parts))
    if not roots:
        roots = [file.parent for file in files.above if file.name == DESCRIPTION][-1:]
    outer = [root for root in roots if not any(other in root.parents for other in roots)]
    recordings: list[Recording] = []
    for root in outer:
        inner = [other for other in roots if root in other.parents]
        try:
            recordings += _collection(root, inner, files, opening, root.name if len(outer) > 1 else "")
        except DataError as error:
            opening.skipped.append(error)
    return recordings


def _collection(root: Path, inner: Sequence[Path], files: Files, opening: Opening, prefix: str) -> list[Recording]:
    inside: dict[Path, list[Path]] = defaultdict(list)
    for file in (*files, *files.above):
        if file.is_relative_to(root):
            inside[file.parent].append(file)
    tree = Tree(root, inside, prefix)
    found = [file for folder in inside.values() for file in folder if _is_recording(file, root)]
    if not found:
        return []  # a collection of images, which other readers may know
    source = _source(root / DESCRIPTION)
    for folder in inner:
        derived = [file for file in inside[folder] + list(files) if file.is_relative_to(folder)]
        files.take(*derived)
        opening.skipped.append(DataError(folder, "is derived from the recordings around it and left out."))
    recordings: list[Recording] = []
    for file in found:
        files.take(file)
        if not any(file.is_relative_to(folder) for folder in inner):
            try:
                recordings += _recordings(file, tree, files, opening)
            except DataError as error:
                opening.skipped.append(error)
    files.take(*(file for folder in inside.values() for file in folder if file.suffix in (".tsv", ".json")))
    recordings = [replace(one, source=source) for one in recordings]
    return _with_participants(recordings, tree, opening)


def _is_recording(file: Path, root: Path) -> bool:
    parts = file.relative_to(root).parts
    return file.name.lower().endswith(ENDINGS) and parts[0].startswith("sub-") and file.parent.name == "eeg"


def _recordings(file: Path, tree: Tree, files: Files, opening: Opening) -> list[Recording]:
    channels = next((read_table(one, LIMIT) for one in tree.beside(file, "_channels.tsv")), pd.DataFrame())
    described = _described(file, tree)
    recordings = _by_content(file, files, replace(opening, unit=opening.unit or _unit(channels)), _kinds(channels))
    events = next((_events(one) for one in tree.beside(file, "_events.tsv")), ())
    metadata = {**_bad(channels), **_shown(described)}
    result: list[Recording] = []
    for one in recordings:
        _check_rate(file, described, one.spec.rate)
        marks = events if events and len(recordings) == 1 else one.annotations
        evidence = files.evidence(file, collection=tree.prefix)
        result.append(replace(one, evidence=evidence, annotations=marks, metadata={**one.metadata, **metadata}))
    return result


def _by_content(file: Path, files: Files, opening: Opening, kinds: Mapping[str, str]) -> Sequence[Recording]:
    start = files.head(file)
    if is_edf(start):
        return edf.read_file(file, files, opening, kinds)
    if start.removeprefix(brainvision.BOM).startswith(brainvision.MAGIC):
        return [brainvision.read_file(file, files, opening, kinds)]
    if start.startswith((VERSION_5, VERSION_7)):
        return [eeglab.read_file(file, files, opening, kinds)]
    raise DamagedFile(file, "is none of the formats of BIDS (EDF, BDF, BrainVision, EEGLAB); export it again.")


def _kinds(channels: pd.DataFrame) -> dict[str, str]:
    if not {"name", "type"} <= set(channels.columns):
        return {}
    known = channels.dropna(subset=["name", "type"])
    return {
        name: KINDS.get(kind.strip().upper(), "other") for name, kind in zip(known["name"], known["type"], strict=True)
    }


def _unit(channels: pd.DataFrame) -> str | None:
    """The unit of the EEG channels, for headers that state none."""
    if not {"type", "units"} <= set(channels.columns):
        return None
    units = set(channels["units"][channels["type"].astype(str).str.upper() == "EEG"].dropna())
    unit = str(units.pop()) if len(units) == 1 else ""
    return unit if volts(unit) else None


def _bad(channels: pd.DataFrame) -> dict[str, list[str]]:
    if not {"name", "status"} <= set(channels.columns):
        return {}
    names = channels["name"][channels["status"].astype(str).str.lower() == "bad"].dropna()
    return {"bad channels": [electrode_name(str(name)) for name in names]} if len(names) else {}


def _events(file: Path) -> tuple[Annotation, ...]:
    """Onset and duration in seconds; the text is the type of the trial, else the value."""
    table = read_table(file, LIMIT).head(MOST_EVENTS)
    if "onset" not in table.columns:
        raise DamagedFile(file, "has no column onset; export the events again.")
    onsets = pd.to_numeric(table["onset"], errors="coerce").to_numpy(float)
    durations = np.zeros(len(table))
    if "duration" in table.columns:
        durations = pd.to_numeric(table["duration"], errors="coerce").fillna(0).to_numpy(float)
    texts = pd.Series("event", index=table.index)
    for column in ("value", "trial_type"):
        if column in table.columns:
            texts = table[column].fillna(texts)
    return tuple(
        Annotation(float(onset), float(duration), str(text))
        for onset, duration, text in zip(onsets, durations, texts, strict=True)
        if np.isfinite(onset) and np.isfinite(duration)
    )


def _described(file: Path, tree: Tree) -> dict[str, Any]:
    """The `_eeg.json` that holds for a recording; what is nearer wins."""
    described: dict[str, Any] = {}
    for one in tree.beside(file, "_eeg.json"):
        described = {**_json(one), **described}
    return described


def _shown(described: Mapping[str, Any]) -> dict[str, Any]:
    names = {"PowerLineFrequency": "power line (Hz)", "EEGReference": "reference", "TaskName": "task"}
    return {name: described[key] for key, name in names.items() if isinstance(described.get(key), (int, float, str))}


def _check_rate(file: Path, described: Mapping[str, Any], rate: float) -> None:
    stated = described.get("SamplingFrequency")
    if isinstance(stated, (int, float)) and abs(stated - rate) > 1e-3 * rate:
        problem = f"is sampled at {rate:g} Hz but its _eeg.json says {stated:g} Hz; correct whichever is wrong."
        raise DamagedFile(file, problem)


def _with_participants(recordings: list[Recording], tree: Tree, opening: Opening) -> list[Recording]:
    table = tree.root / "participants.tsv"
    if table not in tree.inside[tree.root] or not recordings:
        return recordings
    whose = [one.evidence.place.relative_to(tree.root.resolve()).parts[0] if one.evidence else "" for one in recordings]
    return with_participants(recordings, whose, read_participants(table), opening)


def _source(file: Path) -> Source:
    described = _json(file)
    name, licence, doi = (str(described.get(key) or "")[:500] for key in ("Name", "License", "DatasetDOI"))
    authors = described.get("Authors")
    people = ", ".join(map(str, authors[:20])) if isinstance(authors, list) else ""
    citation = str(described.get("HowToAcknowledge") or ". ".join(filter(None, [people, name, doi])))[:1000]
    return Source(name or file.parent.resolve().name, licence or "not stated", citation)


def _json(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(read_bounded(file, LIMIT, "a JSON file").decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise DamagedFile(file, "is not valid JSON; correct it or export it again.") from error
    if not isinstance(content, dict):
        raise DamagedFile(file, "is not a JSON object; correct it or export it again.")
    return content
