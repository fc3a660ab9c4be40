"""XDF: streams of a recording, written chunk by chunk as the specification has them (github.com/sccn/xdf/wiki)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from synth_core.data import open_recordings
from synth_core.errors import DataError

RATE, SAMPLES = 250, 1000
WAVES = np.random.default_rng(8).normal(0, 20, (SAMPLES, 3)).astype(np.float32)


def chunk(tag: int, content: bytes) -> bytes:
    body = struct.pack("<H", tag) + content
    return b"\x04" + struct.pack("<I", len(body)) + body


def header(
    number: int,
    kind: str,
    *,
    channels: str = "",
    count: int = 3,
    rate: str = "250",
    dtype: str = "float32",
    more: str = "",
) -> bytes:
    stated = f"<nominal_srate>{rate}</nominal_srate>" if rate else ""
    text = (
        f'<?xml version="1.0"?><info><name>amp {number}</name><type>{kind}</type><channel_count>{count}</channel_count>'
        f"{stated}<channel_format>{dtype}</channel_format><created_at>1</created_at>"
        f"<desc><channels>{channels}</channels>{more}</desc></info>"
    )
    return chunk(2, struct.pack("<I", number) + text.encode())


def channel(label: str, unit: str = "microvolts", kind: str = "EEG") -> str:
    return f"<channel><label>{label}</label><unit>{unit}</unit><type>{kind}</type></channel>"


EEG = channel("Fp1") + channel("Cz") + channel("O2")


def samples(number: int, values: np.ndarray, *, start: float = 100.0, first: int = 0) -> bytes:
    body = b"".join(
        b"\x08" + struct.pack("<d", start + (first + i) / RATE) + row.tobytes() for i, row in enumerate(values)
    )
    return chunk(3, struct.pack("<I", number) + b"\x04" + struct.pack("<I", len(values)) + body)


def texts(number: int, marks: Sequence[tuple[float, str]]) -> bytes:
    body = b"".join(b"\x08" + struct.pack("<dBB", when, 1, len(text)) + text.encode() for when, text in marks)
    return chunk(3, struct.pack("<I", number) + b"\x01" + bytes([len(marks)]) + body)


def written(file: Path, *chunks: bytes) -> Path:
    file.write_bytes(b"XDF:" + chunk(1, b'<?xml version="1.0"?><info><version>1.0</version></info>') + b"".join(chunks))
    return file


MARKS = header(9, "Markers", count=1, rate="0", dtype="string")


def test_a_stream_its_markers_and_its_person(tmp_path: Path) -> None:
    person = "<subject><id>anna7</id></subject>"
    written(
        tmp_path / "a.xdf",
        header(1, "EEG", channels=EEG, more=person),
        MARKS,
        samples(1, WAVES[:400]),
        texts(9, [(101.0, "start"), (102.5, "stop"), (900.0, "long after")]),
        samples(1, WAVES[400:], first=400),
    )
    (recording,) = open_recordings(tmp_path)
    assert recording.spec.channels == ("Fp1", "Cz", "O2")
    assert (recording.spec.modality, recording.spec.rate, recording.spec.unit) == ("eeg", RATE, "uV")
    np.testing.assert_allclose(recording.read(), WAVES.T, rtol=1e-5)
    np.testing.assert_allclose(recording.read(390, 410), WAVES[390:410].T, rtol=1e-5)
    assert [mark.text for mark in recording.annotations] == ["start", "stop"]
    assert [mark.onset for mark in recording.annotations] == pytest.approx([1.0, 2.5], abs=1e-6)
    assert recording.basis == "stated"
    assert "anna7" not in recording.subject


def test_several_streams_are_several_recordings_of_one_person(tmp_path: Path) -> None:
    heart = channel("II", "mV", "ECG") + channel("RESP", "", "RESP") + channel("trigger", "", "TRIG")
    written(
        tmp_path / "a.xdf",
        header(1, "EEG", channels=EEG),
        header(2, "ECG", channels=heart),
        header(3, "Accelerometer"),
        *(samples(number, WAVES) for number in (1, 2, 3)),
    )
    first, second = open_recordings(tmp_path)
    assert (first.record, second.record) == ("a/amp 1", "a/amp 2")
    assert first.subject == second.subject
    assert (second.spec.modality, second.spec.unit, second.spec.channels) == ("ecg", "mV", ("II",))
    np.testing.assert_allclose(second.read()[0], WAVES[:, 0], rtol=1e-5)


@pytest.mark.parametrize("rate", ["0", "", "0.0"])
def test_a_stream_without_a_rate_asks_for_it(tmp_path: Path, rate: str) -> None:
    written(tmp_path / "a.xdf", header(1, "EEG", channels=EEG, rate=rate), samples(1, WAVES))
    with pytest.raises(DataError, match=r"time stamps show about 250 Hz; state the `rate`"):
        open_recordings(tmp_path)
    (recording,) = open_recordings(tmp_path, rate=250)
    np.testing.assert_allclose(recording.read(), WAVES.T, rtol=1e-5)
    assert "stated 250 Hz" in " ".join(recording.warnings)


def test_units_come_from_the_channels_or_are_asked(tmp_path: Path) -> None:
    volts = "".join(channel(name, "V") for name in ("Fp1", "Cz", "O2"))
    written(tmp_path / "a.xdf", header(1, "EEG", channels=volts), samples(1, WAVES / np.float32(1e6)))
    np.testing.assert_allclose(open_recordings(tmp_path)[0].read(), WAVES.T, rtol=1e-4)
    written(tmp_path / "a.xdf", header(1, "EEG"), samples(1, WAVES))
    with pytest.raises(DataError, match=r"'amp 1'; state the `unit`"):
        open_recordings(tmp_path)
    (told,) = open_recordings(tmp_path, unit="uV")
    assert told.spec.channels == ("channel 1", "channel 2", "channel 3")


def test_an_interruption_parts_a_stream_and_a_false_rate_is_said(tmp_path: Path) -> None:
    written(
        tmp_path / "a.xdf",
        header(1, "EEG", channels=EEG),
        samples(1, WAVES[:600]),
        samples(1, WAVES[600:], start=130.0, first=600),
    )
    first, second = open_recordings(tmp_path)
    assert (first.record, first.spec.shape[1], second.record, second.spec.shape[1]) == ("a#1", 600, "a#2", 400)
    np.testing.assert_allclose(second.read(), WAVES[600:].T, rtol=1e-5)
    assert "interrupted" in " ".join(first.warnings)
    written(tmp_path / "a.xdf", header(1, "EEG", channels=EEG, rate="500"), samples(1, WAVES))
    assert "show 250 Hz where the stream states 500 Hz" in " ".join(open_recordings(tmp_path)[0].warnings)


def test_a_damaged_file_says_so(tmp_path: Path) -> None:
    whole = written(tmp_path / "a.xdf", header(1, "EEG", channels=EEG), samples(1, WAVES)).read_bytes()
    broken = {
        "cut or damaged": whole[:-100],
        "without any stream": b"XDF:",
        "streams have no header": b"XDF:" + samples(1, WAVES),
        "not valid XML": whole.replace(b"<name>", b"<nome>"),
        "cannot be decoded": whole.replace(b"float32", b"float77"),
        "without a stream of type EEG": whole.replace(
            b"<type>EEG</type><channel_count>", b"<type>Eye</type><channel_count>"
        ),
    }
    for expected, content in broken.items():
        (tmp_path / "a.xdf").write_bytes(content)
        with pytest.raises(DataError, match=f"XDF.*{expected}"):
            open_recordings(tmp_path)
    for position in range(4, 600, 7):  # whatever is damaged: a sentence or a recording, never another error
        (tmp_path / "a.xdf").write_bytes(whole[:position] + b"\xff\x00" + whole[position + 2 :])
        with suppress(DataError):
            open_recordings(tmp_path)
