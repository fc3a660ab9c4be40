"""What a compressed image declares of itself, before a decoder allocates for it."""

from __future__ import annotations

import struct


def codestream_size(code: bytes) -> tuple[int, int] | None:
    """(height, width) that a JPEG, JPEG-LS or JPEG 2000 codestream of one component gives; None for anything else.

    ISO 10918-1 B.2.2 (frame header) and 15444-1 A.5.1 (SIZ); (0, 0) when there are several components.
    """
    siz = code.find(b"\xff\x4f\xff\x51")
    if siz >= 0 and (siz == 0 or code[4:8] == b"jP  "):
        width, height, left, top = struct.unpack_from(">4I", code, siz + 8)
        tile_width, tile_height = struct.unpack_from(">2I", code, siz + 24)
        components, sound = struct.unpack_from(">H", code, siz + 40)[0], min(tile_width, tile_height) >= 1
        return (height - top, width - left) if components == 1 and sound else (0, 0)
    if not code.startswith(b"\xff\xd8"):
        return None
    position = 2
    while position + 10 < len(code) and code[position] == 0xFF:
        marker = code[position + 1]
        if (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)) or marker == 0xF7:
            height, width, components = struct.unpack_from(">HHB", code, position + 5)
            return (height, width) if components == 1 else (0, 0)
        position += 1 if marker == 0xFF else 2 + struct.unpack_from(">H", code, position + 2)[0]
    return (0, 0)
