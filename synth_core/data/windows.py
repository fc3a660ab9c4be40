"""A signal recording → windows of one length and rate, each with a verdict and a quality."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from synth_core.data.bad_channels import bad_channels
from synth_core.data.events import Moment, events, moments
from synth_core.data.example import (
    BAD_CHANNEL,
    CLIPPED,
    FLAT,
    LINE_NOISE,
    MISSING,
    NEAR_END,
    OUT_OF_RANGE,
    OVERLAPS,
    STEP,
    Example,
)
from synth_core.data.preparation import Preparation
from synth_core.data.recording import Recording
from synth_core.data.reference import AS_RECORDED, referenced
from synth_core.data.spans import SpanLabels
from synth_core.leads import independent_leads, lead_matrix
from synth_core.signal import LARGEST_DENOMINATOR, baseline, filter_signal, line_noise, resample
from synth_core.types import DataSpec

BLOCK_VALUES = 2**22  # values filtered at once: 32 MB in float64, a few times that at the peak
HELD = 5  # equal samples in a row that make a plateau
BASELINE_HIGHPASS = 0.5  # Hz, zero-phase: the ST segment stays (Kligfield et al. 2007)
SETTLING_PERIODS = 10.0  # of the lowest corner, read on both sides of a block so that its filter has settled


@dataclass(frozen=True)
class _Work:
    """What is read of a recording, and what is made of it.

    `rows` of the recording are needed; `matrix` (channels of the spec, rows) computes the referenced channels from
    them, and is None where they are those rows.
    """

    recording: Recording
    spec: DataSpec
    preparation: Preparation
    rows: list[int]
    matrix: NDArray[np.float64] | None


def signal_windows(recording: Recording, spec: DataSpec, preparation: Preparation) -> Iterator[Example]:
    """Every whole window of a recording, in order; memory does not grow with the recording.

    Parameters
    ----------
    spec : of one window; its channels are picked from the recording, by name, after re-referencing.
    preparation : filters, stride or events, and limits.
    """
    work = _work(recording, spec, preparation)
    if bad_channels(recording, preparation) & set(work.rows):
        for _ in _starts(work) if preparation.around is None else _moments(work):
            yield Example(0.0, None, reason=BAD_CHANNEL)
        return
    if preparation.around is not None:
        yield from _event_windows(work)
        return
    starts = _starts(work)
    stride = starts.step
    per_block = max(1, (_block_samples(work) - spec.shape[1]) // stride)
    for first in range(0, len(starts), per_block):
        here = starts[first : first + per_block]
        yield from _block(work, here) if preparation.spans is None else _covered(work, here)


def _covered(work: _Work, starts: Sequence[int]) -> Iterator[Example]:
    """Windows with the classes of the spans that cover them; those without one are left out unread."""
    spans = SpanLabels(work.recording, work.preparation)
    length, rate = work.spec.shape[1], work.spec.rate
    kept: list[int] = []
    labels: list[tuple[str, ...] | None] = []
    for start in starts:
        own, reason = spans.of(start / rate, (start + length) / rate)
        if reason:
            yield Example(start / rate, None, reason=reason)
        else:
            kept.append(start)
            labels.append(own)
    if kept:
        yield from _labelled(_block(work, kept), labels)


def _work(recording: Recording, spec: DataSpec, preparation: Preparation) -> _Work:
    names, matrix = referenced(recording.spec.channels, preparation.reference)
    matrix = matrix[[names.index(name) for name in spec.channels]]
    if preparation.reference == AS_RECORDED:
        return _Work(recording, spec, preparation, [int(row) for row in matrix.argmax(axis=1)], None)
    rows = np.flatnonzero(matrix.any(axis=0))
    return _Work(recording, spec, preparation, rows.tolist(), matrix[:, rows])


def _starts(work: _Work) -> range:
    """First samples of sliding windows, at the rate of the spec."""
    length, rate = work.spec.shape[1], work.spec.rate
    stride = max(1, round((work.preparation.stride_seconds or length / rate) * rate))
    return range(0, _samples_at(work.recording, rate) - length + 1, stride)


def _moments(work: _Work) -> list[Moment]:
    """Where windows around events begin."""
    rate, preparation = work.spec.rate, work.preparation
    before = round(preparation.before_seconds * rate)
    return moments(events(work.recording, preparation), rate, before, work.spec.shape[1])


def _event_windows(work: _Work) -> Iterator[Example]:
    """A window around each event, in blocks of events that lie close together."""
    length, preparation = work.spec.shape[1], work.preparation
    last = _samples_at(work.recording, work.spec.rate) - length
    waiting: list[int] = []
    labels: list[tuple[str, ...] | None] = []
    for moment in _moments(work):
        if not 0 <= moment.start <= last:
            yield Example(moment.onset, None, reason=NEAR_END)
            continue
        if preparation.drop_overlapping and moment.overlaps:
            yield Example(moment.onset, None, reason=OVERLAPS)
            continue
        if waiting and moment.start + length - waiting[0] > _block_samples(work):
            yield from _labelled(_block(work, waiting), labels)
            waiting, labels = [], []
        waiting.append(moment.start)
        labels.append(moment.labels if preparation.classes_from_events else None)
    if waiting:
        yield from _labelled(_block(work, waiting), labels)


def _labelled(examples: Iterator[Example], labels: list[tuple[str, ...] | None]) -> Iterator[Example]:
    for example, own in zip(examples, labels, strict=True):
        yield replace(example, labels=None if own is None else tuple(name for name in own if name))


def _block_samples(work: _Work) -> int:
    """Samples at the rate of the spec that are filtered at once."""
    return int(BLOCK_VALUES / (work.recording.spec.shape[0] * work.recording.spec.rate) * work.spec.rate)


def _samples_at(recording: Recording, rate: float) -> int:
    return max(1, round(recording.spec.shape[1] * rate / recording.spec.rate))


def _block(work: _Work, starts: Sequence[int]) -> Iterator[Example]:
    """The windows at `starts` (samples at the rate of `spec`, in order), filtered and resampled together."""
    length, rate, own = work.spec.shape[1], work.spec.rate, work.recording.spec.rate
    ratio = Fraction(rate / own).limit_denominator(LARGEST_DENOMINATOR)
    margin = _margin(work.preparation, own)
    begin = max(0, int(starts[0] / ratio) - margin)
    begin -= begin % ratio.denominator  # on a sample that both rates share
    end = min(work.recording.spec.shape[1], int((starts[-1] + length) / ratio) + margin + 1)
    raw = work.recording.read(begin, end)[work.rows]
    bad = ~np.isfinite(raw)
    values = resample(_filtered(work, _without_gaps(raw, bad)), own, rate)
    offset = int(begin * ratio)
    clipped, held = _plateaus(raw)
    for start in starts:
        here = slice(int(start / ratio) - begin, max(int((start + length) / ratio) - begin, 1))
        part = values[:, start - offset : start - offset + length]
        yield _judged(
            start / rate, part, raw[:, here], bad[:, here], clipped[:, here], held[:, here], own, work.preparation
        )


def _filtered(work: _Work, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(needed rows, samples) → (channels of the spec, samples), referenced, without baseline, filtered."""
    if work.matrix is not None:
        values = work.matrix @ values
    preparation, rate = work.preparation, work.recording.spec.rate
    if preparation.baseline == "median":  # of the independent leads, so that the others still follow from them
        independent = list(independent_leads(work.spec.channels))
        values = values - lead_matrix(work.spec.channels) @ baseline(values[independent], rate)
    return filter_signal(values, rate, _highpass(preparation), preparation.lowpass, preparation.notch)


def _highpass(preparation: Preparation) -> float | None:
    if preparation.baseline == "highpass":
        return preparation.highpass or BASELINE_HIGHPASS
    return preparation.highpass


def _judged(
    start: float,
    values: NDArray[np.float64],
    raw: NDArray[np.float32],
    bad: NDArray[np.bool_],
    clipped: NDArray[np.bool_],
    held: NDArray[np.bool_],
    rate: float,
    preparation: Preparation,
) -> Example:
    reason = ""
    if bad.any():
        reason = MISSING
    elif _is_flat(raw, max(2, min(raw.shape[1], int(preparation.flat_seconds * rate)))):
        reason = FLAT
    elif clipped.mean(axis=1).max() > preparation.max_clipped:
        reason = CLIPPED
    elif preparation.max_abs is not None and np.abs(values).max() > preparation.max_abs:
        reason = OUT_OF_RANGE
    elif preparation.max_step is not None and np.abs(np.diff(values)).max(initial=0.0) > preparation.max_step:
        reason = STEP
    elif preparation.max_line_noise is not None and _hum(raw, rate) > preparation.max_line_noise:
        reason = LINE_NOISE
    if reason:
        return Example(start, None, reason=reason)
    return Example(start, values.astype(np.float32), quality=float(1 - held.mean(axis=1).max()))


def _hum(raw: NDArray[np.float32], rate: float) -> float:
    """Share of mains hum in the worst channel; 0 in windows too short to tell."""
    return float(line_noise(raw, rate).max()) if raw.shape[1] >= 2 else 0.0


def _margin(preparation: Preparation, rate: float) -> int:
    corners = [corner for corner in (_highpass(preparation), preparation.lowpass, preparation.notch) if corner]
    return int(rate * max(1.0, SETTLING_PERIODS / min(corners))) if corners else int(rate)


def _without_gaps(raw: NDArray[np.float32], bad: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Missing samples bridged by straight lines, so that a filter does not spread them."""
    values = raw.astype(np.float64)
    positions = np.arange(raw.shape[1])
    for row, missing in zip(values, bad, strict=True):
        if missing.all():
            row[:] = 0.0
        elif missing.any():
            row[missing] = np.interp(positions[missing], positions[~missing], row[~missing])
    return values


def _plateaus(raw: NDArray[np.float32]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(channels, samples) twice: on a plateau at the highest or lowest value, and on any plateau."""
    held = _runs(raw)
    highest = np.nanmax(np.where(np.isfinite(raw), raw, -np.inf), axis=1, keepdims=True)
    lowest = np.nanmin(np.where(np.isfinite(raw), raw, np.inf), axis=1, keepdims=True)
    return held & ((raw == highest) | (raw == lowest)), held


def _runs(raw: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Samples in a run of at least HELD equal ones."""
    held = np.zeros(raw.shape, bool)
    if raw.shape[1] < HELD:
        return held
    same = np.diff(raw, axis=1) == 0
    runs = np.lib.stride_tricks.sliding_window_view(same, HELD - 1, axis=1).all(
        axis=2
    )  # (channels, samples − HELD + 1)
    for shift in range(HELD):
        held[:, shift : shift + runs.shape[1]] |= runs
    return held


def _is_flat(raw: NDArray[np.float32], span: int) -> bool:
    """Whether any channel keeps one value for `span` samples in a row."""
    changes = np.diff(raw, axis=1) != 0
    before = np.cumsum(np.pad(changes, ((0, 0), (1, 0))), axis=1)  # changes before each sample
    return bool((before[:, span - 1 :] == before[:, : before.shape[1] - span + 1]).any())
