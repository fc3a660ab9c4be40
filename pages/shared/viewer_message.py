"""Arrays → the bytes that a canvas viewer reads, at most 2 MB a message.

A message is a little-endian uint32 (length of the header), the header as JSON, and the samples: int16, each stored as
the difference from the one before it (modulo 2¹⁶), all low bytes before all high bytes, deflated (zlib). Neighbouring
samples are alike, so most high bytes are zero; an ECG or a CT slice shrinks to between a half and a fifth.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

MESSAGE_LIMIT = 1_900_000  # bytes; Streamlit's websocket takes 2 MB, and the viewer's script travels along
HEADER_BLOCK = 8192  # bytes; the header of an even message is padded to a multiple
GAP = np.int16(-32768)  # a sample without a value
STEPS = 65534  # quantisation steps over the range of a channel: −32767 … 32767


def pack(header: Mapping[str, Any], samples: NDArray[np.int16], *, even: bool = False) -> bytes:
    """Header and samples (any shape, C order) as one message; `identity` in the header is a checksum of everything.

    The viewer keeps its scroll position when a message comes again with the same identity. With `even`, messages of
    the same shape have the same number of bytes whatever they hold: stored, not deflated, under a padded header.
    """
    difference = np.diff(samples.ravel(), prepend=np.int16(0)).astype("<i2")
    body = zlib.compress(difference.view(np.uint8).reshape(-1, 2).T.tobytes(), level=0 if even else 4)
    text = json.dumps({**header, "identity": zlib.crc32(body, zlib.crc32(json.dumps(header).encode()))}).encode()
    if even:
        text = text.ljust(-(-len(text) // HEADER_BLOCK) * HEADER_BLOCK)
    return struct.pack("<I", len(text)) + text + body


def quantise(values: NDArray[np.float32]) -> tuple[NDArray[np.int16], NDArray[np.float64], NDArray[np.float64]]:
    """Signals (channels, samples) as int16 with `value = offset + scale · code` per channel.

    The error is at most half a step, range / 131068 of the channel; what is not finite becomes GAP.

    Returns
    -------
    codes (channels, samples), scale (channels,), offset (channels,).
    """
    finite = np.isfinite(values)
    low = np.where(finite, values, np.inf).min(axis=1).astype(np.float64)
    high = np.where(finite, values, -np.inf).max(axis=1).astype(np.float64)
    empty = ~finite.any(axis=1)
    low[empty], high[empty] = 0.0, 0.0
    offset = (low + high) / 2
    scale = np.where(high > low, (high - low) / STEPS, 1.0)
    codes = np.rint((np.where(finite, values, 0.0) - offset[:, None]) / scale[:, None])
    return np.where(finite, np.clip(codes, -32767, 32767), GAP).astype(np.int16), scale, offset


def extremes(values: NDArray[np.float32], bucket: int) -> NDArray[np.float32]:
    """Lowest and highest of every `bucket` samples, in the order in which they came.

    No spike is lost. The order is kept because these pairs are drawn as a line: always lowest first would show as a
    sawtooth on a page of one second.

    Parameters
    ----------
    values : (channels, samples).
    bucket : samples per pair, at least 2.

    Returns
    -------
    (channels, 2 · ⌈samples / bucket⌉), at 2 / bucket of the rate.
    """
    blocks = np.pad(values, ((0, 0), (0, -values.shape[1] % bucket)), mode="edge").reshape(len(values), -1, bucket)
    finite = np.isfinite(blocks)
    lowest = np.where(finite, blocks, np.inf).argmin(axis=2)
    highest = np.where(finite, blocks, -np.inf).argmax(axis=2)
    order = np.sort(np.stack([lowest, highest], axis=2), axis=2)
    return np.take_along_axis(blocks, order, axis=2).reshape(len(values), -1)


def shrink(volume: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """Mean of every factor × factor pixels: (slices, height, width) → (slices, ⌊height/f⌋, ⌊width/f⌋)."""
    slices, height, width = volume.shape[0], volume.shape[1] // factor, volume.shape[2] // factor
    trimmed = volume[:, : height * factor, : width * factor]
    return trimmed.reshape(slices, height, factor, width, factor).mean(axis=(2, 4), dtype=np.float32)


def hounsfield_codes(volume: NDArray[np.float32]) -> NDArray[np.int16]:
    """HU rounded to whole numbers (error ≤ 0.5 HU within −32767 … 32767); what is not finite becomes GAP."""
    finite = np.isfinite(volume)
    rounded = np.rint(np.where(finite, volume, 0.0)).clip(-32767, 32767)
    return np.where(finite, rounded, GAP).astype(np.int16)
