"""ECG waveform objects in DICOM files: PS3.3 A.34.3 – A.34.5 and C.10.9, the 12-lead, general and ambulatory ECG.

A file holds multiplex groups, which differ in leads, rate and length, such as a rhythm of ten seconds and a median
beat. Each original group is a recording; what was derived from others, such as a median beat, is left out and said,
unless there is nothing else. Values are sample × sensitivity × correction + baseline; samples equal to the padding
value are NaN.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth_core.data.readers.base import Opening
from synth_core.data.readers.files import Files
from synth_core.data.readers.names import lead_name, record_of, unique
from synth_core.data.recording import Recording, Source
from synth_core.errors import DamagedFile, DataError
from synth_core.types import DataSpec

WAVEFORM = b"1.2.840.10008.5.1.4.1.1.9.1."  # SOP classes of the ECG
LIMIT = 2**29  # bytes
MOST_CHANNELS = 256
TYPES = {(8, "SB"): "i1", (8, "UB"): "u1", (16, "SS"): "i2", (16, "US"): "u2", (32, "SL"): "i4", (32, "UL"): "u4"}
TO_MILLIVOLT = {"mv": 1.0, "uv": 1e-3, "µv": 1e-3, "nv": 1e-6, "v": 1e3}
# terms of ISO/IEEE 11073 (2:1) and of SCP-ECG (5.6.3-9-1) end in the same numbers
LEADS = {"1": "I", "2": "II", "61": "III", "62": "aVR", "63": "aVL", "64": "aVF"} | {
    str(number + 2): f"V{number}" for number in range(1, 7)
}
SEX = {"M": "male", "F": "female"}
LACKS = "lacks what describes its waveforms; export it again."
_DERIVED = re.compile(r"median|average|mean|represent|template|\bbeat\b", re.IGNORECASE)
SHORTER = 4  # times, than another group of the same leads: a beat beside a rhythm
_TERM = re.compile(r"^(?:2:|5\.6\.3-9-)(\d+)$")


@dataclass(kw_only=True)
class DicomEcg(Recording):
    """The multiplex group `group` of a file, decoded on `read`; `picks` are its channels in volts."""

    file: Path
    group: int
    picks: tuple[int, ...]

    def read(self, start: int | None = None, stop: int | None = None) -> NDArray[np.float32]:
        """See Recording; NaN where the file has its padding value."""
        first, last = self.span(start, stop)
        state = self.file.stat() if self.file.is_file() else None
        values = _decoded(self.file, self.group, self.picks, state.st_mtime_ns if state else 0)
        if values.shape != self.spec.shape:
            raise DamagedFile(self.file, "has changed since it was opened; open it again.")
        return values[:, first:last].copy()


def read(files: Files, opening: Opening) -> list[Recording]:
    """One recording per original multiplex group of each ECG waveform object."""
    recordings: list[Recording] = []
    for file in [file for file in files if _is_waveform(files.head(file))]:
        files.take(file)
        try:
            recordings += _recordings(file, files)
        except DataError as error:
            opening.skipped.append(error)
    return recordings


def _is_waveform(start: bytes) -> bool:
    return start[128:132] == b"DICM" and WAVEFORM in start


def _recordings(file: Path, files: Files) -> list[DicomEcg]:
    content = _parsed(file)
    try:
        groups = list(content.WaveformSequence)
        public = content.get("PatientIdentityRemoved") == "YES"
        evidence = files.evidence(file, stated=str(content.get("PatientID") or ""), public=public)
        derived = [_is_derived(group, groups) for group in groups]
        described = [_described_group(group, number, derived[number]) for number, group in enumerate(groups)]
    except Exception as error:  # pydicom raises whatever its conversions raised
        raise DamagedFile(file, LACKS) from error
    voltages = [number for number, group in enumerate(groups) if _has_volts(group)]
    if not voltages:
        raise DataError(file, "has no channel in volts; it is left out.")
    original = [number for number in voltages if not derived[number]]
    taken = original or voltages
    lost = [described[number] for number in range(len(groups)) if number not in taken]
    warnings = (
        [f"{file.name}: of its multiplex groups, {'; '.join(lost)} {'was' if len(lost) == 1 else 'were'} left out."]
        if lost
        else []
    )
    if not original:
        warnings.append(f"{file.name} holds derived waveforms only, such as median beats.")
    name = record_of(files.relative(file))
    return [
        replace(
            _recording(file, content, number),
            record=name if len(taken) == 1 else f"{name}/{_label(groups[number]).lower() or f'group {number + 1}'}",
            evidence=evidence,
            warnings=tuple(warnings),
        )
        for number in taken
    ]


def _has_volts(group: Any) -> bool:
    return any(_unit(channel) in TO_MILLIVOLT for channel in group.get("ChannelDefinitionSequence") or [])


def _is_derived(group: Any, groups: Sequence[Any]) -> bool:
    """By the originality that the group states, else its label; where it has neither, a group several times shorter
    than another of the same leads is taken as a beat of it."""
    originality = str(group.get("WaveformOriginality") or "").strip().upper()
    if originality:
        return originality == "DERIVED"
    if _label(group):
        return bool(_DERIVED.search(_label(group)))
    leads = [_name(channel) for channel in group.ChannelDefinitionSequence]
    alike = [one for one in groups if [_name(channel) for channel in one.ChannelDefinitionSequence] == leads]
    return max(map(_seconds, alike)) >= SHORTER * _seconds(group)


def _seconds(group: Any) -> float:
    return int(group.NumberOfWaveformSamples) / float(group.SamplingFrequency)


def _label(group: Any) -> str:
    return str(group.get("MultiplexGroupLabel") or "").strip()


def _described_group(group: Any, number: int, derived: bool) -> str:
    """ "MEDIAN BEAT (derived, 1.2 s)"."""
    kind = "derived" if derived else "not in volts"
    return f"{_label(group) or f'group {number + 1}'} ({kind}, {_seconds(group):.3g} s)"


def _recording(file: Path, content: Any, number: int) -> DicomEcg:
    """The group `number` of a file, whose name and evidence are still to be given."""
    try:
        group = content.WaveformSequence[number]
        samples, rate = int(group.NumberOfWaveformSamples), float(group.SamplingFrequency)
        channels = list(group.ChannelDefinitionSequence)
        picks = tuple(i for i, channel in enumerate(channels) if _unit(channel) in TO_MILLIVOLT)
        names = [_name(channel) for channel in channels]
        left_out = [names[i] for i in range(len(names)) if i not in picks]
        metadata = _described(content, len(content.WaveformSequence), left_out)
    except Exception as error:  # pydicom raises whatever its conversions raised
        raise DamagedFile(file, LACKS) from error
    if not 0 < rate < 1e6 or samples < 1:
        raise DamagedFile(file, f"declares {samples} samples at {rate:g} Hz; export it again.")
    _stored(file, group)
    return DicomEcg(
        spec=DataSpec("ecg", (len(picks), samples), "mV", rate, unique([names[i] for i in picks])),
        subject="",
        record="",
        source=Source(file.parent.resolve().name),
        metadata=metadata,
        stated_unit=_unit(channels[picks[0]]),
        file=file,
        group=number,
        picks=picks,
    )


def _parsed(file: Path) -> Any:
    import pydicom

    if file.stat().st_size > LIMIT:
        raise DataError(file, f"has more than the {LIMIT / 2**20:.0f} MB that an ECG may have; split it first.")
    try:
        return pydicom.dcmread(file)
    except Exception as error:  # pydicom raises whatever its parsing raised
        raise DamagedFile(file, "is a damaged DICOM file; export it again.") from error


@lru_cache(maxsize=2)
def _decoded(file: Path, number: int, picks: tuple[int, ...], _changed: int) -> NDArray[np.float32]:
    """(picks, samples) mV."""
    try:
        group = _parsed(file).WaveformSequence[number]
        channels = [group.ChannelDefinitionSequence[i] for i in picks]
        padding = group.get("WaveformPaddingValue")
        stored = _stored(file, group)[:, list(picks)].T
        scales = [[_number(one, "ChannelSensitivity", 1) * _number(one, "ChannelSensitivityCorrectionFactor", 1)]
                  for one in channels]  # fmt: skip
        baselines = [[_number(one, "ChannelBaseline", 0)] for one in channels]
        units = [[TO_MILLIVOLT[_unit(one)]] for one in channels]
        values = ((stored * np.array(scales) + np.array(baselines)) * np.array(units)).astype(np.float32)
        if padding is not None:
            values[stored == _padding(padding, stored.dtype)] = np.nan
    except DataError:
        raise
    except Exception as error:  # pydicom raises whatever its conversions raised
        raise DamagedFile(file, "has waveforms that cannot be decoded; export it again.") from error
    return values


def _stored(file: Path, group: Any) -> NDArray[np.generic]:
    """(samples, channels) as stored; DamagedFile when the data are shorter than declared."""
    try:
        samples, channels = int(group.NumberOfWaveformSamples), int(group.NumberOfWaveformChannels)
        kind = TYPES.get((int(group.WaveformBitsAllocated), str(group.WaveformSampleInterpretation)))
        data = bytes(group.WaveformData or b"")
        described = len(group.ChannelDefinitionSequence)
        order = "<" if group.is_little_endian in (True, None) else ">"
    except Exception as error:  # pydicom raises whatever its conversions raised
        raise DamagedFile(file, "does not say how its waveforms are stored; export it again.") from error
    if kind is None:
        raise DataError(file, "has samples that are companded or of 64 bits; export it with plain 16-bit samples.")
    if not 0 < channels == described <= MOST_CHANNELS:
        raise DamagedFile(file, f"describes {described} of {channels} channels; export it again.")
    needed = samples * channels * int(kind[1])
    if len(data) < needed:
        problem = f"is cut short: {len(data):,} of {needed:,} bytes of waveforms are there. Export it again."
        raise DamagedFile(file, problem)
    return np.frombuffer(data[:needed], order + kind).reshape(samples, channels)


def _padding(value: Any, dtype: np.dtype[Any]) -> Any:
    """The padding value, which pydicom gives as bytes or as a number."""
    if isinstance(value, bytes):
        return np.frombuffer(value[: dtype.itemsize], dtype)[0]
    return np.array([int(value)]).astype(dtype)[0]


def _number(channel: Any, tag: str, usual: float) -> float:
    value = channel.get(tag)
    return float(usual if value in (None, "") else value)


def _unit(channel: Any) -> str:
    units = channel.get("ChannelSensitivityUnitsSequence") or []
    return str(units[0].get("CodeValue", "")).lower() if units else ""


def _name(channel: Any) -> str:
    """By the code of the lead, else its meaning such as "Lead V1", else the label of the channel."""
    sources = channel.get("ChannelSourceSequence") or []
    term = _TERM.match(str(sources[0].get("CodeValue", ""))) if sources else None
    if term and term[1] in LEADS:
        return LEADS[term[1]]
    meaning = str(sources[0].get("CodeMeaning", "")) if sources else ""
    text = str(channel.get("ChannelLabel") or meaning or "ECG")
    return lead_name(re.sub(r"^Lead\s+", "", text.split("(")[0].strip(), flags=re.IGNORECASE))


def _described(content: Any, groups: int, left_out: list[str]) -> dict[str, Any]:
    metadata: dict[str, Any] = {"channels left out": left_out, "multiplex groups": groups}
    age = re.match(r"^(\d{3})Y$", str(content.get("PatientAge") or ""))
    sex = SEX.get(str(content.get("PatientSex") or ""))
    found = {"age": int(age[1]) if age else None, "sex": sex, "manufacturer": str(content.get("Manufacturer") or "")}
    return metadata | {key: value for key, value in found.items() if value}
