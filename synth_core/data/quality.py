"""What is wrong with recordings, before they are prepared: one sentence per fault, from a bounded excerpt of each."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from synth_core.data.recording import Recording
from synth_core.errors import DataError
from synth_core.signal import line_noise

Progress = Callable[[int, int, str], None]
FLAT, CLIPPED, HUM, MISSING_LEADS, MISSING_VALUES, DUPLICATE, SUBJECT, DAMAGED = (
    "flat", "clipped", "line noise", "missing leads", "missing values", "duplicate", "same subject", "damaged",
)  # fmt: skip
FLAT_SECONDS = 2.0  # one value for so long: disconnected
MOST_CLIPPED = 0.01  # share of samples at the ends of the range, in runs
MOST_HUM = 0.3  # share of the power within 1 Hz of 50 or 60 Hz
HELD = 5  # equal samples in a row that make a plateau
LARGEST_EXCERPT = 2**24  # values
NAMED = 4  # channels that a sentence names


@dataclass(frozen=True)
class Flag:
    """A fault of a recording: its kind, and a sentence with the numbers."""

    record: str
    kind: str
    detail: str


def quality_flags(
    recordings: Sequence[Recording], *, progress: Progress | None = None, sample_seconds: float = 60
) -> list[Flag]:
    """Faults, in the order of the recordings; then what several recordings have in common.

    Parameters
    ----------
    progress : called with (recordings done, all, record name) after each; what it raises cancels.
    sample_seconds : of each signal, from its middle, are looked at; of a CT series one slice.
    """
    flags = list(_missing_leads(recordings))
    first_with: dict[str, str] = {}
    for number, recording in enumerate(recordings):
        try:
            excerpt = _excerpt(recording, sample_seconds)
        except DataError as error:
            flags.append(Flag(recording.record, DAMAGED, str(error)))
        else:
            content = _content_hash(recording, excerpt)
            if content in first_with:
                detail = f"The same samples as {first_with[content]}: keep one of them."
                flags.append(Flag(recording.record, DUPLICATE, detail))
            first_with.setdefault(content, recording.record)
            if not recording.spec.is_image:
                flags += _of_signal(recording, excerpt)
        if progress is not None:
            progress(number + 1, len(recordings), recording.record)
    return [*flags, *_subjects_twice(recordings)]


def _excerpt(recording: Recording, seconds: float) -> NDArray[np.float32]:
    """The middle of a recording: (channels, samples), or (1, height, width)."""
    if recording.spec.is_image:
        return recording.read(recording.slices // 2, recording.slices // 2 + 1)
    channels, samples = recording.spec.shape
    length = max(1, min(samples, round(seconds * recording.spec.rate), LARGEST_EXCERPT // channels))
    start = (samples - length) // 2
    return recording.read(start, start + length)


def _content_hash(recording: Recording, excerpt: NDArray[np.float32]) -> str:
    """Of the excerpt and of how long the recording is."""
    digest = hashlib.sha256(repr((recording.spec.modality, recording.spec.shape, recording.slices)).encode())
    digest.update(np.ascontiguousarray(excerpt).tobytes())
    return digest.hexdigest()


def _of_signal(recording: Recording, excerpt: NDArray[np.float32]) -> Iterator[Flag]:
    names, rate = recording.spec.channels, recording.spec.rate
    missing = (~np.isfinite(excerpt)).mean(axis=1)
    if missing.any():
        yield _flag(recording, MISSING_VALUES, names, missing, missing > 0, "of the samples are missing")
    values = np.where(np.isfinite(excerpt), excerpt, np.float32(0))
    whole = missing == 0
    longest = np.array([_longest_run(row) for row in values]) / rate
    flat = whole & (longest >= min(FLAT_SECONDS, values.shape[1] / rate))
    if flat.any():
        named = _named(names, flat)
        yield Flag(recording.record, FLAT, f"{named}: one value for {longest[flat].max():.1f} s; check the electrode.")
    clipped = np.array([_clipped(row) for row in values])
    beyond = whole & ~flat & (clipped > MOST_CLIPPED)
    if beyond.any():
        yield _flag(recording, CLIPPED, names, clipped, beyond, "of the samples sit at the ends of the range")
    if values.shape[1] >= 2:
        hum = line_noise(values, rate)
        loud = whole & (hum > MOST_HUM)
        if loud.any():
            yield _flag(recording, HUM, names, hum, loud, "of the power lies within 1 Hz of 50 or 60 Hz")


def _flag(
    recording: Recording,
    kind: str,
    names: Sequence[str],
    shares: NDArray[np.float64],
    at_fault: NDArray[np.bool_],
    what: str,
) -> Flag:
    return Flag(recording.record, kind, f"{_named(names, at_fault)}: {100 * shares[at_fault].max():.2g} % {what}.")


def _named(names: Sequence[str], at_fault: NDArray[np.bool_]) -> str:
    found = [names[i] if names else f"channel {i + 1}" for i in np.flatnonzero(at_fault).tolist()]
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return ", ".join(found[:NAMED]) + more


def _longest_run(row: NDArray[np.float32]) -> int:
    """Samples of the longest run of one value."""
    changes = np.flatnonzero(np.diff(row) != 0)
    return int(np.diff(np.concatenate([[-1], changes, [len(row) - 1]])).max())


def _clipped(row: NDArray[np.float32]) -> float:
    """Share of samples at the highest or lowest value, in runs of at least HELD."""
    edges = np.concatenate([[-1], np.flatnonzero(np.diff(row) != 0), [len(row) - 1]])
    lengths, values = np.diff(edges), row[edges[1:]]
    at_end = (values == row.max()) | (values == row.min())
    return float(lengths[at_end & (lengths >= HELD)].sum() / len(row))


def _missing_leads(recordings: Sequence[Recording]) -> Iterator[Flag]:
    """Channels that most recordings of the modality have and one has not."""
    for modality in dict.fromkeys(one.spec.modality for one in recordings):
        own = [one for one in recordings if one.spec.modality == modality]
        counts = Counter(name for one in own for name in one.spec.channels)
        usual = [name for name, count in counts.items() if count > len(own) / 2]
        for one in own:
            missing = np.array([name not in one.spec.channels for name in usual], bool)
            if missing.any():
                detail = f"{_named(usual, missing)}: {missing.sum()} of the {len(usual)} usual channels are missing."
                yield Flag(one.record, MISSING_LEADS, detail)


def _subjects_twice(recordings: Sequence[Recording]) -> Iterator[Flag]:
    """Subjects that are in several collections or folders: one person, or two with one name."""
    places: dict[str, list[str]] = defaultdict(list)
    for one in recordings:
        place = _place(one)
        if place not in places[one.subject]:
            places[one.subject].append(place)
    for one in recordings:
        found = places[one.subject]
        if len(found) > 1 and _place(one) != found[0]:
            detail = f"{one.subject} is in {_place(one)} and in {found[0]}: a split keeps them together as one person."
            yield Flag(one.record, SUBJECT, detail)


def _place(recording: Recording) -> str:
    """The collection, and the folder in it that the record lies in."""
    parts = PurePosixPath(recording.record).parts
    return f"{recording.source.name}/{parts[0]}" if len(parts) > 1 else recording.source.name
