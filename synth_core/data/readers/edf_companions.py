"""Events that lie in files beside an EDF: hypnograms of Sleep-EDF, summaries of CHB-MIT.

A hypnogram is an EDF+ file of annotations without samples (Kemp et al. 2000, IEEE Trans Biomed Eng 47:1185), named
like its recording but for what follows the night: SC4001EC-Hypnogram beside SC4001E0-PSG. A summary gives the seizures
of every file of a child in seconds (Shoeb 2009, PhD thesis, MIT).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from synth_core.data.readers.files import Files, read_bounded
from synth_core.data.recording import Annotation, Recording
from synth_core.errors import DataError

AnyRecording = TypeVar("AnyRecording", bound=Recording)
LIMIT = 2**22  # bytes of a summary
SEIZURE = "seizure"
_NIGHT = re.compile(r"^(.+?)[A-Z0-9]-(?:PSG|Hypnogram)$", re.IGNORECASE)
_FILE = re.compile(r"^\s*File Name\s*:\s*(\S+)", re.IGNORECASE)
_TIME = re.compile(r"^\s*Seizure\s*\d*\s*(Start|End) Time\s*:\s*(\d+(?:\.\d+)?)\s*sec", re.IGNORECASE)


def night_of(file: Path) -> str:
    """What a recording of a night and its hypnogram share; "" for any other name."""
    found = _NIGHT.match(file.stem)
    return found[1] if found else ""


def with_events_beside(
    recordings: Mapping[Path, list[AnyRecording]], hypnograms: Mapping[Path, tuple[Annotation, ...]], files: Files
) -> tuple[list[AnyRecording], list[Path]]:
    """The recordings with what lies beside their files, and the hypnograms that belong to none of them.

    Parameters
    ----------
    recordings : of each file. hypnograms : the annotations of each file that has no samples.
    """
    seizures = _seizures(files)
    left = dict(hypnograms)
    result: list[AnyRecording] = []
    for file, own in recordings.items():
        marks = seizures.get(file.name.lower(), [])
        night = night_of(file)
        for other in [one for one in left if night and one.parent == file.parent and night_of(one) == night]:
            marks = [*marks, *left.pop(other)]
        result += _with(own, marks)
    return result, list(left)


def _with(recordings: list[AnyRecording], marks: Sequence[Annotation]) -> list[AnyRecording]:
    """A file that became several recordings keeps only its own annotations: times are of the whole file."""
    if not marks or len(recordings) != 1:
        return recordings
    every = sorted([*recordings[0].annotations, *marks], key=lambda mark: mark.onset)
    return [replace(recordings[0], annotations=tuple(every))]


def _seizures(files: Files) -> dict[str, list[Annotation]]:
    """Seizures by the name of a file, from every summary here."""
    found: dict[str, list[Annotation]] = defaultdict(list)
    for summary in [*files.named("-summary.txt"), *files.beside("-summary.txt")]:
        try:
            lines = read_bounded(summary, LIMIT, "a summary").decode("utf-8", "replace").splitlines()
        except DataError:
            continue
        name, start = "", None
        for line in lines:
            if named := _FILE.match(line):
                name, start = named[1].lower(), None
            elif timed := _TIME.match(line):
                if timed[1].lower() == "start":
                    start = float(timed[2])
                elif start is not None:
                    found[name].append(Annotation(start, max(0.0, float(timed[2]) - start), SEIZURE))
                    start = None
        if found:
            files.take(summary)
    return found
