"""What an audit looks at: traits of how an item is sent, and simple statistics of what it shows."""

from __future__ import annotations

import os
import time
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from synth_core.study.payload import Rendering

COMBS = (2, 3, 4)  # every so many codes; longer periods would see how narrow a tissue is, which is content
ENDS = 2  # samples at each end
BANDS = 6
ROUNDS = 5
NEAR = 5  # codes
CHANCE = 3  # times as many as nearby, and one more, may be equal by chance
PLACEMENT = frozenset({"place on disk", "file name"})  # groups that are drawn at random when a study is made
Codes = NDArray[np.int16]
Traits = dict[str, list[float]]


def of_files(paths: Sequence[Path], shape: tuple[int, ...]) -> dict[str, Traits]:
    """Size, head and age of each payload file, and its place in the folder."""
    heads = [path.read_bytes()[: -2 * int(np.prod(shape))] for path in paths]
    with os.scandir(paths[0].parent) as entries:
        listed = {entry.name: number for number, entry in enumerate(entries)}
    status = [path.stat() for path in paths]
    return {
        "file size": {"bytes": [one.st_size for one in status]},
        "file head": {
            "is the most common one": _most_common(heads),
            "rarity": _rarity(heads),
            "length": [len(head) for head in heads],
        },
        "place on disk": {
            "time of writing": [one.st_mtime_ns for one in status],
            "inode": [one.st_ino for one in status],
            "place in the folder": [listed[path.name] for path in paths],
        },
        "file name": {
            "length": [len(path.name) for path in paths],
            "first character": [ord(path.name[0]) for path in paths],
            "last character": [ord(path.stem[-1]) for path in paths],
            "place in the alphabet": np.argsort(np.argsort([path.name for path in paths])).tolist(),
        },
    }


def of_codes(codes: Sequence[Codes], rendering: Rendering) -> dict[str, Traits]:
    """Limits, last digits, grid and ends of the int16 codes of each item.

    Where items end at the limits that all were given, how much of them does is content.
    """
    limits = rendering.limits
    inner = [one[(one != limits[0]) & (one != limits[1])].astype(np.int64) for one in codes]
    lows, highs = [int(one.min()) for one in codes], [int(one.max()) for one in codes]
    return {
        "extremes": {
            "samples at a highest value of its own": [
                _at(one, high, limits) for one, high in zip(codes, highs, strict=True)
            ],
            "samples at a lowest value of its own": [
                _at(one, low, limits) for one, low in zip(codes, lows, strict=True)
            ],
            "items that share the highest value": _shared(highs),
            "items that share the lowest value": _shared(lows),
        },
        "last digits": {f"every {period} codes": [_comb(one, period) for one in inner] for period in COMBS}
        | {"largest common divisor": [float(np.gcd.reduce(one - one.min())) if one.size else 0.0 for one in inner]},
        "first and last samples": {
            "level at the start": [_flat(one[..., : ENDS + 1], limits) for one in codes],
            "level at the end": [_flat(one[..., -ENDS - 1 :], limits) for one in codes],
            "zeros at the start": [_zeros(one[..., :ENDS]) for one in codes],
            "zeros at the end": [_zeros(one[..., -ENDS:]) for one in codes],
        },
    }


def of_showings(positions: Mapping[str, Sequence[int]], items: Sequence[str]) -> dict[str, Traits]:
    """Where each item stands in the orders of the raters; nothing while there are none."""
    if not any(positions.values()):
        return {}
    places = [positions.get(item, ()) for item in items]
    return {
        "order": {
            "mean position": [float(np.mean(place)) if len(place) else -1.0 for place in places],
            "first position": [float(min(place, default=-1)) for place in places],
            "times shown": [len(place) for place in places],
        }
    }


def of_content(codes: Sequence[Codes], rendering: Rendering) -> dict[str, Traits]:
    """Simple statistics of what is shown, in the unit of the study."""
    values = [rendering.decode(one).astype(np.float64) for one in codes]
    spectra = np.array([_spectrum(one) for one in values])
    packed = [len(zlib.compress(one.tobytes(), 6)) for one in codes]
    return {
        "amplitude": {
            "highest value": [float(one.max()) for one in values],
            "lowest value": [float(one.min()) for one in values],
            "standard deviation": [float(one.std()) for one in values],
            "mean of the channels": [float(np.abs(one.mean(axis=-1)).max()) for one in values],
            "first sample": [float(np.abs(one[..., 0]).mean()) for one in values],
            "step from sample to sample": [float(np.abs(np.diff(one, axis=-1)).mean()) for one in values],
        },
        "spectrum": {f"band {band + 1} of {BANDS}": spectra[:, band].tolist() for band in range(BANDS)},
        "regularity": {"size when compressed": [float(size) for size in packed]},
    }


def of_reading(paths: Sequence[Path]) -> dict[str, Traits]:
    """How long each payload takes to read: seconds, the shortest of `ROUNDS`.

    The rounds run through all files, so that a busy moment meets both kinds.
    """
    times = np.empty((ROUNDS, len(paths)))
    for row in times:
        for index, path in enumerate(paths):
            begun = time.perf_counter()
            path.read_bytes()
            row[index] = time.perf_counter() - begun
    return {"latency": {"shortest time to read": [float(value) for value in times.min(axis=0)]}}


def _most_common(heads: Sequence[bytes]) -> list[float]:
    [(most, _)] = Counter(heads).most_common(1)
    return [float(head == most) for head in heads]


def _rarity(heads: Sequence[bytes]) -> list[float]:
    counts = Counter(heads)
    return [1 / counts[head] for head in heads]


def _shared(values: Sequence[int]) -> list[float]:
    """How many other items have the very same extreme, beyond what those close by make a coincidence; else 0."""
    counts = Counter(values)
    offsets = [step for step in range(-NEAR, NEAR + 1) if step]
    nearby = [sum(counts[value + step] for step in offsets) / len(offsets) for value in values]
    return [max(0.0, counts[value] - 1 - CHANCE * (1 + near)) for value, near in zip(values, nearby, strict=True)]


def _at(codes: Codes, extreme: int, limits: tuple[int, int]) -> float:
    return 0.0 if extreme in limits else float(np.mean(codes == extreme))


def _comb(inner: NDArray[np.int64], period: int) -> float:
    """How far codes stand at one place of each period: near 0 for whatever varies smoothly, 1 for a grid of it."""
    if not inner.size:
        return 0.0
    places = np.bincount(inner % period, minlength=period) / inner.size
    return float(np.abs(places @ np.exp(2j * np.pi * np.arange(period) / period)))


def _zeros(ends: Codes) -> float:
    """Share of channels (rows of an image) that are nothing but zeros at an end, as padding is."""
    return float(np.mean(np.all(ends == 0, axis=-1)))


def _flat(ends: Codes, limits: tuple[int, int]) -> float:
    """Share of channels (rows of an image) that are level at an end, where they are not at a limit."""
    inner = (ends != limits[0]) & (ends != limits[1])
    return float(np.mean(np.all((ends == ends[..., :1]) & inner, axis=-1)))


def _spectrum(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(BANDS,) logarithm of the share of power in bands of equal width up to half the rate."""
    centred = values - values.mean(axis=-1, keepdims=True)
    power = (np.abs(np.fft.rfft(centred, axis=-1)) ** 2).reshape(-1, values.shape[-1] // 2 + 1).mean(axis=0)
    bands = np.array([part.sum() for part in np.array_split(power[1:], BANDS)])
    return np.asarray(np.log10(bands / max(bands.sum(), 1e-30) + 1e-12))
