"""Arrays of signals in NPY, NPZ, HDF5 and MATLAB files, and what `synth_core.export.npz` writes.

(n, channels, samples), (channels, samples) or (n, samples); of CT see `array_images`. The names below are known; what
a file does not say – rate, unit, modality – the caller states, and nothing is guessed. Without an array of subjects a
whole file counts as one person: examples of one person must not fall on both sides of a split.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from synth_core.data.readers.array_files import ArrayFile, array_file, texts_of
from synth_core.data.readers.array_images import ArrayImages, layout_of, meaning_in
from synth_core.data.readers.base import Opening
from synth_core.data.readers.channels import kinds_by_name
from synth_core.data.readers.files import Files
from synth_core.data.readers.hounsfield import Meaning, pixel_rate
from synth_core.data.readers.names import electrode_name, lead_name, record_of, unique
from synth_core.data.readers.participants import class_name
from synth_core.data.readers.units import factor, unit_of
from synth_core.data.recording import Recording, Source
from synth_core.errors import DamagedFile, DataError, SpecMismatch, UnrecognisedData
from synth_core.types import UNITS, DataSpec, Modality

NAMES = {
    "values": (
        "values", "x", "data", "eeg", "ecg", "ct", "signals", "signal", "samples", "images", "image", "volumes",
        "volume", "slices", "scans", "scan",
    ),
    "labels": ("labels", "y", "label", "classes", "targets"),
    "rate": ("fs", "rate", "sfreq", "srate", "sampling_rate", "sample_rate"),
    "channels": ("ch_names", "channels", "channel_names", "leads", "electrodes"),
    "unit": ("unit", "units"),
    "subjects": ("subjects", "subject", "patients", "patient", "subject_id", "patient_id"),
    "modality": ("modality",),
    "severity": ("severity",),
    "spec": ("spec",),
    "mask": ("mask", "masks", "segmentation", "seg"),
    "origin": ("origin",),
}  # fmt: skip
WHOLE_FILE = "The file does not say which of its examples are of one person, so all of them count as one."
PER_EXAMPLE = ("labels", "subjects", "severity")  # roles of arrays with one value for each example
MOST_EXAMPLES, MOST_CHANNELS, MOST_CLASSES = 1_000_000, 4096, 256


@dataclass(kw_only=True)
class ArrayRecording(Recording):
    """One example of an array.

    Parameters
    ----------
    arrays : the file.
    name : of its array.
    where : the index of the example along the axes that come before (channels, samples).
    scale : from the unit of the file to that of the spec.
    """

    arrays: ArrayFile = field(repr=False)
    name: str
    where: tuple[int, ...]
    scale: float

    def read(self, start: int | None = None, stop: int | None = None) -> NDArray[np.float32]:
        """See Recording."""
        first, last = self.span(start, stop)
        along_channels = () if self._without_channels else (slice(None),)
        values = self.arrays.part(self.name, (*self.where, *along_channels, slice(first, last)))
        return (values.reshape(-1, last - first) * self.scale).astype(np.float32)  # (channels, samples)

    @property
    def _without_channels(self) -> bool:
        return len(self.arrays.shapes[self.name]) == len(self.where) + 1


def read(files: Files, opening: Opening) -> list[Recording]:
    """One recording per example of every file of arrays."""
    recordings: list[Recording] = []
    for file in files:
        try:
            arrays = array_file(file, files.head(file))
            if arrays is not None:
                files.take(file)
                _check_not_prepared(file)
                recordings += _Reading(arrays, files, opening).recordings()
        except DataError as error:
            files.take(file)
            opening.skipped.append(error)
    return recordings


def _check_not_prepared(file: Path) -> None:
    """DataError for the values of a dataset of ours: what they are, and whether they are synthetic, stands beside."""
    if all(file.with_name(name).is_file() for name in ("dataset.json", "examples.parquet")):
        problem = (
            "is a prepared dataset, which is used as it is; train or merge it, or prepare the recordings themselves."
        )
        raise DataError(file.parent, problem)


class _Reading:
    """What the arrays of one file mean."""

    def __init__(self, arrays: ArrayFile, files: Files, opening: Opening) -> None:
        self.arrays, self.opening, self.file = arrays, opening, arrays.file
        self.record = record_of(files.relative(arrays.file))
        self.evidence = files.evidence(arrays.file, whole=self.record, note=WHOLE_FILE)
        last_parts: dict[str, list[str]] = {}
        for name in arrays.shapes:
            last_parts.setdefault(name.rpartition("/")[2].lower(), []).append(name)
        self.found = {
            role: next((last_parts[name][0] for name in names if len(last_parts.get(name, ())) == 1), "")
            for role, names in NAMES.items()
        }
        self.found["values"] = self.found["values"] or self._only_array()
        self.spec = self._stated_spec()

    def recordings(self) -> list[Recording]:
        """One per example."""
        name = self.found["values"]
        shape = tuple(size for size in self.arrays.shapes[name])
        if not shape or min(shape) < 1 or len(shape) > 5:
            raise DamagedFile(self.file, f"has an array {name!r} of shape {shape}; signals have 1 to 3 axes.")
        channels = self._channel_names()
        modality = self._modality(channels)
        if modality == "ct":
            return self._images(name, shape)
        examples, count = self._layout(shape, channels)
        spec = self._example_spec(modality, shape, count, channels)
        labels, severity, subjects = self._labels(examples), self._severity(examples), self._subjects(examples)
        scale = self._scale(modality)
        metadata: dict[str, Any] = {"array": name}
        source = self._source()
        return [
            ArrayRecording(
                spec=spec,
                subject="",
                record=f"{self.record}#{i}" if examples is not None else self.record,
                evidence=replace(self.evidence, table=subjects[i]),
                labels=labels[i],
                severity=severity[i],
                source=source,
                metadata=metadata,
                stated_unit=self._stated_unit(),
                arrays=self.arrays,
                name=name,
                where=(i,) if examples is not None else (),
                scale=scale,
            )
            for i in range(examples or 1)
        ]

    def _images(self, name: str, shape: tuple[int, ...]) -> list[Recording]:
        """One recording per image or volume of CT."""
        counts = [self.arrays.shapes[self.found[role]][0] for role in PER_EXAMPLE if self._is_listed(role)]
        layout = layout_of(self.file, shape, counts)
        examples = None if layout.examples is None else self._checked(layout.examples)
        stated = self.spec is not None or (bool(self.found["unit"]) and self._text("unit") == "HU")
        meaning = Meaning() if stated else meaning_in(self.arrays, name, layout, self.opening)
        rate, assumed = (self.spec.rate, ()) if self.spec else pixel_rate(layout.height, layout.width, self.opening)
        mask = self.found["mask"]
        if mask and math.prod(self.arrays.shapes[mask]) != math.prod(shape):
            raise DamagedFile(self.file, f"has a mask of {self.arrays.shapes[mask]} for {shape}; correct one of them.")
        labels, severity, subjects = self._labels(examples), self._severity(examples), self._subjects(examples)
        source = self._source()
        return [
            ArrayImages(
                spec=DataSpec("ct", (1, layout.height, layout.width), "HU", rate),
                subject="",
                record=f"{self.record}#{i}" if examples is not None else self.record,
                evidence=replace(self.evidence, table=subjects[i]),
                warnings=(*layout.warnings, *meaning.warnings, *assumed),
                labels=labels[i],
                severity=severity[i],
                slices=layout.slices,
                source=source,
                metadata={"array": name},
                arrays=self.arrays,
                name=name,
                where=(i,) if examples is not None else (),
                layout=layout,
                meaning=meaning,
                mask_name=mask,
            )
            for i in range(examples or 1)
        ]

    def _is_listed(self, role: str) -> bool:
        return bool(self.found[role]) and len(self.arrays.shapes[self.found[role]]) > 0

    def _source(self) -> Source:
        """The folder; and what drew the examples, where the file says it or, of older versions, names no people."""
        name = self.file.parent.resolve().name
        if self.found["origin"]:
            try:
                stated = json.loads(self._text("origin"))
                return Source(name, synthetic=bool(stated["synthetic"]), origin=_drawn_by(stated))
            except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
                raise DamagedFile(self.file, "does not say its origin as `sample` writes it; draw it again.") from error
        return Source(name, synthetic=self.spec is not None and not self.found["subjects"])

    def _only_array(self) -> str:
        large = [name for name, shape in self.arrays.shapes.items() if sum(size > 1 for size in shape) >= 2]
        if len(large) == 1:
            return large[0]
        there = ", ".join(list(self.arrays.shapes)[:8]) or "none"
        problem = f"has no array called {', '.join(NAMES['values'])} (found {there}); rename the one with the signals."
        raise UnrecognisedData(self.file, problem)

    def _stated_spec(self) -> DataSpec | None:
        """Of files that `synth_core.export.npz` wrote."""
        if not self.found["spec"]:
            return None
        try:
            return DataSpec.from_dict(json.loads(self._text("spec")))
        except (ValueError, TypeError, AttributeError, RecursionError, SpecMismatch) as error:
            raise DamagedFile(self.file, "has a specification that cannot be read; export it again.") from error

    def _layout(self, shape: tuple[int, ...], channels: Sequence[str]) -> tuple[int | None, int]:
        """Number of examples, None where the array is one recording; and number of channels."""
        if len(shape) == 3:
            if channels and len(channels) == shape[2] != shape[1]:
                raise DataError(
                    self.file, f"has its channels in the last axis of {shape}; move them before the samples."
                )
            return self._checked(shape[0]), shape[1]
        if len(shape) == 1:
            return None, 1
        if len(shape) > 3:
            raise DataError(self.file, f"has signals of shape {shape}; they have (n, channels, samples).")
        if len(channels) == shape[0] > 1:
            return None, shape[0]
        per_example = [self.arrays.shapes[self.found[role]] for role in ("labels", "subjects") if self.found[role]]
        if len(channels) == 1 or any(shape[0] in one for one in per_example):
            return self._checked(shape[0]), 1
        problem = f"has an array of {shape[0]} × {shape[1]}, which may be channels or examples; state `channels`: "
        raise DataError(self.file, problem + f"{shape[0]} names for channels, one name for examples.")

    def _checked(self, examples: int) -> int:
        if examples > MOST_EXAMPLES:
            raise DataError(self.file, f"holds {examples:,} examples, more than {MOST_EXAMPLES:,}; split it first.")
        return examples

    def _example_spec(
        self, modality: Modality, shape: tuple[int, ...], count: int, channels: Sequence[str]
    ) -> DataSpec:
        if count > MOST_CHANNELS:
            raise DataError(self.file, f"has {count} channels; is its array (n, channels, samples)?")
        if channels and len(channels) != count:
            raise DataError(self.file, f"has {count} channels but {len(channels)} names for them; state `channels`.")
        naming = electrode_name if modality == "eeg" else lead_name
        alone = modality.upper()
        names = [naming(name) for name in channels] or [
            alone if count == 1 else f"{alone} {i + 1}" for i in range(count)
        ]
        return DataSpec(modality, (count, shape[-1]), unit_of(modality), self._rate(), unique(names))

    def _channel_names(self) -> list[str]:
        if self.found["channels"] and not self.opening.channels:
            return texts_of(self.arrays.small(self.found["channels"]))
        return list(self.opening.channels or (self.spec.channels if self.spec else ()))

    def _modality(self, channels: Sequence[str]) -> Modality:
        stated = self._text("modality").lower() if self.found["modality"] else ""
        named = self.found["values"].rpartition("/")[2].lower()
        for one in (self.spec.modality if self.spec else "", stated, named, self.opening.modality or ""):
            if one in UNITS:
                return cast(Modality, one)
        kinds = set(kinds_by_name(channels)) & {"eeg", "ecg"}
        if len(kinds) == 1:
            return "eeg" if kinds == {"eeg"} else "ecg"
        raise DataError(self.file, "does not say what it holds; state the `modality`: eeg, ecg or ct.")

    def _rate(self) -> float:
        if self.spec:
            return self.spec.rate
        if self.found["rate"]:
            try:
                rate = float(self.arrays.small(self.found["rate"]).reshape(-1)[0])
            except (ValueError, TypeError, IndexError) as error:
                raise DamagedFile(self.file, f"has no number in {self.found['rate']!r}; correct it.") from error
            if not 0 < rate < 1e7:
                raise DamagedFile(self.file, f"has a sampling rate of {rate:g} Hz; correct it.")
            return rate
        if self.opening.rate is None:
            raise DataError(self.file, "does not say its sampling rate; state the `rate` in Hz.")
        return self.opening.rate

    def _stated_unit(self) -> str:
        return self.spec.unit if self.spec else self._text("unit") if self.found["unit"] else ""

    def _scale(self, modality: Modality) -> float:
        stated = self._stated_unit() or self.opening.unit
        if stated is None:
            raise DataError(self.file, "does not say the unit of its values; state the `unit`: uV, mV, V or nV.")
        scale = factor(stated, modality)
        if scale is None:
            raise DataError(self.file, f"has values in {stated[:20]!r}, which is no voltage; convert them first.")
        return scale

    def _labels(self, examples: int | None) -> list[dict[str, int]]:
        """0/1 for every class, from one column of classes or one column per class."""
        name = self.found["labels"]
        if not name:
            return [{} for _ in range(examples or 1)]
        given = self._per_example("labels", examples)
        if given.ndim == 2:
            classes = self.spec.classes if self.spec else ()
            names = classes if len(classes) == given.shape[1] else [f"{name} {i}" for i in range(given.shape[1])]
            table = given.astype(float) > 0.5
        else:
            texts = texts_of(given)
            values = sorted(set(texts), key=lambda text: (len(text), text))
            if len(values) > MOST_CLASSES:
                raise DataError(self.file, f"has {len(values)} different values in {name!r}; these are no classes.")
            names = [class_name(name, value) for value in values]
            table = np.array([[text == value for value in values] for text in texts])
        return [{str(one): int(is_) for one, is_ in zip(names, row, strict=True)} for row in table]

    def _severity(self, examples: int | None) -> list[float | None]:
        if not self.found["severity"]:
            return [None] * (examples or 1)
        values = self._per_example("severity", examples).astype(float)
        if values.ndim != 1 or not ((values >= 0) & (values <= 1) | np.isnan(values)).all():
            raise DamagedFile(self.file, "has severities outside 0 to 1; scale them first.")
        return [None if np.isnan(value) else float(value) for value in values]

    def _subjects(self, examples: int | None) -> list[str]:
        if not self.found["subjects"]:
            return [""] * (examples or 1)
        return texts_of(self._per_example("subjects", examples))

    def _per_example(self, role: str, examples: int | None) -> NDArray[Any]:
        """(n,) or (n, columns)."""
        values = self.arrays.small(self.found[role])
        count = examples or 1
        flat = values.reshape(-1) if values.size == count else values
        if flat.ndim not in (1, 2) or len(flat) != count:
            problem = f"has {values.shape} values in {self.found[role]!r} for {count} examples; correct one of them."
            raise DamagedFile(self.file, problem)
        return flat

    def _text(self, role: str) -> str:
        texts = texts_of(self.arrays.small(self.found[role]))
        return texts[0] if texts else ""


def _drawn_by(stated: Mapping[str, Any]) -> str:
    """'flow demo-ecg, weights 0123456789ab, seed 0, SynthScope 0.1.0'; what is not stated is left out."""
    words = []
    if stated.get("generator"):
        words.append(" ".join(filter(None, (str(stated["generator"]), str(stated.get("name", ""))))))
    if stated.get("weights"):
        words.append(f"weights {str(stated['weights'])[:12]}")
    if "seed" in stated:
        words.append(f"seed {stated['seed']}")
    if (stated.get("versions") or {}).get("synthscope"):
        words.append(f"SynthScope {stated['versions']['synthscope']}")
    return ", ".join(words)
