"""EEGLAB `.set` files with their samples inside or in a `.fdt` beside them: Delorme & Makeig 2004, J Neurosci Methods
134:9. MATLAB files of version 5 or 7.3 with the structure `EEG`. Values are µV by convention.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth_core.data.readers.base import Opening
from synth_core.data.readers.channels import NO_KINDS, choose, kinds_by_name
from synth_core.data.readers.edf_header import FILLERS, MOST_CHANNELS
from synth_core.data.readers.files import Files, check_regular, head, sibling
from synth_core.data.readers.matlab import VERSION_5, VERSION_7, check_hdf5
from synth_core.data.readers.matlab5 import read_variables
from synth_core.data.readers.names import record_of
from synth_core.data.readers.units import factor, unit_of
from synth_core.data.recording import Annotation, Recording, Source
from synth_core.errors import DamagedFile, DataError
from synth_core.stored_array import StoredArray
from synth_core.types import DataSpec

FLAT = {"nbchan", "srate", "data"}  # newer versions save the fields of the structure as variables
TYPES = {"EEG": "eeg", "ECG": "ecg", "EKG": "ecg"}
MOST_EVENTS = 200_000
UNIT = "uV"


@dataclass(kw_only=True)
class EeglabRecording(Recording):
    """One file.

    Parameters
    ----------
    file : the `.set` file, or the file of samples beside it.
    picks : numbers of the channels of the spec.
    size : channels and samples that are stored.
    """

    file: Path
    picks: tuple[int, ...]
    size: tuple[int, int]

    def read(self, start: int | None = None, stop: int | None = None) -> NDArray[np.float32]:
        """See Recording."""
        first, last = self.span(start, stop)
        scale = np.float32(factor(UNIT, self.spec.modality) or np.nan)
        return np.asarray(self._stored(first, last)[list(self.picks)] * scale, np.float32)

    def _stored(self, first: int, last: int) -> NDArray[np.float32]:
        """(all channels, last − first)."""
        check_regular(self.file)
        start = head(self.file, len(VERSION_5))
        if start == VERSION_5:
            return self._inside[:, first:last]
        try:
            if start == VERSION_7:
                import h5py

                with h5py.File(self.file, "r") as content:
                    return np.asarray(_group(content)["data"][first:last], np.float32).T
            return StoredArray(self.file, np.dtype("<f4"), self.size[::-1]).part((slice(first, last),)).T
        except DataError:
            raise
        except Exception as error:  # h5py raises whatever reading raised
            raise DamagedFile(self.file, "cannot be read to its end; copy or save it again.") from error

    @cached_property
    def _inside(self) -> NDArray[np.float32]:
        values = _structure(self.file).get("data")
        if not isinstance(values, np.ndarray) or values.shape != self.size:
            raise DamagedFile(self.file, "has changed since it was opened; open it again.")
        return np.asarray(values, np.float32)


def read(files: Files, opening: Opening) -> list[Recording]:
    """One recording per `.set` file, continuous ones only."""
    recordings: list[Recording] = []
    for file in files.starting(VERSION_5, VERSION_7):
        try:
            structure = _structure(file)
            if not structure:
                continue  # arrays of another kind
            recordings.append(_recording(file, structure, files, opening, NO_KINDS))
        except DataError as error:
            opening.skipped.append(error)
        files.take(file)
    return recordings


def read_file(file: Path, files: Files, opening: Opening, kinds: Mapping[str, str] = NO_KINDS) -> EeglabRecording:
    """The recording of one file; DataError says why there is none. `kinds`: of channels, if known from elsewhere."""
    files.take(file)
    structure = _structure(file)
    if not structure:
        raise DamagedFile(file, "has no EEG structure of EEGLAB; save it again from there.")
    return _recording(file, structure, files, opening, kinds)


def _recording(
    file: Path, structure: Mapping[str, Any], files: Files, opening: Opening, kinds: Mapping[str, str]
) -> EeglabRecording:
    channels, points, trials = (int(_number(file, structure, name, 1)) for name in ("nbchan", "pnts", "trials"))
    rate = _number(file, structure, "srate")
    if trials > 1:
        raise DataError(file, f"holds {trials} epochs; export the continuous recording that they were cut from.")
    if not 0 < channels <= MOST_CHANNELS or not 0 < points < 2**40 or not 0 < rate < 1e7:
        raise DamagedFile(file, f"declares {channels} channels of {points} samples at {rate:g} Hz; save it again.")
    samples = _samples(file, structure, channels, points)
    files.take(samples)
    labels, types = _channels(structure, channels)
    named = [kinds.get(label, kind) for label, kind in zip(labels, _kinds(labels, types), strict=True)]
    choice = choose(file, labels, named, modality=opening.modality)
    code = str(structure.get("subject") or "").strip() if isinstance(structure.get("subject"), str) else ""
    return EeglabRecording(
        spec=DataSpec(choice.modality, (len(choice.picks), points), unit_of(choice.modality), rate, choice.names),
        subject="",
        record=record_of(files.relative(file)),
        evidence=files.evidence(file, stated=code),
        annotations=_annotations(structure, rate),
        source=Source(file.parent.resolve().name),
        metadata={
            **choice.metadata,
            "unit": "µV by the convention of EEGLAB, the file states none",
            "removed": [name for name in ("subject", "comments", "filepath") if _filled(structure.get(name))],
        },
        stated_unit=UNIT,
        file=samples,
        picks=choice.picks,
        size=(channels, points),
    )


def _samples(file: Path, structure: Mapping[str, Any], channels: int, points: int) -> Path:
    """The file that has the samples, checked to be long enough."""
    data = structure.get("data")
    if not isinstance(data, str):
        if not isinstance(data, np.ndarray) or data.shape != (channels, points):
            raise DamagedFile(file, "does not hold as many samples as it declares; save it again.")
        return file
    named, beside = sibling(file, data), file.with_suffix(".fdt")
    samples = named if named.is_file() else beside
    if not samples.is_file():
        raise DamagedFile(file, f"names the file of samples {named.name}, which is not beside it; put it there.")
    expected, size = 4 * channels * points, samples.stat().st_size
    if size < expected:
        raise DamagedFile(samples, f"is cut short: {size:,} of {expected:,} bytes are there. Copy it again.")
    return samples


def _channels(structure: Mapping[str, Any], count: int) -> tuple[list[str], list[str]]:
    """Labels and types; numbers where the file has no labels for all."""
    locations = _items(structure.get("chanlocs"))
    labels = [str(one.get("labels") or "") if isinstance(one.get("labels"), str) else "" for one in locations]
    types = [str(one.get("type") or "") if isinstance(one.get("type"), str) else "" for one in locations]
    if len(labels) != count or not all(labels):
        return [f"channel {i + 1}" for i in range(count)], [""] * count
    return labels, types


def _kinds(labels: Sequence[str], types: Sequence[str]) -> list[str]:
    """The stated type, else by name."""
    named = kinds_by_name(labels)
    return [TYPES.get(kind.upper(), "other") if kind else name for kind, name in zip(types, named, strict=True)]


def _annotations(structure: Mapping[str, Any], rate: float) -> tuple[Annotation, ...]:
    """Latencies count samples from 1, durations samples."""
    found = []
    for event in _items(structure.get("event"))[:MOST_EVENTS]:
        latency, duration, kind = (_scalar(event.get(name)) for name in ("latency", "duration", "type"))
        if isinstance(latency, float) and math.isfinite(latency):
            length = duration / rate if isinstance(duration, float) and math.isfinite(duration) else 0.0
            text = f"{kind:g}" if isinstance(kind, float) else str(kind)
            found.append(Annotation((latency - 1) / rate, length, text))
    return tuple(found)


def _items(value: Any) -> list[Mapping[str, Any]]:
    """A structure of one or several items as a list."""
    if isinstance(value, Mapping):
        return [value]
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _scalar(value: Any) -> float | str:
    if isinstance(value, str):
        return value
    numbers = np.asarray(value).reshape(-1) if isinstance(value, np.ndarray) else np.zeros(0)
    return float(numbers[0].real) if numbers.size else math.nan


def _number(file: Path, structure: Mapping[str, Any], name: str, missing: float = math.nan) -> float:
    value = _scalar(structure[name]) if name in structure else missing
    if not isinstance(value, float | int) or not math.isfinite(value):
        raise DamagedFile(file, f"has no number in its field {name}; save it again.")
    return float(value)


def _filled(value: Any) -> bool:
    return isinstance(value, str) and value.strip().lower() not in FILLERS


def _structure(file: Path) -> Mapping[str, Any]:
    """The fields of EEGLAB's structure; none when the file holds something else. Samples may be a description only."""
    if head(file, len(VERSION_7)) == VERSION_7:
        return _structure_7(file)
    content = read_variables(file)
    _refuse_several(file, content)
    structure = content.get("EEG", content if content.keys() >= FLAT else {})
    if not isinstance(structure, Mapping):
        raise DamagedFile(file, "has an EEG variable that is no structure; save it again from EEGLAB.")
    return structure


def _refuse_several(file: Path, content: Mapping[str, Any]) -> None:
    if "ALLEEG" in content:
        raise DataError(file, "holds several data sets (ALLEEG); save each as a file of its own.")


def _structure_7(file: Path) -> Mapping[str, Any]:
    import h5py

    check_hdf5(file, loaded=False)
    try:
        with h5py.File(file, "r") as content:
            _refuse_several(file, content)
            group = _group(content)
            return {} if group is None else {name: _field(content, group, name) for name in group}
    except DataError:
        raise
    except Exception as error:  # h5py raises whatever HDF5 raised
        raise DamagedFile(file, "is a damaged MATLAB file; copy or save it again.") from error


def _group(content: Any) -> Any:
    """Where the fields are in a file of version 7.3."""
    import h5py

    if isinstance(content.get("EEG"), h5py.Group):
        return content["EEG"]
    return content if set(content) >= FLAT else None


def _field(content: Any, group: Any, name: str) -> Any:
    """A field as `read_variables` would give it; samples as an empty view of their shape."""
    import h5py

    one = group[name]
    if name in ("chanlocs", "event") and isinstance(one, h5py.Group):
        columns = {key: _column(content, one[key]) for key in ("labels", "type", "latency", "duration") if key in one}
        count = max(map(len, columns.values()), default=0)
        return [{key: values[i] for key, values in columns.items() if i < len(values)} for i in range(count)]
    if not isinstance(one, h5py.Dataset):
        return None
    if name == "data" and not _is_text(one):
        return np.broadcast_to(np.float32(0), one.shape[::-1])
    return _value(one) if one.size and one.size < 2**16 else None


def _column(content: Any, array: Any) -> list[Any]:
    """One value per item: references, or the value itself where there is one item."""
    import h5py

    if h5py.check_ref_dtype(array.dtype) is None:
        return [_value(array)]
    return [_value(content[reference]) for reference in array[()].reshape(-1)[:MOST_EVENTS]]


def _value(array: Any) -> Any:
    if array.attrs.get("MATLAB_empty"):
        return ""
    if array.size > 2**16:
        return None
    values = np.asarray(array[()])
    return "".join(map(chr, values.T.reshape(-1).tolist())) if _is_text(array) else values.T


def _is_text(array: Any) -> bool:
    return array.attrs.get("MATLAB_class") == b"char"
