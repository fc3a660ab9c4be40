"""Damage to files, for the tests of the readers and for the campaign of `benchmarks.fuzz`."""

from __future__ import annotations

import numpy as np

WORDS = (b"\xff\xff\xff\xff", b"\x00\x00\x00\x80", b"\xff\xff\xff\x7f", b"\x00\x00\x00\x00", b"9999", b"-1 \n")
HEADER = 1024  # bytes in which most of the damage is interesting


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """Cut short, bits and bytes flipped, words overwritten, stretches doubled or zeroed: seldom twice the same."""
    changed = bytearray(content)
    if rng.random() < 0.25:
        del changed[int(rng.integers(1, len(changed) + 1)) :]
    for _ in range(int(rng.integers(1, 8))):
        if not changed:
            break
        position = int(rng.integers(0, len(changed) if rng.random() < 0.4 else min(len(changed), HEADER)))
        stretch = slice(position, position + int(rng.integers(1, 64)))
        match int(rng.integers(0, 6)):
            case 0:
                changed[position] ^= 1 << int(rng.integers(0, 8))
            case 1:
                changed[position] = int(rng.integers(0, 256))
            case 2:
                changed[position : position + 4] = WORDS[int(rng.integers(0, len(WORDS)))]
            case 3:
                changed[stretch] = bytes(len(changed[stretch]))
            case 4:
                changed[position : position + 8] = b"9" * int(rng.integers(1, 12))
            case _:
                changed[position:position] = changed[stretch]
    return bytes(changed)
