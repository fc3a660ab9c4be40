"""XDF, what the Lab Streaming Layer records: several streams in one file, https://github.com/sccn/xdf/wiki. By pyxdf.

Each stream of EEG or ECG is a recording, and so is each part of it between interruptions; streams of text are
annotations of all of them. The chunks are walked before pyxdf reads them: it trusts the sizes that stand there and goes
on in silence where a file is cut.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from synth_core.data.readers.base import Opening
from synth_core.data.readers.channels import Choice, choose, kinds_by_name
from synth_core.data.readers.files import Files
from synth_core.data.readers.names import record_of
from synth_core.data.readers.units import factor, unit_of, volts
from synth_core.data.recording import Annotation, Recording, Source
from synth_core.errors import DamagedFile, DataError
from synth_core.types import DataSpec

MAGIC = b"XDF:"
LARGEST = 2 * 2**30  # bytes: pyxdf keeps all of a file in memory
LARGEST_HEADER = 16 * 2**20  # bytes of XML
XML_CHUNKS = (1, 2, 6)  # header of the file, header and footer of a stream
MOST_ANNOTATIONS = 200_000
SIGNALS = ("EEG", "ECG", "EKG", "EXG", "EMG/ECG", "BIOSIGNAL", "SIGNAL", "SIGNALS")
AGREEING = 0.02  # of the nominal rate: what the rate that time stamps show may differ by
NO_UNIT = "does not say the unit of its channels in the stream {stream!r}; state the `unit`: uV, mV, V or nV."
NO_RATE = "gives no rate for the stream {stream!r} (nominal_srate is 0){shown}; state the `rate`."
STATED = "The stream gives no nominal rate: its samples are taken to be at the stated {rate:g} Hz."
DIFFERENT = "Time stamps show {own:.4g} Hz where the stream states {rate:g} Hz, which is taken: samples may be missing."
NOT_DECODED = "is an XDF file whose streams cannot be decoded; copy it again, or export it as EDF+."
BROKEN = "The stream was interrupted: each part without an interruption is a recording of its own."


@dataclass(frozen=True)
class Part:
    """Samples first … last − 1 of a stream, by its number in the file."""

    stream: int
    first: int
    last: int


@dataclass(kw_only=True)
class XdfRecording(Recording):
    """One stream between two interruptions; the file is decoded on `read`.

    Parameters
    ----------
    picks : which channels of the stream. scales : what makes each µV or mV.
    """

    file: Path
    part: Part
    picks: tuple[int, ...]
    scales: tuple[float, ...]

    def read(self, start: int | None = None, stop: int | None = None) -> NDArray[np.float32]:
        """See Recording."""
        first, last = self.span(start, stop)
        state = self.file.stat() if self.file.is_file() else None
        streams = _streams(self.file, state.st_mtime_ns if state else 0)
        if self.part.stream >= len(streams) or len(streams[self.part.stream]["time_series"]) < self.part.last:
            raise DamagedFile(self.file, "has changed since it was opened; open it again.")
        rows = streams[self.part.stream]["time_series"][self.part.first + first : self.part.first + last]
        values = np.asarray(rows, np.float64)[:, self.picks].T * np.array(self.scales)[:, None]  # (channels, samples)
        return np.ascontiguousarray(values, np.float32)


def read(files: Files, opening: Opening) -> list[Recording]:
    """The recordings of every XDF file."""
    recordings: list[Recording] = []
    for file in files.starting(MAGIC):
        files.take(file)
        try:
            recordings += _recordings(file, files, opening)
        except DataError as error:
            opening.skipped.append(error)
    return recordings


def _recordings(file: Path, files: Files, opening: Opening) -> list[XdfRecording]:
    streams = _streams(file, file.stat().st_mtime_ns)
    signals = [i for i, stream in enumerate(streams) if _is_signal(stream)]
    if not signals:
        held = ", ".join(sorted({_said(stream, "type") or "no type" for stream in streams})) or "none"
        raise DataError(file, f"is an XDF file without a stream of type EEG or ECG (types: {held}); it is left out.")
    recordings: list[XdfRecording] = []
    for number in signals:
        try:
            recordings += _of_stream(file, streams, number, len(signals) > 1, files, opening)
        except DataError as error:
            opening.skipped.append(error)
    return recordings


def _of_stream(
    file: Path, streams: Sequence[dict[str, Any]], number: int, several: bool, files: Files, opening: Opening
) -> Iterator[XdfRecording]:
    stream = streams[number]
    name = _said(stream, "name") or f"stream {number + 1}"
    choice, units = _choice(file, stream, opening)
    units = [unit or opening.unit or "" for unit in units]
    scales = [factor(unit, choice.modality) for unit in units]
    if any(scale is None for scale in scales):
        raise DataError(file, "is an XDF file that " + NO_UNIT.format(stream=name))
    rate, warnings = _rate(file, stream, name, opening)
    parts = [Part(number, int(first), int(last) + 1) for first, last in stream["info"]["segments"] if last > first]
    warnings += [BROKEN] if len(parts) > 1 else []
    record = record_of(files.relative(file)) + (f"/{name}" if several else "")
    for i, part in enumerate(parts):
        samples = part.last - part.first
        yield XdfRecording(
            spec=DataSpec(choice.modality, (len(choice.picks), samples), unit_of(choice.modality), rate, choice.names),
            subject="",
            record=record + (f"#{i + 1}" if len(parts) > 1 else ""),
            evidence=files.evidence(file, stated=_person(stream), whole=record_of(files.relative(file))),
            annotations=_marks(streams, stream["time_stamps"][part.first : part.last]),
            source=Source(file.resolve().parent.name),
            metadata={**choice.metadata, "stream": name, "removed": ["start date", "host name"]},
            warnings=tuple(warnings),
            file=file,
            part=part,
            picks=choice.picks,
            scales=tuple(scale or np.nan for scale in scales),
        )


def _choice(file: Path, stream: dict[str, Any], opening: Opening) -> tuple[Choice, list[str]]:
    """The channels that are taken, and their units."""
    count = np.asarray(stream["time_series"]).shape[1]
    described = _channels(stream)
    described += [{} for _ in range(count - len(described))]
    labels = [one.get("label") or one.get("name") or f"channel {i + 1}" for i, one in enumerate(described[:count])]
    kind = _said(stream, "type").upper().replace("EKG", "ECG").lower()
    named = kinds_by_name(labels)
    kinds = []
    for one, by_name in zip(described[:count], named, strict=True):
        own = one.get("type", "").upper().replace("EKG", "ECG")
        unit = one.get("unit", "")
        if unit and volts(unit) is None:
            kinds.append("other")
        elif own in ("EEG", "ECG"):
            kinds.append(own.lower())
        elif own:
            kinds.append("other")
        else:
            kinds.append(kind if by_name == "unknown" and kind in ("eeg", "ecg") else by_name)
    choice = choose(file, labels, kinds, modality=opening.modality)
    return choice, [described[pick].get("unit", "") for pick in choice.picks]


def _rate(file: Path, stream: dict[str, Any], name: str, opening: Opening) -> tuple[float, list[str]]:
    stamps = stream["time_stamps"]
    nominal = _number(_said(stream, "nominal_srate"))
    shown = (len(stamps) - 1) / (stamps[-1] - stamps[0]) if len(stamps) > 1 and stamps[-1] > stamps[0] else 0.0
    if nominal > 0:
        own = float(stream["info"]["effective_srate"] or nominal)
        differs = abs(own - nominal) > AGREEING * nominal
        return nominal, [DIFFERENT.format(own=own, rate=nominal)] if differs else []
    if opening.rate is None:
        hint = f"; its time stamps show about {shown:.4g} Hz" if shown else ""
        raise DataError(file, "is an XDF file that " + NO_RATE.format(stream=name, shown=hint))
    return float(opening.rate), [STATED.format(rate=opening.rate)]


def _marks(streams: Sequence[dict[str, Any]], stamps: NDArray[np.float64]) -> tuple[Annotation, ...]:
    """What streams of text say while these samples were taken."""
    marks = [
        Annotation(float(when - stamps[0]), 0.0, ", ".join(map(str, texts)))
        for stream in streams
        if _said(stream, "channel_format") == "string" or _said(stream, "type").lower() in ("markers", "events")
        for when, texts in zip(stream["time_stamps"], stream["time_series"], strict=True)
        if stamps[0] <= when <= stamps[-1]
    ]
    return tuple(sorted(marks, key=lambda mark: mark.onset)[:MOST_ANNOTATIONS])


@lru_cache(maxsize=1)
def _streams(file: Path, _changed: int) -> list[dict[str, Any]]:
    """All streams with their samples, clocks made one."""
    import pyxdf

    said = _Errors()
    logger = logging.getLogger("pyxdf.pyxdf")
    logger.addHandler(said)
    before, logger.propagate = logger.propagate, False
    try:
        with _checked(file) as content:
            streams = list(pyxdf.load_xdf(content)[0])
    except DataError:
        raise
    except Exception as error:  # whatever its parsing raises
        raise DamagedFile(file, NOT_DECODED) from error
    finally:
        logger.removeHandler(said)
        logger.propagate = before
    if said.any:
        raise DamagedFile(file, NOT_DECODED)
    return streams


class _Errors(logging.Handler):
    """Whether pyxdf has met an error, which it logs and leaves out."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.any = False

    def emit(self, record: logging.LogRecord) -> None:
        """See Handler."""
        self.any = True


def _checked(file: Path) -> BinaryIO:
    """The file, open, once its chunks have been walked; streams that state no rate get the 0 that stands for none.

    Raises
    ------
    DamagedFile : unless it is a row of whole chunks, with a header of each stream that has samples.
    """
    size = file.stat().st_size
    if size > LARGEST:
        raise DataError(
            file, f"is an XDF file of more than {LARGEST >> 30} GB, all of which is loaded; split it first."
        )
    known: set[bytes] = set()
    unstated: list[tuple[int, int, bytes]] = []  # where a header begins and ends, and what takes its place
    with file.open("rb") as content:
        content.seek(len(MAGIC))
        while (begin := content.tell()) < size:
            length = _size(content)
            place = content.tell()
            if length < 2 or place + length > size:
                problem = f"is an XDF file that is cut or damaged after {begin:,} of {size:,} bytes; copy it again."
                raise DamagedFile(file, problem)
            tag, stream = int.from_bytes(content.read(2), "little"), content.read(4)
            if (tag in XML_CHUNKS and length > LARGEST_HEADER) or (tag in (3, 4, 6) and stream not in known):
                raise DamagedFile(file, "is an XDF file whose streams have no header or a false one; export it again.")
            if tag == 3 and _size(content) > length:
                raise DamagedFile(file, NOT_DECODED)
            if tag == 2:
                known.add(stream)
                header = _with_rate(file, content.read(length - 6))
                if header:
                    chunk = (2).to_bytes(2, "little") + stream + header
                    unstated.append((begin, place + length, b"\4" + len(chunk).to_bytes(4, "little") + chunk))
            content.seek(place + length)
    if not known:
        raise DamagedFile(file, "is an XDF file without any stream; record it again.")
    return _replaced(file, unstated) if unstated else file.open("rb")


def _size(content: BinaryIO) -> int:
    """A length, after the byte that says in how many bytes it is written; 0 where that byte is wrong."""
    width = content.read(1)
    return int.from_bytes(content.read(width[0]), "little") if width in (b"\1", b"\4", b"\x08") else 0


def _with_rate(file: Path, header: bytes) -> bytes:
    """A header that states no rate, with the rate 0; nothing for one that does."""
    from defusedxml import ElementTree

    try:
        root = ElementTree.fromstring(header.decode("utf-8", "replace"))
    except Exception as error:  # ParseError, forbidden entities
        raise DamagedFile(file, "is an XDF file with a header that is not valid XML; export it again.") from error
    if (root.findtext("nominal_srate") or "").strip():
        return b""
    for element in root.findall("nominal_srate"):
        root.remove(element)
    root.append(root.makeelement("nominal_srate", {}))
    root[-1].text = "0"
    return bytes(ElementTree.tostring(root))


def _replaced(file: Path, pieces: Sequence[tuple[int, int, bytes]]) -> BinaryIO:
    content, result, place = file.read_bytes(), [], 0
    for begin, end, instead in pieces:
        result += [content[place:begin], instead]
        place = end
    return io.BytesIO(b"".join([*result, content[place:]]))


def _is_signal(stream: dict[str, Any]) -> bool:
    numbers = _said(stream, "channel_format") != "string" and len(stream["time_stamps"]) > 1
    return numbers and _said(stream, "type").upper() in SIGNALS


def _channels(stream: dict[str, Any]) -> list[dict[str, str]]:
    """What `desc/channels/channel` says of each channel."""
    channels = _below(_below(_below(stream["info"], "desc"), "channels"), "channel", every=True)
    return [
        {key: str(values[0] or "").strip() for key, values in one.items()} if isinstance(one, dict) else {}
        for one in channels
    ]


def _below(element: Any, name: str, *, every: bool = False) -> Any:
    """The first element of this name, or all of them; nothing where there is none."""
    found = element.get(name) if isinstance(element, dict) else None
    if every:
        return found or []
    return found[0] if found else None


def _said(stream: dict[str, Any], name: str) -> str:
    value = _below(stream["info"], name)
    return value.strip() if isinstance(value, str) else ""


def _person(stream: dict[str, Any]) -> str:
    """`desc/subject/id`, as the metadata of XDF have it."""
    code = _below(_below(_below(stream["info"], "desc"), "subject"), "id")
    return code.strip() if isinstance(code, str) else ""


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
