"""Small valid EEG files of every reader, and mutations of them: tests and the fuzz campaign damage these."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Channel:
    """One signal of an EDF or BDF file."""

    label: str
    unit: str = "uV"
    low: float = -3276.8
    high: float = 3276.7
    samples: int = 100


def tal(onset: float, *texts: str, duration: float | None = None) -> bytes:
    """A time-stamped annotation list, without the zero that ends it."""
    length = b"" if duration is None else b"\x15" + f"{duration:g}".encode()
    return f"{onset:+g}".encode() + length + b"".join(b"\x14" + text.encode() for text in texts) + b"\x14\0"


def edf_bytes(
    channels: Sequence[Channel] = (Channel("EEG Fp1"), Channel("EEG Fp2")),
    *,
    records: int = 4,
    declared: int | None = None,
    seconds: bytes = b"1",
    bdf: bool = False,
    onsets: Sequence[float] = (),
    discontinuous: bool = True,
    keeping: bool = True,
    marks: Mapping[int, Sequence[str]] | None = None,
    lists: Mapping[int, bytes] | None = None,
    patient: bytes = b"X X X X",
    recording: bytes = b"Startdate 05-NOV-1999 X X X",
    keep: int | None = None,
) -> bytes:
    """An EDF or BDF file with a random walk in every channel, as EDF+ where records have `onsets`."""
    channels = list(channels)
    samples = [channel.samples for channel in channels]
    if onsets:
        records = len(onsets)
        channels.append(Channel("BDF Annotations" if bdf else "EDF Annotations", "", -1, 1, 40))
        samples.append(40)
    edge = 2**23 if bdf else 2**15
    kind = ("BDF+" if bdf else "EDF+") + ("D" if discontinuous else "C") if onsets else "24BIT" if bdf else ""
    columns: list[tuple[int, list[object]]] = [
        (16, [one.label for one in channels]),
        (80, ["electrode"] * len(channels)),
        (8, [one.unit for one in channels]),
        (8, [one.low for one in channels]),
        (8, [one.high for one in channels]),
        (8, [-edge] * len(channels)),
        (8, [edge - 1] * len(channels)),
        (80, ["HP:0.1Hz"] * len(channels)),
        (8, samples),
        (32, [""] * len(channels)),
    ]
    head = (b"\xffBIOSEMI" if bdf else b"0       ") + patient.ljust(80) + recording.ljust(80) + b"05.11.9911.22.33"
    head += str(256 * (1 + len(channels))).encode().ljust(8) + kind.encode().ljust(44)
    head += str(records if declared is None else declared).encode().ljust(8) + seconds.ljust(8)
    head += str(len(channels)).encode().ljust(4)
    for width, fields in columns:
        head += b"".join(str(field).encode("latin-1").ljust(width) for field in fields)
    content = bytearray(head)
    rng = np.random.default_rng(0)
    for number in range(records):
        for size in (max(one.samples, 0) for one in channels[: len(channels) - bool(onsets)]):
            stored = rng.integers(-edge, edge, size, dtype=np.int32)
            content += stored.view(np.uint8).reshape(-1, 4)[:, : 3 if bdf else 2].tobytes()
        if onsets:
            onset = onsets[number]
            texts = tal(onset, "") if keeping else b""
            texts += b"".join(tal(onset, text) for text in (marks or {}).get(number, ()))
            texts += (lists or {}).get(number, b"")
            content += texts.ljust(40 * (3 if bdf else 2), b"\0")
    return bytes(content if keep is None else content[:keep])


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """The content cut short, with bytes flipped, doubled, zeroed or replaced by digits: seldom in the same way."""
    changed = bytearray(content)
    if rng.random() < 0.25:
        del changed[int(rng.integers(1, len(changed) + 1)) :]
    for _ in range(int(rng.integers(1, 8))):
        # headers are at the beginning, which is where most of the damage is interesting
        reach = len(changed) if rng.random() < 0.4 else min(len(changed), 1024)
        position = int(rng.integers(0, reach))
        length = int(rng.integers(1, 9))
        match int(rng.integers(0, 4)):
            case 0:
                changed[position] = int(rng.integers(0, 256))
            case 1:
                changed[position : position + length] = bytes(len(changed[position : position + length]))
            case 2:
                changed[position : position + length] = b"9" * len(changed[position : position + length])
            case _:
                changed[position:position] = changed[position : position + length]
        if not changed:
            break
    return bytes(changed)


def _edf(folder: Path) -> None:
    (folder / "x.edf").write_bytes(edf_bytes(records=2))


def _edf_plus(folder: Path) -> None:
    (folder / "x.edf").write_bytes(edf_bytes(onsets=[0.0, 1.0, 3.0], marks={1: ["spike"]}))


def _bdf(folder: Path) -> None:
    (folder / "x.bdf").write_bytes(edf_bytes(onsets=[0.0, 1.0], bdf=True, discontinuous=False))


SEEDS: dict[str, Callable[[Path], None]] = {"edf": _edf, "edf+": _edf_plus, "bdf+": _bdf}
