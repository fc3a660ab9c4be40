"""WFDB records (PhysioNet): a text header `.hea` beside signal files `.dat` or `.mat`, in one segment.

Format: https://physionet.org/physiotools/wag/header-5.htm. Samples are decoded by the `wfdb` package.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth_core.data.layouts import LUDB, MIT_BIH, MIT_BIH_RECORDS
from synth_core.data.readers.base import Opening
from synth_core.data.readers.files import Files, check_regular, read_bounded, sibling
from synth_core.data.readers.names import (
    channel_kind,
    electrode_name,
    is_lead,
    lead_name,
    record_of,
    unique,
)
from synth_core.data.readers.wfdb_comments import (
    SEVERAL_EACH,
    age_and_sex,
    diagnoses,
    names_no_patients,
    patient,
    without_free_text,
)
from synth_core.data.readers.wfdb_marks import ENDINGS as ANNOTATIONS
from synth_core.data.readers.wfdb_marks import called_by, endings_beside, lead_files, read_marks
from synth_core.data.recording import Evidence, Recording, Source
from synth_core.errors import DamagedFile, DataError
from synth_core.types import DataSpec, Modality

# bytes per sample
SAMPLE_BYTES = {"8": 1.0, "16": 2.0, "24": 3.0, "32": 4.0, "61": 2.0, "80": 1.0, "160": 2.0, "212": 1.5, "310": 4 / 3}
SAMPLE_BYTES["311"] = SAMPLE_BYTES["310"]
COMPRESSED = ("508", "516", "524")  # FLAC
DIFFERENCES = "8"  # each sample is the difference to the one before: decoded from the start
TO_MILLIVOLT = {"mv": 1.0, "uv": 1e-3, "µv": 1e-3, "v": 1e3, "nv": 1e-6}
MOST_CHANNELS, MOST_SAMPLES, MOST_SKEW = 1024, 2**36, 2**16
SIGNALS = (".dat", ".mat", ".xyz")
_RECORD_LINE = re.compile(rb"^\S+\s+\d+(\s|$)")
_GAIN = re.compile(r"[-+]?\d+(?:\.\d*)?(?:e[-+]?\d+)?", re.IGNORECASE)
_SEGMENTED_LINE = re.compile(rb"^[^\s/]+/\d+\s")


@dataclass(kw_only=True)
class WfdbRecording(Recording):
    """One record; samples are decoded on `read`.

    Parameters
    ----------
    header : the `.hea` file.
    picks : which signals of the record, one per channel of the spec.
    scales : factor from the file's unit to the spec's, one per channel.
    signals : the signal files that the header names.
    from_start : whether a sample can only be decoded after all before it.
    frames : samples of each of these signals in one frame of the record.
    """

    header: Path
    picks: tuple[int, ...]
    scales: tuple[float, ...]
    signals: tuple[Path, ...] = ()
    from_start: bool = False
    frames: int = 1

    def read(self, start: int | None = None, stop: int | None = None) -> NDArray[np.float32]:
        """See Recording."""
        first, last = self.span(start, stop)
        begin, end = first // self.frames, -(-last // self.frames)
        values = decode(self.header, self.picks, begin, end, self.from_start, self.signals, self.frames)
        values = values[:, first - begin * self.frames : last - begin * self.frames]
        return (values * np.array(self.scales)[:, None]).astype(np.float32)  # (channels, samples)


def read(files: Files, opening: Opening) -> list[Recording]:
    """Every record of one segment; the diagnoses of `#Dx:` comments become labels over all of the collection."""
    recordings = read_headers([file for file in headers(files) if not is_segmented(files, file)], files, opening)
    return with_labels(recordings, {one.record: diagnoses(one.header, one.metadata["comments"]) for one in recordings})


def read_headers(headers: Iterable[Path], files: Files, opening: Opening) -> list[WfdbRecording]:
    """One recording per header; those that are damaged go to `opening.skipped`."""
    recordings = []
    for header in headers:
        files.take(header, *(header.with_suffix(ending) for ending in (*SIGNALS, *ANNOTATIONS)))
        try:
            recordings.append(read_header(header, files))
            files.take(*lead_files(header, recordings[-1].spec.channels))
            files.take(*recordings[-1].signals)
        except DataError as error:
            opening.skipped.append(error)
    return recordings


def with_labels(recordings: Sequence[Recording], named: dict[str, list[str]]) -> list[Recording]:
    """The recordings with 0/1 for every class that any of them has."""
    classes = sorted({name for names in named.values() for name in names})
    return [
        replace(
            recording,
            labels={name: int(name in named[recording.record]) for name in classes},
            metadata=without_free_text(recording.metadata),
        )
        for recording in recordings
    ]


def read_header(header: Path, files: Files) -> WfdbRecording:
    """One record from its header, checked against the sizes of the signal files that it names."""
    record = parsed_header(header)
    samples = check_signal_files(header, record)
    modality, picks = choose(header, list(record.sig_name), list(record.units))
    picks, frames = _of_one_rate(picks, list(record.samps_per_frame))
    spec = spec_of(modality, [record.sig_name[i] for i in picks], samples * frames, record.fs * frames)
    leads = named_channels(record.sig_name, picks, spec)
    marks, unread = read_marks(header, endings_beside(header), record.fs, spec.seconds, leads)
    return WfdbRecording(
        spec=spec,
        subject="",
        record=record_of(files.relative(header)),
        evidence=evidence_of(header, files, record),
        warnings=_warnings(header, record, picks),
        annotations=marks,
        source=Source(header.parent.resolve().name),
        metadata=described(record, record.sig_name, picks, unread),
        stated_unit=record.units[picks[0]],
        header=header,
        picks=picks,
        scales=tuple(scale_of(record.units[i].lower(), modality) for i in picks),
        signals=tuple(sibling(header, name) for name in dict.fromkeys(record.file_name)),
        from_start=DIFFERENCES in record.fmt,
        frames=frames,
    )


def _of_one_rate(picks: tuple[int, ...], frames: list[int]) -> tuple[tuple[int, ...], int]:
    """The signals with the most frequent number of samples per frame (the largest among equals), and that number."""
    counts = Counter(frames[i] for i in picks)
    usual = max(counts, key=lambda each: (counts[each], each))
    return tuple(i for i in picks if frames[i] == usual), int(usual)


def parsed_header(header: Path, several: bool = False) -> Any:
    """A header as the package reads it; DamagedFile when it cannot, or when it is not of `several` segments or one."""
    import wfdb

    read_bounded(header, 2**22, "a WFDB header")
    try:
        record = wfdb.rdheader(str(header.with_suffix("")))
    except Exception as error:  # the package raises whatever its parsing raised
        raise DamagedFile(header, "is not a valid WFDB header; copy or download it again.") from error
    if isinstance(record, wfdb.MultiRecord) != several:
        raise DamagedFile(header, "is a record of segments within a record of segments; it is left out.")
    if not record.n_sig or (several and not record.seg_name):
        raise DataError(header, "has no signals of its own (annotations only); it is left out.")
    return record


def decode(
    header: Path,
    picks: Sequence[int],
    first: int,
    last: int,
    from_start: bool = False,
    signals: Sequence[Path] = (),
    frames: int = 1,
) -> NDArray[np.float64]:
    """(picks, (last − first) · frames) in the units of the file: frames first … last − 1 of so many samples each."""
    import wfdb

    if first == last:
        return np.zeros((len(picks), 0))
    begin = 0 if from_start else first
    for file in (header, *signals):
        check_regular(file)
    try:
        span = {"sampfrom": begin, "sampto": last, "channels": list(picks), "smooth_frames": frames == 1}
        record = wfdb.rdrecord(str(header.with_suffix("")), **span)
        decoded = record.p_signal.T if frames == 1 else record.e_p_signal
        values = np.asarray(decoded, np.float64)[:, (first - begin) * frames :]
    except Exception as error:  # the package raises whatever numpy raised
        problem = "has signal files that cannot be decoded; copy or download the record again."
        raise DamagedFile(header, problem) from error
    if values.shape != (len(picks), (last - first) * frames):
        raise DamagedFile(header, "has fewer samples than it declares; copy or download the record again.")
    return values


def spec_of(modality: Modality, signals: list[str], samples: int, rate: float) -> DataSpec:
    """The spec of a record whose channels are called `signals` in the file."""
    naming = lead_name if modality == "ecg" else electrode_name
    unit = "mV" if modality == "ecg" else "uV"
    return DataSpec(modality, (len(signals), samples), unit, float(rate), unique([naming(name) for name in signals]))


def named_channels(signals: Sequence[str], picks: Sequence[int], spec: DataSpec) -> dict[str, str]:
    """The name in the file of each signal → its channel; one that was not picked keeps its name."""
    chosen = dict(zip(picks, spec.channels, strict=True))
    return {name: chosen.get(i, name) for i, name in enumerate(signals)}


def scale_of(unit: str, modality: Modality) -> float:
    """From a unit of the file, in lower case, to the unit of the modality."""
    return TO_MILLIVOLT[unit] * (1.0 if modality == "ecg" else 1e3)


def headers(files: Files) -> list[Path]:
    """The headers left among `files`; that beside a signal file where one is all that was given."""
    found = files.named(".hea")
    if files.path in files and files.path.suffix.lower() in SIGNALS:
        found = [header for header in [files.path.with_suffix(".hea")] if header.is_file()]
    return [header for header in found if _RECORD_LINE.match(_record_line(files.head(header)))]


def is_segmented(files: Files, header: Path) -> bool:
    """Whether a header is of a record of several segments."""
    return bool(_SEGMENTED_LINE.match(_record_line(files.head(header))))


def _record_line(start: bytes) -> bytes:
    lines = (line.strip() for line in start.splitlines())
    return next((line + b" " for line in lines if line and not line.startswith(b"#")), b"")


def check_signal_files(header: Path, record: Any) -> int:
    """Number of samples per channel, once every named file is there and long enough."""
    if record.n_sig > MOST_CHANNELS or (record.sig_len or 0) > MOST_SAMPLES or not 0 < (record.fs or 0) < 1e6:
        raise DamagedFile(header, f"declares {record.n_sig} channels of {record.sig_len} samples at {record.fs} Hz.")
    described = (
        record.file_name,
        record.fmt,
        record.units,
        record.sig_name,
        record.samps_per_frame,
        record.byte_offset,
    )
    gaps = any(None in column for column in described if column is not None and column is not record.byte_offset)
    if any(column is None or len(column) != record.n_sig for column in described) or gaps:
        raise DamagedFile(header, f"does not describe each of its {record.n_sig} signals; download it again.")
    if max(skew or 0 for skew in record.skew or [0]) > MOST_SKEW:
        raise DamagedFile(header, f"declares a skew of {max(skew or 0 for skew in record.skew)} samples.")
    lengths = []
    for name in dict.fromkeys(record.file_name):
        file = sibling(header, name)
        if not file.is_file():
            raise DamagedFile(header, f"names the signal file {name}, which is not beside it; put it there.")
        own = [i for i in range(record.n_sig) if record.file_name[i] == name]
        size = file.stat().st_size - (record.byte_offset[own[0]] or 0)
        if record.fmt[own[0]] in COMPRESSED:
            lengths.append((file, _compressed_frames(file, record, own)))
            continue
        frame = sum(SAMPLE_BYTES.get(record.fmt[i], np.nan) * record.samps_per_frame[i] for i in own)
        if not frame > 0:
            raise DamagedFile(header, f"names signals of format {record.fmt[own[0]]}, which is not known.")
        lengths.append((file, int(size / frame + 1e-9)))
    samples = record.sig_len or min((length for _, length in lengths), default=0)
    for file, length in lengths:
        if length < samples:
            problem = f"is cut short: {length:,} of {samples:,} samples are there. Copy or download it again."
            raise DamagedFile(file, problem)
    if samples < 1:
        raise DamagedFile(header, "declares no samples.")
    return int(samples)


def _compressed_frames(file: Path, record: Any, own: list[int]) -> int:
    """Number of samples per channel that a FLAC file declares."""
    import soundfile

    try:
        info = soundfile.info(str(file))
    except Exception as error:  # libsndfile's own, or whatever its parsing raised
        raise DamagedFile(file, "is not a valid FLAC file; copy or download it again.") from error
    if info.format != "FLAC" or info.channels != len(own):
        raise DamagedFile(file, f"has {info.channels} channels of {info.format}, not {len(own)} of FLAC.")
    return int((info.frames - (record.byte_offset[own[0]] or 0)) // max(1, record.samps_per_frame[own[0]]))


def choose(header: Path, names: list[str], units: list[str]) -> tuple[Modality, tuple[int, ...]]:
    """The signals that are voltages of one modality; EEG when electrodes of the 10-05 system prevail."""
    voltages = [i for i, unit in enumerate(units) if (unit or "").lower() in TO_MILLIVOLT]
    brain = [i for i in voltages if channel_kind(names[i]) == "eeg"]
    leads = [i for i in voltages if is_lead(names[i])]
    if len(brain) > len(leads):
        return "eeg", tuple(brain)
    chosen = leads or [i for i in voltages if channel_kind(names[i]) == "unknown"]
    if not chosen:
        raise DataError(header, f"has no ECG or EEG channel in volts (found {', '.join(names)}); it is left out.")
    return "ecg", tuple(chosen)


def evidence_of(header: Path, files: Files, record: Any) -> Evidence:
    """Whose a record is: a comment may say; two collections are known by the names of their records and signals."""
    return files.evidence(header, stated=patient(record.comments), public=True, known=_known(header, record))


def _warnings(header: Path, record: Any, picks: Sequence[int]) -> tuple[str, ...]:
    gains = _stated_gains(header)
    uncalibrated = [record.sig_name[i] for i in picks if i < len(gains) and gains[i] == 0]
    taken = f"{', '.join(uncalibrated)}: the header gives no gain, so 200 units per mV are taken, as WFDB does."
    several = SEVERAL_EACH if names_no_patients(header.stem, record.comments) else ""
    return tuple(filter(None, (taken if uncalibrated else "", several)))


def _stated_gains(header: Path) -> list[float]:
    """The gain of each signal as the header writes it; the package fills in 200 for 0 and for none."""
    lines = [line for line in header.read_text("latin-1").splitlines() if line.strip() and not line.startswith("#")]
    fields = [line.split() for line in lines[1:]]
    return [float(found[0]) if len(one) > 2 and (found := _GAIN.match(one[2])) else 0.0 for one in fields]


def _known(header: Path, record: Any) -> str:
    if header.stem in MIT_BIH_RECORDS and record.fs == 360:
        return MIT_BIH
    lead_endings = {called_by(ending) for ending in endings_beside(header)}
    return LUDB if header.stem.isdecimal() and {"i", "ii"} & lead_endings else ""


def described(record: Any, signals: Sequence[str], picks: tuple[int, ...], unread: list[str]) -> dict[str, Any]:
    """What else a header says, for display."""
    left_out = [name for i, name in enumerate(signals) if i not in picks]
    metadata = {"comments": list(record.comments), "channels left out": left_out, **age_and_sex(record.comments)}
    if unread:
        metadata["annotation files left out"] = unread
    return metadata
