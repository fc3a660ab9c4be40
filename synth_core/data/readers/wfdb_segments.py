"""WFDB records of several segments: a header that names records, which follow one another in time.

Format: https://physionet.org/physiotools/wag/header-5.htm. All segments have the same signals (fixed layout), or the
first is a layout header and each of the others has some of its signals (variable layout). Where a signal is missing,
and in gaps, it is NaN.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth_core.data.readers.base import Opening
from synth_core.data.readers.files import Files, sibling
from synth_core.data.readers.names import record_of
from synth_core.data.readers.wfdb import (
    DIFFERENCES,
    MOST_SAMPLES,
    SIGNALS,
    TO_MILLIVOLT,
    check_signal_files,
    choose,
    decode,
    described,
    evidence_of,
    headers,
    is_segmented,
    named_channels,
    parsed_header,
    scale_of,
    spec_of,
)
from synth_core.data.readers.wfdb_comments import without_free_text
from synth_core.data.readers.wfdb_marks import ENDINGS as ANNOTATIONS
from synth_core.data.readers.wfdb_marks import endings_beside, read_marks
from synth_core.data.recording import Recording, Source
from synth_core.errors import DamagedFile, DataError

GAP = "~"  # the name of a segment without samples


@dataclass(frozen=True)
class Segment:
    """A part of a record: where it begins and ends in the record, in samples, and its header; None for a gap."""

    start: int
    stop: int
    header: Path | None


@dataclass(kw_only=True)
class SegmentedRecording(Recording):
    """A record of several segments; the header of a segment is read when its samples are asked for.

    Parameters
    ----------
    segments : in order, without the layout.
    names : the signals of the record, in the words of the file, one per channel of the spec.
    picks : their numbers in every segment (fixed layout), or None where segments are searched by name.
    """

    header: Path
    segments: tuple[Segment, ...]
    names: tuple[str, ...]
    picks: tuple[int, ...] | None

    def read(self, start: int | None = None, stop: int | None = None) -> NDArray[np.float32]:
        """See Recording; NaN where a segment does not have a signal."""
        first, last = self.span(start, stop)
        values = np.full((len(self.names), last - first), np.nan, np.float32)
        for segment in self.segments:
            begin, end = max(first, segment.start), min(last, segment.stop)
            if segment.header is not None and begin < end:
                within = slice(begin - segment.start, end - segment.start)
                self._fill(values[:, begin - first : end - first], segment, within)
        return values

    def _fill(self, values: NDArray[np.float32], segment: Segment, within: slice) -> None:
        """Put the samples `within` a segment into `values`, (channels, samples)."""
        assert segment.header is not None
        part = _part(segment.header)
        if part.samples < segment.stop - segment.start:
            raise DamagedFile(self.header, f"declares more samples than {segment.header.stem} has; download it again.")
        wanted = self.picks or [part.names.index(name) if name in part.names else -1 for name in self.names]
        here = [(row, k) for row, k in enumerate(wanted) if 0 <= k < len(part.units) and part.units[k] in TO_MILLIVOLT]
        if here:
            rows, picks = zip(*here, strict=True)
            scale = np.array([scale_of(part.units[k], self.spec.modality) for k in picks])
            decoded = decode(segment.header, picks, within.start, within.stop, part.from_start)
            values[list(rows)] = decoded * scale[:, None]


def read(files: Files, opening: Opening) -> list[Recording]:
    """Every record of several segments; its segments are taken with it."""
    recordings: list[Recording] = []
    for header in [file for file in headers(files) if is_segmented(files, file)]:
        files.take(header, *(header.with_suffix(ending) for ending in ANNOTATIONS))
        try:
            record = parsed_header(header, several=True)
            parts = [sibling(header, f"{name}.hea") for name in record.seg_name if name != GAP]
            files.take(*(part.with_suffix(ending) for part in parts for ending in (".hea", *SIGNALS)))
            recordings.append(_segmented(header, files, record))
        except DataError as error:
            opening.skipped.append(error)
    return recordings


def _segmented(header: Path, files: Files, record: Any) -> SegmentedRecording:
    lengths, names = list(record.seg_len), list(record.seg_name)
    layout = sibling(header, f"{next((name for name in names if name != GAP), '')}.hea")
    variable = record.layout == "variable"
    if variable:
        names, lengths = names[1:], lengths[1:]
    segments = _in_order(header, names, lengths)
    samples, rate = sum(lengths), float(record.fs or 0)
    if not 0 < samples <= MOST_SAMPLES or not 0 < rate < 1e6 or (record.sig_len or samples) != samples:
        raise DamagedFile(header, f"declares segments of {samples:,} samples in all, not {record.sig_len}.")
    layout_record = parsed_header(layout)
    signals = list(layout_record.sig_name or ())
    if len(signals) != record.n_sig or None in signals or None in layout_record.units:
        raise DamagedFile(layout, f"does not describe each of the {record.n_sig} signals; download it again.")
    modality, picks = choose(header, signals, list(layout_record.units))
    spec = spec_of(modality, [signals[i] for i in picks], samples, rate)
    leads = named_channels(signals, picks, spec)
    marks, unread = read_marks(header, endings_beside(header), rate, spec.seconds, leads)
    return SegmentedRecording(
        spec=spec,
        subject="",
        record=record_of(files.relative(header)),
        evidence=evidence_of(header, files, record),
        annotations=marks,
        source=Source(header.parent.resolve().name),
        metadata=without_free_text(described(record, signals, picks, unread)) | {"segments": len(segments)},
        stated_unit=layout_record.units[picks[0]],
        header=header,
        segments=segments,
        names=tuple(signals[i] for i in picks),
        picks=None if variable else picks,
    )


def _in_order(header: Path, names: list[str], lengths: list[int]) -> tuple[Segment, ...]:
    """The segments that have samples; DamagedFile where the header of one is not there."""
    segments, start = [], 0
    for name, length in zip(names, lengths, strict=True):
        own = None if name == GAP else sibling(header, f"{name}.hea")
        if own is not None and not own.is_file():
            raise DamagedFile(header, f"names the segment {name}, which is not beside it; put it there.")
        if length:
            segments.append(Segment(start, start + length, own))
        start += length
    return tuple(segments)


@dataclass(frozen=True)
class _Part:
    """What a segment holds: its signals and their units in lower case, and its samples."""

    names: tuple[str, ...]
    units: tuple[str, ...]
    samples: int
    from_start: bool


@lru_cache(maxsize=512)
def _part(header: Path) -> _Part:
    record = parsed_header(header)
    samples = check_signal_files(header, record)
    units = tuple(unit.lower() for unit in record.units)
    return _Part(tuple(record.sig_name), units, samples, DIFFERENCES in record.fmt)
