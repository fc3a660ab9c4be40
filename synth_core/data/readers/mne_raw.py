"""A file that MNE opens without loading it (Gramfort et al. 2013, Front Neurosci 7:267) as a recording."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth_core.data.readers.base import Opening
from synth_core.data.readers.channels import NO_KINDS, choose, kinds_by_name
from synth_core.data.readers.files import Files
from synth_core.data.readers.names import record_of
from synth_core.data.readers.units import PER_VOLT, unit_of, volts
from synth_core.data.recording import Annotation, Recording, Source
from synth_core.errors import DamagedFile, DataError
from synth_core.types import DataSpec

MOST_CHANNELS = 4096
MOST_ANNOTATIONS = 200_000
PERSONAL = {  # of MNE's info → what it is
    "subject_info": "subject", "meas_date": "measurement date", "experimenter": "experimenter",
    "description": "description", "proj_name": "project", "helium_info": "device",
}  # fmt: skip
Opener = Callable[[Path], Any]
_aliases: dict[tuple[tuple[str, Path | str], ...], tempfile.TemporaryDirectory[str]] = {}


@dataclass(kw_only=True)
class MneRecording(Recording):
    """One file; samples are decoded by MNE on `read`.

    Parameters
    ----------
    file : what MNE opens.
    opener : how MNE opens it.
    picks : numbers of the channels of the spec.
    """

    file: Path
    opener: Opener
    picks: tuple[int, ...]

    @cached_property
    def raw(self) -> Any:
        """The file as MNE sees it, no samples in memory where the format allows it."""
        return open_raw(self.file, self.opener)

    def read(self, start: int | None = None, stop: int | None = None) -> NDArray[np.float32]:
        """See Recording."""
        first, last = self.span(start, stop)
        if first == last:
            return np.zeros((len(self.picks), 0), np.float32)
        volts = _samples(self.raw, self.file, list(self.picks), first, last)
        return (volts * PER_VOLT[self.spec.modality]).astype(np.float32)  # (channels, samples)


def open_raw(file: Path, opener: Opener) -> Any:
    """What the opener of MNE gives; DamagedFile for whatever it raises."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return opener(file)
    except DataError:
        raise
    except Exception as error:  # MNE raises whatever its parsing raised
        problem = "cannot be opened, its header or a file that belongs to it is damaged; export it again."
        raise DamagedFile(file, problem) from error


def mne_recording(
    file: Path,
    own: Path,
    files: Files,
    opener: Opener,
    opening: Opening,
    *,
    types_known: bool = False,
    kinds: Mapping[str, str] = NO_KINDS,
    metadata: dict[str, Any] | None = None,
) -> MneRecording:
    """The recording in a file.

    Parameters
    ----------
    file : what MNE opens. own : the file of `files` that it is, which names the record.
    types_known : whether the format states the types of channels; else MNE takes all for EEG, and names decide.
    kinds : of channels by their names, where known from elsewhere, as in `channels.choose`.
    metadata : what the format says besides.

    Raises
    ------
    DamagedFile, DataError : when it cannot be opened, or read to its end, or has no channel of EEG or ECG.
    """
    raw = open_raw(file, opener)
    try:
        labels = [str(name) for name in raw.ch_names]
        kinds_stated = _kinds(raw, labels, types_known)
        samples, rate = int(raw.n_times), float(raw.info["sfreq"])
        annotations = _annotations(raw)
    except Exception as error:  # MNE raises KeyError and more for constants that it does not know
        raise DamagedFile(file, "describes its channels or events wrongly; export it again.") from error
    if not 0 < len(labels) <= MOST_CHANNELS or samples < 1 or not 0 < rate < 1e7:
        raise DamagedFile(
            file, f"declares {len(labels)} channels of {samples} samples at {rate:g} Hz; export it again."
        )
    choice = choose(file, labels, [*map(kinds.get, labels, kinds_stated)], modality=opening.modality)
    _samples(raw, file, [choice.picks[0]], samples - 1, samples)
    person = raw.info.get("subject_info") or {}
    code = str(person.get("his_id") or "").strip()
    removed = [name for field, name in PERSONAL.items() if raw.info.get(field)]
    return MneRecording(
        spec=DataSpec(choice.modality, (len(choice.picks), samples), unit_of(choice.modality), rate, choice.names),
        subject="",
        record=record_of(files.relative(own)),
        evidence=files.evidence(own, stated=code),
        annotations=annotations,
        source=Source(file.parent.resolve().name),
        metadata={**choice.metadata, **_bad(raw), **(metadata or {}), "removed": removed},
        stated_unit=_stated_unit(raw, labels[choice.picks[0]]),
        file=file,
        opener=opener,
        picks=choice.picks,
    )


def named_as(file: Path, ending: str, *belonging: Path) -> Path:
    """The file itself, or, where its name does not end so, a link that does: MNE goes by names.

    Parameters
    ----------
    belonging : files that must lie beside it.
    """
    if file.name.lower().endswith(ending):
        return file
    return aliased({file.stem + ending: file, **{one.name: one for one in belonging}})


def aliased(contents: Mapping[str, Path | str]) -> Path:
    """The first of some files in a folder of this process, which stand for others.

    Parameters
    ----------
    contents : name → what it leads to, or the text that it holds.
    """
    key = tuple(contents.items())
    if key not in _aliases:
        folder = tempfile.TemporaryDirectory(prefix="synthscope-")
        for name, content in contents.items():
            if isinstance(content, Path):
                Path(folder.name, name).symlink_to(content.resolve())
            else:
                Path(folder.name, name).write_text(content, encoding="utf-8")
        _aliases[key] = folder
    return Path(_aliases[key].name, next(iter(contents)))


def _kinds(raw: Any, labels: Sequence[str], types_known: bool) -> list[str]:
    """The type that the file states; where everything is EEG for lack of types, the kind that a name has."""
    named = kinds_by_name(labels)
    kinds = []
    for kind, name in zip(raw.get_channel_types(), named, strict=True):
        if kind != "eeg":
            kinds.append(kind if kind == "ecg" else "other")
        else:
            kinds.append("eeg" if types_known and name == "unknown" else name)
    return kinds


def _stated_unit(raw: Any, label: str) -> str:
    """The unit in which the file has a channel; volts, as MNE holds them, where MNE does not tell."""
    unit = str(getattr(raw, "_orig_units", {}).get(label) or "V")
    return unit if volts(unit) else "V"


def _samples(raw: Any, file: Path, picks: list[int], first: int, last: int) -> NDArray[np.float64]:
    """(channels, samples) in volts."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            values = np.asarray(raw.get_data(picks=picks, start=first, stop=last, verbose="ERROR"), np.float64)
    except Exception as error:  # MNE raises whatever numpy raised
        raise DamagedFile(file, "cannot be decoded to its end; copy or download it again.") from error
    if values.shape != (len(picks), last - first):
        raise DamagedFile(file, "ends before its header says; copy or download it again.")
    return values


def _annotations(raw: Any) -> tuple[Annotation, ...]:
    """In seconds from the first sample; MNE counts from the measurement date where there is one."""
    marks = raw.annotations
    start = float(raw.first_time) if marks.orig_time is not None else 0.0
    columns = zip(
        marks.onset[:MOST_ANNOTATIONS], marks.duration[:MOST_ANNOTATIONS], marks.description[:MOST_ANNOTATIONS],
        strict=True,
    )  # fmt: skip
    return tuple(Annotation(float(onset) - start, float(length), str(text)) for onset, length, text in columns)


def _bad(raw: Any) -> dict[str, list[str]]:
    return {"bad channels": [str(name) for name in raw.info["bads"]]} if raw.info["bads"] else {}
