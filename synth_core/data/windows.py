"""A signal recording → windows of one length and rate, each with a verdict and a quality."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from synth_core.data.example import CLIPPED, FLAT, MISSING, OUT_OF_RANGE, Example
from synth_core.data.preparation import Preparation
from synth_core.data.recording import Recording
from synth_core.signal import LARGEST_DENOMINATOR, filter_signal, resample
from synth_core.types import DataSpec

BLOCK_VALUES = 2**22  # values filtered at once: 32 MB in float64, a few times that at the peak
HELD = 5  # equal samples in a row that make a plateau
SETTLING_PERIODS = 10.0  # of the lowest corner, read on both sides of a block so that its filter has settled


def signal_windows(recording: Recording, spec: DataSpec, preparation: Preparation) -> Iterator[Example]:
    """Every whole window of a recording, in order; memory does not grow with the recording.

    Parameters
    ----------
    spec : of one window; its channels are picked from the recording, by name.
    preparation : filters, stride and limits.
    """
    length = spec.shape[1]
    samples = _samples_at(recording, spec.rate)
    stride = max(1, round((preparation.stride_seconds or length / spec.rate) * spec.rate))
    starts = range(0, samples - length + 1, stride)
    per_block = max(
        1, int(BLOCK_VALUES / (recording.spec.shape[0] * recording.spec.rate) * spec.rate - length) // stride
    )
    for first in range(0, len(starts), per_block):
        yield from _block(recording, spec, preparation, starts[first : first + per_block])


def _samples_at(recording: Recording, rate: float) -> int:
    return max(1, round(recording.spec.shape[1] * rate / recording.spec.rate))


def _block(recording: Recording, spec: DataSpec, preparation: Preparation, starts: range) -> Iterator[Example]:
    """The windows at `starts` (samples at the rate of `spec`), filtered and resampled together."""
    length, own = spec.shape[1], recording.spec.rate
    ratio = Fraction(spec.rate / own).limit_denominator(LARGEST_DENOMINATOR)
    margin = _margin(preparation, own)
    begin = max(0, int(starts[0] / ratio) - margin)
    begin -= begin % ratio.denominator  # on a sample that both rates share
    end = min(recording.spec.shape[1], int((starts[-1] + length) / ratio) + margin + 1)
    rows = [recording.spec.channels.index(name) for name in spec.channels]
    raw = recording.read(begin, end)[rows]
    bad = ~np.isfinite(raw)
    values = filter_signal(_without_gaps(raw, bad), own, preparation.highpass, preparation.lowpass, preparation.notch)
    values = resample(values, own, spec.rate)
    offset = int(begin * ratio)
    clipped, held = _plateaus(raw)
    for start in starts:
        here = slice(int(start / ratio) - begin, max(int((start + length) / ratio) - begin, 1))
        part = values[:, start - offset : start - offset + length]
        yield _judged(
            start / spec.rate, part, raw[:, here], bad[:, here], clipped[:, here], held[:, here], own, preparation
        )


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
    if reason:
        return Example(start, None, reason=reason)
    return Example(start, values.astype(np.float32), quality=float(1 - held.mean(axis=1).max()))


def _margin(preparation: Preparation, rate: float) -> int:
    corners = [corner for corner in (preparation.highpass, preparation.lowpass, preparation.notch) if corner]
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
