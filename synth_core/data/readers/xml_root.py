"""The root element of an XML file, which says what it is; read from its beginning."""

from __future__ import annotations

import re
from pathlib import Path

from synth_core.data.readers.files import head

BEGINNING = 8192  # bytes: a stylesheet, a DOCTYPE and comments may come before the root
_BEFORE = re.compile(r"\s+|<\?.*?\?>|<!--.*?-->|<!DOCTYPE(?:[^\[>]|\[.*?\])*>", re.DOTALL)
_ROOT = re.compile(r"<(?:[\w.-]+:)?([A-Za-z_][\w.-]*)")


def root_of(file: Path, start: bytes) -> str:
    """The name of the root without its prefix; "" for what is no XML.

    Parameters
    ----------
    start : the first bytes of the file, so that only XML is looked at further.
    """
    if not start.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \r\n\t").startswith(b"<"):
        return ""
    text = head(file, BEGINNING).replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe").decode("latin-1")
    position = 0
    while before := _BEFORE.match(text, position):
        position = before.end()
    found = _ROOT.match(text, position)
    return found[1] if found else ""
